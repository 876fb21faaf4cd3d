"""A page of another origin in a real browser: it asks with a key and reads the stream, if its origin is named."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.fakes.script import Script, words
from tests.harness.server import Server
from tests.harness.upstream import Upstream

_ASK = """
async ([url, key, model]) => {
  const parts = [{ type: "text", text: "Hello" }];
  const body = { id: "elsewhere", messages: [{ id: "m", role: "user", parts }], model };
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}`, "x-stainless-lang": "js" };
  try {
    const response = await fetch(`${url}/api/ui/chat`, { method: "POST", headers, body: JSON.stringify(body) });
    return `${response.status} ${response.headers.get("x-turn-id") !== null} ${await response.text()}`;
  } catch (error) {
    return String(error);
  }
}
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """The origin of another web server, which has one empty page."""
    (tmp_path / "index.html").write_text("<!doctype html><title>Elsewhere</title>")
    pages = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), pages) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()


@pytest.mark.parametrize("is_named", [True, False])
def test_a_page_elsewhere_reads_an_answer_where_its_origin_is_named(
    browser: Browser, elsewhere: str, tmp_path: Path, upstream: Upstream, is_named: bool
) -> None:
    named = {"QUARTERDECK_ALLOWED_ORIGINS": elsewhere if is_named else "https://front.example.org"}
    server = Server(tmp_path / "server", **(upstream.environment | named)).start()
    model = upstream.model(Script(pieces=words(9)))
    try:
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(elsewhere)
            told = page.evaluate(_ASK, [server.url, server.key, model])
    finally:
        server.close()
    if is_named:
        assert told.startswith("200 true data: ")
        assert '"type":"finish"' in told
    else:
        assert told == "TypeError: Failed to fetch"
        assert upstream.requests(model) == []
