"""Our own export, JSON Lines that import again without loss: a header, folders, assistants, snippets, conversations,
after each its messages (all branches and versions), and an end with the counts. `formats/quarterdeck.py` reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec

from quarterdeck import __version__
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.taint import taint_to_export
from quarterdeck.exchange.formats.quarterdeck import CONVERSATION_COLUMNS, FORMAT, FORMAT_VERSION, MESSAGE_COLUMNS
from quarterdeck.store.database import AnyConnection, Database
from quarterdeck.store.exporting import (
    Gone,
    list_belongings,
    list_gone,
    list_ideas_of,
    list_versions,
    page_conversations,
    page_messages,
)

_CONVERSATIONS = 50
_MESSAGES = 100
_JSON = {"parts", "usage", "continuations", "error", "tools", "starters"}
_OTHERS_IDS = {"id", "owner_id", "is_shared", "deleted_at"}


async def write_lines(
    database: Database, owner: str, conversation: dict[str, Any] | None = None
) -> AsyncIterator[bytes]:
    """All that is `owner`'s, or one conversation (as `find_exported` has it). What changes meanwhile may be in it."""
    yield _line({"format": FORMAT, "format_version": FORMAT_VERSION, "version": __version__, "exported_at": now_ms()})
    counts = {"conversations": 0, "messages": 0, "unfinished": 0}
    if conversation is None:
        for belonging in await database.read(lambda connection: list_belongings(connection, owner)):
            yield _line(_belonging_line(belonging))
    async for row in each_conversation(database, owner, conversation):
        counts["conversations"] += 1
        gone = await database.read(partial(list_gone, conversation=row["id"]))
        counts["unfinished"] += sum(message.is_open for message in gone.values())
        async for piece, count in _write_conversation(database, row, gone):
            counts["messages"] += count
            yield piece
    yield _line({"kind": "end", **counts, "unfinished": counts["unfinished"] or None})


async def each_conversation(
    database: Database, owner: str, one: dict[str, Any] | None = None
) -> AsyncIterator[dict[str, Any]]:
    if one is not None:
        yield one
        return
    after = ""
    while True:
        page = await database.read(partial(page_conversations, owner=owner, after=after, limit=_CONVERSATIONS))
        for row in page:
            yield row
        if len(page) < _CONVERSATIONS:
            return
        after = page[-1]["id"]


async def _write_conversation(
    database: Database, row: dict[str, Any], gone: dict[str, Gone]
) -> AsyncIterator[tuple[bytes, int]]:
    yield _line(_conversation_line(row, gone)), 0
    after = ""
    while True:

        def read(connection: AnyConnection, last: str = after) -> tuple[list[dict[str, Any]], Any, Any]:
            page = page_messages(connection, row["id"], last, _MESSAGES)
            ids = [message["id"] for message in page]
            return page, list_versions(connection, ids), list_ideas_of(connection, ids)

        page, versions, ideas = await database.read(read)
        if not page:
            return
        after = page[-1]["id"]
        lines = [_message_line(message, gone, versions, ideas) for message in page]
        yield await asyncio.to_thread(_join, lines), len(lines)


def alive_above(gone: dict[str, Gone], name: str | None) -> str | None:
    """Itself, or the nearest one above it that is there."""
    while name is not None and name in gone:
        name = gone[name].parent_id
    return name


def alive_below(gone: dict[str, Gone], name: str | None) -> str | None:
    """Itself, or the nearest one that the path leads on to."""
    while name is not None and name in gone:
        name = gone[name].active_child_id
    return name


def _conversation_line(row: dict[str, Any], gone: dict[str, Gone]) -> dict[str, Any]:
    columns = {name: row[name] for name in CONVERSATION_COLUMNS if name != "assistant_name"}
    own = row["assistant_name"]
    return {
        "kind": "conversation",
        "id": row["id"],
        "source": row["source"],
        "title": row["title"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "folder": row["folder"],
        "tip": alive_above(gone, row["tip_id"]),
        **columns,
        "assistant": None if own else row["assistant"],
        "assistant_name": own,
    }


def _message_line(
    row: dict[str, Any], gone: dict[str, Gone], versions: dict[str, Any], ideas: dict[str, Any]
) -> dict[str, Any]:
    return {
        "kind": "message",
        "id": row["id"],
        "source": row["source"],
        "parent": alive_above(gone, row["parent_id"]),
        "active_child": alive_below(gone, row["active_child_id"]),
        "role": row["role"],
        "model": row["model"],
        "created_at": row["created_at"],
        "parts": _raw(row["parts"]),
        **{name: _raw(row[name]) if name in _JSON else row[name] for name in MESSAGE_COLUMNS},
        "taint": taint_to_export(row["taint"], is_imported=row["source"] is not None),
        "versions": [
            {"version": old["version"], "created_at": old["created_at"], "parts": _raw(old["parts"])}
            for old in versions.get(row["id"], [])
        ],
        "ideas": ideas.get(row["id"], []),
    }


def _belonging_line(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _raw(value) if name in _JSON else value for name, value in row.items() if name not in _OTHERS_IDS}


def _raw(value: str | None) -> msgspec.Raw | None:
    """JSON from the database goes out as it is."""
    return None if value is None else msgspec.Raw(value.encode())


def _join(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(map(_line, lines))


def _line(values: dict[str, Any]) -> bytes:
    """What is not there is not named."""
    return msgspec.json.encode({name: value for name, value in values.items() if value not in (None, "", [])}) + b"\n"
