"""Exports: everything or one conversation, made while it is sent. The whole account is at `/api/me/export`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from quarterdeck.accounts.access import access_conversation
from quarterdeck.exchange.exporting import Export, ExportFormat, export_conversations
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.exporting import find_exported
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.streams import BoundedStream

router = APIRouter(tags=["exports"])


@router.get("/api/export", response_class=BoundedStream)
async def export_all(house: TheHouse, caller: Caller, format: ExportFormat = "jsonl") -> Response:
    """All your conversations: JSON Lines that import again without loss, or a zip of Markdown or HTML files."""
    return _answer(export_conversations(house.database, caller.user, format, "conversations"))


@router.get("/api/conversations/{conversation}/export", response_class=BoundedStream)
async def export_one(house: TheHouse, caller: Caller, conversation: str, format: ExportFormat = "jsonl") -> Response:
    """One conversation as JSON Lines (all branches), Markdown or HTML (what is shown)."""

    def read(connection: ReadConnection) -> dict[str, Any] | None:
        row = access_conversation(connection, caller.user, conversation)
        return find_exported(connection, caller.user, row.id)

    row = await house.database.read(read)
    return _answer(export_conversations(house.database, caller.user, format, row["title"] if row else "", row))


def _answer(made: Export) -> Response:
    headers = {"content-disposition": f'attachment; filename="{made.name}"', "cache-control": "no-store"}
    return BoundedStream(made.content, media_type=made.media_type, headers=headers)
