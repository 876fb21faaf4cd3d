"""Conversations to be read by people: Markdown, or a web page of its own without scripts. The active path only."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from msgspec import structs

from quarterdeck.domain.citations import leave_out_citations
from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, ReasoningPart, TextPart, decode_parts
from quarterdeck.exchange.formats.markdown import UNFINISHED
from quarterdeck.store.database import Database
from quarterdeck.store.exporting import list_gone, list_path, read_messages

PageFormat = Literal["markdown", "html"]
ENDINGS: dict[PageFormat, str] = {"markdown": ".md", "html": ".html"}
_PATH_STEP = 5_000
_MESSAGES = 20
_UNSAFE = re.compile(r"[^\w\-. ()]+")
_STYLE = """
body{margin:0;background:#fbfaf7;color:#1f2328;font:16px/1.6 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.6rem;line-height:1.25}
h2{margin:2rem 0 .25rem;font-size:1rem}
h2 small{color:#5c6066;font-weight:400}
.text{white-space:pre-wrap;overflow-wrap:anywhere}
details{color:#5c6066}
img{max-width:100%}
.idea{border-left:3px solid #b08642;padding-left:.75rem;white-space:pre-wrap}
@media (prefers-color-scheme:dark){body{background:#12161b;color:#e6e8eb}h2 small,details{color:#a2a8b0}}
"""
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="referrer" content="no-referrer"><title>{title}</title><style>{style}</style></head><body><main>
<h1>{title}</h1>
"""


async def write_page(database: Database, conversation: dict[str, Any], kind: PageFormat) -> AsyncIterator[bytes]:
    """`conversation` as `store.exporting.find_exported` has it."""
    yield _begin(conversation["title"], kind).encode()
    ids, unfinished = await _path_of(database, conversation)
    for start in range(0, len(ids), _MESSAGES):
        wanted = ids[start : start + _MESSAGES]
        rows = await database.read(partial(read_messages, ids=wanted))
        by_id = {row["id"]: row for row in rows}
        shown = [_write_message(by_id[name], kind, name in unfinished) for name in wanted if name in by_id]
        yield "".join(shown).encode("utf-8", "replace")
    if kind == "html":
        yield b"</main></body></html>\n"


def safe_name(title: str, identifier: str) -> str:
    """A file's name that every system takes, and no other conversation has."""
    plain = " ".join(_UNSAFE.sub(" ", title).split()).strip(". ")[:80].rstrip(". ")
    return f"{plain or 'conversation'} {identifier[-8:]}"


async def _path_of(database: Database, conversation: dict[str, Any]) -> tuple[list[str], set[str]]:
    """Ids from the first message shown to the last, without deleted ones, and which of them are still being written.

    Only their ids are held.
    """
    gone = await database.read(lambda connection: list_gone(connection, conversation["id"]))
    unfinished = {name for name, message in gone.items() if message.is_open}
    ids: list[str] = []
    cursor = conversation["tip_id"]
    while cursor is not None:
        read = partial(list_path, conversation=conversation["id"], tip=cursor, limit=_PATH_STEP)
        step = await database.read(read)
        ids += [name for name, _ in step if name not in gone or name in unfinished]
        cursor = step[-1][1] if step else None
    return ids[::-1], unfinished


def _begin(title: str, kind: PageFormat) -> str:
    shown = title or "Without a title"
    if kind == "html":
        return _HEAD.format(title=html.escape(shown), style=_STYLE)
    return f"# {' '.join(shown.split())}\n"


def _write_message(row: dict[str, Any], kind: PageFormat, is_unfinished: bool) -> str:
    parts = [] if is_unfinished else [_without_citations(part) for part in decode_parts(row["parts"])]
    who = "You" if row["role"] == "user" else "Assistant"
    when = f"{datetime.fromtimestamp(row['created_at'] / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    about = " · ".join(filter(None, (row["model"] if who == "Assistant" else "", when)))
    if kind == "html":
        body = f"<p><em>{UNFINISHED}</em></p>" if is_unfinished else "".join(map(_part_as_html, parts))
        return f"<section><h2>{who} <small>{html.escape(about)}</small></h2>{body}</section>\n"
    body = f"*{UNFINISHED}*" if is_unfinished else "".join(map(_part_as_markdown, parts)).strip()
    return f"\n## {who} · {about}\n\n{body}\n"


def _without_citations(part: Part) -> Part:
    """They lead somewhere in the page only."""
    if isinstance(part, TextPart | IdeaPart):
        return structs.replace(part, text=leave_out_citations(part.text))
    return part


def _part_as_markdown(part: Part) -> str:
    match part:
        case TextPart(text=text):
            return text
        case IdeaPart(text=text):
            return f"> Idea: {text}\n\n"
        case ImagePart():
            return "\n\n[picture]\n\n"
        case _:
            return ""


def _part_as_html(part: Part) -> str:
    match part:
        case TextPart(text=text):
            return f'<div class="text">{html.escape(text)}</div>'
        case IdeaPart(text=text):
            return f'<p class="idea">{html.escape(text)}</p>'
        case ReasoningPart(text=text):
            return f'<details><summary>Thought</summary><div class="text">{html.escape(text)}</div></details>'
        case ImagePart(media_type=media_type, data=data) if _is_picture(media_type, data):
            return f'<p><img alt="" src="data:{media_type};base64,{data}"></p>'
        case _:
            return ""


def _is_picture(media_type: str, data: str) -> bool:
    """Only what can be nothing but a picture goes into an attribute."""
    return re.fullmatch(r"image/(png|jpeg|gif|webp)", media_type) is not None and (
        re.fullmatch(r"[A-Za-z0-9+/=]+", data) is not None
    )
