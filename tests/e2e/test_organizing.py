"""Searching with jumps to the place, putting conversations in order with a way back, and sharing one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.e2e.accessibility import find_barriers
from tests.e2e.chat_page import ChatPage
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.upstream import Upstream


@pytest.fixture
def talks(server: Server, upstream: Upstream) -> list[str]:
    """Titles of three conversations, each with an answer."""
    model = upstream.model(Script(pieces=["Three days are enough for the **harbour** and the old town."]))
    titles = [f"{place} with my mother {new_name('')}" for place in ("Lisbon", "Trieste", "Bergen")]
    with server.http() as http:
        for title in titles:
            asked = {"message": title, "chatId": new_name("chat"), "model": model}
            answer = http.post("/chat_batch", json=asked)
            assert answer.status_code == 200, answer.text
    return titles


def row(chat: ChatPage, title: str) -> Locator:
    return chat.sidebar.get_by_role("link", name=title)


def choose(chat: ChatPage, title: str, action: str) -> None:
    """An action from the menu of a row."""
    row(chat, title).hover()
    chat.sidebar.get_by_role("button", name=f"More for {title}").click()
    chat.page.get_by_role("menuitem", name=action, exact=True).click()


def undo(page: Page, said: str) -> None:
    """By the notice that says it: what was done before has one, too, and that of the newest may be still to come."""
    page.get_by_role("status").locator("> div").filter(has_text=said).get_by_role("button", name="Undo").click()


def test_a_message_is_found_and_opened_in_its_place(chat: ChatPage, talks: list[str]) -> None:
    page = chat.page
    page.get_by_role("link", name="Search", exact=True).click()
    field = page.get_by_role("searchbox", name="Search all messages")
    field.fill(f'"mother {talks[1].rsplit(" ", 1)[1]}"')
    results = page.get_by_role("region", name="Results")
    [hit] = [results.get_by_role("listitem")]
    expect(hit).to_have_count(1)
    expect(hit.locator("mark").first).to_have_text(re.compile("mother", re.IGNORECASE))
    page.get_by_label("Said by").select_option("The model")
    expect(page.get_by_text("Nothing was found")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    assert not find_barriers(page)
    hit.get_by_role("link").click()
    expect(page.get_by_role("article", name="You").filter(has_text=talks[1])).to_be_visible()
    page.go_back()
    expect(field).to_have_value(f'"mother {talks[1].rsplit(" ", 1)[1]}"')


def test_conversations_are_put_in_order_together_and_it_is_undone(chat: ChatPage, talks: list[str]) -> None:
    page = chat.page
    choose(chat, talks[0], "Pin")
    expect(page.get_by_text("1 conversation pinned.")).to_be_visible()
    expect(chat.sidebar.get_by_role("heading", name="Pinned")).to_be_visible()

    choose(chat, talks[1], "Select")
    chat.sidebar.get_by_role("checkbox", name=talks[2]).check()
    bar = page.get_by_role("toolbar", name="What is selected")
    expect(bar).to_contain_text("2 selected")
    assert not find_barriers(page)
    bar.get_by_role("button", name="Move to a folder").click()
    name = new_name("Trips")
    page.get_by_role("textbox", name="New folder").fill(name)
    page.get_by_role("button", name="Make and move").click()
    folder = page.get_by_role("region", name="Folders").get_by_role("button", name=name)
    expect(folder).to_contain_text("2")
    folder.click()
    expect(row(chat, talks[1])).to_be_visible()
    expect(row(chat, talks[0])).to_have_count(0)
    page.get_by_role("button", name=f"More for the folder {name}").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(folder).to_have_count(0)
    undo(page, f"The folder {name} was deleted.")
    expect(folder).to_contain_text("2")

    choose(chat, talks[1], "Select")
    chat.sidebar.get_by_role("checkbox", name=talks[0]).check()
    bar.get_by_role("button", name="Delete").click()
    expect(row(chat, talks[0])).to_have_count(0)
    undo(page, "2 conversations deleted.")
    expect(row(chat, talks[0])).to_be_visible()
    expect(row(chat, talks[1])).to_be_visible()

    choose(chat, talks[2], "Archive")
    expect(row(chat, talks[2])).to_have_count(0)
    page.get_by_role("region", name="Folders").get_by_role("button", name="Archive").click()
    expect(row(chat, talks[2])).to_be_visible()


def test_a_deleted_conversation_is_found_again_and_restored_or_erased(chat: ChatPage, talks: list[str]) -> None:
    page = chat.page
    restored, erased, opened = talks
    for title in talks:
        choose(chat, title, "Delete")
        expect(row(chat, title)).to_have_count(0)
    page.reload()
    page.get_by_role("link", name="Recently deleted").click()
    rows = page.get_by_role("region", name="Deleted conversations").get_by_role("listitem")
    expect(rows.nth(2)).to_contain_text(restored)
    expect(rows.nth(0)).to_contain_text(opened)
    assert not find_barriers(page)
    page.get_by_role("button", name=f"Restore: {restored}").press("Enter")
    expect(row(chat, restored)).to_be_visible()
    expect(rows.filter(has_text=restored)).to_have_count(0)
    undo(page, "1 conversation restored.")
    expect(rows.filter(has_text=restored)).to_have_count(1)
    page.get_by_role("button", name=f"Erase for good: {erased}").click()
    dialog = page.get_by_role("dialog", name=f"Erase “{erased}” for good")
    assert not find_barriers(page)
    dialog.get_by_role("button", name="Cancel").click()
    expect(rows.filter(has_text=erased)).to_have_count(1)
    page.get_by_role("button", name=f"Erase for good: {erased}").click()
    dialog.get_by_role("button", name="Erase").click()
    expect(page.get_by_text("1 conversation erased.")).to_be_visible()
    expect(rows.filter(has_text=erased)).to_have_count(0)
    rows.get_by_role("link", name=opened).click()
    expect(page.get_by_text("What was deleted can be restored for 30 days.")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(row(chat, opened)).to_be_visible()
    expect(page.get_by_role("article", name="You").filter(has_text=opened)).to_be_visible()


def test_a_shared_link_opens_without_an_account_until_it_is_taken_back(
    chat: ChatPage, browser: Browser, talks: list[str]
) -> None:
    page = chat.page
    row(chat, talks[0]).click()
    expect(chat.answer).to_contain_text("harbour")
    page.get_by_role("main").get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share this conversation")
    dialog.get_by_role("button", name="Make a link").click()
    url = dialog.get_by_role("textbox", name="The link").input_value()
    assert not find_barriers(page)
    elsewhere = browser.new_page()
    try:
        check_shared(elsewhere, url, talks[0])
        dialog.get_by_role("button", name=re.compile("^Take back")).click()
        expect(dialog.get_by_text("taken back")).to_be_visible()
        elsewhere.reload()
        expect(elsewhere.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
    finally:
        elsewhere.close()


def test_a_conversation_is_saved_as_a_file_from_its_menu(chat: ChatPage, talks: list[str]) -> None:
    page = chat.page
    row(chat, talks[0]).click()
    expect(chat.answer).to_contain_text("harbour")
    for label, ending, begin in (
        ("Export as Markdown", ".md", f"# {talks[0]}"),
        ("Export as a web page", ".html", "<!doctype html>"),
        ("Export as JSON Lines", ".jsonl", '{"format":"quarterdeck export"'),
    ):
        page.get_by_role("main").get_by_role("button", name="More", exact=True).click()
        with page.expect_download() as saved:
            page.get_by_role("menuitem", name=label, exact=True).click()
        assert saved.value.suggested_filename.endswith(ending)
        assert saved.value.path().read_text().startswith(begin)
    expect(page.get_by_text("not in the file")).to_have_count(0)


def test_an_answer_that_is_being_written_is_said_to_be_left_out_of_a_link_and_a_file(
    chat: ChatPage, upstream: Upstream
) -> None:
    page, model = chat.page, upstream.model(Script(pieces=words(3_000), delay_s=0.05))
    chat.open("/").choose_model(model).send("Tell me a long story")
    more = page.get_by_role("main").get_by_role("button", name="More", exact=True)
    more.click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="Export as Markdown").click()
    assert "This answer was still being written" in saved.value.path().read_text()
    expect(page.get_by_text("The answer that is being written is not in the file.")).to_be_visible()
    more.click()
    page.get_by_role("menuitem", name="Share").click()
    page.get_by_role("dialog").get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("dialog").get_by_text("An answer was still being written.")).to_be_visible()
    upstream.hurry(model)


def test_a_private_conversation_has_no_way_to_share_it(chat: ChatPage, upstream: Upstream) -> None:
    page, name, model = chat.page, new_name("chat"), upstream.model(Script())
    with chat.server.http() as http:
        http.post("/chat_batch", json={"message": "A secret", "chatId": name, "model": model})
        identifier = http.patch(f"/api/conversations/{name}", json={"memory": "private"}).json()["id"]
    chat.open(f"/c/{identifier}")
    page.get_by_role("main").get_by_role("button", name="More", exact=True).click()
    expect(page.get_by_role("menuitem", name="Export as Markdown")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Share")).to_have_count(0)


def check_shared(page: Page, url: str, title: str) -> None:
    page.goto(url)
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("strong", has_text="harbour")).to_be_visible()
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none", "the style is let in"
