"""Writing, reading, stopping, answering anew."""

from __future__ import annotations

import time
from datetime import datetime

from playwright.sync_api import BrowserContext, expect
from tests.e2e.chat_page import ChatPage, find_slips
from tests.e2e.seeding import Said, seed_conversation
from tests.fakes.script import Script, words
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

from quarterdeck.domain.ids import now_ms


def test_an_answer_streams_and_is_complete(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(600), delay_s=0.05))
    chat.watch().choose_model(model)
    chat.send("What does the log say?")
    expect(chat.field).to_have_value("")
    expect(chat.stop_button).to_be_visible()
    wait_until(lambda: len(chat.shown) > 10, "the text to come word by word")
    upstream.hurry(model)
    chat.until_complete()

    final = "".join(words(600)).strip()
    assert chat.read == final
    assert find_slips(chat.shown, final) == []
    assert chat.stored_text == final


def test_an_answer_tells_its_model_and_time_and_can_be_copied(chat: ChatPage, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.ask("Hello")
    expect(chat.answer.locator("header")).to_contain_text("fake-chat")
    said_at = chat.answer.locator("header time").get_attribute("datetime") or ""
    written_at_ms = chat.stored[-1]["created_at"]
    assert abs(datetime.fromisoformat(said_at).timestamp() - written_at_ms / 1000) < 60
    expect(chat.answer.get_by_text("4 tokens")).to_be_visible()

    chat.answer.get_by_role("button", name="Copy", exact=True).click()
    expect(chat.answer.get_by_role("button", name="Copied")).to_be_visible()
    assert chat.page.evaluate("navigator.clipboard.readText()") == "Hello, world!"


def test_an_answer_can_be_asked_for_again(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["The first ", "answer."]))
    chat.ask("Again and again", model)
    expect(chat.answer_text).to_have_text("The first answer.")
    upstream.change(model, Script(pieces=["The second ", "answer."]))
    chat.answer.get_by_role("button", name="Answer anew").click()
    expect(chat.answer_text).to_have_text("The second answer.")
    chat.until_complete()
    expect(chat.answers).to_have_count(1)
    chat.page.reload()
    expect(chat.answer_text).to_have_text("The second answer.")
    expect(chat.answers).to_have_count(1)


def test_stopping_keeps_the_text_and_closes_the_upstream(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(3_000), delay_s=0.02))
    chat.choose_model(model).send("Go on and on")
    chat.until_text("still3 ")
    pressed_at = time.time()
    chat.stop_button.click()
    request = upstream.requests(model)[0]
    wait_until(lambda: request.outcome == "disconnected", "the upstream to be closed")
    assert request.ended_at is not None
    assert request.ended_at - pressed_at < 10.0  # of a minute

    chat.until_complete()
    expect(chat.answer.get_by_text("Stopped. What was written is kept.")).to_be_visible()
    assert chat.stored[-1]["status"] == "stopped"
    kept = chat.stored_text
    assert "".join(words(3_000)).startswith(kept)
    expect(chat.answer_text).to_have_text(kept)
    chat.page.reload()
    expect(chat.answer_text).to_have_text(kept)
    expect(chat.answer.get_by_text("Stopped. What was written is kept.")).to_be_visible()


def test_a_draft_belongs_to_its_conversation_and_survives_a_reload(chat: ChatPage) -> None:
    chat.ask("The first conversation")
    conversation = chat.conversation
    chat.field.fill("half a thought")
    chat.page.get_by_role("button", name="New conversation").click()
    expect(chat.field).to_have_value("")
    chat.open(f"/c/{conversation}")
    expect(chat.field).to_have_value("half a thought")


def test_thinking_is_folded_away_and_can_be_read(chat: ChatPage) -> None:
    chat.ask("Think first", "openai/fake-think")
    expect(chat.answer_text).to_have_text("I thought.")
    summary = chat.answer.locator("summary")
    expect(summary).to_contain_text("Thought")
    expect(chat.answer.get_by_text("Let me think about that.")).to_be_hidden()
    summary.click()
    expect(chat.answer.get_by_text("Let me think about that.")).to_be_visible()


def test_each_block_is_written_in_the_direction_of_its_own_words(chat: ChatPage, upstream: Upstream) -> None:
    answer = "In English.\n\nمرحبا بالعالم\n\n- قائمة\n- two\n\n> שלום\n\n| يوم | wind |\n|---|---|\n| one | two |\n"
    chat.ask("Both ways\nمرحبا", upstream.model(Script(pieces=[answer])))
    directions = chat.answer_text.evaluate(
        "text => ['p', 'p + p', 'ul', 'li:last-child', 'blockquote', 'table'].map("
        "block => getComputedStyle(text.querySelector(block)).direction)"
    )
    assert directions == ["ltr", "rtl", "rtl", "rtl", "rtl", "rtl"]
    said = chat.page.get_by_role("article", name="You").locator(".qd-said")
    assert said.evaluate("text => getComputedStyle(text).unicodeBidi") == "plaintext"
    assert chat.field.evaluate("field => getComputedStyle(field).unicodeBidi") == "plaintext"


def test_a_message_written_while_an_answer_streams_waits_its_turn(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(40), delay_s=0.02))
    chat.choose_model(model).send("The first question")
    expect(chat.answers).to_have_count(1)
    chat.send("The second question")
    expect(chat.answers).to_have_count(2)
    chat.until_complete()
    order = [message["role"] for message in chat.stored]
    assert order == ["user", "assistant", "user", "assistant"]
    asked = upstream.requests(model)[-1].body["messages"]
    assert "".join(words(40)).strip() in str(asked[-2]["content"]), "the second answer did not know the first"


def test_a_link_leads_to_a_message_however_far_back_it_is(chat: ChatPage) -> None:
    begun = now_ms() - 86_400_000
    said = [Said("assistant" if at % 2 else "user", f"Line {at} of the log.", begun + 1000 * at) for at in range(600)]
    conversation = seed_conversation(chat.server.data_dir, "A log of 600 lines", said)
    with chat.server.http() as http:
        first = fetch_messages(http, conversation)[0]["id"]
    chat.open(f"/c/{conversation}#m-{first}")
    expect(chat.page.get_by_text("Line 0 of the log.")).to_be_in_viewport()
