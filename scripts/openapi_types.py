"""TypeScript types of the HTTP API from its OpenAPI description: an interface for each object, a table of all routes.

Written here rather than by a package from npm, so that `scripts/generate` and its check need no Node.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_PRIMITIVES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_REFERENCE = "#/components/schemas/"


class ApiTypes:
    """Of the routes whose paths begin with one of `beginnings`, and what they reach."""

    def __init__(self, openapi: Schema, beginnings: tuple[str, ...]) -> None:
        self._schemas: dict[str, Schema] = openapi["components"]["schemas"]
        self._routes = [
            (f"{method.upper()} {path}", route)
            for path, methods in openapi["paths"].items()
            if path.startswith(beginnings)
            for method, route in methods.items()
        ]
        self._reached: set[str] = set()

    def text(self) -> str:
        routes = self._route_table()
        return "\n".join([*self._interfaces(), routes])

    def _interfaces(self) -> Iterator[str]:
        written: set[str] = set()
        found: dict[str, str] = {}
        while left := self._reached - written:
            for name in left:
                found[name] = self._interface(name, self._schemas[name])
                written.add(name)
        yield from (found[name] for name in sorted(found))

    def _interface(self, name: str, schema: Schema) -> str:
        if "properties" not in schema:
            return f"{_comment(schema, '')}export type {name} = {self._type(schema)};\n"
        fields = "".join(f"{_comment(field, '  ')}  {line}\n" for field, line in self._fields(schema))
        return f"{_comment(schema, '')}export interface {name} {{\n{fields}}}\n"

    def _fields(self, schema: Schema) -> Iterator[tuple[Schema, str]]:
        required = schema.get("required", [])
        for name, field in schema["properties"].items():
            yield field, f"{_key(name)}{'' if name in required else '?'}: {self._type(field)};"

    def _route_table(self) -> str:
        lines = [f"{_comment(route, '  ')}  {self._route(name, route)}\n" for name, route in self._routes]
        return f"/** What each route takes and answers with. */\nexport interface Routes {{\n{''.join(lines)}}}\n"

    def _route(self, name: str, route: Schema) -> str:
        parameters = route.get("parameters", [])
        parts = [
            f"path: {self._parameters(parameters, 'path')}",
            f"query: {self._parameters(parameters, 'query')}",
            f"body: {self._json(route.get('requestBody', {}), 'undefined')}",
            f"answer: {self._answer(route)}",
        ]
        return f'"{name}": {{ {"; ".join(parts)} }};'

    def _parameters(self, parameters: list[Schema], place: str) -> str:
        found = [
            f"{_key(one['name'])}{'' if one.get('required') else '?'}: {self._type(one['schema'])}"
            for one in parameters
            if one["in"] == place
        ]
        return f"{{ {'; '.join(found)} }}" if found else "object"

    def _answer(self, route: Schema) -> str:
        for status, answer in route["responses"].items():
            if status.startswith("2"):
                return self._json(answer, "undefined")
        return "undefined"

    def _json(self, holder: Schema, absent: str) -> str:
        content = holder.get("content", {})
        if "application/json" not in content:
            return "Blob" if content else absent
        return self._type(content["application/json"]["schema"])

    def _type(self, schema: Schema) -> str:
        if reference := schema.get("$ref"):
            name = str(reference).removeprefix(_REFERENCE)
            self._reached.add(name)
            return name
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return " | ".join(dict.fromkeys(map(self._type, options)))
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return " | ".join(map(_literal, schema["enum"]))
        match schema.get("type"):
            case "array":
                item = self._type(schema.get("items", {}))
                return f"({item})[]" if " | " in item else f"{item}[]"
            case "object":
                return self._object(schema)
            case kind:
                return _PRIMITIVES.get(str(kind), "unknown")

    def _object(self, schema: Schema) -> str:
        if "properties" in schema:
            return f"{{ {' '.join(line for _, line in self._fields(schema))} }}"
        values = schema.get("additionalProperties")
        return f"Record<string, {self._type(values) if isinstance(values, dict) and values else 'unknown'}>"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _key(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'


def _comment(schema: Schema, indent: str) -> str:
    text = " ".join(str(schema.get("description", "")).split()).replace("*/", "* /")
    return f"{indent}/** {text} */\n" if text else ""
