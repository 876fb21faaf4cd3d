"""What is remembered: found and listed by its owner, changed with a version kept of every change.

A memory is current until something closes it (another one that contradicts it, its own end), stale while a message that
it came from is not what it was, forgotten for good some minutes after somebody said so. (`memory_sources.py` has where
they came from, `memory_history.py` what became of them.)
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from sqlalchemy import BindParameter, ColumnElement, and_, exists, insert, or_, select, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.letters import has_text
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import memories, memory_sources, messages
from quarterdeck.store.vectors import mark_memories

State = Literal["current", "superseded", "stale"]
KINDS = ("fact", "preference", "plan", "relation", "event")
UNDO_MS = 10 * 60_000
"""For so long a forgotten memory can be had back; then its text is gone from everywhere."""


class MemoryRow(Struct, frozen=True, kw_only=True):
    id: str
    owner_id: str
    kind: str
    text: str
    origin: str  # derived | user | import
    model: str
    confidence: float
    taint: str
    fingerprint: str
    said_at: int
    valid_from: int | None
    valid_to: int | None
    superseded_by: str | None = None
    superseded_at: int | None = None
    stale_at: int | None = None
    forgotten_at: int | None = None
    pinned_at: int | None = None
    version: int = 1
    created_at: int
    updated_at: int

    def state(self, now: int) -> State:
        if self.stale_at is not None:
            return "stale"
        is_over = self.valid_to is not None and self.valid_to <= now
        return "superseded" if self.superseded_at is not None or is_over else "current"


class MemoryFilter(Struct, frozen=True, kw_only=True):
    """`words`: all of them are in the text. `before`, `after`: when it was said."""

    owner: str
    words: tuple[str, ...] = ()
    kind: str = ""
    state: State | Literal["all"] = "current"
    is_pinned: bool = False
    conversation: str = ""
    before: int | None = None
    after: int | None = None


_INSERT = Prepared(insert(memories))  # built once: an import makes thousands


def insert_row(connection: WriteConnection, row: MemoryRow) -> None:
    _INSERT.run(connection, {name: getattr(row, name) for name in row.__struct_fields__})
    mark_memories(connection, [row.id])


def find_memory(connection: AnyConnection, owner: str, memory: str, *, is_forgotten: bool = False) -> MemoryRow | None:
    """`is_forgotten`: also one that is, while it can be had back."""
    is_own = memories.c.id == memory, memories.c.owner_id == owner
    row = connection.execute(select(memories).where(*is_own)).first()
    found = None if row is None else MemoryRow(**row._mapping)
    if found is None or found.forgotten_at is None:
        return found
    return found if is_forgotten and found.text and found.forgotten_at > now_ms() - UNDO_MS else None


def find_memories(connection: AnyConnection, owner: str, ids: list[str]) -> dict[str, MemoryRow]:
    """Those that are there, forgotten ones left out."""
    is_kept = memories.c.forgotten_at.is_(None)
    rows = connection.execute(select(memories).where(memories.c.owner_id == owner, memories.c.id.in_(ids), is_kept))
    return {row.id: MemoryRow(**row._mapping) for row in rows}


def list_memories(connection: AnyConnection, wanted: MemoryFilter, *, after: str = "", limit: int) -> list[MemoryRow]:
    """The newest first; `after` is the last one that was seen."""
    conditions = [
        memories.c.owner_id == wanted.owner,
        memories.c.forgotten_at.is_(None),
        *_conditions(connection, wanted),
    ]
    if after:
        conditions.append(memories.c.id < after)
    rows = connection.execute(select(memories).where(*conditions).order_by(memories.c.id.desc()).limit(limit))
    return [MemoryRow(**row._mapping) for row in rows]


def is_current(now: int | BindParameter[int]) -> ColumnElement[bool]:
    """Neither forgotten, stale nor over."""
    return and_(
        memories.c.forgotten_at.is_(None),
        memories.c.stale_at.is_(None),
        memories.c.superseded_at.is_(None),
        or_(memories.c.valid_to.is_(None), memories.c.valid_to > now),
    )


def list_current(connection: AnyConnection, owner: str, most: int) -> list[MemoryRow]:
    """What holds now, in the order in which it was learned; of more than `most` what was learned last."""
    wanted = select(memories).where(memories.c.owner_id == owner, is_current(now_ms()))
    rows = connection.execute(wanted.order_by(memories.c.id.desc()).limit(most)).all()
    return [MemoryRow(**row._mapping) for row in reversed(rows)]


def list_leading(connection: AnyConnection, owner: str, most: int) -> list[MemoryRow]:
    """Of what holds now the pinned ones, and then what was said last."""
    wanted = select(memories).where(memories.c.owner_id == owner, is_current(now_ms()))
    order = memories.c.pinned_at.is_(None), memories.c.said_at.desc(), memories.c.id
    return [MemoryRow(**row._mapping) for row in connection.execute(wanted.order_by(*order).limit(most))]


def list_comparable(connection: AnyConnection, owner: str, most: int) -> list[MemoryRow]:
    """What something new could be the same as: what holds, what held once, what waits to be derived anew.

    Of more than `most` what was learned last.
    """
    wanted = select(memories).where(memories.c.owner_id == owner, memories.c.forgotten_at.is_(None))
    rows = connection.execute(wanted.order_by(memories.c.id.desc()).limit(most)).all()
    return [MemoryRow(**row._mapping) for row in reversed(rows)]


def find_comparable(connection: AnyConnection, owner: str, fingerprints: list[str]) -> dict[str, list[MemoryRow]]:
    """Of what `list_comparable` lists, without a limit, those with these fingerprints, by them, the earliest first."""
    is_alike = memories.c.owner_id == owner, memories.c.fingerprint.in_(fingerprints), memories.c.forgotten_at.is_(None)
    found: dict[str, list[MemoryRow]] = {}
    for row in connection.execute(select(memories).where(*is_alike).order_by(memories.c.id)):
        found.setdefault(row.fingerprint, []).append(MemoryRow(**row._mapping))
    return found


def list_current_alike(connection: AnyConnection, owner: str, fingerprint: str) -> list[MemoryRow]:
    """What holds now and has this fingerprint, the earliest first."""
    wanted = select(memories).where(
        memories.c.owner_id == owner, memories.c.fingerprint == fingerprint, is_current(now_ms())
    )
    return [MemoryRow(**row._mapping) for row in connection.execute(wanted.order_by(memories.c.id))]


def list_superseded_by(connection: AnyConnection, owner: str, ids: list[str]) -> dict[str, list[str]]:
    """By the memory that closed them."""
    rows = connection.execute(
        select(memories.c.id, memories.c.superseded_by)
        .where(memories.c.owner_id == owner, memories.c.superseded_by.in_(ids), memories.c.forgotten_at.is_(None))
        .order_by(memories.c.id)
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.superseded_by, []).append(row.id)
    return found


def list_forgotten_with(connection: AnyConnection, owner: str, memory: str, since: int) -> list[tuple[str, int]]:
    """Those that say the same as a memory that was forgotten then, and went with it: ids and versions."""
    said_the_same = memories.c.superseded_by == memory, memories.c.valid_to.is_(None), memories.c.text != ""
    rows = connection.execute(
        select(memories.c.id, memories.c.version)
        .where(memories.c.owner_id == owner, *said_the_same, memories.c.forgotten_at >= since)
        .order_by(memories.c.id)
    )
    return [(row.id, row.version) for row in rows]


def update_row(connection: WriteConnection, row: MemoryRow, known: int) -> bool:
    """`row` as it is to be; False when it is not at version `known` any more."""
    values = {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("id", "owner_id")}
    changed = connection.execute(
        update(memories).where(memories.c.id == row.id, memories.c.version == known).values(**values)
    )
    mark_memories(connection, [row.id])
    return bool(changed.rowcount)


def _conditions(connection: AnyConnection, wanted: MemoryFilter) -> list[ColumnElement[bool]]:
    conditions = [has_text(connection, memories.c.text, word) for word in wanted.words]
    conditions += _of_state(wanted.state)
    if wanted.kind:
        conditions.append(memories.c.kind == wanted.kind)
    if wanted.is_pinned:
        conditions.append(memories.c.pinned_at.is_not(None))
    if wanted.before is not None:
        conditions.append(memories.c.said_at < wanted.before)
    if wanted.after is not None:
        conditions.append(memories.c.said_at >= wanted.after)
    if wanted.conversation:
        source = select(memory_sources.c.memory_id).join(messages, messages.c.id == memory_sources.c.message_id)
        is_there = memory_sources.c.memory_id == memories.c.id, messages.c.conversation_id == wanted.conversation
        conditions.append(exists(source.where(*is_there)))
    return conditions


def _of_state(state: State | Literal["all"]) -> list[ColumnElement[bool]]:
    now = now_ms()
    if state == "all":
        return []
    if state == "stale":
        return [memories.c.stale_at.is_not(None)]
    if state == "current":
        return [is_current(now)]
    return [memories.c.stale_at.is_(None), or_(memories.c.superseded_at.is_not(None), memories.c.valid_to <= now)]
