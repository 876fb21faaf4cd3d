"""The one-time link, its second use, and the page without a session."""

from __future__ import annotations

from playwright.sync_api import Browser, expect
from tests.e2e.chromium import make_link
from tests.harness.server import Server


def test_the_link_signs_one_browser_in_once(browser: Browser, server: Server) -> None:
    link = make_link(server)
    first, second = browser.new_context(), browser.new_context()
    page = first.new_page()
    page.goto(link)
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    assert page.url == f"{server.url}/", "the link stays in the address"
    page.goto(link)
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()

    other = second.new_page()
    other.goto(link)
    expect(other.get_by_role("heading", name="This link was used before")).to_be_visible()
    expect(other.get_by_text("quarterdeck open")).to_be_visible()
    first.close()
    second.close()


def test_without_a_session_the_page_says_how_to_get_in(browser: Browser, server: Server) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/c/anything")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.goto(make_link(server))
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    context.close()


def test_signing_out_closes_the_session_also_in_the_other_tab(browser: Browser, server: Server) -> None:
    context = browser.new_context()
    page, other = context.new_page(), context.new_page()
    page.goto(make_link(server))
    other.goto(f"{server.url}/ideas")
    page.goto(f"{server.url}/settings")
    page.get_by_role("button", name="Sign out in this browser").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    other.reload()
    expect(other.get_by_role("heading", name="You are signed out")).to_be_visible()
    context.close()
