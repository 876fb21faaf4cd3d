"""A server that several people share: its owner has a password, and makes accounts for others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import WIDE, Visitor
from tests.harness.server import Server
from tests.harness.waiting import WAIT_S

PASSWORD = "a long walk by the sea"  # of everybody here
_numbers = itertools.count(1)


class Club:
    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self.server = server
        self.owner = Visitor(browser, server)
        with self.http() as http:
            http.patch("/api/me", json={"name": "Ann"}).raise_for_status()
            http.post("/api/me/password", json={"new": PASSWORD}).raise_for_status()

    @contextmanager
    def http(self) -> Iterator[httpx2.Client]:
        """As the owner's browser would ask."""
        headers = {"origin": self.server.url, "cookie": f"qd_session={self.owner.session}"}
        with httpx2.Client(base_url=self.server.url, headers=headers, timeout=10) as http:
            yield http

    def add(self, name: str = "", **wish: Any) -> dict[str, Any]:
        """An account with the password of everybody here."""
        with self.http() as http:
            wanted = {"name": name or f"Member {next(_numbers)}", "password": PASSWORD, **wish}
            made: dict[str, Any] = http.post("/api/admin/users", json=wanted).raise_for_status().json()
            return made

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        with self.http() as http:
            made: dict[str, Any] = http.post(path, json=body).raise_for_status().json()
            return made

    def new_context(self, **options: Any) -> BrowserContext:
        """A browser in which nobody is signed in."""
        context = self._browser.new_context(base_url=self.server.url, viewport=WIDE, locale="en-GB", **options)
        context.set_default_timeout(WAIT_S * 1000)
        return context

    def sign_in(self, page: Page, name: str, place: str = "/") -> ChatPage:
        """By hand, wherever one wanted to be."""
        page.goto(self.server.url + place)
        fill_sign_in(page, name, PASSWORD)
        expect(page.get_by_role("button", name=f"Account: {name}")).to_be_visible()
        return ChatPage(page, self.server)


def fill_sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
