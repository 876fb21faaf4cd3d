"""Other sites: exact Origin for what a cookie may do, hosts by name, headers on every answer."""

from __future__ import annotations

import re
import socket
from http.cookies import SimpleCookie
from pathlib import Path

import httpx2
import pytest
from tests.conftest import MakeServer, Report
from tests.harness.full_client import PROTOCOL, open_full
from tests.harness.server import Server
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from quarterdeck.web.guard import PAGE_POLICY
from quarterdeck.web.page import _DOCS_POLICY, _SANDBOX_POLICY

ROOT = Path(__file__).parents[2]

HEADERS = {
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
}


@pytest.fixture(scope="module")
def session(server: Server) -> str:
    link = server.run("open", "--port", str(server.port)).stdout.strip()
    return SimpleCookie(httpx2.get(link).headers["set-cookie"])["qd_session"].value


def foreign_origins(port: int) -> list[str]:
    good = f"http://127.0.0.1:{port}"
    return [
        "", "null", "https://evil.example", f"https://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}",
        "http://127.0.0.1", f"http://localhost:{port}", f"{good}/", f"{good}.evil.example", f"{good}@evil.example",
        f"http://evil.example/{good}", f"{good} https://evil.example", f"{good},https://evil.example",
        f"http://[::1]:{port}", f"HTTP://127.0.0.1:{port}", f"http://127.0.0.1:0{port}", f"http://2130706433:{port}",
        "file://", "chrome-extension://abc", f"//127.0.0.1:{port}", f"127.0.0.1:{port}",
    ]  # fmt: skip


def test_a_cookie_may_write_from_our_own_origin_only(server: Server, session: str, report: Report) -> None:
    tried = [*foreign_origins(server.port), None]
    wrong = []
    for method, path in (("PATCH", "/api/settings"), ("POST", "/chat_batch"), ("POST", "/api/sign-out")):
        for origin in tried:
            headers = {"cookie": f"qd_session={session}"} | ({} if origin is None else {"origin": origin})
            answer = httpx2.request(method, f"{server.url}{path}", headers=headers, json={})
            if (answer.status_code, answer.json()["code"]) != (403, "wrong_origin"):
                wrong.append(f"{method} {path} from {origin!r}: {answer.status_code}")
    own = {"cookie": f"qd_session={session}", "origin": server.url}
    assert httpx2.patch(f"{server.url}/api/settings", headers=own, json={"default_model": ""}).status_code == 200
    report("cross-site writes refused", wrong, 3 * len(tried))


def test_an_empty_authorization_header_does_not_open_a_way_around(server: Server, session: str) -> None:
    headers = {"cookie": f"qd_session={session}", "origin": "https://evil.example", "authorization": ""}
    answer = httpx2.patch(f"{server.url}/api/settings", headers=headers, json={"default_model": ""})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_origin")


async def test_a_cookie_may_open_a_socket_from_our_own_origin_only(
    server: Server, session: str, report: Report
) -> None:
    wrong = []
    cookie = {"Cookie": f"qd_session={session}"}
    origins = [*foreign_origins(server.port), None]
    for origin in origins:
        given = cookie | ({} if origin is None else {"Origin": origin})
        for protocols in ([PROTOCOL], None):
            try:
                async with connect(
                    f"ws://127.0.0.1:{server.port}/chat", additional_headers=given, subprotocols=protocols, proxy=None
                ):
                    wrong.append(f"opened from {origin!r}")
            except InvalidStatus as refused:
                wrong += [] if refused.response.status_code == 403 else [f"{origin!r}: {refused}"]
    async with open_full(server.port, "", headers=cookie, origin=server.url) as client:
        assert (await client.ask("ping"))["type"] == "pong"
    report("cross-site sockets refused", wrong, 2 * len(origins))


def test_a_key_needs_no_origin(server: Server, http: httpx2.Client) -> None:
    answer = http.patch("/api/settings", json={"default_model": ""}, headers={"origin": "https://script.example"})
    assert answer.status_code == 200


HOSTS = [
    "evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.2", "0.0.0.0",
    "2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]", "localhost@evil.example", "169.254.169.254", "",
    "evil.example#localhost", "evil.example/localhost", "localhost\\evil.example", "192.168.0.1", "[::1",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/", "/api/me", "/readyz", "/open?link=x"])
def test_other_host_names_are_not_answered(server: Server, host: str, path: str) -> None:
    answer = httpx2.get(f"{server.url}{path}", headers={"host": host.format(port=server.port)})
    assert answer.status_code in (400, 421), answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:8000"])
def test_names_of_this_machine_are_answered(server: Server, host: str) -> None:
    assert httpx2.get(f"{server.url}/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("url", ["https://chat.example.org", "HTTPS://Chat.Example.org:443/"])
def test_the_public_name_is_answered_and_may_write(make_server: MakeServer, url: str) -> None:
    running = make_server(QUARTERDECK_PUBLIC_URL=url).start()
    secret = running.link.partition("link=")[2]
    host = {"host": "chat.example.org"}
    opened = httpx2.get(f"{running.url}/open", params={"link": secret}, headers=host)
    cookie = f"qd_session={SimpleCookie(opened.headers['set-cookie'])['qd_session'].value}"
    for origin, status in (("https://chat.example.org.evil.example", 403), ("https://chat.example.org", 204)):
        answer = httpx2.post(f"{running.url}/api/sign-out", headers=host | {"cookie": cookie, "origin": origin})
        assert answer.status_code == status


async def test_a_socket_for_another_host_is_refused(server: Server) -> None:
    key = {"Authorization": f"Bearer {server.key}"}
    with pytest.raises(InvalidStatus):
        async with connect(
            f"ws://evil.example:{server.port}/chat", host="127.0.0.1", additional_headers=key, proxy=None
        ):
            pass


def test_every_answer_has_the_security_headers(server: Server, http: httpx2.Client) -> None:
    paths = [path for path in http.get("/openapi.json").json()["paths"] if "{" not in path]
    asked = [*paths, "/", "/c/x", "/open?link=x", "/docs", "/favicon.svg", "/nothing", "/sandbox/mermaid", "/assets/x"]
    missing = []
    for path in asked:
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            if path == "/api/sign-out" and method == "POST":
                continue
            answer = http.request(method, path)
            lacking = HEADERS - set(answer.headers)
            missing += [f"{method} {path}: {lacking}"] if lacking else []
            assert "server" not in answer.headers
            assert answer.headers.get("access-control-allow-origin") is None
    assert missing == []
    assert "unsafe-inline" not in http.get("/api/me").headers["content-security-policy"]
    assert set(httpx2.get(f"{server.url}/api/me").headers) >= HEADERS
    assert set(httpx2.get(server.url, headers={"host": "evil.example"}).headers) >= HEADERS


def test_two_host_headers_are_not_answered(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        said = raw.makefile("rb").readline()
    assert said.split()[1] in (b"400", b"421")


def test_behind_https_browsers_are_told_to_stay_there(make_server: MakeServer, server: Server) -> None:
    behind = make_server(QUARTERDECK_PUBLIC_URL="https://chat.example.org").start()
    answer = httpx2.get(f"{behind.url}/healthz", headers={"host": "chat.example.org"})
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "strict-transport-security" not in httpx2.get(f"{server.url}/healthz").headers


INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")|\son[a-z]+\s*=|\sstyle\s*=|javascript:", re.IGNORECASE
)


def test_no_page_of_ours_has_anything_inline_that_runs() -> None:
    """So the policy needs neither nonces nor `unsafe-inline` for scripts: what the templates say is all there is."""
    pages = [path for path in (ROOT / "web-ui").glob("**/*.html") if "node_modules" not in path.parts]
    assert len(pages) >= 3
    assert {str(path): INLINE.findall(path.read_text()) for path in pages} == {str(path): [] for path in pages}
    for policy in (PAGE_POLICY, _DOCS_POLICY, _SANDBOX_POLICY):
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert scripts == "script-src 'self'"
    assert "unsafe" not in PAGE_POLICY


DEEP = [
    b"[" * 100_000, b'{"message":' * 50_000, b'{"message": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b'{"message": "x", "temperature": ' + b"9" * 5_000 + b"}", b'{"message": "x", "temperature": 1e999}',
    b'{"message": NaN}', b"\xff\xfe", b'{"message": "\\ud800"}', b"", b"null", b'"' + b"x" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("path", ["/chat_batch", "/api/me/keys"])
@pytest.mark.parametrize("number", range(len(DEEP)))
def test_a_body_that_no_parser_likes_is_told_so(http: httpx2.Client, path: str, number: int) -> None:
    answer = http.post(path, content=DEEP[number], headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("number", range(len(DEEP)))
async def test_a_frame_that_no_parser_likes_is_told_so_and_the_socket_stays(server: Server, number: int) -> None:
    async with open_full(server.port, server.key) as client:
        await client.say(DEEP[number])
        await client.until(lambda: client.frames or None, "an answer")
        assert client.frames[0]["type"] == "error"
        assert client.frames[0]["code"] == "bad_frame"
        assert (await client.ask("ping"))["type"] == "pong"
