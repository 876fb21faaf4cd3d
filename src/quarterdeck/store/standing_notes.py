"""The page of what is known about somebody: its text, and which memories each line of it says."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, select, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import standing_notes
from quarterdeck.store.upsert import upsert


class NotesRow(Struct, frozen=True):
    """`lines`: the memory that each line of `text` says; empty for a heading or a blank line."""

    owner_id: str
    text: str
    lines: list[str]
    version: int
    stale_at: int | None
    updated_at: int


def find_notes(connection: AnyConnection, owner: str) -> NotesRow | None:
    row = connection.execute(select(standing_notes).where(standing_notes.c.owner_id == owner)).first()
    if row is None:
        return None
    lines = msgspec.json.decode(row.lines, type=list[str])
    return NotesRow(row.owner_id, row.text, lines, row.version, row.stale_at, row.updated_at)


def save_notes(connection: WriteConnection, row: NotesRow) -> None:
    values = {
        "text": row.text, "lines": msgspec.json.encode(row.lines).decode(), "version": row.version,
        "stale_at": row.stale_at, "updated_at": row.updated_at,
    }  # fmt: skip
    upsert(connection, standing_notes, {"owner_id": row.owner_id}, values)


# Built once: each change of a memory does it.
_MARK = Prepared(
    update(standing_notes)
    .where(standing_notes.c.owner_id == bindparam("owner"), standing_notes.c.stale_at.is_(None))
    .values(stale_at=bindparam("at"))
)


def mark_notes_stale(connection: WriteConnection, owner: str) -> None:
    """A memory was made or changed: the page is written anew when somebody asks for it."""
    _MARK.run(connection, {"owner": owner, "at": now_ms()})
