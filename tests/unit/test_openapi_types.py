"""What the TypeScript types of the HTTP API look like (scripts/openapi_types.py)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

from openapi_types import ApiTypes

CAT: dict[str, Any] = {
    "type": "object",
    "description": "A cat.\n\nNot a dog.",
    "required": ["name", "kind"],
    "properties": {
        "name": {"type": "string", "description": "As it is called."},
        "kind": {"enum": ["tabby", "tom"], "type": "string"},
        "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "friends": {"type": "array", "items": {"$ref": "#/components/schemas/Cat"}},
        "moods": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}},
        "toys": {"type": "object", "additionalProperties": {"type": "integer"}},
        "x-y": {},
    },
}


def written(path: str, route: dict[str, Any]) -> str:
    openapi = {"components": {"schemas": {"Cat": CAT, "Dog": CAT}}, "paths": {path: {"get": route}}}
    return ApiTypes(openapi, ("/api/",)).text()


def answering(schema: dict[str, Any]) -> dict[str, Any]:
    return {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}


def test_an_object_is_an_interface_with_its_comments() -> None:
    text = written("/api/cats", answering({"$ref": "#/components/schemas/Cat"}))
    assert text.startswith(
        "/** A cat. Not a dog. */\nexport interface Cat {\n  /** As it is called. */\n  name: string;\n"
    )
    for line in (
        'kind: "tabby" | "tom";',
        "age?: number | null;",
        "friends?: Cat[];",
        "moods?: (string | number)[];",
        "toys?: Record<string, number>;",
        '"x-y"?: unknown;',
    ):
        assert f"  {line}\n" in text


def test_what_no_route_reaches_is_left_out() -> None:
    assert "Dog" not in written("/api/cats", answering({"$ref": "#/components/schemas/Cat"}))
    assert "Cat" not in written("/v1/cats", answering({"$ref": "#/components/schemas/Cat"}))


def test_a_route_says_what_it_takes_and_answers_with() -> None:
    route = answering({"type": "array", "items": {"type": "string"}}) | {
        "description": "List cats.",
        "parameters": [
            {"name": "house", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "limit", "in": "query", "schema": {"type": "integer"}},
        ],
    }
    line = (
        '"GET /api/{house}": { path: { house: string }; query: { limit?: number }; body: undefined; answer: string[] };'
    )
    assert f"  /** List cats. */\n  {line}\n" in written("/api/{house}", route)


def test_an_answer_without_a_body_is_undefined() -> None:
    assert "answer: undefined" in written("/api/cats", {"responses": {"204": {}}})
