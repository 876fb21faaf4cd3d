"""Messages and memories of an owner by their ids, wherever they are, as they are quoted; and where they were used."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import and_, bindparam, insert, literal, or_, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import Part, decode_parts
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.memories import MemoryRow
from quarterdeck.store.memory_history import as_it_was, find_change
from quarterdeck.store.paths import read_versions
from quarterdeck.store.tables import conversations, memories, memory_uses, messages

Sent = tuple[str, int]
"""An id and a version."""


class QuotedRow(Struct, frozen=True):
    """A message as it is quoted; `at`: when it was said, an answer when it was complete."""

    id: str
    parent_id: str | None
    conversation_id: str
    title: str
    role: str
    speaker: str
    parts: list[Part]
    version: int
    at: int
    taint: str


# Built once: building a statement costs more than running it.
_MESSAGES = (
    select(
        messages.c.id, messages.c.parent_id, messages.c.conversation_id, conversations.c.title, messages.c.role,
        messages.c.speaker, messages.c.parts, messages.c.version, messages.c.created_at, messages.c.ended_at,
        messages.c.taint,
    )
    .join(conversations, conversations.c.id == messages.c.conversation_id)
    .where(messages.c.owner_id == bindparam("owner"), messages.c.id.in_(bindparam("ids", expanding=True)))
)  # fmt: skip
_OPEN_MESSAGES = _MESSAGES.where(
    messages.c.deleted_at.is_(None), conversations.c.deleted_at.is_(None), conversations.c.memory == ""
)
_MOST_ABOVE = 64  # messages between one and the fork that is looked for: what was edited away is soon below it


def _left_path() -> Any:
    """Those of some messages that are on a branch that their conversation has left."""
    above, parent = messages.alias("above"), messages.alias("parent")
    start = messages.c.id.label("start"), messages.c.conversation_id.label("conversation")
    seed = (
        select(*start, messages.c.id, messages.c.parent_id, literal(0).label("depth"))
        .where(messages.c.owner_id == bindparam("owner"), messages.c.id.in_(bindparam("ids", expanding=True)))
        .cte("path", recursive=True)
    )
    path = seed.union_all(
        select(seed.c.start, seed.c.conversation, above.c.id, above.c.parent_id, seed.c.depth + 1)
        .join(seed, above.c.id == seed.c.parent_id)
        .where(seed.c.depth < _MOST_ABOVE)
    )
    is_first = path.c.parent_id.is_(None)
    return (
        select(path.c.start)
        .join(conversations, conversations.c.id == path.c.conversation)
        .outerjoin(parent, parent.c.id == path.c.parent_id)
        .where(or_(parent.c.active_child_id != path.c.id, and_(is_first, conversations.c.root_id != path.c.id)))
        .distinct()
    )


_LEFT = _left_path()
_MEMORIES = select(memories).where(
    memories.c.owner_id == bindparam("owner"), memories.c.id.in_(bindparam("ids", expanding=True))
)


def find_quoted(
    connection: AnyConnection, owner: str, ids: list[str], *, is_gone_too: bool = False
) -> dict[str, QuotedRow]:
    """Without deleted ones and those of conversations that memory keeps out of, unless `is_gone_too`."""
    statement = _MESSAGES if is_gone_too else _OPEN_MESSAGES
    rows = connection.execute(statement, {"owner": owner, "ids": ids}) if ids else ()
    return {row.id: _quoted(row) for row in rows}


def find_left(connection: AnyConnection, owner: str, ids: list[str]) -> set[str]:
    """Which of these messages were edited away or left: the path goes on beside them, or beside one not far above."""
    return set(connection.execute(_LEFT, {"owner": owner, "ids": ids}).scalars()) if ids else set()


def find_quoted_memories(connection: AnyConnection, owner: str, ids: list[str]) -> dict[str, MemoryRow]:
    rows = connection.execute(_MEMORIES, {"owner": owner, "ids": ids}) if ids else ()
    return {row.id: MemoryRow(**row._mapping) for row in rows}


def quoted_as_sent(connection: AnyConnection, owner: str, wanted: set[Sent]) -> dict[Sent, QuotedRow]:
    """Messages in the versions that were sent, deleted ones included as long as they are kept."""
    rows = find_quoted(connection, owner, sorted({message for message, _ in wanted}), is_gone_too=True)
    older = sorted({message for message, version in wanted if message in rows and rows[message].version != version})
    versions = read_versions(connection, owner, older) if older else {}
    found: dict[Sent, QuotedRow] = {}
    for message, version in wanted:
        row = rows.get(message)
        if row is not None and row.version == version:
            found[message, version] = row
        elif row is not None and (parts := versions.get((message, version))) is not None:
            found[message, version] = msgspec.structs.replace(row, parts=parts, version=version)
    return found


def memories_as_sent(connection: AnyConnection, owner: str, wanted: set[Sent]) -> dict[Sent, MemoryRow]:
    """Memories in the versions that were sent; a forgotten one has no text in any of them."""
    rows = find_quoted_memories(connection, owner, sorted({memory for memory, _ in wanted}))
    found: dict[Sent, MemoryRow] = {}
    for memory, version in wanted:
        row = rows.get(memory)
        change = None if row is None else find_change(connection, memory, version)
        if row is not None and change is not None and (then := as_it_was(row, change)).text:
            found[memory, version] = then
    return found


def note_uses(
    connection: WriteConnection,
    *,
    owner: str,
    turn: str,
    conversation: str,
    answer: str,
    uses: dict[str, dict[str, float]],
) -> None:
    """`uses`: why each memory was recalled. One that is gone by now is left out, as is one that was noted already."""
    noted = select(memory_uses.c.memory_id).where(memory_uses.c.turn_id == turn)
    known = set(connection.execute(noted).scalars())
    for memory in uses.keys() - known:
        source = select(
            literal(owner), memories.c.id, literal(turn), literal(conversation), literal(answer),
            literal(msgspec.json.encode(uses[memory]).decode()), literal(now_ms()),
        ).where(memories.c.id == memory, memories.c.owner_id == owner)  # fmt: skip
        names = ["owner_id", "memory_id", "turn_id", "conversation_id", "message_id", "signals", "created_at"]
        connection.execute(insert(memory_uses).from_select(names, source))


def _quoted(row: Any) -> QuotedRow:
    at = row.created_at if row.role == "user" else row.ended_at or row.created_at
    return QuotedRow(
        row.id, row.parent_id, row.conversation_id, row.title, row.role, row.speaker, decode_parts(row.parts),
        row.version, at, row.taint,
    )  # fmt: skip
