"""What the first visit costs: bytes over the wire and requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import Visitor
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.server import Server
from tests.harness.upstream import UPSTREAM_KEY, Upstream

MOST_KB = 250
MOST_REQUESTS = 15
_TOO_SMALL_BYTES = 1024  # to be worth compressing


@pytest.fixture
def first_visitor(browser: Browser, tmp_path: Path) -> Iterator[Visitor]:
    """Of a server on which nobody has written anything: what one has written comes on top."""
    with FakeOpenAI(key=UPSTREAM_KEY).in_thread() as upstream:
        server = Server(tmp_path, QUARTERDECK_MODEL="openai/fake-chat", **Upstream(upstream).environment).start()
        yield Visitor(browser, server)
        server.close()


def test_the_first_load_is_small(first_visitor: Visitor) -> None:
    visitor = first_visitor
    context = visitor.new_context()
    chat = ChatPage(context.new_page(), visitor.server)
    network = context.new_cdp_session(chat.page)
    asked: dict[str, str] = {}  # addresses by request
    sizes: dict[str, int] = {}  # bytes over the wire, headers included
    network.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]}))
    network.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    network.send("Network.enable")
    chat.open()
    expect(chat.field).to_be_focused()
    chat.field.press_sequentially("typed at once")
    expect(chat.field).to_have_value("typed at once")
    chat.page.wait_for_load_state("networkidle")
    context.close()
    fetched = {asked[request]: size for request, size in sizes.items() if asked[request].startswith("http")}
    assert sum(fetched.values()) / 1000 <= MOST_KB, fetched
    assert 3 < len(fetched) + 1 <= MOST_REQUESTS, fetched  # and the socket


def test_scripts_and_styles_are_sent_compressed_and_kept(visitor: Visitor) -> None:
    context = visitor.new_context()
    page = context.new_page()
    headers: list[dict[str, str]] = []
    page.on("response", lambda answer: headers.append(answer.headers) if "/assets/" in answer.url else None)
    page.goto(visitor.server.url)
    page.wait_for_load_state("networkidle")
    context.close()
    texts = [one for one in headers if one["content-type"].startswith(("text/", "application/javascript"))]
    assert len(texts) >= 2
    plain = [one for one in texts if one.get("content-encoding") not in ("br", "gzip")]
    assert all(int(one["content-length"]) < _TOO_SMALL_BYTES for one in plain), plain
    assert len(plain) < len(texts) / 2
    assert all("immutable" in one["cache-control"] for one in headers)
