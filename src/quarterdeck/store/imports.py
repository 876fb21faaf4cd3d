"""Imports: what was asked for, how far it is, and what could not be taken over as it was."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import and_, delete, func, insert, select, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import import_notes, imports

UNFINISHED = ("waiting", "running")


class Counts(Struct, frozen=True):
    """What an import has done. `known_…`: was here already, and stays as it is."""

    conversations: int = 0
    messages: int = 0
    known_conversations: int = 0
    known_messages: int = 0
    skipped: int = 0
    changed: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))


class Cursor(Struct, frozen=True):
    """What is next: file `member` of the archive, its piece `element`, of that the message number `message`."""

    member: int = 0
    element: int = 0
    message: int = 0


class Note(Struct, frozen=True):
    """Something that was not taken over (`skipped`), or not as it was (`changed`)."""

    kind: str
    item: str
    reason: str


class ImportRow(Struct, frozen=True):
    id: str
    owner_id: str
    format: str  # chatgpt | claude | openwebui | librechat | markdown | quarterdeck; empty: not looked at yet
    name: str
    status: str  # waiting | running | complete | failed | stopped
    done_bytes: int
    total_bytes: int
    counts: Counts
    cursor: Cursor
    place: str
    error: str
    created_at: int
    ended_at: int | None


class NoteRow(Struct, frozen=True):
    position: int
    kind: str
    item: str
    reason: str


def insert_import(
    connection: WriteConnection, owner: str, *, name: str, place: str, total_bytes: int, identifier: str = ""
) -> ImportRow:
    """`identifier`: made before, where the file has it as its name already."""
    made, now = identifier or new_id(), now_ms()
    row = ImportRow(made, owner, "", name, "waiting", 0, total_bytes, Counts(), Cursor(), place, "", now, None)
    values = msgspec.structs.asdict(row)
    connection.execute(insert(imports).values({**values, **_encoded(row.counts, row.cursor)}))
    return row


def find_import(connection: AnyConnection, owner: str, identifier: str) -> ImportRow | None:
    row = connection.execute(select(imports).where(imports.c.id == identifier, imports.c.owner_id == owner)).first()
    return None if row is None else _row(row)


def list_imports(connection: AnyConnection, owner: str, *, before: str, limit: int) -> list[ImportRow]:
    """Newest first; `before` is the id of the last one seen, empty at the beginning."""
    query = select(imports).where(imports.c.owner_id == owner)
    if before:
        query = query.where(imports.c.id < before)
    return [_row(row) for row in connection.execute(query.order_by(imports.c.id.desc()).limit(limit))]


def list_unfinished(connection: AnyConnection, place: str) -> list[ImportRow]:
    """Whose file is in the data folder `place`, the oldest first."""
    query = select(imports).where(imports.c.place == place, imports.c.status.in_(UNFINISHED))
    return [_row(row) for row in connection.execute(query.order_by(imports.c.id))]


def list_kept(connection: AnyConnection, place: str) -> set[str]:
    """Ids of those whose file is still needed in the data folder `place`."""
    kept = imports.c.status.in_((*UNFINISHED, "stopped"))
    return {row.id for row in connection.execute(select(imports.c.id).where(imports.c.place == place, kept))}


def count_unfinished(connection: AnyConnection, owner: str) -> int:
    query = select(func.count()).where(imports.c.owner_id == owner, imports.c.status.in_(UNFINISHED))
    return int(connection.execute(query).scalar_one())


def begin_import(connection: WriteConnection, identifier: str) -> ImportRow | None:
    """It is running; as it stands. None when it was stopped meanwhile, or is gone."""
    begun = (
        update(imports)
        .where(imports.c.id == identifier, imports.c.status.in_(UNFINISHED))
        .values(status="running", error="")
    )
    if not connection.execute(begun).rowcount:
        return None
    row = connection.execute(select(imports).where(imports.c.id == identifier)).first()
    return None if row is None else _row(row)


def set_format(connection: WriteConnection, identifier: str, kind: str, total_bytes: int) -> None:
    """Once it is known what the file is. `total_bytes`: of what is read of it, unpacked."""
    values = {"format": kind, "total_bytes": total_bytes}
    connection.execute(update(imports).where(imports.c.id == identifier).values(values))


def advance_import(
    connection: WriteConnection, row: ImportRow, *, cursor: Cursor, counts: Counts, done_bytes: int
) -> bool:
    """How far it is, in the transaction that wrote it.

    False when somebody has stopped it, or goes on with it from where `row` was: then nothing is changed.
    """
    values = {**_encoded(counts, cursor), "done_bytes": done_bytes}
    as_it_was = imports.c.cursor == _encoded(row.counts, row.cursor)["cursor"]
    going = update(imports).where(imports.c.id == row.id, imports.c.status == "running", as_it_was)
    return bool(connection.execute(going.values(values)).rowcount)


def add_notes(connection: WriteConnection, row: ImportRow, first: int, notes: list[Note]) -> None:
    """`first` is the number of the first of them: notes are counted without holes."""
    if notes:
        common = {"import_id": row.id, "owner_id": row.owner_id}
        connection.execute(
            insert(import_notes),
            [common | {"position": first + index} | msgspec.structs.asdict(note) for index, note in enumerate(notes)],
        )


def list_notes(connection: AnyConnection, identifier: str, *, after: int, limit: int) -> list[NoteRow]:
    """In the order in which they were made; `after` is the position of the last one seen, -1 at the beginning."""
    query = select(import_notes).where(import_notes.c.import_id == identifier, import_notes.c.position > after)
    rows = connection.execute(query.order_by(import_notes.c.position).limit(limit))
    return [NoteRow(row.position, row.kind, row.item, row.reason) for row in rows]


def end_import(connection: WriteConnection, identifier: str, status: str, error: str = "") -> None:
    values: dict[str, Any] = {"status": status, "error": error, "ended_at": now_ms()}
    if status == "complete":
        values["done_bytes"] = imports.c.total_bytes  # the last bracket, and what follows it
    going = update(imports).where(imports.c.id == identifier, imports.c.status.in_(UNFINISHED))
    connection.execute(going.values(values))


def take_up_import(connection: WriteConnection, owner: str, identifier: str) -> bool:
    """One that was stopped waits again, from where it was. False when there is none."""
    mine = and_(imports.c.id == identifier, imports.c.owner_id == owner, imports.c.status == "stopped")
    return bool(
        connection.execute(update(imports).where(mine).values(status="waiting", error="", ended_at=None)).rowcount
    )


def delete_import(connection: WriteConnection, owner: str, identifier: str) -> bool:
    """From the list: what was imported stays. One that is running must be stopped before."""
    over = imports.c.status.not_in(UNFINISHED)
    gone = delete(imports).where(imports.c.id == identifier, imports.c.owner_id == owner, over)
    return bool(connection.execute(gone).rowcount)


def _encoded(counts: Counts, cursor: Cursor) -> dict[str, str]:
    return {"counts": msgspec.json.encode(counts).decode(), "cursor": msgspec.json.encode(cursor).decode()}


def _values(counts: Counts) -> tuple[int, ...]:
    return msgspec.structs.astuple(counts)


def _row(row: Any) -> ImportRow:
    return ImportRow(
        **{
            **row._mapping,
            "counts": msgspec.json.decode(row.counts, type=Counts),
            "cursor": msgspec.json.decode(row.cursor, type=Cursor),
        }
    )
