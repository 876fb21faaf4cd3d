"""The whole of chat without a mouse, and what a screen reader is told."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.chat_page import ChatPage
from tests.fakes.script import Script
from tests.harness.full_client import new_name
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

# Whether the focus can be seen: something is drawn on the focused element, or just around it, that is not drawn
# there without the focus.
_IS_FOCUS_SEEN = """() => {
  const element = document.activeElement;
  const around = [element, element.parentElement, element.parentElement?.parentElement].filter(Boolean);
  const drawn = () => JSON.stringify(around.map((one) => {
    const style = getComputedStyle(one);
    return [style.outlineStyle, style.outlineWidth, style.borderColor, style.boxShadow, style.backgroundColor];
  }));
  for (const one of around) one.style.transition = 'none';
  const focused = drawn();
  element.blur();
  const plain = drawn();
  element.focus({ focusVisible: true });
  return focused !== plain || `no focus to be seen on ${element.outerHTML.slice(0, 160)}`;
}"""
_FOCUSED = "document.activeElement?.getAttribute('aria-label') || document.activeElement?.textContent?.trim() || ''"


def focused(page: Page) -> str:
    name: str = page.evaluate(_FOCUSED)
    return name


def press_until(page: Page, key: str, name: str) -> None:
    """Press a key until what is called `name` has the focus."""
    for _ in range(40):
        if re.search(name, focused(page)):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{name} cannot be reached with {key}; the focus is on {focused(page)!r}")


def test_a_chat_from_the_first_key_to_the_last(chat: ChatPage) -> None:
    page, keys = chat.page, chat.page.keyboard
    expect(chat.field).to_be_focused()
    press_until(page, "Tab", "^Model: ")
    keys.press("Enter")
    search = page.get_by_role("combobox", name="Search models")
    expect(search).to_be_focused()
    keys.type("fake-think")
    expect(page.get_by_role("option")).to_have_count(1)
    keys.press("Enter")
    expect(chat.form.get_by_role("button", name="Model: fake-think. Choose another")).to_be_focused()
    press_until(page, "Shift+Tab", "^Message$")

    keys.type("One line")
    keys.press("Shift+Enter")
    keys.type("and another")
    keys.press("Enter")
    expect(page.get_by_role("article", name="You")).to_contain_text("One line\nand another")
    chat.until_text("I thought.").until_complete()
    expect(chat.field).to_be_focused()

    before = chat.stored[-1]["id"]
    press_until(page, "Shift+Tab", "^Answer anew$")
    keys.press("Enter")
    wait_until(lambda: chat.stored[-1]["id"] != before, "another answer")
    chat.until_text("I thought.").until_complete()
    assert len(chat.stored) == 2

    keys.press("Control+Shift+O")
    expect(chat.answers).to_have_count(0)
    expect(chat.field).to_be_focused()


def test_stopping_by_keyboard(chat: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["On ", "and "] * 300, delay_s=0.02))
    chat.choose_model(model).send("Never stop")
    chat.until_text("On and On")
    chat.page.keyboard.press("Control+.")
    chat.until_complete()
    expect(chat.answer.get_by_text("Stopped. What was written is kept.")).to_be_visible()


def test_the_palette_finds_conversations_and_actions(chat: ChatPage) -> None:
    chat.ask("Quoits on the upper deck")
    conversation = chat.conversation
    chat.page.get_by_role("button", name="New conversation").click()
    page, keys = chat.page, chat.page.keyboard
    keys.press("Control+k")
    palette = page.get_by_role("dialog", name="Command palette")
    expect(palette.get_by_role("combobox")).to_be_focused()
    keys.type("quoits")
    expect(palette.get_by_role("option").first).to_contain_text("Quoits on the upper deck")
    keys.press("Enter")
    expect(palette).to_have_count(0)
    page.wait_for_url(f"**/c/{conversation}")

    keys.press("Control+k")
    expect(palette.get_by_role("combobox")).to_be_focused()
    keys.type("dark theme")
    keys.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    keys.press("Control+k")
    expect(palette.get_by_role("combobox")).to_be_focused()
    keys.press("Escape")
    expect(palette).to_have_count(0)


def test_a_question_mark_lists_the_shortcuts_and_escape_returns(chat: ChatPage) -> None:
    page, keys = chat.page, chat.page.keyboard
    expect(chat.field).to_be_focused()
    keys.type("?")
    expect(chat.field).to_have_value("?")
    keys.press("Backspace")
    press_until(page, "Tab", "^Model: ")
    keys.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_text("New conversation")).to_be_visible()
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    expect(chat.form.get_by_role("button", name=re.compile("^Model: "))).to_be_focused()
    keys.press("/")
    expect(chat.field).to_be_focused()


def test_the_focus_returns_to_where_it_was(chat: ChatPage) -> None:
    chat.ask("Where was I?")
    page, keys = chat.page, chat.page.keyboard

    edit = page.get_by_role("article", name="You").get_by_role("button", name="Edit")
    edit.press("Enter")
    expect(page.get_by_role("textbox", name="Text of the message")).to_be_focused()
    keys.press("Escape")
    expect(edit).to_be_focused()

    more = page.get_by_role("main").get_by_role("button", name="More", exact=True)
    for done in ("Escape", "Enter"):
        more.press("Enter")
        page.get_by_role("menuitem", name="Rename").press("Enter")
        expect(page.get_by_role("textbox", name="Title")).to_be_focused()
        keys.press(done)
        expect(more).to_be_focused()

    chat.sidebar.get_by_role("button", name="More for Where was I?").press("Enter")
    page.get_by_role("menuitem", name="Rename").press("Enter")
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    keys.press("Escape")
    expect(chat.sidebar.get_by_role("link", name="Where was I?")).to_be_focused()

    chat.field.focus()
    keys.press("Control+k")
    expect(page.get_by_role("combobox", name="Command palette")).to_be_focused()
    keys.type("light theme")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(chat.field).to_be_focused()


def test_an_edit_that_is_left_by_mistake_comes_back(chat: ChatPage) -> None:
    chat.ask("Short")
    edit = chat.page.get_by_role("article", name="You").get_by_role("button", name="Edit")
    field = chat.page.get_by_role("textbox", name="Text of the message")
    edit.press("Enter")
    field.fill("Much longer, after some minutes of thought")
    field.press("Escape")
    expect(field).to_have_count(0)
    chat.button("Undo").click()
    expect(field).to_have_value("Much longer, after some minutes of thought")
    expect(chat.page.get_by_role("status").filter(has_text="discarded")).to_have_count(0)


@pytest.mark.parametrize("path", ["conversation", "/", "/ideas", "/deleted", "/settings"])
def test_the_focus_can_be_seen_wherever_it_is(chat: ChatPage, path: str) -> None:
    if path == "conversation":
        chat.ask("Something to walk through")
    else:
        chat.open(path)
    page = chat.page
    expect(page.get_by_role("heading").first).to_be_visible()
    unseen: list[str] = []
    walked: list[str] = []
    for _ in range(24):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue  # past the end, before the beginning
        seen = page.evaluate(_IS_FOCUS_SEEN)
        walked.append(focused(page))
        if seen is not True:
            unseen.append(seen)
    assert len(set(walked)) > 8, walked
    assert unseen == []


_LISTEN = """
window.said = [];
new MutationObserver(() => {
  const region = document.querySelector('main [aria-live=polite].sr-only');
  const text = region?.textContent ?? '';
  if (text && text !== window.said.at(-1)) window.said.push(text);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


def test_an_answer_is_read_to_screen_readers_by_sentence(chat: ChatPage, upstream: Upstream) -> None:
    sentences = ["The wind has turned. ", "We reef the main at dusk! ", "Is the log written? ", "Then good night."]
    model = upstream.model(Script(pieces=re.findall(r"\S+ ?", "".join(sentences)), delay_s=0.15))
    chat.page.add_init_script(_LISTEN)
    chat.open().choose_model(model).send("Read it to me")
    chat.until_text("Then good night.")
    wait_until(lambda: "".join(chat.page.evaluate("said")).endswith("Then good night."), "the last sentence to be said")
    said: list[str] = chat.page.evaluate("said")
    assert " ".join(text.strip() for text in said) == "".join(sentences)
    assert len(said) > 1, "everything was said at once"
    assert all(text.strip()[-1] in ".!?" for text in said), said


def test_a_drawer_beside_the_page_takes_the_focus_and_gives_it_back(chat: ChatPage) -> None:
    chat.ask("What did it see?")
    page, keys = chat.page, chat.page.keyboard
    saw = chat.answer.get_by_role("button", name="What the model saw")
    drawer = page.get_by_role("complementary", name="What the model saw")
    saw.press("Enter")
    expect(drawer).to_be_focused()
    keys.press("Escape")
    expect(drawer).to_have_count(0)
    expect(saw).to_be_focused()
    saw.press("Enter")
    drawer.get_by_role("button", name="Close").press("Enter")
    expect(saw).to_be_focused()

    chat.field.focus()
    keys.press("Control+i")
    ideas = page.get_by_role("complementary", name="Ideas")
    expect(ideas).to_be_visible()
    expect(chat.field).to_be_focused()
    ideas.get_by_role("button", name="Close").focus()
    keys.press("Escape")
    expect(ideas).to_have_count(0)
    expect(chat.field).to_be_focused()


def test_hiding_and_showing_the_sidebar_keeps_the_focus(chat: ChatPage) -> None:
    hide, show = chat.button("Hide the sidebar"), chat.button("Show the sidebar")
    hide.press("Enter")
    expect(show).to_be_focused()
    show.press("Enter")
    expect(hide).to_be_focused()


def test_a_slash_leads_to_the_message_field_from_anywhere(chat: ChatPage) -> None:
    chat.ask("Begun here")
    page, keys = chat.page, chat.page.keyboard
    page.get_by_role("article", name="You").get_by_role("button", name="Edit").press("Enter")
    expect(page.get_by_role("textbox", name="Text of the message")).to_be_focused()
    chat.button("Show the ideas").or_(page.get_by_role("main").get_by_role("button", name="Ideas")).first.focus()
    keys.press("/")
    expect(chat.field).to_be_focused()

    chat.field.fill("Not sent yet")
    chat.open("/settings/account")
    expect(page.get_by_role("textbox", name="About you")).to_be_visible()
    page.get_by_role("link", name="Memory", exact=True).first.focus()
    keys.press("/")
    expect(chat.field).to_be_focused()
    page.wait_for_url(f"{chat.url}/")


def test_selecting_and_deleting_conversations_keeps_the_focus_in_the_list(chat: ChatPage) -> None:
    titles = [new_name(word) for word in ("Anchor", "Ballast", "Capstan", "Davit")]
    for title in titles:
        with chat.server.http() as http:
            answer = http.post("/chat_batch", json={"message": title, "chatId": title, "model": "openai/fake-chat"})
            assert answer.status_code == 200, answer.text
    davit, capstan, ballast, anchor = (chat.sidebar.get_by_role("link", name=title) for title in reversed(titles))
    keys = chat.page.keyboard

    def choose(title: str, action: str) -> None:
        chat.sidebar.get_by_role("button", name=f"More for {title}").press("Enter")
        chat.page.get_by_role("menuitem", name=action, exact=True).press("Enter")

    choose(titles[2], "Select")
    box = chat.sidebar.get_by_role("checkbox", name=titles[2])
    expect(box).to_be_focused()
    keys.press("Escape")
    expect(capstan).to_be_focused()

    choose(titles[2], "Select")
    chat.sidebar.get_by_role("checkbox", name=titles[1]).press("Space")
    bar = chat.page.get_by_role("toolbar", name="What is selected")
    bar.get_by_role("button", name="Delete").press("Enter")
    expect(capstan).to_have_count(0)
    expect(ballast).to_have_count(0)
    expect(anchor).to_be_focused()

    choose(titles[3], "Delete")
    expect(davit).to_have_count(0)
    expect(anchor).to_be_focused()
    keys.press("Control+z")
    expect(davit).to_be_visible()


def test_what_is_still_being_deleted_is_what_is_undone(chat: ChatPage) -> None:
    titles = [new_name("Earlier"), new_name("Later")]
    for title in titles:
        with chat.server.http() as http:
            answer = http.post("/chat_batch", json={"message": title, "chatId": title, "model": "openai/fake-chat"})
            assert answer.status_code == 200, answer.text
    earlier, later = (chat.sidebar.get_by_role("link", name=title) for title in titles)
    page, keys = chat.page, chat.page.keyboard

    def delete(title: str) -> None:
        chat.sidebar.get_by_role("button", name=f"More for {title}").press("Enter")
        page.get_by_role("menuitem", name="Delete", exact=True).press("Enter")

    delete(titles[0])
    expect(page.get_by_role("button", name="Undo")).to_have_count(1)

    held: list[Route] = []

    def hold_deletion(route: Route) -> None:
        held.append(route) if route.request.method == "DELETE" else route.continue_()

    page.route("**/api/conversations/*", hold_deletion)
    with page.expect_request(lambda request: request.method == "DELETE"):
        delete(titles[1])
    expect(later).to_have_count(0)
    expect(page.get_by_role("menu")).to_have_count(0)
    keys.press("Control+z")
    held.pop().continue_()
    expect(later).to_be_visible()
    expect(earlier).to_have_count(0)

    keys.press("Control+z")
    expect(earlier).to_be_visible()
