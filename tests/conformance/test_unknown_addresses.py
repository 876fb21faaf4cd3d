"""Addresses and methods that an API does not have, refused in its own words."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import openai
import pytest
from tests.harness.server import Server


def test_openais_client_understands_an_address_that_is_not_there(server: Server) -> None:
    client = openai.OpenAI(api_key=server.key, base_url=f"{server.url}/v1", max_retries=0)
    with pytest.raises(openai.NotFoundError) as caught:
        client.get("/fine_tuning/jobs", cast_to=object)
    assert caught.value.body == {
        "message": "There is nothing at this address.", "type": "invalid_request_error", "param": None,
        "code": "not_found",
    }  # fmt: skip


def test_anthropics_client_understands_an_address_that_is_not_there(server: Server) -> None:
    client = anthropic.Anthropic(api_key=server.key, base_url=server.url, max_retries=0)
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.batches.list()
    told: Any = caught.value.body
    assert told["error"] == {"type": "not_found_error", "message": "There is nothing at this address."}


def test_a_client_whose_base_url_lacks_v1_or_has_one_too_many_is_told_so(server: Server) -> None:
    question: Any = [{"role": "user", "content": "Hello?"}]
    without = openai.OpenAI(api_key=server.key, base_url=server.url, max_retries=0)
    for ask in (
        lambda: without.chat.completions.create(model="openai/fake", messages=question),
        lambda: without.responses.create(model="openai/fake", input="Hello?"),
        without.models.list,
    ):
        with pytest.raises(openai.NotFoundError, match=r"put /v1 at the end of the client's base URL\."):
            ask()
    twice = anthropic.Anthropic(api_key=server.key, base_url=f"{server.url}/v1", max_retries=0)
    with pytest.raises(anthropic.NotFoundError) as caught:
        twice.messages.create(model="openai/fake", max_tokens=9, messages=question)
    told: Any = caught.value.body
    assert told["error"]["type"] == "not_found_error"
    assert "leave it out of the client's base URL" in told["error"]["message"]


@pytest.mark.parametrize("address", ["/v1/chat/completions", "/v1/messages", "/v1/models"])
def test_a_method_that_an_address_does_not_take(http: httpx2.Client, address: str) -> None:
    answer = http.put(address, json={})
    assert answer.status_code == 405
    assert answer.json()["error"]["message"] == "This address does not take that method."
    assert answer.headers["allow"]


def test_elsewhere_they_are_problems(http: httpx2.Client) -> None:
    for answer in (http.get("/api/nothing"), http.put("/api/settings/none"), http.get("/v1")):
        assert answer.headers["content-type"] == "application/problem+json"


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("address", ["/nosuch", "/c/a/b", "/memory/a/b", "/api", "/chat_batch/x"])
def test_a_browser_is_shown_a_page(http: httpx2.Client, address: str) -> None:
    answer = http.get(address, headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing at this address" in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert http.get(address).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("address", ["/api/nosuch", "/v1/nosuch", "/assets/nosuch.js"])
def test_what_programs_ask_for_stays_a_problem(http: httpx2.Client, address: str) -> None:
    answer = http.get(address, headers=BROWSER)
    assert answer.status_code in (401, 404)
    assert "html" not in answer.headers["content-type"]
