"""Connecting a provider in the page; the key is written once and never read again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Route, WebSocket, expect
from tests.e2e.chat_page import ChatPage
from tests.fakes.openai_server import FakeOpenAI

KEY = "sk-canary-entered-5e1f8c2b7a90d364"
_MODEL = {"id": "harbour-master", "object": "model", "created": 1_700_000_000, "owned_by": "fake"}


@pytest.fixture
def endpoint() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(key=KEY, models=[_MODEL]).in_thread() as fake:
        yield fake


class Heard:
    """All that the server tells the page."""

    def __init__(self, chat: ChatPage) -> None:
        self._told: list[str] = []
        chat.page.route("**/api/**", self._pass)
        chat.page.on("websocket", self._listen)

    def _pass(self, route: Route) -> None:
        answer = route.fetch()
        self._told.append(f"{route.request.method} {route.request.url}: {answer.text()}")
        route.fulfill(response=answer)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self._told.append(str(frame)))

    def find(self, words: str) -> list[str]:
        """Where the words were heard."""
        return [told for told in self._told if words in told]


def begin_endpoint(chat: ChatPage, base_url: str, key: str) -> Locator:
    main = chat.page.get_by_role("main")
    main.get_by_role("button", name="Connect a provider").click()
    main.get_by_role("textbox", name="Name").fill("Harbour models")
    main.get_by_role("textbox", name="Base URL").fill(base_url)
    main.get_by_label("Key", exact=True).fill(key)
    return main


def test_an_endpoint_is_tested_connected_used_and_removed(chat: ChatPage, endpoint: FakeOpenAI) -> None:
    heard = Heard(chat)
    main = begin_endpoint(chat.open("/settings"), endpoint.base_url, "sk-wrong")
    main.get_by_role("button", name="Test connection").last.click()
    expect(main.get_by_text(re.compile("key", re.IGNORECASE)).filter(has_text="Harbour models")).to_be_visible()
    main.get_by_label("Key", exact=True).fill(KEY)
    main.get_by_role("button", name="Test connection").last.click()
    expect(main.get_by_text(re.compile(r"It answers: 1 model, \d+ ms\."))).to_be_visible()
    main.get_by_role("button", name="Save").click()
    row = main.get_by_role("listitem").filter(has_text="Harbour models")
    expect(row).to_contain_text("entered here")
    expect(row).to_contain_text("1 model")
    expect(main.get_by_label("Key", exact=True)).to_have_count(0)

    chat.open("/").ask("Who are you?", "harbour-models/harbour-master")
    assert chat.read == "Hello, world!"
    assert endpoint.requests[-1].headers["authorization"] == f"Bearer {KEY}"

    chat.open("/settings")
    row.get_by_role("button", name="Change").click()
    expect(main.get_by_label("Key", exact=True)).to_have_value("")
    assert heard.find("harbour-models"), "nothing was heard at all"
    assert heard.find(KEY) == []
    assert KEY not in chat.page.content()
    storage = chat.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert KEY not in storage
    assert KEY not in chat.server.log_text()

    main.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    chat.open("/").form.get_by_role("button", name=re.compile("^Model: ")).click()
    chat.page.get_by_role("combobox", name="Search models").fill("harbour-master")
    expect(chat.page.get_by_text("No model has this name.")).to_be_visible()


def test_an_address_where_nobody_listens_is_told(chat: ChatPage) -> None:
    main = begin_endpoint(chat.open("/settings"), "http://127.0.0.1:9/v1", "")
    main.get_by_role("button", name="Test connection").last.click()
    expect(main.get_by_text("Harbour models could not be reached")).to_be_visible()


def test_a_key_from_the_environment_is_named_but_not_shown(chat: ChatPage) -> None:
    row = chat.open("/settings").page.get_by_role("main").get_by_role("listitem").filter(has_text="OpenAI")
    expect(row).to_contain_text("from the environment")
    expect(row).to_contain_text("key ends in")
    expect(row.get_by_role("button", name="Remove")).to_have_count(0)


def test_the_appearance_is_chosen_and_kept(chat: ChatPage) -> None:
    main = chat.open("/settings").page.get_by_role("main")
    main.get_by_role("radio", name="Dark").check()
    main.get_by_role("radio", name="Serif").check()
    html = chat.page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")
    chat.page.reload()
    expect(html).to_have_attribute("data-theme", "dark")
    expect(html).to_have_attribute("data-face", "serif")
    expect(main.get_by_role("radio", name="Dark")).to_be_checked()
