"""What Swagger UI and the collection offer to send can be sent, to any server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.fakes.script import Script
from tests.harness.server import Server
from tests.harness.upstream import Upstream

from quarterdeck.client import Client
from quarterdeck.web.api_examples import EXAMPLES

COLLECTION = Path(__file__).parents[2] / "docs" / "collection" / "quarterdeck.postman_collection.json"


@pytest.fixture(scope="module")
def variables(server: Server, upstream: Upstream) -> dict[str, str]:
    """What the paths' names stand for: a conversation with an answer."""
    with Client(server.url, key=server.key) as client:
        answer = client.send("Names for a cat?", conversation="examples", model=upstream.model(Script()))
        answer.wait()
        accepted = answer.accepted
    assert accepted is not None
    return {"message": accepted.message, "conversation": accepted.conversation, "turn": accepted.turn}


def documented(http: httpx2.Client) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in http.get("/openapi.json").json()["paths"].items():
        for method, route in methods.items():
            yield method, path, route


def test_every_example_can_be_sent_as_it_stands(http: httpx2.Client, variables: dict[str, str]) -> None:
    examples = {
        (method, path): route["requestBody"]["content"]["application/json"]["example"]
        for method, path, route in documented(http)
        if "example" in route.get("requestBody", {}).get("content", {}).get("application/json", {})
    }
    assert examples == EXAMPLES  # each is of a route that there is
    for (method, path), body in examples.items():
        answer = http.request(method, path.format_map(variables), json=body)
        assert answer.is_success, (method, path, answer.text)


def test_errors_are_described_as_they_are(http: httpx2.Client) -> None:
    described = {
        path: route["responses"]["default"]["content"]
        for _, path, route in documented(http)
        if not path.startswith(("/v1/", "/scim/"))
    }
    assert all(list(content) == ["application/problem+json"] for content in described.values())
    schema = http.get("/openapi.json").json()["components"]["schemas"]["Problem"]
    for answer in (http.get("/api/conversations/none"), http.post("/api/messages", json={}), http.get("/nowhere")):
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) == set(schema["required"]) == set(schema["properties"])


def test_the_collection_has_every_route_and_its_requests_work(http: httpx2.Client, variables: dict[str, str]) -> None:
    collection = json.loads(COLLECTION.read_text(encoding="utf-8"))
    requests = [item["request"] for folder in collection["item"] for item in folder["item"]]
    routes = {(method.upper(), path.replace("{", "{{").replace("}", "}}")) for method, path, _ in documented(http)}
    asked = {(request["method"], request["url"]["raw"].removeprefix("{{url}}")) for request in requests}
    assert {(method, path.replace("{{api_key_id}}", "{{key}}")) for method, path in asked} == routes
    plain = [request for request in requests if request["method"] == "GET" and "{{" not in request["url"]["raw"][7:]]
    tried = 0
    for request in plain:
        path = request["url"]["raw"].removeprefix("{{url}}")
        if any(not query["disabled"] for query in request["url"].get("query", [])) or path == "/api/events":
            continue
        answer = http.get(path)
        assert answer.status_code < 500, (path, answer.text)
        tried += answer.is_success
    assert tried > 20
    assert variables["message"]


def test_the_examples_of_other_front_ends_do_not_get_into_each_others_way(http: httpx2.Client) -> None:
    collection = json.loads(COLLECTION.read_text(encoding="utf-8"))
    requests = [item["request"] for folder in collection["item"] for item in folder["item"]]
    for path in ("/api/ui/chat", "/api/ag-ui"):
        [body] = [one["body"]["raw"] for one in requests if one["url"]["raw"] == "{{url}}" + path]
        answer = http.post(path, json=json.loads(body))
        assert answer.status_code == 200, (path, answer.text)


def test_an_address_of_the_collection_never_takes_the_api_key_or_ends_before_its_id() -> None:
    collection = json.loads(COLLECTION.read_text())
    known = {variable["key"]: variable["value"] for variable in collection["variable"]}
    requests = [item["request"] for folder in collection["item"] for item in folder["item"]]
    named = {name for request in requests for name in re.findall(r"{{(\w+)}}", "/".join(request["url"]["path"]))}
    assert "key" not in named
    assert {name for name in named if not known.get(name)} == set(), "importing it shows what there is to fill in"
    assert {"api_key_id", "conversation"} <= named
