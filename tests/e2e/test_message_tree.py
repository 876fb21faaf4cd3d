"""Messages edited, branched, deleted and carried on elsewhere, by the page: keyboard, two tabs, undo."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Locator, expect
from tests.e2e.accessibility import find_barriers
from tests.e2e.chat_page import ChatPage
from tests.fakes.script import Script, words
from tests.harness.upstream import Upstream

# Where an element stands on the screen, in each frame: `window.tops`.
_WATCH_TOP = """element => {
  window.tops = [];
  const look = () => {
    window.tops.push(element.getBoundingClientRect().top);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def question(chat: ChatPage) -> Locator:
    return chat.page.get_by_role("article", name="You").first


def edit(chat: ChatPage, message: Locator, text: str) -> Locator:
    """Type `text` in place of what the message says, by keyboard alone."""
    message.get_by_role("button", name="Edit", exact=True).press("Enter")
    field = message.get_by_role("textbox", name="Text of the message")
    expect(field).to_be_focused()
    chat.page.keyboard.press("ControlOrMeta+a")
    chat.page.keyboard.type(text)
    return field


def more(message: Locator) -> Locator:
    return message.get_by_role("button", name="More for this message")


def choose(chat: ChatPage, message: Locator, item: str) -> None:
    expect(more(message)).to_be_enabled()
    more(message).press("Enter")
    chat.page.get_by_role("menuitem", name=item, exact=True).press("Enter")


def test_a_message_is_edited_in_place_and_what_it_said_can_be_had_back(chat: ChatPage) -> None:
    chat.ask("Two days in Porto")
    edit(chat, question(chat), "Nothing of this")
    chat.page.keyboard.press("Escape")
    expect(question(chat)).to_contain_text("Two days in Porto")
    edit(chat, question(chat), "Three days in Porto")
    assert find_barriers(chat.page) == []
    chat.page.keyboard.press("ControlOrMeta+Enter")
    expect(question(chat)).to_contain_text("Three days in Porto")
    edit(chat, chat.answer, "Take the **tram**.")
    chat.page.keyboard.press("ControlOrMeta+Enter")
    expect(chat.answer_text.locator("strong")).to_have_text("tram")
    assert [message["parts"][-1]["text"] for message in chat.stored] == ["Three days in Porto", "Take the **tram**."]

    question(chat).get_by_role("button", name="Edited").press("Enter")
    dialog = chat.page.get_by_role("dialog", name="Versions")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    assert find_barriers(chat.page) == []
    dialog.get_by_role("button", name="Restore this version").press("Enter")
    expect(question(chat)).to_contain_text("Two days in Porto")
    expect(dialog).to_have_count(0)


def test_what_is_edited_stays_in_view_while_an_answer_grows_below_it(chat: ChatPage, upstream: Upstream) -> None:
    chat.choose_model(upstream.model(Script(pieces=words(600), delay_s=0.02))).send("Go on and on")
    chat.until_text("turn.123 ")
    question(chat).get_by_role("button", name="Edit", exact=True).click()
    field = question(chat).get_by_role("textbox", name="Text of the message")
    expect(field).to_be_focused()
    field.evaluate(_WATCH_TOP)
    chat.until_complete()
    expect(chat.answer_text).to_contain_text(words(600)[-1].strip())
    tops: list[float] = chat.page.evaluate("window.tops")
    assert len(tops) > 10
    assert max(tops) - min(tops) < 2
    chat.button("To the end").click()
    expect(field).not_to_be_in_viewport()
    expect(chat.button("To the end")).to_have_count(0)


def test_what_is_being_edited_survives_a_reload(chat: ChatPage) -> None:
    chat.ask("A sentence with a slip")
    edit(chat, question(chat), "A sentence without one")
    chat.page.reload()
    field = question(chat).get_by_role("textbox", name="Text of the message")
    expect(field).to_have_value("A sentence without one")
    question(chat).get_by_role("button", name="Save", exact=True).click()
    expect(field).to_have_count(0)
    expect(question(chat)).to_contain_text("A sentence without one")
    chat.page.reload()
    expect(question(chat)).to_contain_text("A sentence without one")
    expect(field).to_have_count(0)


def test_an_edit_is_sent_as_a_branch_and_one_switches_back_by_keyboard(chat: ChatPage, upstream: Upstream) -> None:
    first, second = (upstream.model(Script(pieces=[text])) for text in ("The first answer.", "The second answer."))
    chat.choose_model(first).send("To Faro")
    chat.until_text("The first answer.").until_complete()
    chat.choose_model(second)
    edit(chat, question(chat), "To Évora")
    question(chat).get_by_role("button", name="Save and send").press("Enter")
    chat.until_text("The second answer.").until_complete()
    expect(question(chat)).to_contain_text("To Évora")
    branches = question(chat).get_by_role("group", name="Branches: 2 of 2")
    expect(branches).to_be_visible()
    branches.get_by_role("button", name="Earlier branch").press("Enter")
    expect(question(chat)).to_contain_text("To Faro")
    chat.until_text("The first answer.")
    expect(question(chat).get_by_role("group", name="Branches: 1 of 2")).to_be_focused()
    assert find_barriers(chat.page) == []


def test_messages_are_deleted_with_undo_and_carried_on_in_a_new_conversation(chat: ChatPage) -> None:
    chat.ask("What stays")
    answered = chat.conversation
    choose(chat, question(chat), "Delete everything after")
    expect(chat.answers).to_have_count(0)
    expect(chat.page.get_by_text("1 message was deleted.")).to_be_visible()
    chat.button("Undo").press("Enter")
    expect(chat.answers).to_have_count(1)
    choose(chat, question(chat), "Delete")
    expect(chat.page.get_by_role("article", name="You")).to_have_count(0)
    expect(chat.answers).to_have_count(1)
    expect(more(chat.answer)).to_be_focused()
    chat.button("Undo").press("Enter")
    expect(question(chat)).to_contain_text("What stays")
    expect(more(question(chat))).to_be_focused()
    choose(chat, chat.answer, "Delete this and everything after")
    expect(chat.answers).to_have_count(0)
    expect(more(question(chat))).to_be_focused()
    chat.button("Undo").last.press("Enter")
    expect(chat.answers).to_have_count(1)

    choose(chat, chat.answer, "Continue in a new conversation")
    chat.page.wait_for_url(lambda address: answered not in address)
    expect(question(chat)).to_contain_text("What stays")
    expect(chat.answer_text).to_have_text("Hello, world!")
    chat.ask("Only here")
    with chat.server.http() as http:
        assert len(http.get(f"/api/conversations/{answered}/messages").json()["items"]) == 2


def test_of_two_tabs_that_edit_one_message_the_second_is_told_and_loses_nothing(
    chat: ChatPage, context: BrowserContext
) -> None:
    chat.ask("As it was")
    other = ChatPage(context.new_page(), chat.server).open(f"/c/{chat.conversation}")
    expect(other.answers).to_have_count(1)
    edit(other, question(other), "The second tab")
    chat.page.bring_to_front()
    edit(chat, question(chat), "The first tab")
    chat.page.keyboard.press("ControlOrMeta+Enter")
    expect(question(chat)).to_contain_text("The first tab")

    other.page.bring_to_front()
    field = question(other).get_by_role("textbox", name="Text of the message")
    field.press("ControlOrMeta+Enter")
    expect(question(other).get_by_role("alert")).to_contain_text("Your text is kept here.")
    expect(field).to_have_value("The second tab")
    question(other).get_by_role("button", name="Show the other version").press("Enter")
    expect(question(other).get_by_role("region", name="The other version")).to_have_text("The first tab")
    assert find_barriers(other.page) == []
    question(other).get_by_role("button", name="Save over it").press("Enter")
    expect(question(other)).to_contain_text("The second tab")
    chat.page.bring_to_front()
    expect(question(chat)).to_contain_text("The second tab")
    assert chat.stored[0]["version"] == 3


def test_another_model_answers_instead_or_beside_and_one_of_two_is_chosen(chat: ChatPage, upstream: Upstream) -> None:
    first, second, third = (upstream.model(Script(pieces=[f"Answer {n}."])) for n in ("one", "two", "three"))
    chat.choose_model(first).send("Which way")
    chat.until_text("Answer one.").until_complete()
    choose(chat, chat.answer, "Try again with…")
    _pick(chat, second)
    chat.until_text("Answer two.").until_complete()
    expect(chat.answer.get_by_role("group", name="Branches: 2 of 2")).to_be_visible()

    choose(chat, chat.answer, "Compare with another model…")
    _pick(chat, third)
    dialog = chat.page.get_by_role("dialog", name="Two answers")
    sides = dialog.get_by_role("article")
    expect(sides).to_have_count(2)
    expect(sides.first).to_contain_text("Answer two.")
    expect(sides.last).to_contain_text("Answer three.")
    expect(sides.last).to_have_attribute("aria-busy", "false")
    assert find_barriers(chat.page) == []
    sides.last.get_by_role("button", name="Go on with this one").press("Enter")
    expect(dialog).to_have_count(0)
    chat.until_text("Answer three.")
    expect(chat.answer.get_by_role("group", name="Branches: 3 of 3")).to_be_visible()


def test_a_comparison_is_begun_in_the_composer(chat: ChatPage, upstream: Upstream) -> None:
    first, second = (upstream.model(Script(pieces=[f"Side {n}."])) for n in ("one", "two"))
    chat.choose_model(first)
    chat.form.get_by_role("button", name="Advanced: temperature, system prompt, memory").press("Enter")
    chat.page.get_by_role("button", name="Compare with another model…").press("Enter")
    _pick(chat, second)
    expect(chat.page.get_by_text("answers the next message, too")).to_be_visible()
    chat.send("Which of you")
    sides = chat.page.get_by_role("dialog", name="Two answers").get_by_role("article")
    expect(sides.first).to_contain_text("Side one.")
    expect(sides.last).to_contain_text("Side two.")
    expect(chat.page.get_by_text("answers the next message, too")).to_have_count(0)


def _pick(chat: ChatPage, model: str) -> None:
    dialog = chat.page.get_by_role("dialog", name="Which model answers?")
    dialog.get_by_role("combobox", name="Search models").fill(model.partition("/")[2])
    chat.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
