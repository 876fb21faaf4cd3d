"""A browser that signs in elsewhere: to the provider, back from it, with the cookies it was given."""

from __future__ import annotations

import itertools
import json
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
from tests.fakes.identity_server import CLIENT_ID, CLIENT_SECRET
from tests.harness.server import Server

_ADDRESSES = itertools.cycle(f"127.0.0.{number}" for number in range(2, 200))
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


class Browser:
    """Each from an address of its own: one alone may knock at some doors only so often."""

    def __init__(self, server: Server) -> None:
        self.server = server
        transport = httpx2.HTTPTransport(local_address=next(_ADDRESSES))
        self.http = httpx2.Client(base_url=server.url, timeout=15, transport=transport)
        self.elsewhere = httpx2.Client(timeout=15)  # the provider's cookies are another matter

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.http.close()
        self.elsewhere.close()

    def start(self, provider: str, **query: str) -> httpx2.Response:
        headers = SAME_ORIGIN if "link" in query else {}
        return self.http.get(f"/api/oauth/{provider}/start", params=query, headers=headers)

    def go_there(self, provider: str, **query: str) -> str:
        """Begin, and let the provider do its part: the address of the callback that it sends us to."""
        begun = self.start(provider, **query)
        assert begun.status_code == 302, begun.text
        location = begun.headers["location"]
        while not location.startswith(f"{self.server.url}/api/oauth/"):
            answer = self.elsewhere.get(location)
            assert answer.status_code in (302, 303), answer.text
            location = str(answer.url.join(answer.headers["location"]))
        return location

    def come_back(self, callback: str) -> str:
        """Where the callback leads: `/`, or `/sign-in?error=…`."""
        answer = self.http.get(callback)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def sign_in(self, provider: str, **query: str) -> str:
        return self.come_back(self.go_there(provider, **query))

    def me(self) -> dict[str, Any]:
        answer = self.http.get("/api/me")
        return dict(answer.json()) if answer.status_code == 200 else {}

    def open_link(self) -> None:
        """The owner's."""
        self.http.get(self.server.run("open", "--port", str(self.server.port)).stdout.strip())


def set_up(server: Server, name: str, kind: str, issuer: str, **more: Any) -> dict[str, Any]:
    """An admin enters a provider."""
    wanted = {"kind": kind, "issuer": issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} | more
    with server.http() as http:
        answer = http.put(f"/api/admin/identity-providers/{name}", json=wanted)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def error_of(location: str) -> str:
    """The code in `/sign-in?error=CODE`, empty for any other place."""
    parts = urlsplit(location)
    return parts.query.removeprefix("error=") if parts.path == "/sign-in" else ""


def audit(server: Server, prefix: str = "") -> list[dict[str, Any]]:
    with server.http() as http:
        answer = http.get("/api/admin/audit", params={"action": prefix, "limit": 200})
    return list(json.loads(answer.text)["items"])
