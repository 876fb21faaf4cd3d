"""axe finds nothing serious on any page, in light and dark, wide and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize, expect
from tests.e2e.accessibility import find_barriers
from tests.e2e.answers import RICH
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import PHONE, WIDE, Theme, Visitor
from tests.e2e.club import Club, fill_sign_in
from tests.e2e.seeding import Said, seed_conversation
from tests.harness.server import Server

from quarterdeck.domain.ids import now_ms

_DAY_MS = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def rich(server: Server) -> str:
    """A conversation over days, with everything in it."""
    begun = now_ms() - 3 * _DAY_MS
    said = []
    for day in range(3):
        at = begun + day * _DAY_MS
        said.append(Said("user", f"What about day {day}?", at))
        said.append(Said("assistant", RICH, at + 5000, ("Pack a scarf",), "openai/fake-chat", 240))
    return seed_conversation(server.data_dir, "A trip with a table, a formula and a diagram", said)


@pytest.fixture(params=[("light", WIDE), ("dark", WIDE), ("light", PHONE), ("dark", PHONE)], ids=lambda p: p[0])
def reader(request: pytest.FixtureRequest, visitor: Visitor) -> Iterator[ChatPage]:
    theme, viewport = request.param
    context = visitor.new_context(viewport, theme, is_phone=viewport == PHONE, reduced_motion="reduce")
    yield ChatPage(context.new_page(), visitor.server)
    context.close()


def test_welcome_and_what_opens_over_it(reader: ChatPage) -> None:
    page = reader.open().page
    expect(page.get_by_role("heading", level=1).last).to_be_visible()
    barriers = find_barriers(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Command palette").get_by_role("option").first).to_be_visible()
    barriers += find_barriers(page)
    page.keyboard.press("Escape")
    reader.form.get_by_role("button", name=re.compile("^Model: ")).click()
    expect(page.get_by_role("option").first).to_be_visible()
    barriers += find_barriers(page)
    page.keyboard.press("Escape")
    reader.form.get_by_role("button", name=re.compile("^Advanced: ")).click()
    expect(page.get_by_role("textbox", name="System prompt")).to_be_visible()
    barriers += find_barriers(page)
    assert barriers == []


def test_a_conversation_with_everything_in_it(reader: ChatPage, rich: str) -> None:
    page = reader.open(f"/c/{rich}").page
    expect(page.locator("[data-drawn=true]").last).to_be_visible()
    expect(page.locator("math").last).to_be_visible()
    barriers = find_barriers(page)
    page.get_by_role("link", name="timetable").last.press("Enter")
    expect(page.get_by_role("dialog", name="This leads outside")).to_be_visible()
    barriers += find_barriers(page)
    assert barriers == []


def test_ideas_and_settings(reader: ChatPage, rich: str) -> None:
    page = reader.open("/ideas").page
    expect(page.get_by_role("listitem").filter(has_text="Pack a scarf").first).to_be_visible()
    barriers = find_barriers(page)
    reader.open("/settings")
    expect(page.get_by_role("listitem").filter(has_text="OpenAI").first).to_be_visible()
    barriers += find_barriers(page)
    page.get_by_role("button", name="Connect a provider").click()
    expect(page.get_by_role("textbox", name="Base URL")).to_be_visible()
    barriers += find_barriers(page)
    assert barriers == []


def test_a_failed_answer(reader: ChatPage) -> None:
    reader.open().choose_model("openai/fake-status-400").field.fill("Fail, please")
    reader.form.get_by_role("button", name="Send").click()
    expect(reader.answer.get_by_role("alert")).to_be_visible()
    barriers = find_barriers(reader.page)
    assert barriers == []


_PLACES = [
    "/settings/account", "/settings/usage", "/admin", "/admin/invitations", "/admin/sign-in", "/admin/rules",
    "/admin/budgets", "/admin/prices", "/admin/audit", "/admin/server", "/admin/memory",
]  # fmt: skip


@pytest.fixture(scope="module")
def peopled(club: Club) -> Club:
    """Something stands in every table."""
    suspended = club.add("Dmitri", email="dmitri@example.org")
    with club.http() as http:
        http.patch(f"/api/admin/users/{suspended['id']}", json={"is_suspended": True}).raise_for_status()
        http.put("/api/admin/prices/openai/fake-chat", json={"input": 1, "output": 2}).raise_for_status()
    club.post("/api/admin/invitations", email="frida@example.org")
    club.post("/api/admin/rules", subject="role:guest", pattern="*", is_allowed=False)
    club.post("/api/admin/budgets", period="month", max_cost=10_000_000)
    club.post("/api/me/keys", name="Editor", scopes=["read"])
    return club


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_account_usage_and_administration(peopled: Club, theme: Theme, viewport: ViewportSize) -> None:
    context = peopled.owner.new_context(viewport, theme, is_phone=viewport == PHONE, reduced_motion="reduce")
    page = context.new_page()
    barriers: list[str] = []
    for place in _PLACES:
        page.goto(peopled.server.url + place)
        expect(page.get_by_role("heading", level=2).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        barriers += [f"{place}: {barrier}" for barrier in find_barriers(page)]
    context.close()
    assert barriers == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_ways_in(peopled: Club, theme: Theme, viewport: ViewportSize) -> None:
    invitation = peopled.post("/api/admin/invitations")["link"]
    context = peopled.new_context(color_scheme=theme)
    page = context.new_page()
    page.set_viewport_size(viewport)
    barriers: list[str] = []
    for address in (f"{peopled.server.url}/sign-in?error=domain", invitation, f"{peopled.server.url}/reset/gone"):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        barriers += find_barriers(page)
    page.goto(f"{peopled.server.url}/sign-in")
    fill_sign_in(page, "Nobody", "not the password")
    expect(page.get_by_role("alert")).to_be_visible()
    barriers += find_barriers(page)
    context.close()
    assert barriers == []


@pytest.fixture(scope="module")
def lonely(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    server = Server(tmp_path_factory.mktemp("lonely")).start()
    yield Visitor(browser, server)
    server.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_set_up_and_signed_out(lonely: Visitor, theme: Theme, viewport: ViewportSize) -> None:
    context = lonely.new_context(viewport, theme)
    page = context.new_page()
    page.goto(lonely.server.url)
    expect(page.get_by_role("heading", name="Connect a model")).to_be_visible()
    barriers = find_barriers(page)
    context.clear_cookies()
    page.reload()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    barriers += find_barriers(page)
    context.close()
    assert barriers == []


def test_axe_notices_what_it_looks_for(chat: ChatPage) -> None:
    chat.page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x><input>')")
    assert len(find_barriers(chat.page)) == 2
