"""The page on a phone: 390 pixels wide, by touch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import PHONE, Visitor
from tests.e2e.club import Club
from tests.e2e.seeding import Said, seed_conversation
from tests.fakes.script import Script, words
from tests.harness.upstream import Upstream

from quarterdeck.domain.ids import now_ms

# What can be pressed and is smaller than 24 pixels; links inside a sentence are excepted (WCAG 2.2, 2.5.8), and
# so is what only a keyboard reaches.
_SMALL_TARGETS = """() => {
  const kinds = 'a[href], button, input, select, textarea, summary, [role=option], [role=slider]';
  const targets = document.querySelectorAll(kinds);
  const small = [...targets]
    .filter((target) => {
      const { width, height } = target.getBoundingClientRect();
      const isShown = target.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && width > 1;
      const isInText = target.matches('p a, li a.md-link, td a') && getComputedStyle(target).display === 'inline';
      return isShown && !isInText && !target.closest('.sr-only') && Math.min(width, height) < 24;
    })
    .map((target) => `${target.outerHTML.slice(0, 120)} ${JSON.stringify(target.getBoundingClientRect())}`);
  return targets.length > 4 ? small : ['only ' + targets.length + ' targets were found'];
}"""
_WIDTHS = "[innerWidth, document.scrollingElement.scrollWidth]"  # a page that is too wide grows either


@pytest.fixture
def phone(visitor: Visitor) -> Iterator[ChatPage]:
    context = visitor.new_context(PHONE, is_phone=True)
    yield ChatPage(context.new_page(), visitor.server)
    context.close()


def test_chatting_on_a_phone(phone: ChatPage) -> None:
    phone.open().field.tap()
    phone.field.fill("First line")
    phone.field.press("Enter")
    phone.field.press_sequentially("second line")
    expect(phone.field).to_have_value("First line\nsecond line")
    phone.form.get_by_role("button", name="Send").tap()
    phone.until_text("Hello, world!").until_complete()
    expect(phone.form).to_be_in_viewport(ratio=1)
    assert phone.page.evaluate(_WIDTHS) == [390, 390]

    expect(phone.sidebar).to_have_count(0)
    phone.button("Show the sidebar").tap()
    expect(phone.sidebar.get_by_role("link", name="First line")).to_be_visible()
    phone.page.get_by_role("button", name="New conversation").tap()
    expect(phone.sidebar).to_have_count(0)
    expect(phone.answers).to_have_count(0)
    phone.button("Show the sidebar").tap()
    phone.page.get_by_role("link", name="Settings").tap()
    expect(phone.page.get_by_role("heading", name="Settings")).to_be_visible()
    expect(phone.sidebar).to_have_count(0)


def test_a_long_answer_leaves_the_composer_where_it_is(phone: ChatPage, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(800)))
    phone.open().choose_model(model).field.fill("Tell me everything")
    phone.form.get_by_role("button", name="Send").tap()
    phone.until_complete()
    expect(phone.form).to_be_in_viewport(ratio=1)
    expect(phone.answer.get_by_role("button", name="Answer anew")).to_be_in_viewport()
    phone.page.mouse.wheel(0, -2000)
    phone.button("To the end").tap()
    expect(phone.answer.get_by_role("button", name="Answer anew")).to_be_in_viewport()


@pytest.mark.parametrize("path", ["/", "/ideas", "/deleted", "/settings", "/settings/account", "/settings/usage"])
def test_no_page_scrolls_sideways_and_every_target_can_be_hit(phone: ChatPage, path: str) -> None:
    said = [Said("user", "Ideas?", now_ms() - 9000), Said("assistant", "Yes.", now_ms(), ideas=("A mast", "A sail"))]
    seeded = seed_conversation(phone.server.data_dir, "A conversation with ideas in it", said)
    if path == "/deleted":
        with phone.server.http() as http:
            http.delete(f"/api/conversations/{seeded}")
    phone.open(path)
    expect(phone.page.get_by_role("heading").first).to_be_visible()
    phone.page.wait_for_load_state("networkidle")
    assert phone.page.evaluate(_WIDTHS) == [390, 390]
    assert phone.page.evaluate(_SMALL_TARGETS) == []


def test_the_tables_of_administration_are_cards_on_a_phone(club: Club) -> None:
    club.add("Somebody with a name nearly too long", email="somebody.with.a.long.address@harbour.example.org")
    club.post(
        "/api/admin/budgets", period="day", pattern="openai/a-model-with-a-very-long-name-indeed*", max_tokens=10**9
    )
    context = club.owner.new_context(PHONE, is_phone=True)
    page = context.new_page()
    for place in ("/admin", "/admin/invitations", "/admin/sign-in", "/admin/rules", "/admin/budgets", "/admin/audit"):
        page.goto(club.server.url + place)
        expect(page.get_by_role("heading", level=2)).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert page.evaluate(_WIDTHS) == [390, 390], place
        assert page.evaluate(_SMALL_TARGETS) == [], place
    page.goto(f"{club.server.url}/admin")
    page.get_by_role("button", name="More for Somebody with a name nearly").tap()
    expect(page.get_by_role("menuitem", name="Suspend")).to_be_in_viewport()
    context.close()


def test_a_conversation_does_not_scroll_sideways_whatever_is_in_it(phone: ChatPage, upstream: Upstream) -> None:
    wide = "| " + " | ".join(f"column {n}" for n in range(12)) + " |\n|" + "---|" * 12 + "\n"
    code = "```python\n" + "x = " + " + ".join(f"number_{n}" for n in range(40)) + "\n```\n"
    text = f"{wide}\n{code}\n{'long' * 60}\n\n[a link](https://example.org/) and `{'code' * 30}`"
    model = upstream.model(Script(pieces=[text]))
    phone.open().choose_model(model).field.fill("Something wide, " + "very" * 40)
    phone.form.get_by_role("button", name="Send").tap()
    phone.until_text("a link").until_complete()
    assert phone.page.evaluate(_WIDTHS) == [390, 390]
    assert phone.page.evaluate(_SMALL_TARGETS) == []
    assert phone.conversation
    phone.button("Show the sidebar").tap()
    expect(phone.sidebar.get_by_role("link").first).to_be_visible()
    assert phone.page.evaluate(_WIDTHS) == [390, 390]
    assert phone.page.evaluate(_SMALL_TARGETS) == []
