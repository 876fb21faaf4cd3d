"""Other sites' pages: every route that changes something, and every socket, refuses what a browser sends for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.conftest import Report
from tests.harness.full_client import PROTOCOL
from tests.harness.people import add_person
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import is_long
from tests.security.census import addresses, http_routes
from tests.security.routes import ROUTES
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

HOST = "chat.example.org"
OWN = f"https://{HOST}"
FOREIGN = [
    "", "null", "https://evil.example", "https://evil.example.org", "https://example.org", "https://org", "*",
    f"https://evil.{HOST}", f"{OWN}.evil.example", f"https://evil-{HOST}", f"{OWN}-evil.example", f"{OWN}.",
    f"https://.{HOST}", f"http://{HOST}", f"{OWN}:8443", f"{OWN}:80", "https://chat-example-org", "https://ch\u0430t.example.org",
    f"https://xn--{HOST}", f"{OWN}@evil.example", f"https://evil.example/{HOST}", f"https://evil.example#{HOST}",
    f"https://evil.example?{OWN}", f"{OWN}/", f"{OWN} x", f"{OWN},{OWN}", f"{OWN} {OWN}", f"{OWN}\\@evil.example",
    f"{OWN}%00.evil.example", f"wss://{HOST}", f"ws://{HOST}", f"ftp://{HOST}", f"//{HOST}", HOST, "https://localhost",
    "http://localhost", "http://127.0.0.1", "file://", "data:", "about:blank", "blob:https://evil.example/1",
    "chrome-extension://abcdefghijklmnop", "https://[::1]",
]  # fmt: skip
Headers = dict[str, str | bytes]


def headers_of_others() -> list[Headers]:
    """What a browser adds for the pages of other sites; and nothing at all, as a very old one."""
    found: list[Headers] = [{"origin": origin.encode()} for origin in FOREIGN]
    found += [{"sec-fetch-site": site, "origin": "null"} for site in ("cross-site", "same-site")]
    found += [{"sec-fetch-site": site} for site in ("cross-site", "same-site", "none")]
    return [*found, {}, {"referer": f"{OWN}/settings"}]


def is_ascii(headers: Headers) -> bool:
    return all(value.isascii() for value in headers.values())


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    """As behind a proxy that has a name and speaks TLS."""
    environment = upstream.environment | {"QUARTERDECK_PUBLIC_URL": OWN}
    running = Server(tmp_path_factory.mktemp("public"), **environment).start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def cookie(public: Server) -> Headers:
    """What the admin's browser adds to every request, whichever page made it."""
    return {"host": HOST, "cookie": f"qd_session={add_person(public.data_dir, 'admin', 'admin').session}"}


def test_no_write_is_taken_from_another_site(public: Server, cookie: Headers, report: Report) -> None:
    wrong, count = [], 0
    everything = headers_of_others()
    with httpx2.Client(base_url=public.url, timeout=10) as browser:
        for number, route in enumerate(route for route in http_routes() if route.method not in ("GET", "HEAD")):
            [address, *_] = addresses(route, {}, is_strict=True)
            for headers in everything if is_long() else everything[number % 5 :: 5]:
                given: dict[Any, Any] = cookie | headers
                answer = browser.request(route.method, address, headers=given, json={})
                count += 1
                if answer.status_code != 403 or "This request came from another site." not in answer.text:
                    wrong.append(f"{route} with {headers}: {answer.status_code} {answer.text[:100]}")
    report("cross-site writes", wrong, count, f"{len(everything)} kinds of headers")


async def test_no_socket_is_opened_from_another_site(public: Server, cookie: Headers, report: Report) -> None:
    wrong, count = [], 0
    for route in (route for route in ROUTES.values() if route.method == "SOCKET"):
        for headers in filter(is_ascii, headers_of_others()):
            for protocols in ([PROTOCOL], None):
                count += 1
                status = await open_as_browser(public, route.path, cookie | headers, protocols)
                wrong += [] if status == 403 else [f"{route} with {headers}: {status}"]
    report("cross-site sockets", wrong, count)


async def test_ones_own_page_may(public: Server, cookie: Headers) -> None:
    """Else being refused would say nothing."""
    own: Headers = cookie | {"origin": OWN, "sec-fetch-site": "same-origin"}
    given: Any = own
    answer = httpx2.patch(f"{public.url}/api/settings", headers=given, json={"default_model": ""})
    assert answer.status_code == 200, answer.text
    assert await open_as_browser(public, "/chat", own, None) == 101


async def open_as_browser(server: Server, path: str, headers: Headers, protocols: list[Any] | None) -> int:
    given = {name: value if isinstance(value, str) else value.decode() for name, value in headers.items()}
    host = given.pop("host")
    try:
        async with connect(
            f"ws://{host}{path}", host="127.0.0.1", port=server.port, additional_headers=given,
            subprotocols=protocols, proxy=None,
        ):  # fmt: skip
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_a_site_that_changes_its_address_to_this_machine_is_not_answered(
    public: Server, cookie: Headers, report: Report
) -> None:
    """DNS rebinding: the browser thinks that it talks to the attacker's host."""
    hosts = [
        "evil.example", f"evil.example:{public.port}", "127.0.0.1.nip.io", "localhost.evil.example",
        f"{HOST}.evil.example",
        f"evil.{HOST}", f"{HOST}@evil.example", f"evil.example@{HOST}:80@evil.example", "0.0.0.0", "127.0.0.2", "127.1",
        "2130706433", "0x7f.1", "017700000001", "[::ffff:127.0.0.1]", "[::]", "[0:0:0:0:0:0:0:2]", "169.254.169.254",
        "10.0.0.1", "host.docker.internal", "metadata.google.internal", "", ".", "..", f"{HOST}..", "localhost..",
        f"{HOST}%00", f"{HOST}/x", f"{HOST}\\x", f"{HOST}#x", f"{HOST}?x", f"{HOST},evil.example",
        f"{HOST} evil.example",
    ]  # fmt: skip
    wrong = []
    with httpx2.Client(base_url=public.url, timeout=10) as browser:
        for host in hosts:
            for path in ("/", "/api/me", "/api/conversations", "/openapi.json"):
                given: Any = cookie | {"host": host}
                answer = browser.get(path, headers=given)
                if answer.status_code not in (400, 421) or "set-cookie" in answer.headers:
                    wrong.append(f"{path} as {host!r}: {answer.status_code}")
    report("DNS rebinding", wrong, 4 * len(hosts))
