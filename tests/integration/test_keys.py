"""API keys: scopes, an end, last use, revoking; over HTTP and on the command line."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from tests.conftest import Report
from tests.fakes.script import Script, words
from tests.harness.browser import open_browser
from tests.harness.full_client import SocketClosedError, new_name, open_full
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

from quarterdeck.domain.ids import now_ms

OUT_S = 5.0
KEY = re.compile(r"qd_k[0-9a-z]{66}")
Make = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[httpx2.Client]:
    with open_browser(server) as client:
        yield client


@pytest.fixture
def make(browser: httpx2.Client) -> Make:
    def make_key(*scopes: str, **fields: Any) -> dict[str, Any]:
        answer = browser.post("/api/me/keys", json={"name": "test", "scopes": list(scopes)} | fields)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return make_key


def test_a_key_is_shown_once_and_listed_without_its_secret(browser: httpx2.Client, make: Make, server: Server) -> None:
    made = make("read", name="  backup script ")
    assert KEY.fullmatch(made["secret"])
    assert made["secret"].startswith(made["hint"].rstrip("…"))
    [listed] = [item for item in browser.get("/api/me/keys").json()["items"] if item["id"] == made["id"]]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert (listed["name"], listed["scopes"], listed["used_at"]) == ("backup script", ["read"], None)
    with server.http(made["secret"]) as script:
        assert script.get("/api/me").status_code == 200
    wait_until(lambda: _listed(browser, made["id"])["used_at"], "its last use")
    assert made["secret"][30:] not in browser.get("/api/me/keys").text


def test_a_key_may_do_what_its_scopes_say_and_no_more(make: Make, server: Server, report: Report) -> None:
    """Every scope by itself, on one route of each kind; another user's key is in the census of routes."""
    asked = {
        "read": ("GET", "/api/conversations", None),
        "chat": ("POST", "/chat_batch", {"message": "Hi", "model": "builtin/log-reader"}),
        "admin": ("GET", "/api/providers", None),
    }
    wrong = []
    for scope in ("read", "chat", "admin", "scim"):
        with server.http(make(scope)["secret"]) as script:
            for needed, (method, path, body) in asked.items():
                status = script.request(method, path, json=body).status_code
                if (status == 200) != (scope == needed) or status not in (200, 403):
                    wrong.append(f"a key for {scope} at {method} {path}: {status}")
    report("scopes of keys", wrong, 4 * len(asked))


def test_a_key_cannot_make_one_with_more_than_it_has(make: Make, server: Server) -> None:
    until = now_ms() + 3_600_000
    with server.http(make("chat", "read", "admin", expires_at=until)["secret"]) as script:
        more = script.post("/api/me/keys", json={"name": "x", "scopes": ["scim"]})
        assert (more.status_code, more.json()["code"]) == (403, "forbidden")
        for wanted in (None, until + 1_000_000):
            made = script.post("/api/me/keys", json={"name": "x", "scopes": ["read"], "expires_at": wanted})
            assert made.status_code == 201, made.text
            assert made.json()["expires_at"] == until, "nor does it live longer"
    with server.http(make("chat", "read")["secret"]) as script:
        assert script.post("/api/me/keys", json={"name": "x", "scopes": ["read"]}).status_code == 403


def test_a_member_cannot_have_a_key_for_administration(stranger: httpx2.Client, server: Server) -> None:
    for scope in ("admin", "scim", "read"):  # a key without the scope admin makes none at all
        assert stranger.post("/api/me/keys", json={"name": "x", "scopes": [scope]}).status_code == 403
    done = server.run("key", "create", "--user", "stranger", "--scope", "admin")
    assert (done.returncode, done.stdout) == (1, "")
    assert "stranger is no admin" in done.stderr


@pytest.mark.parametrize(
    "wanted",
    [
        {"scopes": ["read"]}, {"name": "x"}, {"name": "", "scopes": ["read"]}, {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]}, {"name": "x", "scopes": "read"},
        {"name": "x" * 201, "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "expires_at": 1}, {"name": "x", "scopes": ["read"], "expires_at": -5},
        {"name": "x", "scopes": ["read"], "expires_at": "soon"}, {"name": "x", "scopes": ["read"], "expires_at": 2**70},
        {"name": "\ud800", "scopes": ["read"]}, [], None,
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_is_refused_in_a_sentence(browser: httpx2.Client, wanted: Any) -> None:
    answer = browser.post("/api/me/keys", content=json.dumps(wanted), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert answer.json()["detail"].endswith(".")


def test_a_revoked_key_is_refused_and_gone(browser: httpx2.Client, make: Make, server: Server) -> None:
    made = make("read", "chat")
    with server.http(made["secret"]) as script:
        assert script.get("/api/me").status_code == 200
        assert browser.delete(f"/api/me/keys/{made['id']}").status_code == 204
        assert script.get("/api/me").status_code == 401
    assert browser.delete(f"/api/me/keys/{made['id']}").status_code == 404
    assert made["id"] not in browser.get("/api/me/keys").text


def test_a_key_may_revoke_itself_and_no_other(make: Make, server: Server) -> None:
    one, other = make("chat"), make("chat")
    with server.http(one["secret"]) as script:
        assert script.delete(f"/api/me/keys/{other['id']}").status_code == 403
        assert script.delete(f"/api/me/keys/{one['id']}").status_code == 204
        assert script.delete(f"/api/me/keys/{one['id']}").status_code == 401


def test_somebody_elses_key_is_not_there(browser: httpx2.Client, stranger_key: str, stranger: httpx2.Client) -> None:
    assert browser.delete(f"/api/me/keys/{stranger_key[4:30]}").status_code == 404
    assert stranger.get("/api/me").status_code == 200


def test_an_expired_key_is_refused(make: Make, server: Server) -> None:
    with server.http(make("read", expires_at=now_ms() + 300)["secret"]) as script:
        wait_until(lambda: script.get("/api/me").status_code == 401, "the key's end")


class Reader:
    """An answer that is streamed over HTTP, read until it ends."""

    def __init__(self, http: httpx2.AsyncClient, method: str, path: str, body: Any = None) -> None:
        self._has_begun = asyncio.Event()
        self.how = asyncio.create_task(self._read(http, method, path, body))

    async def begun(self) -> Reader:
        async with asyncio.timeout(OUT_S):
            await self._has_begun.wait()
        return self

    async def _read(self, http: httpx2.AsyncClient, method: str, path: str, body: Any) -> str:
        try:
            async with http.stream(method, path, json=body) as answer:
                async for _ in answer.aiter_bytes():
                    self._has_begun.set()
        except httpx2.TransportError:
            return "cut"
        return "ended"


@pytest.fixture
async def opened(server: Server, make: Make, upstream: Upstream) -> AsyncIterator[dict[str, Any]]:
    """Whatever a key can have open: both sockets, server-sent events and `/chat_batch`, all of an endless answer."""
    made = make("chat", "read")
    model = upstream.model(Script(pieces=words(4_000), delay_s=0.02))
    headers = {"authorization": f"Bearer {made['secret']}"}
    async with (
        open_full(server.port, made["secret"]) as full,
        open_simple(server.port, made["secret"]) as simple,
        httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=20) as http,
    ):
        turn = (await full.send(model=model))["turn"]
        await full.until_text(turn, 10)
        events = await Reader(http, "GET", f"/api/turns/{turn}/events").begun()
        batch = await Reader(http, "POST", "/chat_batch", {"message": "Hi", "model": model}).begun()
        yield {"key": made, "turn": turn, "full": full, "simple": simple, "events": events, "batch": batch}
        for reader in (events, batch):
            reader.how.cancel()


async def test_what_a_revoked_key_has_open_ends_within_seconds(
    opened: dict[str, Any], browser: httpx2.Client, server: Server, report: Report
) -> None:
    wrong = []
    assert await asyncio.to_thread(lambda: browser.delete(f"/api/me/keys/{opened['key']['id']}").status_code) == 204
    try:
        await opened["full"].until(lambda: None, "the end", OUT_S)
    except SocketClosedError as closed:
        wrong += [] if closed.code in (1008, 1006) else [f"the full socket: {closed.code}"]
    except TimeoutError:
        wrong.append("the full socket is open")
    try:
        async with asyncio.timeout(OUT_S):
            await opened["simple"].socket.wait_closed()
    except TimeoutError:
        wrong.append("the simple socket is open")
    for name in ("events", "batch"):
        done, _ = await asyncio.wait([opened[name].how], timeout=OUT_S)
        wrong += [] if done and opened[name].how.result() == "cut" else [f"{name} goes on"]
    with server.http() as owner:
        owner.post(f"/api/turns/{opened['turn']}/stop")
    report("a revoked key's connections end", wrong, 4)


def _listed(browser: httpx2.Client, key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in browser.get("/api/me/keys").json()["items"] if item["id"] == key)
    return found


def test_the_command_line_makes_lists_and_revokes(server: Server) -> None:
    made = server.run("key", "create", "--name", "nightly", "--scope", "read", "--scope", "chat", "--expires", "90d")
    assert KEY.fullmatch(made.stdout.strip())
    key = made.stdout.strip()[4:30]
    [line] = [line for line in server.run("key", "list").stdout.splitlines() if line.startswith(key)]
    assert line.split("\t")[1:4] == ["owner", "chat,read", "never used"]
    assert line.endswith("nightly")
    with server.http(made.stdout.strip()) as script:
        [listed] = [item for item in script.get("/api/me/keys").json()["items"] if item["id"] == key]
        assert abs(listed["expires_at"] - listed["created_at"] - 90 * 86_400_000) < 60_000
        assert server.run("key", "revoke", key).stdout == f"Revoked {key} (nightly).\n"
        assert script.get("/api/me").status_code == 401
    assert key not in server.run("key", "list").stdout
    again = server.run("key", "revoke", key)
    assert (again.returncode, again.stdout) == (1, "")


@pytest.mark.parametrize("option", [["--expires", "soon"], ["--expires", "0d"], ["--scope", "everything"]])
def test_a_key_that_cannot_be_is_bad_use(server: Server, option: list[str]) -> None:
    done = server.run("key", "create", *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


async def test_the_audit_log_names_who_made_and_revoked_a_key(
    server: Server, make: Make, browser: httpx2.Client
) -> None:
    made = make("read", name=new_name("label"))
    browser.delete(f"/api/me/keys/{made['id']}")
    entries = browser.get("/api/admin/audit", params={"action": "key."}).json()["items"]
    mine = [entry for entry in entries if entry["detail"]["key"] == made["id"]]
    assert [(entry["action"], entry["actor_name"], entry["address"]) for entry in mine] == [
        ("key.revoked", "owner", "127.0.0.1"),
        ("key.created", "owner", "127.0.0.1"),
    ]
    assert made["secret"][30:] not in str(entries)
