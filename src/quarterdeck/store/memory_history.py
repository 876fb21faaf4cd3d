"""What became of a memory: a version after each change, and where it was used."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.memories import UNDO_MS, MemoryRow
from quarterdeck.store.memory_sources import list_source_messages
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import conversations, memories, memory_sources, memory_uses, memory_versions
from quarterdeck.store.vectors import forget_vectors

_KEPT = (
    "kind", "text", "origin", "model", "confidence", "taint", "fingerprint", "said_at", "valid_from", "valid_to",
    "superseded_by", "superseded_at", "stale_at", "forgotten_at", "pinned_at",
)  # fmt: skip
_AT_ONCE = 200


class ChangeRow(Struct, frozen=True):
    """`state`: the memory's columns after the change, `sources` (messages), and what the change says of itself."""

    memory_id: str
    version: int
    change: str  # made | edited | merged | superseded | reopened | ended | stale | renewed | pinned | unpinned | …
    actor: str  # user | model | server
    state: dict[str, Any]
    created_at: int


class UseRow(Struct, frozen=True):
    turn_id: str
    message_id: str
    conversation_id: str
    title: str
    signals: dict[str, float]
    created_at: int
    count: int = 1


_INSERT = Prepared(insert(memory_versions))  # built once: an import makes thousands


def insert_change(
    connection: WriteConnection, row: MemoryRow, change: str, actor: str, notes: dict[str, Any] | None = None
) -> None:
    """Of `row`, as it is after the change; sources that came with it are written before."""
    state: dict[str, Any] = {name: getattr(row, name) for name in _KEPT}
    state["sources"] = sorted(list_source_messages(connection, row.id))
    values = {
        "memory_id": row.id, "version": row.version, "owner_id": row.owner_id, "change": change, "actor": actor,
        "state": _json(state | (notes or {})), "created_at": row.updated_at,
    }  # fmt: skip
    _INSERT.run(connection, values)


def list_changes(connection: AnyConnection, memory: str, since: int = 0) -> list[ChangeRow]:
    """Those that made version `since` or a later one, the newest first."""
    is_wanted = memory_versions.c.memory_id == memory, memory_versions.c.version >= since
    rows = connection.execute(select(memory_versions).where(*is_wanted).order_by(memory_versions.c.version.desc()))
    return [_change(row) for row in rows]


def find_change(connection: AnyConnection, memory: str, version: int) -> ChangeRow | None:
    is_it = memory_versions.c.memory_id == memory, memory_versions.c.version == version
    row = connection.execute(select(memory_versions).where(*is_it)).first()
    return None if row is None else _change(row)


def as_it_was(row: MemoryRow, change: ChangeRow) -> MemoryRow:
    """`row` with the columns that it had after `change`."""
    return msgspec.structs.replace(row, **{name: change.state[name] for name in _KEPT if name in change.state})


def list_reopened_from(connection: AnyConnection, owner: str, memory: str) -> list[str]:
    """Those that held again because `memory`, which had closed them, did not."""
    rows = connection.execute(
        select(memory_versions.c.memory_id)
        .join(memories, memories.c.id == memory_versions.c.memory_id)
        .where(
            memory_versions.c.owner_id == owner,
            memory_versions.c.change == "reopened",
            memory_versions.c.version == memories.c.version,
            memory_versions.c.state.contains(f'"closed_by":"{memory}"', autoescape=True),
        )
    )
    return list(rows.scalars())


def erase_forgotten(connection: WriteConnection) -> int:
    """What was forgotten and cannot be had back has no text any more, in no version; how many memories that were."""
    old = memories.c.forgotten_at <= now_ms() - UNDO_MS, memories.c.text != ""
    ids = list(connection.execute(select(memories.c.id).where(*old).limit(_AT_ONCE)).scalars())
    if not ids:
        return 0
    connection.execute(update(memories).where(memories.c.id.in_(ids)).values(text=""))
    connection.execute(update(memory_sources).where(memory_sources.c.memory_id.in_(ids)).values(quote=""))
    forget_vectors(connection, keys=ids)
    is_last = memory_versions.c.change == "forgotten"
    connection.execute(delete(memory_versions).where(memory_versions.c.memory_id.in_(ids), ~is_last))
    rows = connection.execute(select(memory_versions).where(memory_versions.c.memory_id.in_(ids))).all()
    for row in rows:
        state = msgspec.json.decode(row.state) | {"text": ""}
        is_it = memory_versions.c.memory_id == row.memory_id, memory_versions.c.version == row.version
        connection.execute(update(memory_versions).where(*is_it).values(state=_json(state)))
    return len(ids)


def list_tombstones(connection: AnyConnection, owner: str) -> list[ChangeRow]:
    """The last change of each memory that is forgotten: it has the marks of what must not be derived again."""
    rows = connection.execute(
        select(memory_versions)
        .join(memories, memories.c.id == memory_versions.c.memory_id)
        .where(
            memories.c.owner_id == owner,
            memories.c.forgotten_at.is_not(None),
            memory_versions.c.change == "forgotten",
            memory_versions.c.version == memories.c.version,
        )
    )
    return [_change(row) for row in rows]


def delete_outdated(connection: WriteConnection, before: int) -> int:
    """Stale since before then: nothing that they came from was had back or said it again."""
    is_old = memories.c.stale_at < before, memories.c.forgotten_at.is_(None)
    ids = list(connection.execute(select(memories.c.id).where(*is_old).limit(_AT_ONCE)).scalars())
    forget_vectors(connection, keys=ids)
    return connection.execute(delete(memories).where(memories.c.id.in_(ids))).rowcount if ids else 0


def list_uses(connection: AnyConnection, memory: str, *, before: str = "", limit: int) -> list[UseRow]:
    """The newest first; `before`: the last turn that was seen."""
    conditions = [memory_uses.c.memory_id == memory]
    if before:
        conditions.append(memory_uses.c.turn_id < before)
    rows = connection.execute(_uses().where(*conditions).order_by(memory_uses.c.turn_id.desc()).limit(limit))
    return [_use(row) for row in rows]


def find_last_uses(connection: AnyConnection, ids: list[str]) -> dict[str, UseRow]:
    """The latest use of each, with how many there are in all."""
    counts = (
        select(
            memory_uses.c.memory_id,
            func.count().label("count"),
            func.max(memory_uses.c.turn_id).label("turn"),
        )
        .where(memory_uses.c.memory_id.in_(ids))
        .group_by(memory_uses.c.memory_id)
        .subquery()
    )
    rows = connection.execute(
        _uses()
        .add_columns(memory_uses.c.memory_id, counts.c.count)
        .join(
            counts,
            (counts.c.memory_id == memory_uses.c.memory_id) & (counts.c.turn == memory_uses.c.turn_id),
        )
    )
    return {row.memory_id: msgspec.structs.replace(_use(row), count=row[-1]) for row in rows}


def _uses() -> Any:
    return select(
        memory_uses.c.turn_id, memory_uses.c.message_id, memory_uses.c.conversation_id, memory_uses.c.signals,
        memory_uses.c.created_at, conversations.c.title,
    ).join(conversations, conversations.c.id == memory_uses.c.conversation_id, isouter=True)  # fmt: skip


def _use(row: Any) -> UseRow:
    signals = msgspec.json.decode(row.signals) if row.signals else {}
    return UseRow(row.turn_id, row.message_id, row.conversation_id, row.title or "", signals, row.created_at)


def _change(row: Any) -> ChangeRow:
    state = msgspec.json.decode(row.state)
    return ChangeRow(row.memory_id, row.version, row.change, row.actor, state, row.created_at)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
