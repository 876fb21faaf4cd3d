"""What is done in one tab is seen in the other, without a reload.

A tab behind another one is hardly ever drawn: whoever looks at a tab brings it to the front first.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Locator, WebSocketRoute, expect
from tests.e2e.chat_page import ChatPage, find_slips
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until


@pytest.fixture
def other(context: BrowserContext, chat: ChatPage) -> ChatPage:
    """Open beside the first, and listening to what happens elsewhere."""
    tab = ChatPage(context.new_page(), chat.server)
    heard: list[str] = []
    tab.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))))
    tab.open()

    def is_listening() -> bool:
        tab.page.evaluate("0")  # lets the driver take what has come
        return any('"following"' in frame for frame in heard)

    wait_until(is_listening, "the tab to listen")
    return tab


def link_to(tab: ChatPage, title: str) -> Locator:
    return tab.sidebar.get_by_role("link", name=title)


def test_a_message_of_one_tab_streams_in_the_other(chat: ChatPage, other: ChatPage, upstream: Upstream) -> None:
    chat.ask("A talk in two tabs")
    other.open(f"/c/{chat.conversation}").watch()
    expect(other.answers).to_have_count(1)
    model = upstream.model(Script(pieces=words(600), delay_s=0.05))
    chat.choose_model(model).send("Tell both of us")
    expect(other.page.get_by_role("article", name="You").last).to_contain_text("Tell both of us")
    other.until_text("still3 ")
    expect(other.stop_button).to_be_visible()
    other.page.bring_to_front()
    wait_until(lambda: len(other.shown) > 10, "the text to come word by word")
    upstream.hurry(model)
    for tab in (chat, other):
        tab.page.bring_to_front()
        tab.until_complete()
        assert tab.read == "".join(words(600)).strip()
    frames = [text for text in other.shown if text != "Hello, world!"]
    assert find_slips(frames, other.read) == []


def test_an_answer_is_stopped_from_the_other_tab(chat: ChatPage, other: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(3_000), delay_s=0.02))
    chat.choose_model(model).send("Stop me elsewhere")
    other.open(f"/c/{chat.conversation}").until_text("still3 ")
    other.stop_button.click()
    for tab in (chat, other):
        tab.page.bring_to_front()
        tab.until_complete()
        expect(tab.answer.get_by_text("Stopped. What was written is kept.")).to_be_visible()
    assert chat.read == other.read == chat.stored_text


def test_a_new_conversation_and_its_new_title_are_seen_in_the_other_tab(chat: ChatPage, other: ChatPage) -> None:
    chat.ask("A title that will not last")
    expect(link_to(other, "A title that will not last")).to_be_visible()
    chat.page.bring_to_front()
    chat.button("More").click()
    chat.page.get_by_role("menuitem", name="Rename").click()
    title = chat.page.get_by_role("textbox", name="Title")
    expect(title).to_be_focused()
    title.fill("A title for good")
    title.press("Enter")
    expect(chat.page.get_by_role("heading", name="A title for good")).to_be_visible()
    expect(link_to(other, "A title for good")).to_be_visible()
    expect(link_to(other, "A title that will not last")).to_have_count(0)


def test_a_deletion_and_its_undoing_are_seen_in_the_other_tab(chat: ChatPage, other: ChatPage) -> None:
    chat.ask("Here today and gone tomorrow")
    expect(link_to(other, "Here today and gone tomorrow")).to_be_visible()
    chat.page.bring_to_front()
    chat.button("More").click()
    chat.page.get_by_role("menuitem", name="Delete").click()
    expect(link_to(other, "Here today and gone tomorrow")).to_have_count(0)
    expect(chat.page).to_have_url(f"{chat.server.url}/")
    chat.button("Undo").click()
    expect(link_to(other, "Here today and gone tomorrow")).to_be_visible()
    expect(chat.answer_text).to_have_text("Hello, world!")


def test_what_is_written_in_a_conversation_that_another_tab_deleted_waits_until_it_is_restored(
    chat: ChatPage, other: ChatPage, upstream: Upstream
) -> None:
    chat.ask("Deleted under your hands")
    conversation = chat.conversation
    other.open(f"/c/{conversation}").until_text("Hello, world!")
    chat.page.bring_to_front()
    chat.button("More").click()
    chat.page.get_by_role("menuitem", name="Delete").click()
    other.page.bring_to_front()
    expect(other.page.get_by_text("This conversation is not here.")).to_be_visible()
    other.send("And this as well")
    refused = "This conversation was deleted. Restore it first, or write in a new one."
    expect(other.page.get_by_text(refused)).to_be_visible()

    other.button("Restore").click()
    expect(other.page.get_by_text("This conversation is not here.")).to_have_count(0)
    other.button("Try again").click()
    expect(other.answers).to_have_count(2)
    other.until_complete()
    assert other.conversation == conversation
    assert [message["role"] for message in other.stored] == ["user", "assistant"] * 2


def test_an_address_that_never_was_a_conversation_offers_no_restoring(chat: ChatPage) -> None:
    chat.open("/c/no-such-conversation")
    note = chat.page.get_by_text("There is no conversation at this address.")
    expect(note).to_be_visible()
    expect(chat.button("Restore")).to_have_count(0)
    expect(chat.button("Try again")).to_have_count(0)
    chat.ask("Begin here, then")
    expect(note).to_have_count(0)
    assert [message["role"] for message in chat.stored] == ["user", "assistant"]


def test_what_changes_while_a_tab_is_loading_is_seen_there(chat: ChatPage, context: BrowserContext) -> None:
    chat.ask("Known to both")
    late = ChatPage(context.new_page(), chat.server)
    held: list[WebSocketRoute] = []
    late.page.route_web_socket("**/chat", lambda route: held.append(route))  # the page waits for its connection
    late.page.route("**/api/events*", lambda _: None)  # also when it thinks that the network lets no socket through
    late.open()
    expect(link_to(late, "Known to both")).to_be_visible()
    assert len(held) == 1

    chat.page.bring_to_front()
    chat.open().ask("Between the index and the feed")
    expect(link_to(late, "Between the index and the feed")).to_have_count(0)
    late.page.unroute_all()
    late.page.route_web_socket("**/chat", lambda route: route.connect_to_server())
    held[-1].connect_to_server()
    late.page.bring_to_front()
    expect(link_to(late, "Between the index and the feed")).to_be_visible()


def test_conversations_are_found_by_title(chat: ChatPage) -> None:
    name = new_name("dhow")
    chat.ask(f"Zanzibar by {name}")
    expect(link_to(chat, f"Zanzibar by {name}")).to_be_visible()
    chat.page.get_by_role("searchbox", name="Search conversations by title").fill(f"zanzi {name}")
    expect(chat.sidebar.get_by_role("link")).to_have_count(1)
    chat.page.get_by_role("searchbox", name="Search conversations by title").fill("no such title")
    expect(chat.sidebar.get_by_text("No title contains “no such title”.")).to_be_visible()
