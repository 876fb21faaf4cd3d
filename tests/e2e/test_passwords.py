"""Signing in with a name and a password, by an invitation, and by a link for a new password."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from tests.e2e.chat_page import ChatPage
from tests.e2e.club import PASSWORD, Club, fill_sign_in
from tests.e2e.test_keyboard import press_until
from tests.harness.full_client import new_name


def test_a_wrong_password_is_said_beside_the_field_and_the_right_one_leads_where_one_wanted_to_be(
    club: Club, stranger: Page
) -> None:
    name = club.add()["name"]
    stranger.goto(f"{club.server.url}/settings/account")
    fill_sign_in(stranger, name, "not the password")
    password = stranger.get_by_label("Password", exact=True)
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_be_focused()
    expect(stranger.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    stranger.get_by_role("button", name="Show the password").click()
    expect(password).to_have_attribute("type", "text")
    expect(password).to_have_attribute("autocomplete", "current-password")
    password.fill(PASSWORD)
    password.press("Enter")
    expect(stranger.get_by_role("textbox", name="Name")).to_have_value(name)
    assert stranger.url == f"{club.server.url}/settings/account"


def test_who_guesses_sees_how_long_to_wait(club: Club, stranger: Page) -> None:
    name = club.add()["name"]
    with club.server.http(key="") as http:
        for _ in range(5):
            http.post("/api/sign-in", json={"name": name, "password": "guessed"})
    stranger.goto(f"{club.server.url}/sign-in")
    stranger.get_by_role("textbox", name="Name").fill(name)
    stranger.get_by_label("Password", exact=True).fill("guessed again")
    button = stranger.locator("button[type=submit]")
    for _ in range(4):  # the first may be counted instead of refused: the wait was over
        expect(button).to_have_text("Sign in")
        button.click()
        expect(stranger.get_by_role("alert")).to_be_visible()
        if stranger.get_by_text("That was too often.").count():
            break
    expect(stranger.get_by_text("That was too often.")).to_be_visible()
    expect(button).to_be_disabled()
    expect(button).to_have_text(re.compile(r"^Wait \d+ s$"))
    expect(button).to_have_text("Sign in")
    expect(button).to_be_enabled()


def test_signing_in_by_keyboard_alone(club: Club, stranger: Page) -> None:
    name = club.add()["name"]
    stranger.goto(f"{club.server.url}/sign-in")
    expect(stranger.get_by_role("textbox", name="Name")).to_be_focused()
    stranger.keyboard.type(name)
    stranger.keyboard.press("Tab")
    stranger.keyboard.type(PASSWORD)
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("textbox", name="Message")).to_be_focused()
    press_until(stranger, "Shift+Tab", f"Account: {name}$")
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("menuitem", name="Account")).to_be_focused()
    stranger.keyboard.press("End")
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("heading", name="Sign in to Quarterdeck")).to_be_visible()


def test_what_was_written_before_being_signed_out_is_there_again_and_only_for_its_writer(
    club: Club, stranger: Page
) -> None:
    person, other = club.add(), club.add()
    chat = club.sign_in(stranger, person["name"])
    chat.field.fill("Half a thought about the")
    expect(chat.form.get_by_role("button", name="Send")).to_be_enabled()
    with club.http() as http:
        http.post(f"/api/admin/users/{person['id']}/sign-out").raise_for_status()
    expect(stranger.get_by_role("heading", name="Sign in to Quarterdeck")).to_be_visible()
    expect(stranger.get_by_text("What you have written here is kept.")).to_be_visible()
    fill_sign_in(stranger, other["name"], PASSWORD)
    expect(chat.field).to_have_value("")
    stranger.get_by_role("button", name=f"Account: {other['name']}").click()
    stranger.get_by_role("menuitem", name="Sign out").click()
    fill_sign_in(stranger, person["name"], PASSWORD)
    expect(chat.field).to_have_value("Half a thought about the")


def test_an_invitation_leads_to_the_first_message(club: Club, owner: ChatPage, stranger: Page) -> None:
    page = owner.open("/admin/invitations").page
    name = new_name("frida")
    address = f"{name}@example.org"
    page.get_by_role("textbox", name="For whom").fill(address)
    page.get_by_role("button", name="Make an invitation").click()
    link = page.get_by_role("textbox", name="Invitation link").input_value()
    expect(page.get_by_role("row", name=address)).to_contain_text("open")

    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="You are invited")).to_be_visible()
    expect(stranger.get_by_role("textbox", name="Email address")).to_have_value(address)
    stranger.get_by_role("textbox", name="Name").fill(name)
    password = stranger.get_by_label("New password")
    expect(password).to_have_attribute("autocomplete", "new-password")
    password.fill("short")
    stranger.get_by_role("button", name="Create my account").click()
    expect(stranger.get_by_role("alert")).to_have_text("A password has at least 8 characters.")
    password.fill(PASSWORD)
    stranger.get_by_role("button", name="Create my account").click()
    chat = ChatPage(stranger, club.server)
    chat.send("Am I in?")
    chat.until_text("Hello, world!").until_complete()
    expect(stranger.get_by_role("button", name=f"Account: {name}")).to_be_visible()

    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="This invitation cannot be used")).to_be_visible()
    page.reload()
    expect(page.get_by_role("row", name=address)).to_contain_text("used")


def test_a_password_link_from_an_admin_sets_a_new_password_once(club: Club, owner: ChatPage, stranger: Page) -> None:
    name = club.add()["name"]
    page = owner.open("/admin").page
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name="Make a password link").click()
    link = page.get_by_role("dialog").get_by_role("textbox", name="Link").input_value()
    stranger.goto(link)
    expect(stranger.get_by_text(f"For the account {name}.")).to_be_visible()
    stranger.get_by_label("New password").fill("another long walk")
    stranger.get_by_role("button", name="Save and sign in").click()
    expect(stranger.get_by_role("button", name=f"Account: {name}")).to_be_visible()
    stranger.context.clear_cookies()
    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="This link cannot be used")).to_be_visible()


def test_the_code_of_a_sign_in_elsewhere_is_said_in_words(club: Club, stranger: Page) -> None:
    stranger.goto(f"{club.server.url}/sign-in?error=not_invited")
    expect(stranger.get_by_role("alert")).to_contain_text("You have no account here yet")
    stranger.goto(f"{club.server.url}/sign-in?error=%3Cb%3Eno%3C/b%3E")
    expect(stranger.get_by_role("alert")).to_have_text("The sign-in did not work. Try again, or use another way.")
