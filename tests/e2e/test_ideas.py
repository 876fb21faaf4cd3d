"""Ideas become cards while the answer streams, stand on a board, and can be deleted."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.e2e.chat_page import ChatPage
from tests.fakes.script import Script
from tests.harness.upstream import Upstream

_ANSWER = (
    'idea: "A bench of old planks along the wall"\n'
    'idea: "Thyme and lavender in the sun"\n'
    'message: "Both are saved. Begin with the bench, and sit on it before you plant anything."\n'
)


def test_ideas_appear_as_cards_while_the_answer_streams(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=list(_ANSWER), delay_s=0.015))
    chat.choose_assistant("Ideas").choose_model(model).send("Two ideas for my balcony, please")
    panel = chat.page.get_by_role("complementary", name="Ideas").get_by_role("list", name="Ideas")
    first = panel.get_by_role("listitem").filter(has_text="A bench of old planks along the wall")
    expect(first).to_be_visible()
    expect(chat.answer).to_have_attribute("aria-busy", "true")
    chat.until_complete()
    assert chat.read == "Both are saved. Begin with the bench, and sit on it before you plant anything."
    expect(panel.get_by_role("listitem")).to_have_count(2)
    expect(chat.answer.get_by_role("list", name="Ideas kept from this answer").get_by_role("listitem")).to_have_count(2)

    chat.page.reload()
    expect(panel.get_by_role("listitem")).to_have_count(2)


def test_the_board_lists_ideas_with_their_origin_and_deletes_them(chat: ChatPage, upstream: Upstream) -> None:
    answer = 'idea: "A kettle that whistles in tune"\nidea: "Curtains from sailcloth"\nmessage: "Saved."\n'
    model = upstream.model(Script(pieces=[answer]))
    chat.choose_assistant("Ideas").ask("Ideas for a galley", model)
    conversation = chat.conversation

    chat.page.get_by_role("link", name="Ideas", exact=True).click()
    board = chat.page.get_by_role("main")
    kettle = board.get_by_role("listitem").filter(has_text="A kettle that whistles in tune")
    curtains = board.get_by_role("listitem").filter(has_text="Curtains from sailcloth")
    expect(kettle).to_be_visible()
    expect(curtains.get_by_role("link", name="Ideas for a galley")).to_be_visible()

    search = board.get_by_role("searchbox", name="Search ideas and titles")
    search.fill("sailcloth galley")
    expect(kettle).to_have_count(0)
    expect(curtains).to_be_visible()
    search.fill("")

    kettle.get_by_role("button", name="Delete").click()
    kettle.get_by_role("button", name="Keep").click()
    expect(kettle).to_be_visible()
    kettle.get_by_role("button", name="Delete").click()
    with chat.page.expect_response(lambda answer: answer.request.method == "DELETE"):  # a reload would call it back
        kettle.get_by_role("button", name="Delete").click()
    expect(kettle).to_have_count(0)
    chat.page.reload()
    expect(curtains).to_be_visible()
    expect(kettle).to_have_count(0)

    curtains.get_by_role("link", name="Ideas for a galley").click()
    chat.page.wait_for_url(f"**/c/{conversation}*")
    expect(chat.answer_text).to_have_text("Saved.")


def test_an_answer_without_tags_is_shown_as_it_is(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["No tags ", "here: just ", "words."]))
    chat.choose_assistant("Ideas").ask("Say it plainly", model)
    assert chat.read == "No tags here: just words."
