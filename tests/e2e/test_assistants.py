"""Assistants and snippets in the page: made in the settings, used in the message field, all of it by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.accessibility import find_barriers
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import PHONE, WIDE, Visitor
from tests.fakes.script import Script
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.upstream import Upstream


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with server.http() as client:
        yield client


def press(page: Page, name: str | re.Pattern[str], key: str = "Enter") -> None:
    page.get_by_role("main").get_by_role("button", name=name).press(key)


def make(http: httpx2.Client, name: str) -> str:
    wanted = {
        "name": name, "instructions": "Know Lisbon.", "description": "Trips with a mother", "format": "tagged",
        "starters": ["Three days with rain?", "Where to eat sardines?"], "tools": ["calendar"], "temperature": 0.4,
    }  # fmt: skip
    return str(http.post("/api/assistants", json=wanted).raise_for_status().json()["id"])


def test_an_assistant_is_made_and_begins_a_conversation(chat: ChatPage, upstream: Upstream) -> None:
    name = new_name("Lisbon")
    page = chat.open("/settings/assistants").page
    press(page, "New assistant")
    expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    for text in (name, "Trips"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.type("Know Lisbon.")
    press(page, "Add a starter")
    expect(page.get_by_role("textbox", name="Starter 1")).to_be_focused()
    page.keyboard.type("Three days?")
    expect(page.get_by_role("region", name="How a new conversation begins")).to_contain_text("Three days?")
    page.keyboard.press("Enter")
    press(page, f"Begin a conversation: {name}")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    press(page, "Three days?")
    expect(chat.field).to_have_value("Three days?")
    chat.field.press("Enter")
    chat.until_complete()
    received = upstream.requests("openai/fake-chat")[-1].body["messages"]
    assert received[0]["content"].startswith("Know Lisbon.\n\n")
    assert received[1]["content"].endswith("Three days?")


def test_what_is_written_for_one_outlives_leaving_the_editor(chat: ChatPage) -> None:
    page = chat.open("/settings/assistants").page
    press(page, "New assistant")
    instructions = page.get_by_role("textbox", name="Instructions")
    instructions.fill("An hour of work")
    page.go_back()
    expect(page.get_by_role("button", name="New assistant")).to_be_visible()
    page.go_forward()
    expect(instructions).to_have_value("An hour of work")
    page.reload()
    expect(instructions).to_have_value("An hour of work")
    press(page, "Discard")
    press(page, "New assistant")
    expect(instructions).to_have_value("")


def test_one_is_found_in_the_picker_and_brings_what_it_has(
    chat: ChatPage, http: httpx2.Client, upstream: Upstream
) -> None:
    name = new_name("Quiet pilot")
    model = upstream.model(Script(pieces=['idea: "Fly low"\n', 'message: "Noted."']))
    own = make(http, name)
    http.patch(f"/api/assistants/{own}", json={"model": model}).raise_for_status()
    page = chat.open().page
    chat.form.get_by_role("button", name=re.compile("^Assistant: ")).press("Enter")
    expect(page.get_by_role("combobox", name="Search assistants")).to_be_focused()
    page.keyboard.type("quiet")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(chat.form.get_by_role("button", name=f"Assistant: {name}. Choose another")).to_be_visible()
    expect(chat.form.get_by_role("button", name=f"Model: {model.partition('/')[2]}. Choose another")).to_be_visible()
    chat.ask("Remember this")
    expect(page.get_by_text("Fly low").first).to_be_visible()
    http.delete(f"/api/assistants/{own}").raise_for_status()
    page.reload()
    expect(page.get_by_text("The assistant of this conversation was deleted")).to_be_visible()
    chat.ask("Go on")
    assert "Know Lisbon." in str(upstream.requests(model)[-1].body["messages"][0]["content"])


def test_deleting_one_is_undone(chat: ChatPage, http: httpx2.Client) -> None:
    name = new_name("Short-lived")
    make(http, name)
    page = chat.open("/settings/assistants").page
    press(page, f"Delete {name}")
    expect(page.get_by_role("heading", name=name)).to_be_hidden()
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_a_snippet_is_kept_and_fills_the_message_field(chat: ChatPage) -> None:
    name = new_name("letter")
    page = chat.open("/settings/snippets").page
    press(page, "New snippet")
    page.keyboard.type(name.upper())
    page.keyboard.press("Tab")
    page.keyboard.insert_text("Dear {{to:Ann}},\nabout {{what}}, {{to}}")
    expect(page.get_by_text("Asks for: to, what")).to_be_visible()
    press(page, "Save")
    expect(page.get_by_role("heading", name=f"/{name}")).to_be_visible()
    chat.open()
    chat.field.focus()
    page.keyboard.type(f"Well, /{name[:9]}")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="to", exact=True)).to_be_focused()
    page.keyboard.type("Bea")
    page.keyboard.press("Tab")
    page.keyboard.type("the harbour")
    page.keyboard.press("Enter")
    expect(chat.field).to_have_value("Well, Dear Bea,\nabout the harbour, Bea")
    expect(chat.field).to_be_focused()


@pytest.fixture(params=[("light", WIDE), ("dark", WIDE), ("light", PHONE), ("dark", PHONE)], ids=lambda p: p[0])
def reader(request: pytest.FixtureRequest, visitor: Visitor) -> Iterator[ChatPage]:
    theme, viewport = request.param
    context = visitor.new_context(viewport, theme, is_phone=viewport == PHONE, reduced_motion="reduce")
    yield ChatPage(context.new_page(), visitor.server)
    context.close()


def test_axe_finds_nothing(reader: ChatPage, http: httpx2.Client) -> None:
    name, snippet = new_name("Lisbon"), new_name("letter")
    make(http, name)
    http.post("/api/snippets", json={"name": snippet, "text": "Dear {{to:Ann}}"}).raise_for_status()
    page = reader.open("/settings/assistants").page
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    barriers = find_barriers(page)
    press(page, f"Edit {name}")
    expect(page.get_by_role("textbox", name="Starter 2")).to_be_visible()
    barriers += find_barriers(page)
    page = reader.open("/settings/snippets").page
    press(page, f"Edit /{snippet}")
    expect(page.get_by_role("textbox", name="Text")).to_be_visible()
    barriers += find_barriers(page)
    reader.open()
    reader.form.get_by_role("button", name=re.compile("^Assistant: ")).press("Enter")
    expect(page.get_by_role("option", name=re.compile(name))).to_be_visible()
    barriers += find_barriers(page)
    page.get_by_role("option", name=re.compile(name)).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    barriers += find_barriers(page)
    reader.field.fill("/let")
    expect(page.get_by_role("option").first).to_be_visible()
    barriers += find_barriers(page)
    reader.field.press("Enter")
    expect(page.get_by_role("textbox", name="to")).to_be_focused()
    barriers += find_barriers(page)
    assert barriers == []
