"""Nothing is connected: the page says so, and the log reader is honest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import Visitor
from tests.harness.server import Server
from tests.harness.valkey import free_port


@pytest.fixture
def lonely(browser: Browser, tmp_path: Path) -> Iterator[ChatPage]:
    server = Server(tmp_path).start()
    context = Visitor(browser, server).new_context()
    yield ChatPage(context.new_page(), server).open()
    context.close()
    server.close()


def test_without_a_model_the_page_shows_how_to_connect_one(lonely: ChatPage) -> None:
    page = lonely.page
    expect(page.get_by_role("heading", name="Connect a model")).to_be_visible()
    expect(page.get_by_text("No local server was found.")).to_be_visible()
    page.get_by_role("link", name="Enter key for Groq").click()
    expect(page).to_have_url(f"{lonely.server.url}/settings?connect=groq")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    expect(page.get_by_role("textbox", name="Base URL")).to_have_value("https://api.groq.com/openai/v1")
    page.go_back()

    page.get_by_role("button", name="Go on with the log reader").click()
    lonely.ask("The tide table hangs in the hall")
    lonely.until_text("No language model is connected")
    expect(lonely.answer.locator("header")).to_contain_text("Log reader")
    page.get_by_role("button", name="New conversation").click()
    lonely.ask("Where does the tide table hang?")
    lonely.until_text("The tide table hangs in the hall")
    lonely.until_text("No language model is connected")


def test_a_provider_that_is_away_is_not_asked_for_again(browser: Browser, tmp_path: Path) -> None:
    away = {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1"}
    server = Server(tmp_path, **away).start()
    context = Visitor(browser, server).new_context()
    chat = ChatPage(context.new_page(), server).open()
    expect(chat.field).to_be_visible()
    chat.form.get_by_role("button", name=re.compile("^Model: ")).click()
    expect(chat.page.get_by_text("could not be reached")).to_be_visible()
    expect(chat.page.get_by_role("heading", name="Connect a model")).to_have_count(0)
    context.close()
    server.close()
