"""Fills the tables of `scripts/templates/protocol.md` from the types, the error tree and the routes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import inspect

from quarterdeck.config import Settings
from quarterdeck.domain.events import Event, FeedEvent, TurnFault
from quarterdeck.domain.parts import Continuation, Part
from quarterdeck.domain.usage import ModelProfile, Price, Usage
from quarterdeck.errors import QuarterdeckError
from quarterdeck.views.frames import ClientFrame, ServerFrame
from quarterdeck.web.application import create_application
from typescript import Writer, field_name, first_sentence

Schema = dict[str, Any]
SKIPPED_SCHEMAS = {"HTTPValidationError", "ValidationError"}


def protocol_document(template: str) -> str:
    """`template` with each `{{name}}` replaced. Raises: `KeyError` for a name that nothing fills."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: FILLERS[found.group(1)](), template)


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def _say(cls: type) -> str:
    """The docstring on one line, without the one msgspec makes up."""
    text = " ".join((cls.__doc__ or "").split())
    return "–" if not text or text.startswith(f"{cls.__name__}(") else text


def _members(union: Any) -> list[inspect.StructType]:
    found = inspect.type_info(union)
    members = found.types if isinstance(found, inspect.UnionType) else (found,)
    return [member for member in members if isinstance(member, inspect.StructType)]


def _fields(found: inspect.StructType, left_out: str = "") -> str:
    writer = Writer({"Part": Part})
    named = [
        f"`{field_name(found, field)}` {writer.name_of(field.type)}" for field in found.fields if field.name != left_out
    ]
    return ", ".join(named) or "–"


def _tagged_table(heading: str, union: Any, left_out: str = "") -> str:
    rows = [(f"`{found.tag}`", _fields(found, left_out), _say(found.cls)) for found in _members(union)]
    return _table((heading, "fields", "meaning"), rows)


def _struct_table(*structs: type) -> str:
    rows = [
        (f"`{found.cls.__name__}`", _fields(found), _say(found.cls)) for struct in structs for found in _members(struct)
    ]
    return _table(("object", "fields", "meaning"), rows)


def _errors() -> str:
    rows = sorted(
        {
            cls.code: (f"`{cls.code}`", str(cls.status), "yes" if cls.retryable else "no", first_sentence(cls) or "–")
            for cls in _tree(QuarterdeckError)
            if "code" in vars(cls)
        }.values()
    )
    return _table(("code", "status", "worth another try", "meaning"), rows)


def _tree(cls: type[QuarterdeckError]) -> Iterator[type[QuarterdeckError]]:
    for child in cls.__subclasses__():
        yield child
        yield from _tree(child)


@functools.cache
def openapi() -> Schema:
    """The description of all routes."""
    return create_application(Settings()).openapi()


def _routes() -> str:
    rows = []
    for path, methods in openapi()["paths"].items():
        for method, route in methods.items():
            rows.append((f"`{method.upper()} {path}`", _parameters(route), _sentence(route)))
    return _table(("route", "parameters", "meaning"), rows)


def _parameters(route: Schema) -> str:
    queries = [f"`{found['name']}`" for found in route.get("parameters", []) if found["in"] != "path"]
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return ", ".join([*queries, *([f"body {_type(body)}"] if body else [])]) or "–"


def _sentence(route: Schema) -> str:
    return " ".join(route.get("description", "").split()) or "–"


def _documents() -> str:
    """The objects of the routes, field by field."""
    parts = []
    for name, schema in openapi()["components"]["schemas"].items():
        if name in SKIPPED_SCHEMAS:
            continue
        required = schema.get("required", [])
        rows = [
            (f"`{field}`{'' if field in required else '?'}", _type(found), found.get("description", "–"))
            for field, found in schema["properties"].items()
        ]
        intro = " ".join(schema.get("description", "").split())
        parts.append(f"**{name}**{': ' + intro if intro else ''}\n\n{_table(('field', 'type', 'meaning'), rows)}")
    return "\n\n".join(parts)


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if schema.get("type") == "array":
        return f"{_type(schema['items'])}[]"
    name = str(schema.get("type", "any"))
    return "int" if name == "integer" else name


FILLERS: dict[str, Callable[[], str]] = {
    "events": lambda: _tagged_table("event", Event),
    "feed_events": lambda: _tagged_table("event", FeedEvent),
    "client_frames": lambda: _tagged_table("frame", ClientFrame, left_out="ref"),
    "server_frames": lambda: _tagged_table("frame", ServerFrame, left_out="ref"),
    "parts": lambda: _tagged_table("part", Part),
    "structs": lambda: _struct_table(TurnFault, Usage, Continuation, ModelProfile, Price),
    "errors": _errors,
    "routes": _routes,
    "documents": _documents,
}
