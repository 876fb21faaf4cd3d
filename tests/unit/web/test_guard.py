"""Which requests pass: a table of hosts, origins, cookies and headers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.config import Settings
from quarterdeck.web.doors import KNOCKS, PER_S, Doors, is_door
from quarterdeck.web.guard import MAX_BODY_BYTES, Guard

COOKIE = "qd_session=qd_sabc"
PUBLIC = "https://deck.example.org"

Headers = dict[str, str]
Message = dict[str, Any]


class Asked:
    """One request through the guard to an application that says 200, or accepts, to everything."""

    def __init__(self, public_url: str = "") -> None:
        self.guard = Guard(self._application, Settings(host="127.0.0.1", public_url=public_url))
        self.body = b""
        self.reached = False

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached = True
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        while True:
            message = await receive()
            self.body += message["body"]
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-content-type-options", b"own")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def run(
        self, method: str, headers: Headers, chunks: tuple[bytes, ...] = (b"",), scheme: str = "http"
    ) -> list[Message]:
        kind = "websocket" if method == "WS" else "http"
        scope = {
            "type": kind,
            "method": method,
            "path": "/x",
            "scheme": scheme,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        }
        waiting = [
            {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
            for number, chunk in enumerate(chunks, 1)
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"} if kind == "websocket" else waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await self.guard(scope, receive, send)
        return sent


async def ask(method: str, headers: Headers, public_url: str = "", scheme: str = "http") -> int:
    """The status; for a socket 101 or the close code."""
    asked = Asked(public_url)
    first = (await asked.run(method, headers, scheme=scheme))[0]
    status: Any = {"websocket.accept": 101, "websocket.close": first.get("code")}.get(
        first["type"], first.get("status")
    )
    assert asked.reached is (status in (200, 101))
    return int(status)


HOSTS = [
    ("127.0.0.1:8000", "", 200),
    ("localhost", "", 200),
    ("LOCALHOST:1", "", 200),
    ("[::1]:8000", "", 200),
    ("evil.example", "", 421),
    ("127.0.0.1.evil.example", "", 421),
    ("localhost.evil.example:8000", "", 421),
    ("evil@localhost", "", 421),
    ("localhost@evil.example", "", 421),
    ("", "", 421),
    ("[", "", 421),
    ("[::1", "", 421),
    ("a b", "", 421),
    ("deck.example.org", "", 421),
    ("deck.example.org", PUBLIC, 200),
    ("other.example.org", PUBLIC, 421),
]


@pytest.mark.parametrize(("host", "public_url", "status"), HOSTS)
async def test_only_our_own_names_are_answered(host: str, public_url: str, status: int) -> None:
    assert await ask("GET", {"host": host}, public_url) == status
    assert await ask("WS", {"host": host}, public_url) == (101 if status == 200 else 1008)


OWN = "http://127.0.0.1:8000"
ORIGINS = [
    # method, cookie, authorization, origin, does it pass
    ("GET", COOKIE, None, "http://evil.example", True),  # reading across sites is the browser's to refuse
    ("HEAD", COOKIE, None, None, True),
    ("POST", COOKIE, None, OWN, True),
    ("POST", COOKIE, None, None, False),
    ("POST", COOKIE, None, "", False),
    ("POST", COOKIE, None, "null", False),
    ("POST", COOKIE, None, "http://evil.example", False),
    ("POST", COOKIE, None, "https://127.0.0.1:8000", False),
    ("POST", COOKIE, None, "http://127.0.0.1:8001", False),
    ("POST", COOKIE, None, "http://127.0.0.1", False),
    ("POST", COOKIE, None, OWN + "/", False),
    ("POST", COOKIE, None, OWN.upper(), False),
    ("POST", COOKIE, None, OWN + ".evil.example", False),
    ("PUT", COOKIE, None, "http://evil.example", False),
    ("PATCH", COOKIE, None, "http://evil.example", False),
    ("DELETE", COOKIE, None, "http://evil.example", False),
    ("WS", COOKIE, None, OWN, True),
    ("WS", COOKIE, None, None, False),
    ("WS", COOKIE, None, "http://evil.example", False),
    ("WS", "a=b; " + COOKIE, None, "http://evil.example", False),
    ("POST", COOKIE, "", "http://evil.example", False),  # an empty header proves nothing: the cookie would be used
    ("WS", COOKIE, "", "http://evil.example", False),
    ("POST", COOKIE, "Bearer qd_kabc", "http://evil.example", True),  # the header counts, and no other site has it
    ("POST", None, "Bearer qd_kabc", None, True),
    ("WS", None, "Bearer qd_kabc", "http://evil.example", True),
    ("POST", None, None, "http://evil.example", False),  # nor may another site sign somebody in here
    ("POST", "other=1", None, "http://evil.example", False),
    ("POST", None, None, None, True),  # no browser: the route refuses who is not signed in
    ("POST", None, None, OWN, True),
]


@pytest.mark.parametrize(("method", "cookie", "authorization", "origin", "passes"), ORIGINS)
async def test_a_cookie_writes_only_from_our_own_page(
    method: str, cookie: str | None, authorization: str | None, origin: str | None, passes: bool
) -> None:
    given_headers = {"host": "127.0.0.1:8000", "cookie": cookie, "authorization": authorization, "origin": origin}
    headers = {name: value for name, value in given_headers.items() if value is not None}
    status = await ask(method, headers)
    assert status == ((101 if method == "WS" else 200) if passes else (1008 if method == "WS" else 403))


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "passes"),
    [
        (PUBLIC, "deck.example.org", "http", True),  # behind a proxy that ends TLS
        (PUBLIC, "127.0.0.1:8000", "http", True),
        ("https://deck.example.org:444", "deck.example.org", "http", False),
        ("http://evil.example", "deck.example.org", "http", False),
        ("https://localhost", "localhost", "https", True),
        ("http://localhost", "localhost", "https", False),
    ],
)
async def test_the_public_address_is_our_own_too(origin: str, host: str, scheme: str, passes: bool) -> None:
    headers = {"host": host, "cookie": COOKIE, "origin": origin}
    assert (await ask("POST", headers, PUBLIC, scheme) == 200) is passes
    assert (await ask("WS", headers, PUBLIC, scheme.replace("http", "ws")) == 101) is passes


@given(host=st.text(st.characters(max_codepoint=255), max_size=30), origin=st.text(st.characters(max_codepoint=255)))
async def test_no_header_makes_the_guard_fail(host: str, origin: str) -> None:
    status = await ask("POST", {"host": host, "origin": origin, "cookie": COOKIE, "content-length": origin})
    assert status in (200, 403, 413, 421)


async def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    asked = Asked()
    sent = await asked.run("POST", {"host": "localhost", "content-length": str(MAX_BODY_BYTES + 1)})
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "too_large"
    assert not asked.reached


async def test_a_body_that_grows_too_long_is_not_read_further() -> None:
    asked = Asked()
    half = b"x" * (MAX_BODY_BYTES // 2)
    sent = await asked.run("POST", {"host": "localhost"}, (half, half, b"x", half))
    assert sent[0]["status"] == 413
    assert len(asked.body) == 2 * len(half)


async def test_a_body_of_the_greatest_length_passes() -> None:
    asked = Asked()
    sent = await asked.run("POST", {"host": "localhost"}, (b"x" * MAX_BODY_BYTES,))
    assert sent[0]["status"] == 200


async def test_every_answer_carries_the_security_headers_and_keeps_its_own() -> None:
    sent = await Asked().run("GET", {"host": "localhost"})
    names = {name.decode() for name, _ in sent[0]["headers"]}
    assert {"content-security-policy", "x-content-type-options", "referrer-policy"} <= names
    assert (b"x-content-type-options", b"own") in sent[0]["headers"]
    policy = next(value for name, value in sent[0]["headers"] if name == b"content-security-policy").decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


SITES = [
    ("POST", "same-origin", True),
    ("POST", "same-site", False),
    ("POST", "cross-site", False),
    ("POST", "none", False),
    ("POST", "", False),
    ("DELETE", "cross-site", False),
    ("WS", "same-origin", True),
    ("WS", "cross-site", False),
    ("GET", "cross-site", True),  # a link that somebody followed
]


@pytest.mark.parametrize(("method", "site", "passes"), SITES)
async def test_where_the_browser_says_which_site_asks_it_must_be_ours(method: str, site: str, passes: bool) -> None:
    """Beside the right Origin: two headers that a page cannot set say the same."""
    headers = {"host": "127.0.0.1:8000", "cookie": COOKIE, "origin": OWN, "sec-fetch-site": site}
    status = await ask(method, headers)
    assert status == ((101 if method == "WS" else 200) if passes else (1008 if method == "WS" else 403))
    by_key = {"host": "127.0.0.1:8000", "authorization": "Bearer qd_kabc", "sec-fetch-site": site}
    assert await ask(method, by_key) == (101 if method == "WS" else 200)


def test_an_address_may_knock_often_but_not_without_end() -> None:
    now = [0.0]
    doors = Doors(lambda: now[0])
    assert all(doors.wait_s("192.0.2.1") == 0 for _ in range(KNOCKS))
    assert 0 < doors.wait_s("192.0.2.1") <= 1 / PER_S
    assert doors.wait_s("192.0.2.2") == 0, "another address is not held up"
    now[0] = 2.0
    assert [doors.wait_s("192.0.2.1") == 0 for _ in range(int(2 * PER_S) + 1)] == [True] * int(2 * PER_S) + [False]
    assert all(doors.wait_s(f"2001:db8::{number:x}") == 0 for number in range(KNOCKS))
    assert doors.wait_s("2001:db8::ffff") > 0, "an IPv6 network is one household"
    assert doors.wait_s("::ffff:192.0.2.1") > 0, "an IPv4 address that is written as IPv6 is the same one"
    assert doors.wait_s("::ffff:192.0.2.3") == 0, "and by itself"


def test_addresses_without_end_do_not_fill_the_memory() -> None:
    doors = Doors()
    for number in range(30_000):
        doors.wait_s(f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}")
    assert len(doors._buckets) <= 10_000


@pytest.mark.parametrize(
    ("path", "is_one"),
    [("/open", True), ("/api/sign-in", True), ("/api/invitations/x", True), ("/openapi.json", False), ("/", False),
     ("/api/conversations", False), ("/chat_batch", False), ("/assets/x.js", False), ("/readyz", False),
     ("/scim/v2/Users", False)],
)  # fmt: skip
def test_doors_are_where_anybody_may_knock(path: str, is_one: bool) -> None:
    assert is_door(path) == is_one
