"""One server, one upstream and one browser for the tests that neither kill nor configure them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebError
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import Visitor, open_chromium
from tests.e2e.club import Club
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.server import Server
from tests.harness.upstream import UPSTREAM_KEY, Upstream

OpenChat = Callable[..., ChatPage]

_NAMES = ["fake-chat", "fake-think", "fake-status-400", *(f"scripted-{n}" for n in range(1, 100))]
_MODELS = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "fake"} for name in _NAMES]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with open_chromium() as opened:
        yield opened


@pytest.fixture(scope="package")
def crashes(browser: Browser) -> list[str]:
    """What no script of a page has caught, and what made a page stop, in any context of the browser."""
    found: list[str] = []

    def note(error: WebError) -> None:
        found.append(f"{error.location['url']}: {error.error.stack or error.error.message}")

    browser.on("context", lambda context: context.on("weberror", note))
    return found


@pytest.fixture(autouse=True)
def _no_page_crashes(crashes: list[str]) -> Iterator[None]:
    """A test that makes a page crash on purpose clears `crashes`."""
    crashes.clear()
    yield
    assert not crashes, "\n".join(crashes)


@pytest.fixture(scope="package")
def upstream() -> Iterator[Upstream]:
    """It lists the models that `Upstream.model` makes, so that they can be picked."""
    with FakeOpenAI(key=UPSTREAM_KEY, models=_MODELS).in_thread() as fake:
        yield Upstream(fake)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    environment = upstream.environment | {"QUARTERDECK_MODEL": "openai/fake-chat"}
    running = Server(tmp_path_factory.mktemp("e2e"), **environment).start()
    yield running
    running.close()


@pytest.fixture(scope="package")
def visitor(browser: Browser, server: Server) -> Visitor:
    return Visitor(browser, server)


@pytest.fixture(scope="package")
def club(browser: Browser, tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Club]:
    """Another server, with several people on it."""
    environment = upstream.environment | {"QUARTERDECK_MODEL": "openai/fake-chat"}
    running = Server(tmp_path_factory.mktemp("club"), **environment).start()
    yield Club(browser, running)
    running.close()


@pytest.fixture
def stranger(club: Club) -> Iterator[Page]:
    """A page of that server, in a browser where nobody is signed in."""
    context = club.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def owner(club: Club) -> Iterator[ChatPage]:
    """The page of that server's owner."""
    context = club.owner.new_context()
    yield ChatPage(context.new_page(), club.server)
    context.close()


@pytest.fixture
def context(visitor: Visitor) -> Iterator[BrowserContext]:
    context = visitor.new_context()
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def chat(page: Page, server: Server) -> ChatPage:
    """A new conversation, not begun."""
    return ChatPage(page, server).open()
