"""The memory page: what is remembered is found, read, changed, forgotten and had back; by keyboard, too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.e2e.accessibility import find_barriers
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import PHONE, WIDE, Visitor
from tests.fakes.script import Script
from tests.harness.full_client import new_name
from tests.harness.upstream import Upstream


def remember(chat: ChatPage, *memories: dict[str, object]) -> None:
    with chat.server.http() as http:
        answer = http.post("/api/memories/import", content="\n".join(json.dumps(memory) for memory in memories))
        answer.raise_for_status()


def test_a_memory_leads_to_its_message_and_is_edited_pinned_forgotten_and_had_back(chat: ChatPage) -> None:
    cats = f"grey cats of {new_name('breed')}"
    chat.ask(f"I keep two {cats}")
    message = chat.stored[0]["id"]
    remember(chat, {"text": f"Keeps two {cats}.", "sources": [{"message": message, "quote": f"two {cats}"}]})
    page = chat.open("/memory").page
    tools = page.get_by_role("button", name=re.compile(f"^Forget:.* {cats}"))
    row = page.get_by_role("listitem").filter(has=tools)
    expect(row.get_by_role("link")).to_have_attribute("href", re.compile(f"#m-{message}$"))

    row.get_by_role("button", name=re.compile("^Edit:")).press("Enter")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(f"Keeps three {cats}.")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(row).to_contain_text(f"Keeps three {cats}.")
    row.get_by_role("button", name=re.compile("^Pin:")).press("Enter")
    expect(row.get_by_role("button", name=re.compile("^Unpin:"))).to_have_attribute("aria-pressed", "true")

    row.get_by_role("button", name=re.compile("^Forget:")).press("Enter")
    undo = page.get_by_role("list", name="Forgotten just now").get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(row).to_contain_text(f"Keeps three {cats}.")

    row.get_by_role("button", name=re.compile("^Details of:")).press("Enter")
    expect(row.get_by_text(f"two {cats}", exact=True)).to_be_visible()
    text = row.get_by_role("paragraph").first
    row.get_by_role("button", name=re.compile("^As before this: Edited")).press("Enter")
    expect(text).to_have_text(f"Keeps two {cats}.")
    expect(page.get_by_text("The 3 changes after it were taken back, too.")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(text).to_have_text(f"Keeps three {cats}.")
    expect(row.get_by_text("Undone", exact=True)).to_have_count(3)  # the history comes by itself, perhaps later
    row.get_by_role("button", name=re.compile("^Undo: Undone")).press("Enter")
    expect(text).to_have_text(f"Keeps two {cats}.")
    assert find_barriers(page) == []

    row.get_by_role("link").first.press("Enter")
    page.wait_for_url(f"**/c/*#m-{message}")
    expect(page.get_by_role("article", name="You")).to_contain_text(f"I keep two {cats}")


def test_what_was_forgotten_last_comes_back_first_by_the_keys(chat: ChatPage) -> None:
    remember(chat, {"text": "Rows on Mondays."}, {"text": "Rows on Tuesdays."})
    page = chat.open("/memory").page
    for day in ("Mondays", "Tuesdays"):
        page.get_by_role("button", name=re.compile(f"^Forget:.* {day}")).press("Enter")
        expect(page.get_by_role("list", name="Forgotten just now")).to_contain_text(day)
    for there, gone in (("Tuesdays", "Mondays"), ("Mondays", "")):
        page.keyboard.press("Control+z")
        expect(page.get_by_role("button", name=re.compile(f"^Forget:.* {there}"))).to_be_visible()
        if gone:
            expect(page.get_by_role("list", name="Forgotten just now")).to_contain_text(gone)
    expect(page.get_by_role("list", name="Forgotten just now")).to_have_count(0)


def test_memories_are_searched_and_filtered_and_the_address_keeps_it(chat: ChatPage) -> None:
    remember(
        chat,
        {"text": "Sails on Sundays.", "kind": "fact", "id": "new"},
        {"text": "Sails on Saturdays.", "kind": "fact", "superseded_by": "new", "state": "superseded"},
        {"text": "Plans a voyage to Horta.", "kind": "plan"},
    )
    page = chat.open("/memory").page
    page.get_by_role("searchbox", name="Search memories").fill("sails on")
    expect(page.get_by_text("Sails on Sundays.")).to_be_visible()
    expect(page.get_by_text("Sails on Saturdays.")).to_have_count(0)
    expect(page.get_by_text("voyage to Horta")).to_have_count(0)
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("combobox", name="State").select_option("Replaced")
    expect(page.get_by_text("Sails on Saturdays.")).to_be_visible()
    expect(page.get_by_text("Sails on Sundays.")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("combobox", name="State")).to_have_value("superseded")
    page.get_by_role("button", name=re.compile("^Details of:")).click()
    expect(page.get_by_role("region", name="What replaced it")).to_contain_text("Sails on Sundays.")


def test_memories_of_a_conversation_are_found_by_its_title_among_very_many(chat: ChatPage) -> None:
    with chat.server.http() as http:

        def say(text: str, name: str) -> str:
            told = {"message": text, "chatId": name, "model": "builtin/log-reader"}
            http.post("/chat_batch", json=told).raise_for_status()
            return str(http.get(f"/api/conversations/{name}/messages").json()["items"][0]["id"])

        name = new_name("old")
        message = say("I mend nets", name)
        http.patch(f"/api/conversations/{name}", json={"title": "Mending by the harbour"}).raise_for_status()
        conversation = http.get(f"/api/conversations/{name}").json()["id"]
        for number in range(51):
            say(f"Number {number}", new_name("later"))
    remember(chat, {"text": "Mends nets.", "sources": [{"message": message}]}, {"text": "Paints boats."})
    page = chat.open("/memory").page
    page.get_by_role("button", name="Filter").click()
    place = page.get_by_role("combobox", name="From", exact=True)
    expect(page.get_by_role("searchbox", name="Part of its title")).to_be_visible()
    expect(place.get_by_role("option", name="Mending by the harbour")).to_have_count(0)
    page.get_by_role("searchbox", name="Part of its title").fill("harbour")
    expect(place.get_by_role("option", name="Mending by the harbour")).to_have_count(1)
    place.select_option("Mending by the harbour")
    expect(page.get_by_text("Mends nets.")).to_be_visible()
    expect(page.get_by_text("Paints boats.")).to_have_count(0)
    page.reload()
    expect(place).to_have_value(conversation)
    expect(place.get_by_role("option", name="Mending by the harbour")).to_have_count(1)
    assert find_barriers(page) == []


def test_memories_are_taken_along_and_brought_back(chat: ChatPage, tmp_path: Path) -> None:
    remember(chat, {"text": "Repairs clocks."})
    page = chat.open("/memory/settings").page
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    saved = tmp_path / "memories.jsonl"
    download.value.save_as(saved)
    assert "Repairs clocks." in saved.read_text()
    saved.write_text('{"text": "Repairs clocks."}\n{"text": "Repairs radios."}\nnothing\n')
    page.locator("input[type=file]").set_input_files(saved)
    expect(page.get_by_text("1 memory was imported. 1 was here already.")).to_be_visible()
    expect(page.get_by_text("Line 3: This line is no JSON object with a text.")).to_be_visible()


def test_a_private_conversation_is_begun_from_the_palette_and_says_what_it_is(chat: ChatPage) -> None:
    page = chat.page
    expect(chat.field).to_be_visible()  # before the page is there, nobody hears the key
    page.keyboard.press("ControlOrMeta+k")
    page.get_by_role("combobox").fill("private")
    page.get_by_role("option", name="New private conversation").click()
    note = page.get_by_text("Private: nothing is remembered")
    expect(note).to_be_visible()
    assert find_barriers(page) == []
    chat.field.fill("Nobody is to know")
    page.reload()
    expect(chat.field).to_have_value("Nobody is to know")
    expect(note).to_be_visible()
    chat.ask("Nobody is to know")
    expect(note).to_be_visible()
    with chat.server.http() as http:
        assert http.get(f"/api/conversations/{chat.conversation}").json()["memory"] == "private"
    chat.form.get_by_role("button", name="Advanced: something is set").click()
    page.get_by_role("combobox", name="Memory").select_option("As usual")
    expect(note).to_have_count(0)


def test_a_citation_in_an_answer_leads_to_the_message_it_rests_on(chat: ChatPage, upstream: Upstream) -> None:
    chat.ask("The key lies under the blue pot")
    said = chat.stored[0]
    model = upstream.model(Script(pieces=["Under the blue pot. [[m:", said["id"], "]]"]))
    chat.open("/").ask("Where is the key?", model)
    chat.answer.get_by_role("button", name="Go to what this rests on").press("Enter")
    chat.page.wait_for_url(f"**/c/*#m-{said['id']}")
    expect(chat.page.get_by_role("article", name="You")).to_contain_text("under the blue pot")


@pytest.mark.parametrize("path", ["", "/notes", "/recall", "/settings"])
@pytest.mark.parametrize(("viewport", "theme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide", "phone"])
def test_its_pages_have_no_barriers(visitor: Visitor, path: str, viewport: object, theme: object) -> None:
    context = visitor.new_context(viewport, theme, is_phone=viewport == PHONE, reduced_motion="reduce")  # type: ignore[arg-type]
    try:
        page = ChatPage(context.new_page(), visitor.server).open(f"/memory{path}").page
        expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert find_barriers(page) == []
    finally:
        context.close()
