"""Errors over HTTP, and what the routes' small parts make of what comes in."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from quarterdeck.errors import (
    AccessError,
    InputError,
    NotFoundError,
    OverloadedError,
    ProviderError,
    QuarterdeckError,
    error_of_code,
)
from quarterdeck.store.database import StorageError
from quarterdeck.store.listing import Place
from quarterdeck.web.conversations import _decode_cursor, _encode_cursor
from quarterdeck.web.invalid import install_validation
from quarterdeck.web.problems import install_problems
from quarterdeck.web.turns import _cursor


class Wanted(BaseModel):
    count: int


async def ask(error: Exception | None, method: str = "GET", path: str = "/x", **given: Any) -> httpx2.Response:
    app = FastAPI()
    install_problems(app)
    install_validation(app)

    @app.api_route("/x", methods=["GET"])
    async def fail() -> None:
        assert error is not None
        raise error

    @app.post("/y")
    async def take(wanted: Wanted) -> int:
        return wanted.count

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, **given)


def check_problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert set(body) == {"type", "title", "status", "detail", "code", "retryable"}
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("error", "status", "code", "is_retryable"),
    [
        (InputError("No.", detail="inner"), 422, "bad_input", False),
        (AccessError("Who?"), 401, "not_signed_in", False),
        (NotFoundError("Gone."), 404, "not_found", False),
        (StorageError("Full."), 503, "storage", True),
        (ProviderError("Down.", detail="inner"), 502, "provider_error", True),
    ],
)
async def test_an_error_is_its_status_its_code_and_its_sentence(
    error: QuarterdeckError, status: int, code: str, is_retryable: bool
) -> None:
    body = check_problem(await ask(error), status, code)
    assert (body["detail"], body["retryable"]) == (error.message, is_retryable)
    assert "inner" not in json.dumps(body)


async def test_who_should_come_back_later_is_told_when() -> None:
    assert (await ask(OverloadedError("Busy.", retry_after_s=2.4))).headers["retry-after"] == "2"
    assert (await ask(OverloadedError("Busy.", retry_after_s=0.1))).headers["retry-after"] == "1"
    assert "retry-after" not in (await ask(OverloadedError("Busy."))).headers


async def test_who_is_not_signed_in_is_told_how_to_be() -> None:
    assert (await ask(AccessError("Who?"))).headers["www-authenticate"] == "Bearer"


async def test_a_crash_says_nothing_of_its_cause() -> None:
    body = check_problem(await ask(ZeroDivisionError("secret")), 500, "internal")
    assert "secret" not in json.dumps(body)


async def test_an_unknown_address_or_method_is_a_problem_too() -> None:
    check_problem(await ask(None, path="/nowhere"), 404, "not_found")
    check_problem(await ask(None, "DELETE"), 405, "method_not_allowed")


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b'{"count": "many"}', b"\xff", b'{"count": NaN}', b""])
async def test_a_body_that_does_not_fit_is_named_and_not_repeated(content: bytes) -> None:
    response = await ask(None, "POST", "/y", content=content, headers={"content-type": "application/json"})
    assert "many" not in check_problem(response, response.status_code, response.json()["code"])["detail"]
    assert response.status_code in (400, 422)


@given(code=st.sampled_from(["provider_cut", "provider_refused", "storage", "limit", "no such code", ""]))
def test_a_stored_fault_becomes_its_error_again(code: str) -> None:
    error = error_of_code(code, "A sentence.")
    assert error.message == "A sentence."
    assert error.code == (code if code not in ("no such code", "") else "internal")


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".a", "-1.a", "²3.a", "9" * 16 + ".a", "1 .a", "1.5e3.a "])
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    if cursor == "1.5e3.a ":
        assert _decode_cursor(cursor) == Place(False, 1, "5e3.a ")  # reads like one of ours, and finds nothing
        return
    with pytest.raises(InputError):
        _decode_cursor(cursor)


@given(at=st.integers(0, 10**14), identifier=st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=1))
def test_a_cursor_comes_back_as_it_was_given(at: int, identifier: str) -> None:
    for place in (Place(True, at, identifier), Place(False, at, identifier)):
        assert _decode_cursor(_encode_cursor(place)) == place


@pytest.mark.parametrize(
    ("after", "last_event_id", "cursor"),
    [(None, None, 0), (5, None, 5), (5, "", 5), (5, "7", 7), (None, "0", 0), (None, "123456789012", 123456789012)],
)
def test_the_last_event_id_is_newer_than_the_address(after: int | None, last_event_id: str | None, cursor: int) -> None:
    assert _cursor(after, last_event_id) == cursor


@pytest.mark.parametrize("last_event_id", ["x", "-1", "1.5", "²", "٣", " 1", "1" * 13])
def test_a_last_event_id_that_is_no_number_is_refused(last_event_id: str) -> None:
    with pytest.raises(InputError):
        _cursor(None, last_event_id)


async def test_what_goes_wrong_at_a_link_that_works_once_is_logged_without_the_link(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()
    install_problems(app)
    install_validation(app)

    @app.get("/reset/{secret}")
    async def fail(secret: str, count: int = 0) -> None:
        raise StorageError("The database is away." if secret else "", detail="")

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    with caplog.at_level("INFO"):
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/reset/s3cret-link")).status_code == 503
            assert (await client.get("/reset/s3cret-link?count=many")).status_code == 422
    said = "".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name == "quarterdeck.web"
    )
    assert "/reset/{secret}" in said
    assert "s3cret-link" not in said
