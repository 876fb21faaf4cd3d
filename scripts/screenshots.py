"""Pictures of every page from the running product, in light and dark, wide and on a phone.

    scripts/screenshots            all pictures into test-results/screenshots, those of the README into docs/images
    scripts/screenshots settings   only those whose name contains the word; docs/images stays as it is

The models are played by the fake upstream of the tests; what is talked about was made up for the pictures.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import PHONE, Theme, Visitor, open_chromium
from tests.e2e.seeding import seed_conversation
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.server import Server

import screenshot_content as content
from screenshot_memories import remember

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "test-results" / "screenshots"
IMAGES = ROOT / "docs" / "images"
FOR_README = {
    "conversation-light-wide.png": "conversation.png",
    "conversation-dark-phone.png": "conversation-dark-phone.png",
    "ideas-light-wide.png": "ideas.png",
    "memory-light-wide.png": "memory.png",
    "typeset-dark-wide.png": "typeset-dark.png",
}
DESK = ViewportSize(width=1280, height=880)
MORNING = 10  # o'clock: the pictures are taken in a time zone where it is about that


@dataclass
class Studio:
    """One browser context: a theme and a size, with a page for each picture."""

    visitor: Visitor
    lonely: Visitor
    conversations: dict[str, str]
    theme: Theme
    is_phone: bool
    timezone: str

    def open(self, path: str = "/", visitor: Visitor | None = None) -> ChatPage:
        chosen = visitor or self.visitor
        context = chosen.new_context(
            PHONE if self.is_phone else DESK,
            self.theme,
            is_phone=self.is_phone,
            scale=2 if self.is_phone else 1,
            reduced_motion="reduce",
            timezone=self.timezone,
        )
        return ChatPage(context.new_page(), chosen.server).open(path)

    def talk(self, title: str) -> ChatPage:
        chat = self.open(f"/c/{self.conversations[title]}")
        expect(chat.answers.last).to_be_visible()
        return chat


def welcome(studio: Studio) -> ChatPage:
    return studio.open()


def conversation(studio: Studio) -> ChatPage:
    return studio.talk("Three days in Lisbon with my mother")


def log_line(studio: Studio) -> ChatPage:
    chat = conversation(studio)
    if studio.is_phone:
        chat.page.locator(".ll-pill").tap()
    else:
        line = chat.page.get_by_role("slider", name="Log of this conversation")
        line.hover(position={"x": 20, "y": 240})
    return chat


def code(studio: Studio) -> ChatPage:
    chat = studio.talk("Review: retries in the importer")
    expect(chat.answer.locator("pre").last).to_be_visible()
    return chat


def continued(studio: Studio) -> ChatPage:
    chat = code(studio)
    chat.answer.get_by_role("img", name="Continued after a restart").scroll_into_view_if_needed()
    return chat


def typeset(studio: Studio) -> ChatPage:
    chat = studio.talk("Compound interest, slowly")
    expect(chat.page.locator("[data-drawn=true]")).to_be_visible()
    expect(chat.answer.locator("math").first).to_be_attached()
    return chat


def ideas(studio: Studio) -> ChatPage:
    chat = studio.talk("A balcony to read on")
    if studio.is_phone:
        chat.button("Ideas").click()
    expect(chat.page.get_by_role("list", name="Ideas", exact=True).get_by_role("listitem")).to_have_count(3)
    return chat


def board(studio: Studio) -> ChatPage:
    chat = studio.open("/ideas")
    expect(chat.page.get_by_role("listitem").filter(has_text="A bench").first).to_be_visible()
    return chat


def memory(studio: Studio) -> ChatPage:
    chat = studio.open("/memory")
    expect(chat.page.get_by_role("list").get_by_text("turns seventy")).to_be_visible()
    chat.page.get_by_role("button", name=re.compile("^Details of: Mother turns seventy")).click()
    expect(chat.page.get_by_role("list", name="Why it was recalled").first).to_be_visible()
    return chat


def memory_filters(studio: Studio) -> ChatPage:
    chat = studio.open("/memory?state=all&q=sailing")
    expect(chat.page.get_by_text("Replaced", exact=True).last).to_be_visible()
    chat.page.get_by_role("button", name=re.compile("^Edit: ")).first.click()
    expect(chat.page.get_by_role("textbox", name="What is to be remembered")).to_be_visible()
    return chat


def memory_notes(studio: Studio) -> ChatPage:
    chat = studio.open("/memory/notes")
    expect(chat.page.get_by_role("textbox", name="The page")).to_be_visible()
    return chat


def memory_recall(studio: Studio) -> ChatPage:
    chat = studio.open("/memory/recall")
    chat.page.get_by_role("textbox", name="Your question").fill("What should I mind when I travel with my mother?")
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("region", name="What would be recalled")).to_be_visible()
    return chat


def memory_settings(studio: Studio) -> ChatPage:
    chat = studio.open("/memory/settings")
    expect(chat.page.get_by_role("heading", name="Finding by meaning")).to_be_visible()
    return chat


def memory_empty(studio: Studio) -> ChatPage:
    chat = studio.open("/memory", studio.lonely)
    expect(chat.page.get_by_role("heading", name="Nothing is remembered yet")).to_be_visible()
    return chat


def sharing(studio: Studio) -> ChatPage:
    chat = conversation(studio)
    chat.page.get_by_role("button", name="More", exact=True).click()
    chat.page.get_by_role("menuitem", name="Share").click()
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    return chat


def shared_page(studio: Studio) -> ChatPage:
    chat = conversation(studio)
    with chat.server.http() as http:
        made = http.post(f"/api/conversations/{studio.conversations['Three days in Lisbon with my mother']}/shares")
    chat.page.goto(made.raise_for_status().json()["url"])
    return chat


def settings(studio: Studio) -> ChatPage:
    chat = studio.open("/settings")
    expect(chat.page.get_by_role("listitem").filter(has_text="Home server")).to_contain_text("models")
    return chat


def connecting(studio: Studio) -> ChatPage:
    chat = settings(studio)
    chat.button("Connect a provider").click()
    chat.page.get_by_role("combobox", name="Provider").select_option(label="Groq")
    return chat


def appearance(studio: Studio) -> ChatPage:
    chat = settings(studio)
    chat.page.get_by_role("button", name="Sign out in this browser").scroll_into_view_if_needed()
    return chat


def set_up(studio: Studio) -> ChatPage:
    chat = studio.open("/", studio.lonely)
    expect(chat.page.get_by_role("heading", name="Connect a model")).to_be_visible()
    return chat


def signed_out(studio: Studio) -> ChatPage:
    chat = studio.open()
    chat.page.context.clear_cookies()
    chat.page.reload()
    expect(chat.page.get_by_role("heading", name="You are signed out")).to_be_visible()
    return chat


def palette(studio: Studio) -> ChatPage:
    chat = conversation(studio)
    chat.page.keyboard.press("Control+k")
    expect(chat.page.get_by_role("option").first).to_be_visible()
    return chat


def shortcuts(studio: Studio) -> ChatPage:
    chat = studio.open("/settings")
    chat.page.get_by_role("main").focus()
    chat.page.keyboard.press("?")
    expect(chat.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    return chat


def models(studio: Studio) -> ChatPage:
    chat = studio.open()
    chat.form.get_by_role("button", name=re.compile("^Model: ")).click()
    expect(chat.page.get_by_role("option").first).to_be_visible()
    return chat


def advanced(studio: Studio) -> ChatPage:
    chat = studio.open()
    chat.form.get_by_role("button", name=re.compile("^Advanced: ")).click()
    expect(chat.page.get_by_role("textbox", name="System prompt")).to_be_visible()
    return chat


def sidebar(studio: Studio) -> ChatPage:
    chat = conversation(studio)
    if studio.is_phone:
        chat.button("Show the sidebar").tap()
    chat.sidebar.get_by_role("link").nth(3).hover()
    return chat


def streaming(studio: Studio) -> ChatPage:
    chat = studio.open()
    _say(chat, "Tell the story of how ships found their longitude, in about eight paragraphs.")
    chat.until_text("Dead reckoning")
    return chat


def failing(studio: Studio) -> ChatPage:
    chat = studio.open()
    chat.choose_model("home/tern-small")
    _say(chat, "Say something kind to whoever repairs this server.")
    expect(chat.answer.get_by_role("alert")).to_be_visible()
    return chat


def leaving(studio: Studio) -> ChatPage:
    chat = studio.open()
    chat.choose_model("home/atlas-mini")
    _say(chat, "Where do I find the ferry's timetable?")
    chat.until_complete()
    chat.answer.get_by_role("link").first.click()
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    return chat


def offline(studio: Studio) -> ChatPage:
    chat = conversation(studio)
    chat.page.context.set_offline(True)
    expect(chat.page.get_by_text("No connection.")).to_be_visible()
    _say(chat, "Yes, please. In large type, with the telephone number of the hotel.")
    return chat


def _say(chat: ChatPage, text: str) -> None:
    chat.field.fill(text)
    chat.form.get_by_role("button", name="Send").click()


PICTURES: list[Callable[[Studio], ChatPage]] = [
    welcome, conversation, log_line, code, continued, typeset, ideas, board, memory, memory_filters,
    memory_notes, memory_recall, memory_settings, memory_empty, sharing, shared_page, settings, connecting,
    appearance, set_up, signed_out, palette, shortcuts, models, advanced, sidebar, streaming, failing, leaving, offline,
]  # fmt: skip


def take(studio: Studio, picture: Callable[[Studio], ChatPage]) -> Path:
    name = f"{picture.__name__.replace('_', '-')}-{studio.theme}-{'phone' if studio.is_phone else 'wide'}.png"
    chat = picture(studio)
    _wait_for_rest(chat.page)
    chat.page.screenshot(path=RESULTS / name)
    begun = re.search(r"/c/([^/#]+)", chat.page.url)
    chat.page.context.close()
    if begun and begun[1] not in studio.conversations.values():
        _clear_away(chat.server, begun[1])
    print(name, flush=True)
    return RESULTS / name


def _clear_away(server: Server, conversation: str) -> None:
    """What was begun for one picture has no place in the next."""
    with server.http() as http:
        http.delete(f"/api/conversations/{conversation}")


def _wait_for_rest(page: Page) -> None:
    """Faces are loaded and nothing moves any more."""
    if "/s/" not in page.url:  # a shared page runs no scripts, and waits for none
        page.evaluate("document.fonts.ready.then(() => {})")
    page.wait_for_timeout(300)


def open_home(folder: Path, fake: FakeOpenAI) -> Server:
    """A server with one endpoint connected in its settings."""
    server = Server(folder).start()
    with server.http() as http:
        endpoint = {"label": "Home server", "base_url": fake.base_url, "key": "sk-kept-on-the-shelf-4f2a"}
        http.put("/api/providers/home", json=endpoint).raise_for_status()
        http.patch("/api/settings", json={"default_model": content.MODEL}).raise_for_status()
    return server


def morning_zone() -> tuple[str, datetime]:
    """A time zone in which it is about ten o'clock, and the time there."""
    hours = (MORNING - datetime.now(UTC).hour + 12) % 24 - 12
    name = f"Etc/GMT{'-' if hours >= 0 else '+'}{abs(hours)}"  # these names count westwards
    return name, datetime.now(timezone(timedelta(hours=hours)))


def photograph(browser: Browser, folder: Path, fake: FakeOpenAI, wanted: str) -> list[Path]:
    zone, now = morning_zone()
    home, lonely = open_home(folder / "home", fake), Server(folder / "lonely").start()
    try:
        told = content.read_conversations(now)
        ids = {one.title: seed_conversation(home.data_dir, one.title, one.said, one.assistant) for one in told}
        remember(home, ids, now)
        visitor, stranger = Visitor(browser, home), Visitor(browser, lonely)
        themes: list[Theme] = ["light", "dark"]
        return [
            take(Studio(visitor, stranger, ids, theme, is_phone, zone), picture)
            for picture in PICTURES
            if wanted in picture.__name__.replace("_", "-")
            for theme in themes
            for is_phone in (False, True)
        ]
    finally:
        home.close()
        lonely.close()


def main(arguments: list[str]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    wanted = arguments[0] if arguments else ""
    models = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "home"} for name in content.MODELS]
    with (
        tempfile.TemporaryDirectory() as folder,
        FakeOpenAI(models=models).in_thread() as fake,
        open_chromium() as browser,
    ):
        fake.by_model |= content.scripts()
        taken = photograph(browser, Path(folder), fake, wanted)
    if wanted:
        return
    IMAGES.mkdir(parents=True, exist_ok=True)
    for picture in taken:
        if picture.name in FOR_README:
            shutil.copy(picture, IMAGES / FOR_README[picture.name])


if __name__ == "__main__":
    main(sys.argv[1:])
