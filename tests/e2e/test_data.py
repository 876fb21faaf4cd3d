"""Settings, Data: a file is brought in, what is skipped is said, conversations are taken away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.e2e.accessibility import find_barriers
from tests.e2e.chat_page import ChatPage
from tests.e2e.chromium import PHONE, WIDE, Visitor
from tests.harness.exports import PNG, as_zip, chatgpt_conversation, chatgpt_node


def export() -> bytes:
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_dot", "size_bytes": len(PNG)}
    question = {"content_type": "multimodal_text", "parts": [pointer, "What is this?"]}
    nodes = [
        chatgpt_node("q", None, "user", at=1_700_000_001.0, content=question),
        chatgpt_node("a", "q", "assistant", "A dot", at=1_700_000_002.0),
    ]
    chats = [chatgpt_conversation("page-1", "Brought along", nodes), {"title": "Empty", "mapping": {}}]
    return as_zip({"conversations-000.json": chats, "file_dot.png": PNG, "chat.html": "<p>"})


def test_an_export_is_uploaded_shown_and_reported(chat: ChatPage) -> None:
    main = chat.open("/settings/data").page.get_by_role("main")
    file = {"name": "chatgpt.zip", "mimeType": "application/zip", "buffer": export()}
    main.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(main.get_by_text("1 conversations, 2 messages imported. 2 items were not taken over.")).to_be_visible()
    main.get_by_role("button", name="Report").click()
    expect(main.get_by_role("row", name="chat.html It shows the conversations once more, as a page.")).to_be_visible()
    with chat.server.http() as http:  # it is as old as it was there: not among the first in the list
        [brought, *_] = http.get("/api/conversations", params={"q": "Brought along"}).json()["items"]
    chat.open(f"/c/{brought['id']}")
    expect(chat.page.get_by_role("img", name="Picture 1")).to_be_visible()
    expect(chat.page.get_by_text("A dot", exact=True)).to_be_visible()


def test_what_is_taken_away_is_a_download(chat: ChatPage, tmp_path: Path) -> None:
    main = chat.open("/settings/data").page.get_by_role("main")
    with chat.page.expect_download() as download:
        main.get_by_role("link", name="JSON Lines").click()
    saved = tmp_path / "mine.jsonl"
    download.value.save_as(saved)
    assert json.loads(saved.read_text().splitlines()[0])["format"] == "quarterdeck export"


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_page_has_no_barriers(visitor: Visitor, viewport: object) -> None:
    context = visitor.new_context(viewport, "dark", is_phone=viewport == PHONE, reduced_motion="reduce")  # type: ignore[arg-type]
    try:
        page = ChatPage(context.new_page(), visitor.server).open("/settings/data").page
        expect(page.get_by_role("heading", name="Export")).to_be_visible()
        assert find_barriers(page) == []
    finally:
        context.close()
