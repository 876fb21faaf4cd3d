"""Snippets over HTTP: texts kept under a name."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.harness.full_client import new_name


def keep(http: httpx2.Client, name: str, text: str = "Hello {{name:you}}") -> dict[str, Any]:
    answer = http.post("/api/snippets", json={"name": name, "text": text})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_snippet_is_kept_changed_and_deleted(http: httpx2.Client) -> None:
    name = new_name("Zusammenfassen-ü")
    kept = keep(http, name)
    assert (kept["name"], kept["text"]) == (name.lower(), "Hello {{name:you}}")
    address = f"/api/snippets/{kept['id']}"
    changed = http.patch(address, json={"text": "Good day"}).json()
    assert (changed["name"], changed["text"]) == (name.lower(), "Good day")
    assert changed in http.get("/api/snippets").json()["items"]
    assert http.delete(address).status_code == 204
    assert http.delete(address).status_code == http.patch(address, json={"text": "x"}).status_code == 404


def test_a_name_is_given_once(http: httpx2.Client, stranger: httpx2.Client) -> None:
    first, second = keep(http, new_name("one")), keep(http, new_name("two"))
    twice = http.post("/api/snippets", json={"name": first["name"].upper(), "text": "x"})
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")
    assert http.patch(f"/api/snippets/{second['id']}", json={"name": first["name"]}).status_code == 409
    assert http.patch(f"/api/snippets/{first['id']}", json={"name": first["name"]}).status_code == 200
    assert keep(stranger, first["name"])["id"] != first["id"], "of one's own"


@pytest.mark.parametrize(
    "wrong",
    [{"name": "with blank"}, {"name": ""}, {"name": "x" * 51}, {"text": ""}, {"text": "x" * 20_001}, {"text": None}],
)
def test_what_no_snippet_can_be_is_refused(http: httpx2.Client, wrong: dict[str, Any]) -> None:
    assert http.post("/api/snippets", json={"name": new_name("s"), "text": "x"} | wrong).status_code == 422
    address = f"/api/snippets/{keep(http, new_name('s'))['id']}"
    assert http.patch(address, json=wrong).status_code == 422
