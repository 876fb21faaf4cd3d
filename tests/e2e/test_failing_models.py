"""A model that fails: what happened, what was kept, and what to do."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.e2e.chat_page import ChatPage
from tests.fakes.script import Script, words
from tests.harness.upstream import Upstream


@pytest.mark.parametrize("status", [401, 404])
def test_a_refused_request_says_what_was_kept_and_can_be_repeated(
    chat: ChatPage, upstream: Upstream, status: int
) -> None:
    model = upstream.model(Script(status=status))
    chat.ask("Is anybody there?", model)
    card = chat.answer.get_by_role("alert")
    expect(card).to_contain_text("The model did not answer.")
    expect(card).to_contain_text("kept")
    expect(card.get_by_role("link", name="Open the settings")).to_be_visible()
    upstream.change(model, Script(pieces=["Now ", "I am."]))
    card.get_by_role("button", name="Try again").click()
    expect(chat.answer_text).to_have_text("Now I am.")
    chat.until_complete()
    expect(card).to_have_count(0)
    expect(chat.answers).to_have_count(1)


def test_a_cut_stream_keeps_what_was_received(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(40), delay_s=0.02, fault="cut", fault_after=12))
    chat.ask("Until the line breaks", model)
    card = chat.answer.get_by_role("alert")
    expect(card).to_contain_text("The answer is not complete.")
    expect(card).to_contain_text("kept")
    received = chat.read
    assert received == chat.stored_text
    assert received.startswith("".join(words(8)).strip()), "the network may lose what it was carrying, not more"
    chat.page.reload()
    expect(card).to_contain_text("The answer is not complete.")
    expect(chat.answer_text).to_have_text(received)
    upstream.change(model, Script(pieces=["Whole."]))
    card.get_by_role("button", name="Try again").click()
    expect(chat.answer_text).to_have_text("Whole.")


@pytest.mark.parametrize("fault", ["empty", "html", "malformed", "refusal"])
def test_nonsense_from_a_model_ends_in_a_sentence(chat: ChatPage, upstream: Upstream, fault: str) -> None:
    script = Script(pieces=words(8), fault=fault, fault_after=4)  # type: ignore[arg-type]
    chat.ask("Say something odd", upstream.model(script))
    card = chat.answer.get_by_role("alert")
    sentence = card.locator("p").last.inner_text()
    assert sentence.endswith("."), sentence
    assert "Traceback" not in sentence
    assert "{" not in sentence
    expect(card.get_by_role("button", name="Try again")).to_be_visible()
