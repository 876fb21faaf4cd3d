"""Bodies that fit: with one that does not, a route answers 422 before it looks at whose thing it is."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

_PLAIN: dict[str, Any] = {"string": "x", "integer": 1, "number": 1, "boolean": True, "null": None}


def fitting_bodies(app: FastAPI) -> dict[tuple[str, str], Any]:
    """By (method, path): a small body that the route's schema takes, for each route that wants one."""
    schema = app.openapi()
    found = {}
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                found[verb.upper(), path] = _fit(content["schema"], schema)
    return found


def _fit(wanted: dict[str, Any], schema: dict[str, Any]) -> Any:
    if reference := wanted.get("$ref"):
        return _fit(schema["components"]["schemas"][reference.rpartition("/")[2]], schema)
    for known in ("const", "default"):
        if wanted.get(known) is not None:
            return wanted[known]
    for several in ("enum", "examples"):
        if wanted.get(several):
            return wanted[several][0]
    if choices := wanted.get("anyOf") or wanted.get("oneOf") or wanted.get("allOf"):
        return _fit(choices[0], schema)
    match wanted.get("type"):
        case "object":
            return _fit_object(wanted, schema)
        case "array":
            return [_fit(wanted["items"], schema)] * wanted.get("minItems", 0)
        case "string":
            return "x" * max(1, wanted.get("minLength", 1))
        case kind:
            return wanted.get("minimum", _PLAIN.get(kind or "null"))


def _fit_object(wanted: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What it must have; where nothing is a must, its first field, because a change must change something."""
    properties = wanted.get("properties", {})
    names = wanted.get("required") or list(properties)[:1]
    return {name: _fit(properties[name], schema) for name in names}
