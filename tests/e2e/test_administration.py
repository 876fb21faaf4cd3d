"""What admins do in the page, and what others are told of it."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.chat_page import ChatPage
from tests.e2e.club import PASSWORD, Club, fill_sign_in

_TOLD_S = 5.0


def test_a_suspended_user_is_told_in_the_open_tab_within_five_seconds(
    club: Club, owner: ChatPage, stranger: Page
) -> None:
    name = club.add()["name"]
    club.sign_in(stranger, name)
    page = owner.open("/admin").page
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name="Suspend").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    begun = time.monotonic()
    expect(stranger.get_by_text("This account is suspended.")).to_be_visible()
    assert time.monotonic() - begun <= _TOLD_S
    expect(page.get_by_role("row", name=name)).to_contain_text("Suspended")
    fill_sign_in(stranger, name, PASSWORD)
    expect(stranger.get_by_role("alert").last).to_contain_text("suspended")

    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name="Resume").click()
    expect(page.get_by_role("row", name=name)).not_to_contain_text("Suspended")
    fill_sign_in(stranger, name, PASSWORD)
    expect(stranger.get_by_role("button", name=f"Account: {name}")).to_be_visible()


def test_people_are_found_given_a_role_and_deleted_by_typing_their_name(club: Club, owner: ChatPage) -> None:
    club.add("Zenobia", email="z@example.org")
    club.add("Somebody else")
    page = owner.open("/admin").page
    page.get_by_role("searchbox", name="Search by name or address").fill("z@exam")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("combobox", name="Role of Zenobia").select_option(label="Admin")
    expect(page.get_by_text("Zenobia is now: Admin.")).to_be_visible()
    page.get_by_role("button", name="More for Zenobia").click()
    page.get_by_role("menuitem", name="Delete the account").click()
    dialog = page.get_by_role("dialog", name="Delete Zenobia?")
    confirm = dialog.get_by_role("button", name="Delete everything")
    dialog.get_by_role("textbox").fill("Zenob")
    expect(confirm).to_be_disabled()
    dialog.get_by_role("textbox").fill("Zenobia")
    confirm.click()
    expect(page.get_by_text("Nobody’s name or address contains “z@exam”.")).to_be_visible()
    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_role("row").filter(has_text="deleted an account").first).to_contain_text("Zenobia")
    page.get_by_role("combobox", name="What to show").select_option(label="API keys")
    expect(page.get_by_role("row").filter(has_text="deleted an account")).to_have_count(0)


def test_a_budget_that_is_used_up_is_refused_with_what_and_until_when(
    club: Club, owner: ChatPage, stranger: Page
) -> None:
    name = club.add()["name"]
    page = owner.open("/admin/budgets").page
    page.get_by_role("combobox", name="Whom").select_option(label="One person")
    page.get_by_role("combobox", name="Name").fill(name)
    page.get_by_role("combobox", name="Period").select_option(label="Each day")
    page.get_by_role("textbox", name="Most tokens").fill("10")
    page.get_by_role("button", name="Add the budget").click()
    expect(page.get_by_role("row", name=name)).to_contain_text("10")

    chat = club.sign_in(stranger, name).send("Tell me everything")
    alert = stranger.get_by_role("alert")
    expect(alert).to_contain_text("Your budget for today")
    expect(alert).to_contain_text("It begins anew on")
    alert.get_by_role("link", name="See your usage").click()
    expect(stranger.get_by_role("meter", name="All models, each day: tokens")).to_have_attribute(
        "aria-valuetext", "0 of 10 tokens"
    )
    page.get_by_role("button", name=f"Remove {name}").click()
    expect(page.get_by_role("row", name=name)).to_have_count(0)
    chat.open().send("And now?")
    chat.until_text("Hello, world!")
    stranger.get_by_role("link", name="Settings").click()
    stranger.get_by_role("link", name="Usage").click()
    expect(stranger.get_by_role("table", name="Usage by model")).to_contain_text("openai/fake-chat")


def test_a_rule_a_price_and_a_provider_are_entered_and_removed(club: Club, owner: ChatPage) -> None:
    page = owner.open("/admin/rules").page
    page.get_by_role("combobox", name="Whom").select_option(label="Guests")
    page.get_by_role("combobox", name="Which").fill("openai/*")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_role("row", name="Guests")).to_contain_text("may not use")
    page.get_by_role("button", name="Remove openai/*").click()
    expect(page.get_by_role("button", name="Remove openai/*")).to_have_count(0)

    page.get_by_role("link", name="Prices").click()
    page.get_by_role("combobox", name="Model").fill("openai/fake-think")
    page.get_by_role("textbox", name="Input", exact=True).fill("0,25")
    page.get_by_role("textbox", name="Output").fill("2")
    page.get_by_role("button", name="Save the price").click()
    expect(page.get_by_role("row", name="openai/fake-think")).to_contain_text("$0.25")
    page.get_by_role("button", name="Remove openai/fake-think").click()

    page.get_by_role("link", name="Ways to sign in").click()
    page.get_by_role("button", name="Add a provider").click()
    page.get_by_role("combobox", name="Provider").select_option(label="GitHub")
    assert page.get_by_role("textbox", name="Redirect URI").input_value() == (
        f"{club.server.url}/api/oauth/github/callback"
    )
    page.get_by_role("textbox", name="Client ID").fill("Iv1.0123")
    page.get_by_label("Client secret").fill("a secret that stays here")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("listitem").filter(has_text="new accounts by invitation")).to_contain_text("GitHub")
    assert "a secret that stays here" not in page.content()
    guest = club.new_context()
    other = guest.new_page()
    other.goto(f"{club.server.url}/sign-in")
    expect(other.get_by_role("link", name="Continue with GitHub")).to_be_visible()
    guest.close()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("People sign in with a name and a password.")).to_be_visible()


def test_a_member_sees_nothing_that_is_for_admins(club: Club, stranger: Page) -> None:
    chat = club.sign_in(stranger, club.add()["name"], "/settings")
    expect(stranger.get_by_role("heading", name="Appearance")).to_be_visible()
    expect(stranger.get_by_role("heading", name="Models and keys")).to_have_count(0)
    chat.open("/admin")
    expect(chat.field).to_be_visible()
    stranger.get_by_role("button", name="Account: ").click()
    expect(stranger.get_by_role("menuitem", name="Account")).to_be_visible()
    expect(stranger.get_by_role("menuitem", name="Administration")).to_have_count(0)


@pytest.mark.parametrize("path", ["/admin", "/admin/budgets"])
def test_administration_by_keyboard_shows_where_the_focus_is(owner: ChatPage, path: str) -> None:
    page = owner.open(path).page
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    page.get_by_role("link", name="People").focus()
    seen: list[str] = []
    for _ in range(14):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "(() => { const e = document.activeElement; return getComputedStyle(e).outlineStyle + ' ' + e.tagName; })()"
        )
        seen.append(outline)
    assert [one for one in seen if one.startswith("none") and "BODY" not in one] == []
