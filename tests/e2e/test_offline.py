"""Without a network the page says so, keeps what is written, and sends it once."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect
from tests.e2e.chat_page import ChatPage, find_slips
from tests.fakes.script import Script, words
from tests.harness.stored import text_of
from tests.harness.upstream import Upstream


def test_a_message_written_offline_is_kept_and_sent_once(
    chat: ChatPage, context: BrowserContext, upstream: Upstream
) -> None:
    model = upstream.model(Script())
    chat.ask("While there is a network", model)
    banner = chat.page.get_by_role("status").filter(has_text="No connection.")
    context.set_offline(True)
    expect(banner).to_be_visible()
    chat.send("Into the silence")
    expect(chat.page.get_by_text("Waiting for the connection. It is kept and sent by itself.")).to_be_visible()
    assert len(upstream.requests(model)) == 1

    context.set_offline(False)
    expect(banner).to_have_count(0)
    expect(chat.answers).to_have_count(2)
    chat.until_complete()
    chat.page.reload()
    expect(chat.answers).to_have_count(2)
    said = [text_of(message) for message in chat.stored if message["role"] == "user"]
    assert said == ["While there is a network", "Into the silence"]
    assert len(upstream.requests(model)) == 2


def test_a_break_in_the_middle_of_an_answer_leaves_no_hole(
    chat: ChatPage, context: BrowserContext, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(250), delay_s=0.02))
    chat.watch().choose_model(model).send("Through a bad network")
    chat.until_text("still3 ")
    context.set_offline(True)
    expect(chat.page.get_by_role("status").filter(has_text="No connection.")).to_be_visible()
    context.set_offline(False)
    chat.until_complete()
    assert chat.read == chat.stored_text == "".join(words(250)).strip()
    assert find_slips(chat.shown, chat.read) == []
