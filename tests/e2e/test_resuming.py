"""Reloads, detours and restarts in the middle of an answer: each character is shown once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from tests.conftest import MakeServer
from tests.e2e.chat_page import ChatPage, find_slips
from tests.e2e.chromium import Visitor
from tests.fakes.script import Script, words
from tests.harness.server import Server
from tests.harness.stored import text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

PIECES = words(400)
FINAL = "".join(PIECES).strip()


def assert_exact(chat: ChatPage) -> None:
    """What is there is what was said and what is stored, and no frame showed anything else."""
    chat.until_complete()
    assert chat.read == FINAL
    assert chat.stored_text == FINAL
    assert find_slips(chat.shown, FINAL) == []


@pytest.fixture
def slow(upstream: Upstream) -> str:
    """It goes on while a page is loaded, however long that takes, and says the rest when it is told to hurry."""
    return upstream.model(Script(pieces=PIECES, delay_s=0.1))


def test_a_reload_in_the_middle_goes_on_from_the_same_character(chat: ChatPage, slow: str, upstream: Upstream) -> None:
    chat.watch().choose_model(slow).send("Tell me a long story")
    chat.until_text(PIECES[3])
    assert chat.conversation
    chat.page.reload()
    expect(chat.answer).to_have_attribute("aria-busy", "true")
    wait_until(lambda: len(chat.shown) > 10, "the text to go on after the reload")
    upstream.hurry(slow)
    assert_exact(chat)


def test_reload_after_reload_is_exact(chat: ChatPage, slow: str, upstream: Upstream) -> None:
    chat.watch().choose_model(slow).send("Tell me a long story")
    for landmark in (PIECES[3], PIECES[20], PIECES[40], PIECES[60]):
        chat.until_text(landmark)
        assert chat.conversation
        chat.page.reload()
    expect(chat.answer).to_have_attribute("aria-busy", "true")
    upstream.hurry(slow)
    assert_exact(chat)


def test_an_address_from_before_the_first_acknowledgement_stays_good(
    chat: ChatPage, context: BrowserContext, slow: str, upstream: Upstream
) -> None:
    """The page makes an id up for a new conversation, and the server gives another: both lead there."""
    addresses: list[str] = []
    chat.page.on("framenavigated", lambda frame: addresses.append(frame.url))
    chat.choose_model(slow).send("Where am I?")
    chat.until_text(PIECES[3])
    expect(chat.page).to_have_url(f"{chat.server.url}/c/{chat.conversation}")
    made_up = addresses[0]
    assert made_up != chat.page.url

    late = ChatPage(context.new_page(), chat.server).open(made_up.removeprefix(chat.server.url)).watch()
    expect(late.page).to_have_url(f"{chat.server.url}/c/{chat.conversation}")
    upstream.hurry(slow)
    assert_exact(late)


def test_a_detour_to_another_conversation_and_back_misses_nothing(
    chat: ChatPage, slow: str, upstream: Upstream
) -> None:
    chat.ask("Another conversation", "openai/fake-chat")
    chat.page.get_by_role("button", name="New conversation").click()
    chat.choose_model(slow).send("A story with a detour")
    chat.until_text(PIECES[3])
    chat.sidebar.get_by_role("link", name=re.compile("^Another conversation")).click()
    expect(chat.answer_text).to_have_text("Hello, world!")
    chat.sidebar.get_by_role("link", name=re.compile("^A story with a detour")).click()
    expect(chat.answer).to_have_attribute("aria-busy", "true")
    upstream.hurry(slow)
    chat.until_complete()
    assert chat.read == FINAL
    assert chat.stored_text == FINAL


def test_a_second_window_opened_late_shows_the_same(
    chat: ChatPage, context: BrowserContext, slow: str, upstream: Upstream
) -> None:
    chat.watch().choose_model(slow).send("A story for two windows")
    chat.until_text(PIECES[3])
    late = ChatPage(context.new_page(), chat.server).open(f"/c/{chat.conversation}").watch()
    expect(late.answer).to_have_attribute("aria-busy", "true")
    upstream.hurry(slow)
    assert_exact(late)
    chat.page.bring_to_front()
    assert_exact(chat)


@pytest.fixture
def mortal(make_server: MakeServer) -> Server:
    return make_server().start()


@pytest.fixture
def mortal_chat(browser: Browser, mortal: Server) -> Iterator[ChatPage]:
    context = Visitor(browser, mortal).new_context()
    yield ChatPage(context.new_page(), mortal).open().watch()
    context.close()


def test_an_answer_survives_the_death_of_the_server(
    mortal_chat: ChatPage, mortal: Server, slow: str, upstream: Upstream
) -> None:
    chat = mortal_chat
    chat.choose_model(slow).send("Tell me a long story")
    chat.until_text(PIECES[3])
    mortal.kill()
    mortal.restart()

    expect(chat.answer.get_by_text("Continued after a restart")).to_be_visible()
    chat.until_text(PIECES[40])
    upstream.hurry(slow)
    assert_exact(chat)
    expect(chat.answer.get_by_role("img", name="Continued after a restart")).to_be_visible()
    assert len(upstream.requests(slow)) == 2
    assert [message["role"] for message in chat.stored] == ["user", "assistant"]
    assert chat.stored[-1]["status"] == "complete"
    chat.page.reload()
    expect(chat.answer_text).to_have_text(FINAL)
    expect(chat.answer.get_by_text("Continued after a restart")).to_be_visible()


def test_a_message_sent_while_the_server_is_down_arrives_once(
    mortal_chat: ChatPage, mortal: Server, upstream: Upstream
) -> None:
    chat = mortal_chat
    model = upstream.model(Script())
    chat.ask("Before the night", model)
    mortal.kill()
    chat.send("While nobody listens")
    expect(chat.page.get_by_text("Waiting for the connection. It is kept and sent by itself.")).to_be_visible()
    chat.page.get_by_role("status").filter(has_text="No connection.").wait_for()
    mortal.restart()
    expect(chat.answers).to_have_count(2)
    chat.until_complete()
    wait_until(lambda: chat.stored[-1]["status"] == "complete", "the answer to be stored")
    said = [text_of(message) for message in chat.stored if message["role"] == "user"]
    assert said == ["Before the night", "While nobody listens"]
    assert len(upstream.requests(model)) == 2
