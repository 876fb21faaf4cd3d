"""Parts of the page that are fetched when they are used: away with the server for a while, or gone for good."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Route, expect
from tests.e2e.chat_page import ChatPage

MENU = re.compile(r"/assets/message-menu-[^/]*\.js")
SENTENCE = "This part could not be loaded."


def close_the_door(route: Route) -> None:
    route.abort("connectionrefused")


def say_it_is_gone(route: Route) -> None:
    """As after an upgrade: its name is another one now."""
    route.fulfill(status=404, body="Not Found")


def menu(chat: ChatPage) -> Locator:
    return chat.answer.get_by_role("button", name="More for this message")


def test_a_part_comes_when_the_server_is_back(chat: ChatPage) -> None:
    refused: list[str] = []
    chat.page.on("requestfailed", lambda request: refused.append(request.method))
    chat.page.route("**/assets/**", close_the_door)
    chat.ask("Are you there?")
    expect(menu(chat)).to_be_disabled()
    while refused.count("HEAD") < 3:  # the page has asked three times whether there is a server
        chat.page.wait_for_event("requestfailed")
    expect(chat.answer_text).to_have_text("Hello, world!")
    expect(menu(chat)).to_be_disabled()

    chat.page.unroute("**/assets/**")
    expect(menu(chat)).to_be_enabled()
    menu(chat).click()
    expect(chat.page.get_by_role("menuitem", name="Delete", exact=True)).to_be_visible()
    expect(chat.page.get_by_text(SENTENCE)).to_have_count(0)


def test_a_part_that_is_gone_leaves_the_conversation_usable_and_can_be_loaded_again(chat: ChatPage) -> None:
    chat.page.route(MENU, say_it_is_gone)
    chat.ask("Before the upgrade is noticed")
    again = chat.answer.get_by_role("button", name=f"{SENTENCE} Load again")
    expect(again).to_be_visible()
    chat.ask("And after it")
    expect(chat.answers).to_have_count(2)
    expect(again).to_be_visible()
    chat.field.fill("A draft that is kept")

    chat.page.unroute(MENU)
    again.click()
    expect(menu(chat)).to_be_enabled()
    expect(chat.field).to_have_value("A draft that is kept")


def test_a_page_that_is_gone_says_so_and_can_be_left(chat: ChatPage) -> None:
    pattern = "**/assets/settings-route-*"
    chat.page.route(pattern, say_it_is_gone)
    chat.page.get_by_role("link", name="Settings").click()
    said = chat.page.get_by_role("main").get_by_role("alert")
    expect(said).to_contain_text(SENTENCE)
    chat.page.get_by_role("button", name="New conversation").click()
    expect(chat.field).to_be_visible()

    chat.page.get_by_role("link", name="Settings").click()
    expect(said).to_be_visible()
    chat.page.unroute(pattern)
    said.get_by_role("button", name="Load again").click()
    expect(chat.page.get_by_role("heading", name="Settings")).to_be_visible()


def test_a_page_that_could_not_be_had_comes_at_the_next_visit(chat: ChatPage) -> None:
    """Without a reload: a draft or an answer that is being written would be cut by it."""
    pattern = "**/assets/settings-route-*"
    chat.page.evaluate("window.same = true")
    for visit in range(3):
        if visit == 2:
            chat.page.unroute(pattern)
        elif visit == 0:
            chat.page.route(pattern, say_it_is_gone)
        chat.page.get_by_role("link", name="Settings").click()
        if visit < 2:
            expect(chat.page.get_by_role("main").get_by_role("alert")).to_contain_text(SENTENCE)
            chat.page.get_by_role("button", name="New conversation").click()
    expect(chat.page.get_by_role("heading", name="Settings")).to_be_visible()
    assert chat.page.evaluate("window.same")


def test_a_browser_that_remembers_a_failure_gets_the_part_by_another_name(chat: ChatPage) -> None:
    chat.page.route(re.compile(MENU.pattern + "$"), say_it_is_gone)
    chat.ask("Hello?")
    expect(menu(chat)).to_be_enabled()


def test_a_part_with_a_fault_stops_the_page_which_is_seen_by_whoever_watches_it(
    chat: ChatPage, crashes: list[str]
) -> None:
    fault = "export function MessageMenu() { throw new Error('a fault of the menu') }"
    chat.page.route(MENU, lambda route: route.fulfill(content_type="text/javascript", body=fault))
    with chat.page.expect_event("pageerror"):
        chat.send("Hello?")
    expect(chat.page.get_by_role("heading", name="The page has stopped.")).to_be_visible()
    assert any("a fault of the menu" in crash for crash in crashes)
    crashes.clear()
