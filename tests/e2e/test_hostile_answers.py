"""Answers that try to run script, to leave the page, or to tell somebody that they were read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.conftest import Report
from tests.e2e.answers import RICH
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import Visitor
from tests.e2e.seeding import Said, seed_conversation
from tests.e2e.watchman import Watchman
from tests.fakes.script import Script
from tests.harness.upstream import Upstream
from tests.harness.waiting import is_long

from quarterdeck.domain.ids import now_ms

_CORPUS = json.loads((Path(__file__).parents[1] / "fixtures" / "payloads.json").read_text())
PAYLOADS: list[str] = [payload["text"] for payload in _CORPUS["payloads"]]
_A_PAGE = 30  # payloads in one conversation

# The answers that are laid out now; of a long list that is a part.
_MARKS = (
    "[...document.querySelectorAll('article[aria-label=Answer]')].map((one) => one.textContent.match(/mark-\\d+/)?.[0])"
)


@pytest.fixture
def watchman(chat: ChatPage) -> Watchman:
    return Watchman(chat.page, chat.server.url)


def seed_payloads(chat: ChatPage, numbers: range) -> str:
    begun = now_ms() - 3_600_000
    said = [Said("user", "Show me", begun)]
    for number in numbers:
        text = f"mark-{number}\n\n{PAYLOADS[number]}"
        said.append(Said("assistant", text, begun + 1000 * number, model="openai/fake-chat"))
    return seed_conversation(chat.server.data_dir, f"Payloads {numbers.start}", said)


def read_through(chat: ChatPage) -> set[str]:
    """Scroll from the end to the beginning; the marks of the answers that were drawn on the way."""
    expect(chat.answers.last).to_be_visible()
    seen: set[str] = set()
    chat.page.get_by_role("region", name="Messages").hover()
    for _ in range(60):
        seen |= set(filter(None, chat.page.evaluate(_MARKS)))
        top = chat.page.evaluate("document.querySelector('section[aria-label=Messages]').scrollTop")
        if top == 0:
            break
        chat.page.mouse.wheel(0, -700)
        chat.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return seen


def test_no_stored_answer_acts(chat: ChatPage, watchman: Watchman, report: Report) -> None:
    violations: list[str] = []
    assert len(PAYLOADS) >= 200
    for start in range(0, len(PAYLOADS), _A_PAGE):
        numbers = range(start, min(start + _A_PAGE, len(PAYLOADS)))
        chat.open(f"/c/{seed_payloads(chat, numbers)}")
        seen = read_through(chat)
        assert seen == {f"mark-{number}" for number in numbers}, "some were not shown"
        violations += watchman.look()
    report("hostile answers, stored", violations, len(PAYLOADS))


def test_no_streamed_answer_acts(chat: ChatPage, watchman: Watchman, upstream: Upstream, report: Report) -> None:
    """In pieces of a few characters: every beginning of a payload is drawn once, too."""
    chosen = PAYLOADS if is_long() else PAYLOADS[::11]
    model = upstream.model(Script())
    chat.open().choose_model(model)
    violations: list[str] = []
    for number, payload in enumerate(chosen):
        text = f"{payload}\n\nmark-{number}."
        upstream.change(model, Script(pieces=[text[at : at + 7] for at in range(0, len(text), 7)]))
        chat.send("Next").page.get_by_text(f"mark-{number}.").first.wait_for(state="attached")
        violations += watchman.look()
    report("hostile answers, streamed", violations, len(chosen))


@pytest.fixture
def defenceless(visitor: Visitor) -> Iterator[ChatPage]:
    context = visitor.new_context(bypass_csp=True)
    yield ChatPage(context.new_page(), visitor.server)
    context.close()


def test_without_protection_the_watchman_raises_the_alarm(defenceless: ChatPage) -> None:
    """The negative control: the same payloads as raw HTML in a page without a policy."""
    watchman = Watchman(defenceless.page, defenceless.server.url)
    defenceless.open()
    expect(defenceless.field).to_be_visible()
    acted = 0
    for payload in [text for text in PAYLOADS if text.startswith("<")][:30]:
        watchman.alarms.clear()
        defenceless.page.evaluate(
            "(html) => { const box = document.createElement('div'); document.body.append(box); box.innerHTML = html;"
            " return new Promise((done) => setTimeout(done, 20)); }",
            payload,
        )
        acted += bool(watchman.look())
        defenceless.page.evaluate("document.body.lastChild.remove()")
    assert acted > 20


def test_what_is_well_meant_breaks_no_policy(chat: ChatPage, watchman: Watchman, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=[RICH[at : at + 40] for at in range(0, len(RICH), 40)], delay_s=0.01))
    chat.open().ask("Everything, please", model)
    expect(chat.page.locator("[data-drawn=true]")).to_be_visible()
    expect(chat.answer.locator("math").last).to_be_visible()
    expect(chat.answer.locator("pre .hljs-keyword, pre [class*=keyword]").first).to_be_visible()
    chat.open("/settings").open("/ideas").open("/")
    assert watchman.look() == []
    assert watchman.policy_errors == []


def test_a_link_outside_asks_with_the_full_address(chat: ChatPage, watchman: Watchman, upstream: Upstream) -> None:
    address = "https://canary.invalid/a/very/long/path?with=a&query=%2Ftoo#and-a-place"
    model = upstream.model(Script(pieces=[f"See [the harbour office]({address})."]))
    chat.open().ask("Where is it?", model)
    chat.answer.get_by_role("link", name="the harbour office").click()
    dialog = chat.page.get_by_role("dialog", name="This leads outside")
    expect(dialog.get_by_text(address)).to_be_visible()
    dialog.get_by_role("button", name="Stay here").click()
    expect(dialog).to_have_count(0)
    assert watchman.look() == []
