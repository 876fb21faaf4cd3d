"""A headless Chromium, and contexts in it that are signed in to a running server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import httpx2
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect, sync_playwright
from tests.harness.server import Server
from tests.harness.waiting import WAIT_S

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
Theme = Literal["light", "dark"]

_FLAGS = [
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """The browser that `QUARTERDECK_TEST_CHROMIUM` names."""
    path = os.environ.get("QUARTERDECK_TEST_CHROMIUM", "/usr/bin/chromium")
    expect.set_options(timeout=WAIT_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=_FLAGS)
        yield browser
        browser.close()


def make_link(server: Server) -> str:
    """A new one-time link, from the command."""
    return server.run("open", "--port", str(server.port)).stdout.strip()


class Visitor:
    """A browser of the owner: signed in once by a link, then any number of contexts with that session."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self.server = server
        answer = httpx2.get(make_link(server), follow_redirects=False)
        self.session = answer.cookies["qd_session"]
        assert server.key, "made before anything streams: the command takes its time"

    def new_context(
        self,
        viewport: ViewportSize = WIDE,
        theme: Theme = "light",
        is_phone: bool = False,
        bypass_csp: bool = False,
        scale: float = 1,
        reduced_motion: Literal["reduce", "no-preference"] = "no-preference",
        timezone: str = "Europe/Lisbon",
    ) -> BrowserContext:
        context = self._browser.new_context(
            base_url=self.server.url,
            viewport=viewport,
            color_scheme=theme,
            has_touch=is_phone,
            is_mobile=is_phone,
            bypass_csp=bypass_csp,
            device_scale_factor=scale,
            reduced_motion=reduced_motion,
            locale="en-GB",
            timezone_id=timezone,
        )
        context.set_default_timeout(WAIT_S * 1000)
        context.add_cookies([{"name": "qd_session", "value": self.session, "url": self.server.url}])
        return context
