"""Pages of other origins: those that are named may call the API with a key, no other may, and no cookie counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.conftest import Report
from tests.harness.people import add_person
from tests.harness.server import Server
from tests.harness.upstream import Upstream

from quarterdeck.config import load_settings
from quarterdeck.errors import SetupError

FRIEND = "https://front.example.org"
LOCAL = "http://localhost:3000"
CHAT: dict[str, Any] = {"model": "openai/fake-chat", "messages": [{"role": "user", "content": "Hello?"}]}
UI: dict[str, Any] = {
    "id": "c", "messages": [{"id": "m", "role": "user", "parts": [{"type": "text", "text": "Hello?"}]}],
}  # fmt: skip
AG_UI: dict[str, Any] = {
    "threadId": "t", "runId": "r", "messages": [{"id": "m", "role": "user", "content": "Hello?"}],
}  # fmt: skip
OPEN = [("POST", "/v1/chat/completions", CHAT), ("POST", "/api/ui/chat", UI), ("POST", "/api/ag-ui", AG_UI)]
SHUT = [
    "/api/settings",
    "/api/me",
    "/api/me/keys",
    "/chat_batch",
    "/token",
    "/api/conversations",
    "/v1",
    "/api/uix",
    "/",
]
STRANGERS = [
    "null", "https://evil.example", FRIEND + ".evil.example", FRIEND + "/", FRIEND + ":8443", "https://example.org",
    "http://front.example.org", f"{FRIEND}, {FRIEND}", f"{FRIEND},{LOCAL}", "*", "", "https://evilfront.example.org",
    "http://localhost", "https://localhost:3000", "http://localhost:30000", FRIEND.upper(),
]  # fmt: skip


@pytest.fixture(scope="module")
def allowing(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    named = {"QUARTERDECK_ALLOWED_ORIGINS": f"{FRIEND}, {LOCAL}", "QUARTERDECK_MODEL": "openai/fake-chat"}
    running = Server(tmp_path_factory.mktemp("allowing"), **(upstream.environment | named)).start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def page(allowing: Server) -> Iterator[httpx2.Client]:
    """A browser's requests, without any key."""
    with httpx2.Client(base_url=allowing.url, headers={"sec-fetch-site": "cross-site"}, timeout=10) as client:
        yield client


def asking(origin: str, method: str = "POST") -> dict[str, str]:
    return {
        "origin": origin, "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,x-stainless-os",
    }  # fmt: skip


def code_of(answer: httpx2.Response) -> str:
    told = answer.json()
    return str(told.get("error", told)["code"])


def allowance(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [FRIEND, LOCAL])
@pytest.mark.parametrize(("method", "path", "body"), OPEN)
def test_a_named_origin_may_ask_with_a_key_and_read_the_answer(
    allowing: Server, page: httpx2.Client, origin: str, method: str, path: str, body: dict[str, Any]
) -> None:
    before = page.options(path, headers=asking(origin, method))
    assert (before.status_code, before.content) == (204, b"")
    assert before.headers["access-control-allow-origin"] == origin
    assert method in before.headers["access-control-allow-methods"].split(", ")
    assert {"authorization", "*"} <= set(before.headers["access-control-allow-headers"].split(", "))
    key = {"origin": origin, "authorization": f"Bearer {allowing.key}"}
    answer = page.request(method, path, headers=key, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Origin" in answer.headers["vary"]
    for told in (before, answer):
        assert "access-control-allow-credentials" not in told.headers
        assert "content-security-policy" in told.headers


def test_what_goes_wrong_can_be_read_there_too(page: httpx2.Client) -> None:
    for key in ({}, {"authorization": "Bearer qd_nobody"}):
        answer = page.post("/v1/chat/completions", headers={"origin": FRIEND, **key}, json=CHAT)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert answer.headers["access-control-allow-origin"] == FRIEND


def test_no_cookie_counts_across_origins(allowing: Server, page: httpx2.Client, report: Report) -> None:
    """Neither does it do anything, nor may the page read what it would have done."""
    session = add_person(allowing.data_dir, "owner of a cookie", "admin").session
    cookie = {"origin": FRIEND, "cookie": f"qd_session={session}"}
    wrong = []
    for method, path, body in (*OPEN, ("DELETE", "/v1/responses/none", {}), ("POST", "/api/turns/none/stop", {})):
        answer = page.request(method, path, headers=cookie, json=body)
        if (answer.status_code, code_of(answer)) != (403, "wrong_origin"):
            wrong.append(f"{method} {path}: {answer.status_code}")
        wrong += [f"{method} {path}: {allowance(answer)}"] if allowance(answer) else []
    for path in ("/v1/models", "/api/ui/chat/c/messages"):
        answer = page.get(path, headers=cookie)
        wrong += [f"GET {path}: {allowance(answer)}"] if allowance(answer) else []
    report("cookies across origins", wrong, len(OPEN) + 4)


def test_no_other_origin_is_allowed_anything(allowing: Server, page: httpx2.Client, report: Report) -> None:
    wrong = []
    key = {"authorization": f"Bearer {allowing.key}"}
    for origin in STRANGERS:
        for method, path, body in OPEN:
            before = page.options(path, headers=asking(origin, method))
            wrong += [f"preflight of {path} from {origin!r}: {before.status_code}"] if before.is_success else []
            unsigned = page.request(method, path, headers={"origin": origin}, json=body)
            answers = (before, unsigned, page.get("/v1/models", headers={"origin": origin, **key}))
            wrong += [f"{path} from {origin!r}: {allowance(answer)}" for answer in answers if allowance(answer)]
    report("origins that are not named", wrong, len(STRANGERS) * len(OPEN) * 3)


@pytest.mark.parametrize("path", SHUT)
def test_the_rest_of_the_server_stays_shut(allowing: Server, page: httpx2.Client, path: str) -> None:
    for answer in (
        page.options(path, headers=asking(FRIEND, "POST")),
        page.get(path, headers={"origin": FRIEND, "authorization": f"Bearer {allowing.key}"}),
        page.post(path, headers={"origin": FRIEND}, json={}),
    ):
        assert allowance(answer) == {}


def test_nobody_is_allowed_unless_it_was_said(server: Server, http: httpx2.Client) -> None:
    assert allowance(http.options("/v1/chat/completions", headers=asking(FRIEND))) == {}
    assert allowance(http.get("/v1/models", headers={"origin": FRIEND})) == {}


@pytest.mark.parametrize(
    "named",
    ["*", "null", "front.example.org", "https://*.example.org", f"{FRIEND}/", f"{FRIEND}/x", f"{FRIEND},", "ws://a.b"],
)
def test_what_is_no_exact_origin_is_refused_at_the_start(
    named: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUARTERDECK_ALLOWED_ORIGINS", named)
    with pytest.raises(SetupError, match="QUARTERDECK_ALLOWED_ORIGINS"):
        load_settings()


def test_a_refusal_can_be_read_by_the_page_that_may_call(allowing: Server, page: httpx2.Client) -> None:
    key = {"origin": FRIEND, "authorization": f"Bearer {allowing.key}"}
    too_long = page.post("/v1/chat/completions", content=b"x" * (27 << 20), headers=key)
    assert (too_long.status_code, too_long.json()["error"]["code"]) == (413, "too_large")
    unknown = page.post("/v1/nothing", headers=key)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    for answer in (too_long, unknown):
        assert allowance(answer)["access-control-allow-origin"] == FRIEND
    stranger = page.post("/v1/chat/completions", content=b"x" * (27 << 20), headers=key | {"origin": STRANGERS[1]})
    assert (stranger.status_code, allowance(stranger)) == (413, {})
