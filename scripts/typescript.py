"""TypeScript interfaces from msgspec structs: what `msgspec.json` writes, and nothing that it does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from msgspec import inspect

PRIMITIVES: dict[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
    inspect.AnyType: "unknown",
}


class Writer:
    """Collects the structs that the given types reach. `named` are the literal types and unions worth a name."""

    def __init__(self, named: dict[str, Any]) -> None:
        self._names = {frozenset(get_args(found)): name for name, found in named.items()}
        self._structs: dict[str, str] = {}

    def interfaces(self) -> Iterable[str]:
        return self._structs.values()

    def add(self, *structs: type) -> None:
        for struct in structs:
            self.name_of(inspect.type_info(struct))

    def union(self, name: str, union: Any, *more: str) -> str:
        """`export type name = A | B | more;`, with the interfaces of A and B collected."""
        members = [*(self.name_of(inspect.type_info(member)) for member in get_args(union)), *more]
        return f"export type {name} =\n" + "\n".join(f"  | {member}" for member in members) + ";\n"

    def name_of(self, found: inspect.Type) -> str:
        match found:
            case inspect.StructType():
                return self._struct(found)
            case inspect.LiteralType(values=values):
                return self._names.get(frozenset(values)) or quoted(values)
            case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
                name = self.name_of(item)
                return f"({name})[]" if " | " in name else f"{name}[]"
            case inspect.UnionType(types=types):
                names = sorted((self.name_of(inner) for inner in types), key=lambda name: name == "null")
                classes = frozenset(inner.cls for inner in types if isinstance(inner, inspect.StructType))
                return self._names.get(classes) or " | ".join(names)
            case _:
                return PRIMITIVES[type(found)]

    def _struct(self, found: inspect.StructType) -> str:
        name = found.cls.__name__
        if name not in self._structs:
            self._structs[name] = ""  # holds its place, also against a struct that reaches itself
            self._structs[name] = self._interface(name, found)
        return name

    def _interface(self, name: str, found: inspect.StructType) -> str:
        lines = [f"/** {sentence} */" for sentence in [first_sentence(found.cls)] if sentence]
        lines.append(f"export interface {name} {{")
        if found.tag_field is not None:
            lines.append(f'  {found.tag_field}: "{found.tag}";')
        lines += [f"  {field_name(found, field)}: {self.name_of(field.type)};" for field in found.fields]
        return "\n".join([*lines, "}"]) + "\n"


def field_name(found: inspect.StructType, field: inspect.Field) -> str:
    """With a question mark where the field may be absent."""
    may_be_absent = not field.required and (found.cls.__struct_config__.omit_defaults or is_read(found))
    return f"{field.encode_name}{'?' if may_be_absent else ''}"


def is_read(found: inspect.StructType) -> bool:
    """Whether clients write this struct and the server reads it: then every default may be left out."""
    return any(base.__name__ == "_Client" for base in found.cls.__mro__)


def first_sentence(cls: type) -> str:
    """Of the docstring; empty where msgspec made it up."""
    text = " ".join((cls.__doc__ or "").split())
    return "" if not text or text.startswith(f"{cls.__name__}(") else text.split(". ")[0].rstrip(".") + "."


def quoted(values: Iterable[object]) -> str:
    """A union of string literals."""
    return " | ".join(f'"{value}"' for value in values)
