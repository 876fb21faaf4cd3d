"""A browser as the server sees it: a session cookie, and the page's own origin with every request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import httpx2
from tests.harness.server import Server


@contextlib.contextmanager
def open_browser(server: Server) -> Iterator[httpx2.Client]:
    """Signed in as the owner by a new one-time link."""
    link = server.run("open", "--port", str(server.port)).stdout.strip()
    with httpx2.Client(base_url=server.url, headers={"origin": server.url}, timeout=10) as client:
        assert client.get(link).status_code == 303
        yield client
