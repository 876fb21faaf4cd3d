"""The HTTP API as a collection in Postman's format (v2.1), which Bruno, Insomnia and Hoppscotch import, too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_DESCRIPTION = (
    "Set the variable `url` to your server's address and `key` to an API key (`quarterdeck key create`). "
    "Requests with an id in their path take it from the variable of that name."
)
_NAMES = {"key": "api_key_id"}
_OPEN = ("/healthz", "/readyz", "/token", "/refresh_token")  # take no key


def api_collection(openapi: Schema) -> str:
    folders: dict[str, list[Schema]] = {}
    for path, methods in openapi["paths"].items():
        for method, route in methods.items():
            folder = (route.get("tags") or ["server"])[0]
            folders.setdefault(folder, []).append(_request(openapi, method, path, route))
    places = [_place(path) for path in openapi["paths"]]
    named = sorted({name for place in places for name in re.findall(r"\{\{(\w+)\}\}", place)})
    collection = {
        "info": {"name": "Quarterdeck", "description": _DESCRIPTION, "schema": _FORMAT},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{key}}", "type": "string"}]},
        "variable": [
            {"key": "url", "value": "http://127.0.0.1:8000"},
            {"key": "key", "value": ""},
            # not empty: an address that ends before its id may be another request, such as one about all
            *({"key": name, "value": f"id-of-{name}"} for name in named),
        ],
        "item": [{"name": name, "item": items} for name, items in folders.items()],
    }
    return json.dumps(collection, indent=1, ensure_ascii=False) + "\n"


def _request(openapi: Schema, method: str, path: str, route: Schema) -> Schema:
    place = _place(path)
    query = list(_query(route))
    request: Schema = {
        "method": method.upper(),
        "description": route.get("description", ""),
        "url": {
            "raw": "{{url}}" + place,
            "host": ["{{url}}"],
            "path": place.strip("/").split("/"),
            **({"query": query} if query else {}),
        },
    }
    if path in _OPEN:
        request["auth"] = {"type": "noauth"}
    body = route.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        sent = json.dumps(_example(openapi, body), indent=2, ensure_ascii=False)
        request["header"] = [{"key": "Content-Type", "value": "application/json"}]
        request["body"] = {"mode": "raw", "raw": sent, "options": {"raw": {"language": "json"}}}
    return {"name": route.get("summary") or path, "request": request}


def _place(path: str) -> str:
    """With variables for what it names. The API key is in `key`, and belongs into no address."""
    return re.sub(r"\{(\w+)\}", lambda found: "{{" + _NAMES.get(found[1], found[1]) + "}}", path)


def _query(route: Schema) -> Iterator[Schema]:
    """All that there are; only those that must be given are switched on."""
    for found in route.get("parameters", []):
        if found["in"] == "query":
            yield {
                "key": found["name"],
                "value": "",
                "description": found.get("description", ""),
                "disabled": not found.get("required", False),
            }


def _example(openapi: Schema, body: Schema) -> Any:
    """What the server says can be sent; else the fields that must be there."""
    if "example" in body:
        return body["example"]
    schema = _resolved(openapi, body.get("schema", {}))
    if schema.get("examples"):
        return schema["examples"][0]
    needed = schema.get("required", [])
    return {name: _value(openapi, found) for name, found in schema.get("properties", {}).items() if name in needed}


def _value(openapi: Schema, given: Schema) -> Any:
    schema = _resolved(openapi, given)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _value(openapi, schema["anyOf"][0])
    match schema.get("type"):
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return False
        case "array":
            return [_value(openapi, schema.get("items", {}))]
        case "object":
            return {}
        case _:
            return ""


def _resolved(openapi: Schema, schema: Schema) -> Schema:
    """What a reference stands for."""
    if "$ref" not in schema:
        return schema
    found: Schema = openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
