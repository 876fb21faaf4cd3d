"""The page as a user works it: what is written, pressed and read."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Self

from playwright.sync_api import Locator, Page, expect
from tests.harness.server import Server
from tests.harness.stored import fetch_messages, text_of
from tests.harness.waiting import wait_until

# Every text that the last answer showed, in the order of the frames: `window.seen`.
_WATCH = """(() => {
  window.seen = [];
  const look = () => {
    const texts = document.querySelectorAll('article[aria-label="Answer"] .qd-reading');
    const text = texts.length ? texts[texts.length - 1].textContent : null;
    if (text !== null && text !== window.seen.at(-1)) window.seen.push(text);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""


class ChatPage:
    def __init__(self, page: Page, server: Server, url: str = "") -> None:
        """`url`: where the page is reached, if not at the server itself."""
        self.page = page
        self.server = server
        self.url = url or server.url

    def open(self, path: str = "/") -> Self:
        self.page.goto(self.url + path)
        return self

    def watch(self) -> Self:
        """Note each text that the last answer shows, also after a reload; see `shown`."""
        self.page.add_init_script(_WATCH)
        self.page.evaluate(_WATCH)
        return self

    @property
    def shown(self) -> list[str]:
        """What the last answer has shown since the page was loaded, frame by frame."""
        texts: list[str] = self.page.evaluate("window.seen")
        return texts

    @property
    def form(self) -> Locator:
        return self.page.get_by_role("form", name="Message")

    @property
    def field(self) -> Locator:
        return self.form.get_by_role("textbox", name="Message")

    @property
    def sidebar(self) -> Locator:
        return self.page.get_by_role("navigation", name="Conversations")

    @property
    def answers(self) -> Locator:
        return self.page.get_by_role("article", name="Answer")

    @property
    def answer(self) -> Locator:
        """The last one."""
        return self.answers.last

    @property
    def answer_text(self) -> Locator:
        return self.answer.locator(".qd-reading").last

    @property
    def read(self) -> str:
        """The text of the last answer as it stands there now."""
        return (self.answer_text.text_content() or "").strip()

    @property
    def stop_button(self) -> Locator:
        return self.form.get_by_role("button", name="Stop")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def choose_model(self, model: str) -> Self:
        """`model`: an id, as `openai/fake-slow`."""
        name = model.partition("/")[2]
        self.form.get_by_role("button", name=re.compile("^Model: ")).click()
        self.page.get_by_role("combobox", name="Search models").fill(name)
        self.page.get_by_role("option").filter(has=self.page.get_by_text(name, exact=True)).click()
        expect(self.form.get_by_role("button", name=f"Model: {name}. Choose another")).to_be_visible()
        return self

    def choose_assistant(self, name: str) -> Self:
        self.form.get_by_role("button", name=re.compile("^Assistant: ")).click()
        self.page.get_by_role("combobox", name="Search assistants").fill(name)
        self.page.get_by_role("option").filter(has=self.page.get_by_text(name, exact=True)).click()
        return self

    def send(self, text: str) -> Self:
        self.field.fill(text)
        self.field.press("Enter")
        return self

    def ask(self, text: str, model: str = "") -> Self:
        """Send, with another model if one is named, and wait until the answer is complete."""
        if model:
            self.choose_model(model)
        self.send(text)
        expect(self.page.get_by_role("article", name="You").filter(has_text=text).last).to_be_visible()
        self.until_complete()
        return self

    def until_text(self, text: str) -> Self:
        expect(self.answer).to_contain_text(text)
        return self

    def until_complete(self) -> Self:
        expect(self.answer).to_have_attribute("aria-busy", "false")
        expect(self.stop_button).to_have_count(0)
        return self

    @property
    def conversation(self) -> str:
        """The server's id of the open conversation, once it is stored."""
        with self.server.http() as http:

            def find() -> str | None:
                found = re.search(r"/c/([^/#]+)", self.page.evaluate("location.href"))
                answer = http.get(f"/api/conversations/{found[1]}") if found else None
                return answer.json()["id"] if answer and answer.status_code == 200 else None

            return wait_until(find, "the conversation's address")

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The messages that the server has of the open conversation."""
        conversation = self.conversation
        with self.server.http() as http:
            return fetch_messages(http, conversation)

    @property
    def stored_text(self) -> str:
        """Of the last message, without space at its ends."""
        return text_of(self.stored[-1]).strip()


def find_slips(shown: list[str], final: str) -> list[str]:
    """Frames whose text is not the beginning of the whole, or that took back what was shown before."""
    strange = [
        f"frame {at} shows {text[-60:]!r}" for at, text in enumerate(shown) if not final.startswith(text.rstrip())
    ]
    shorter = [f"{len(new)} characters after {len(old)}" for old, new in pairwise(shown) if len(new) < len(old)]
    return strange + shorter
