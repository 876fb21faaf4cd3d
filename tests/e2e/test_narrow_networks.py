"""Networks that refuse sockets, hold streams back, or both: the page goes down the ladder, and each text is exact."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect
from tests.e2e.chat_page import ChatPage, find_slips
from tests.fakes.script import Script, words
from tests.harness.narrow_proxy import NarrowProxy, open_narrow
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

PIECES = words(150)
FINAL = "".join(PIECES).strip()
STREAM_LINE = "This network lets no socket through"
POLL_LINE = "This network holds streams back"


@pytest.fixture
def slow(upstream: Upstream) -> str:
    return upstream.model(Script(pieces=PIECES, delay_s=0.02))


@pytest.fixture
def proxy(server: Server) -> Iterator[NarrowProxy]:
    with open_narrow(server.port) as opened:
        yield opened


@pytest.fixture
def chat(context: BrowserContext, server: Server, proxy: NarrowProxy) -> ChatPage:
    """Behind the proxy, not opened yet."""
    return ChatPage(context.new_page(), server, proxy.url)


def ask(chat: ChatPage, model: str) -> ChatPage:
    chat.watch().choose_model(model).send("Tell me a long story")
    chat.until_text(PIECES[3])
    return chat


def assert_exact(chat: ChatPage) -> None:
    chat.until_complete()
    assert chat.read == FINAL
    assert chat.stored_text == FINAL
    assert find_slips(chat.shown, FINAL) == []
    assert len(chat.shown) > 5, "nothing streamed"


def test_without_sockets_the_page_streams_over_plain_requests(chat: ChatPage, proxy: NarrowProxy, slow: str) -> None:
    proxy.refuses_sockets = True
    ask(chat.open(), slow)
    expect(chat.page.get_by_text(STREAM_LINE)).to_be_visible()
    assert_exact(chat)
    assert proxy.sockets == 0
    assert proxy.count("POST /api/messages") == 1
    assert proxy.count("GET /api/events?wait") == 0
    chat.page.get_by_role("button", name="Do not say this again").click()
    expect(chat.page.get_by_text(STREAM_LINE)).to_have_count(0)


def test_without_sockets_and_streams_the_page_polls(chat: ChatPage, proxy: NarrowProxy, slow: str) -> None:
    proxy.refuses_sockets = proxy.holds_streams = True
    ask(chat.open(), slow)
    expect(chat.page.get_by_text(POLL_LINE)).to_be_visible()
    assert_exact(chat)
    assert proxy.sockets == 0


def test_with_sockets_a_network_that_holds_streams_back_is_never_noticed(
    chat: ChatPage, proxy: NarrowProxy, slow: str
) -> None:
    proxy.holds_streams = True
    assert_exact(ask(chat.open(), slow))
    assert (proxy.sockets, proxy.count("GET /api/events")) == (1, 0)


def test_an_answer_goes_on_exactly_while_the_page_falls_down_the_whole_ladder_and_climbs_again(
    chat: ChatPage, proxy: NarrowProxy, upstream: Upstream
) -> None:
    pieces = words(3_000)
    model = upstream.model(Script(pieces=pieces, delay_s=0.03))
    ask(chat.open(), model)
    assert proxy.sockets == 1

    proxy.refuses_sockets = True
    proxy.cut_all()
    expect(chat.page.get_by_text(STREAM_LINE)).to_be_visible()
    proxy.holds_streams = True
    proxy.cut_all()
    expect(chat.page.get_by_text(POLL_LINE)).to_be_visible()
    polls = wait_until(lambda: proxy.count("GET /api/events") if _polls(proxy) > 5 else None, "some polls")

    proxy.refuses_sockets = proxy.holds_streams = False
    chat.page.evaluate("dispatchEvent(new Event('online'))")
    expect(chat.page.get_by_text(POLL_LINE)).to_have_count(0)
    assert proxy.sockets == 2
    assert polls
    expect(chat.answer).to_have_attribute("aria-busy", "true")  # it all happened within one answer
    upstream.hurry(model)
    chat.until_complete()
    final = "".join(pieces).strip()
    assert chat.read == final
    assert chat.stored_text == final
    assert find_slips(chat.shown, final) == []


def _polls(proxy: NarrowProxy) -> int:
    return sum("wait=" in request for request in list(proxy.requests))


def test_stop_and_answer_anew_work_by_polling(chat: ChatPage, proxy: NarrowProxy, slow: str) -> None:
    proxy.refuses_sockets = proxy.holds_streams = True
    ask(chat.open(), slow)
    chat.stop_button.click()
    chat.until_complete()
    assert chat.stored[-1]["status"] == "stopped"
    assert FINAL.startswith(chat.read)
    assert proxy.count("POST /api/turns/") == 1
