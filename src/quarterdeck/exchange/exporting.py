"""An export as somebody asks for it: of everything or of one conversation, in one of three formats."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from msgspec import Struct

from quarterdeck.exchange.account import export_name
from quarterdeck.exchange.lines import each_conversation, write_lines
from quarterdeck.exchange.pages import ENDINGS, PageFormat, safe_name, write_page
from quarterdeck.exchange.zipping import ZipStream
from quarterdeck.store.database import Database

ExportFormat = Literal["jsonl", "markdown", "html"]
_TYPES = {".jsonl": "application/jsonl", ".md": "text/markdown; charset=utf-8", ".html": "text/html; charset=utf-8"}


class Export(Struct, frozen=True):
    """`name` is plain ASCII: it goes into a header."""

    name: str
    media_type: str
    content: AsyncIterator[bytes]


def export_conversations(
    database: Database, owner: str, kind: ExportFormat, called: str, conversation: dict[str, Any] | None = None
) -> Export:
    """`called`: whose they are, or the title. Of everything, Markdown and HTML are a zip with a file for each."""
    if kind == "jsonl":
        name, content = export_name(called, ".jsonl"), write_lines(database, owner, conversation)
        return Export(name, _TYPES[".jsonl"], content)
    if conversation is not None:
        ending = ENDINGS[kind]
        return Export(export_name(called, ending), _TYPES[ending], write_page(database, conversation, kind))
    return Export(export_name(called), "application/zip", _write_zip(database, owner, kind))


async def _write_zip(database: Database, owner: str, kind: PageFormat) -> AsyncIterator[bytes]:
    stream = ZipStream()
    async for row in each_conversation(database, owner):
        name = safe_name(row["title"], row["id"]) + ENDINGS[kind]
        async for piece in stream.add(name, write_page(database, row, kind)):
            yield piece
    yield stream.finish()
