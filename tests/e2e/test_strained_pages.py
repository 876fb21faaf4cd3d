"""The page in a browser that gives it little: a small view, colours of the system's, no storage, an input method."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, ViewportSize, expect
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import Visitor

_ZOOMED = ViewportSize(width=320, height=256)  # 1280 by 1024 at 400 %

_NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("Not allowed", "SecurityError"); } });
}"""


@pytest.fixture
def zoomed(visitor: Visitor) -> Iterator[ChatPage]:
    context = visitor.new_context(_ZOOMED)
    yield ChatPage(context.new_page(), visitor.server).open()
    context.close()


def test_all_of_a_new_conversation_can_be_reached_at_400_percent(zoomed: ChatPage) -> None:
    heading = zoomed.page.get_by_role("heading", level=1).last
    expect(zoomed.field).to_be_visible()
    heading.scroll_into_view_if_needed()
    expect(heading).to_be_in_viewport()
    top = heading.evaluate("element => element.getBoundingClientRect().top")
    assert top > zoomed.page.locator("header").first.bounding_box()["height"]  # type: ignore[index]


def test_a_browser_that_gives_no_storage_has_the_whole_page(context: BrowserContext, visitor: Visitor) -> None:
    context.add_init_script(_NO_STORAGE)
    chat = ChatPage(context.new_page(), visitor.server).open()
    chat.ask("Kept by the server alone")
    chat.open("/settings")
    expect(chat.page.get_by_role("heading", name="Models and keys")).to_be_visible()


def outline(element: Locator) -> str:
    return str(element.evaluate("element => getComputedStyle(element).outlineStyle"))


def test_what_a_key_would_choose_is_marked_in_colours_of_the_systems(chat: ChatPage) -> None:
    page = chat.page
    page.emulate_media(forced_colors="active")
    chat.form.get_by_role("button", name=re.compile("^Model: ")).press("Enter")
    search = page.get_by_role("combobox", name="Search models")
    expect(search).to_be_focused()
    search.press("ArrowDown")
    active = page.locator(f"[id='{search.get_attribute('aria-activedescendant')}']")
    assert outline(active) == "solid"
    assert outline(page.get_by_role("option").last) == "none"


_COMPOSING = {"key": "Enter", "isComposing": True, "bubbles": True}


def test_an_input_methods_enter_chooses_no_model(chat: ChatPage) -> None:
    page = chat.page
    chosen = chat.form.get_by_role("button", name=re.compile("^Model: "))
    before = chosen.get_attribute("aria-label")
    chosen.press("Enter")
    search = page.get_by_role("combobox", name="Search models")
    search.fill("think")
    expect(page.get_by_role("option")).to_have_count(1)
    search.dispatch_event("keydown", _COMPOSING)
    expect(search).to_be_visible()
    assert chosen.get_attribute("aria-label") == before
    search.press("Enter")
    expect(search).to_have_count(0)
    assert chosen.get_attribute("aria-label") != before
