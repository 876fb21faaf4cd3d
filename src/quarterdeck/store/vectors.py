"""Vectors of what was said and is remembered, by the model that made them; and what has none yet.

Who writes a memory or a message's entry in the search index marks it in the same transaction, where this server makes
vectors at all (`marking.is_on`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import starmap

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.statements import among
from quarterdeck.store.tables import memories, messages, search_entries, vectors, vectors_due

_READ_AT_ONCE = 5_000


class _Marking:
    is_on = False


marking = _Marking()


class DueRow(Struct, frozen=True):
    key_id: str
    owner_id: str
    kind: str


class VectorRow(Struct, frozen=True):
    key_id: str
    vector: bytes


_NAMES = ["key_id", "owner_id", "kind", "marked_at"]
# Built once: building a statement costs more than running it, and each message is marked where vectors are made.
_KEY: BindParameter[str] = bindparam("key")
_AT = bindparam("at", type_=BigInteger)
_UNMARK = Prepared(delete(vectors_due).where(vectors_due.c.key_id == _KEY))
_MARK_MESSAGE = Prepared(
    insert(vectors_due).from_select(
        _NAMES, select(messages.c.id, messages.c.owner_id, literal("message"), _AT).where(messages.c.id == _KEY)
    )
)
_MARK_MEMORY = Prepared(
    insert(vectors_due).from_select(
        _NAMES, select(memories.c.id, memories.c.owner_id, literal("memory"), _AT).where(memories.c.id == _KEY)
    )
)
_MARK_ENTRIES = among(
    "INSERT INTO vectors_due (key_id, owner_id, kind, marked_at) "
    "SELECT message_id, owner_id, 'message', CAST(:at AS bigint) FROM search_entries WHERE id IN {entries} "
    "ON CONFLICT (key_id) DO UPDATE SET marked_at = excluded.marked_at",
    "bigint",
)

_OWNER: BindParameter[str] = bindparam("owner")
_MADE_SINCE = Prepared(
    select(vectors.c.key_id, vectors.c.vector).where(
        vectors.c.owner_id == _OWNER,
        vectors.c.model == bindparam("model"),
        vectors.c.made_at >= bindparam("since", type_=BigInteger),
    )
)
_MODELS = Prepared(
    select(  # the first and the last: each is one look at the index, however many there are
        select(func.min(vectors.c.model)).where(vectors.c.owner_id == _OWNER).scalar_subquery(),
        select(func.max(vectors.c.model)).where(vectors.c.owner_id == _OWNER).scalar_subquery(),
    )
)
_FIRST_DUE = Prepared(select(vectors_due.c.key_id).where(vectors_due.c.owner_id == _OWNER).limit(1))


def mark_messages(connection: Connection, ids: Sequence[str]) -> None:
    """They are new or have changed. Called for at most some hundred at a time."""
    _mark(connection, ids, _MARK_MESSAGE)


def mark_entries(connection: Connection, entries: Sequence[int]) -> None:
    """The messages that have these entries, which are new. Called for at most some hundred at a time."""
    if marking.is_on:
        _MARK_ENTRIES.run(WriteConnection(connection), {"entries": list(entries), "at": now_ms()})


def mark_memories(connection: Connection, ids: Sequence[str]) -> None:
    _mark(connection, ids, _MARK_MEMORY)


def _mark(connection: Connection, ids: Sequence[str], statement: Prepared) -> None:
    if marking.is_on:
        at = now_ms()
        _UNMARK.run_for_each(connection, [{"key": one} for one in ids])
        statement.run_for_each(connection, [{"key": one, "at": at} for one in ids])


def mark_all_without(connection: WriteConnection, model: str) -> int:
    """What can be found and has no vector of this model; how many that are."""
    served = union_all(select(vectors.c.key_id).where(vectors.c.model == model), select(vectors_due.c.key_id))
    said = select(search_entries.c.message_id, search_entries.c.owner_id)
    known = select(memories.c.id, memories.c.owner_id).where(memories.c.forgotten_at.is_(None))
    return _insert_due(connection, said.where(search_entries.c.message_id.not_in(served)), "message") + _insert_due(
        connection, known.where(memories.c.id.not_in(served)), "memory"
    )


def _insert_due(connection: Connection, chosen: Select[str, str], kind: str) -> int:
    rows = chosen.add_columns(literal(kind), literal(now_ms()))
    return connection.execute(insert(vectors_due).from_select(_NAMES, rows)).rowcount


def list_due(connection: AnyConnection, limit: int) -> list[DueRow]:
    """The newest first: they are asked for first."""
    rows = connection.execute(select(vectors_due).order_by(vectors_due.c.key_id.desc()).limit(limit))
    return [DueRow(row.key_id, row.owner_id, row.kind) for row in rows]


def count_due(connection: AnyConnection, owner: str = "") -> int:
    wanted = select(func.count()).select_from(vectors_due)
    return int(connection.execute(wanted.where(vectors_due.c.owner_id == owner) if owner else wanted).scalar_one())


def count_vectors(connection: AnyConnection, owner: str, model: str) -> int:
    wanted = select(func.count()).where(vectors.c.owner_id == owner, vectors.c.model == model)
    return int(connection.execute(wanted).scalar_one())


def count_vectors_by_model(connection: AnyConnection) -> dict[str, int]:
    """Everybody's."""
    rows = connection.execute(select(vectors.c.model, func.count()).group_by(vectors.c.model).order_by(vectors.c.model))
    return {str(model): int(count) for model, count in rows}


def settle_due(
    connection: WriteConnection, model: str, due: Sequence[DueRow], made: dict[str, bytes], asked_at: int
) -> None:
    """Their vectors are written; what says nothing has none. What was marked since `asked_at` stays marked."""
    keys = [row.key_id for row in due]
    connection.execute(delete(vectors).where(vectors.c.key_id.in_(keys), vectors.c.model == model))
    connection.execute(delete(vectors_due).where(vectors_due.c.key_id.in_(keys), vectors_due.c.marked_at < asked_at))
    now = now_ms()
    values = [
        {"key_id": row.key_id, "model": model, "owner_id": row.owner_id, "made_at": now, "vector": made[row.key_id]}
        for row in due
        if row.key_id in made
    ]
    if values:
        connection.execute(insert(vectors), values)


def forget_vectors(
    connection: Connection,
    *,
    keys: Sequence[str] = (),
    conversations: Sequence[str] = (),
    owners: Sequence[str] = (),
) -> None:
    """Of what is gone for good: messages and memories, whole conversations, people. Also where none are made now."""
    said = select(messages.c.id).where(messages.c.conversation_id.in_(conversations))
    for table in (vectors, vectors_due):
        if keys:
            connection.execute(delete(table).where(table.c.key_id.in_(keys)))
        if conversations:
            connection.execute(delete(table).where(table.c.key_id.in_(said)))
        if owners:
            connection.execute(delete(table).where(table.c.owner_id.in_(owners)))


def drop_other_models(connection: WriteConnection, model: str) -> None:
    """They served until everything had a vector of this one."""
    connection.execute(delete(vectors).where(vectors.c.model != model))


def read_vectors(connection: AnyConnection, owner: str, model: str, since: int) -> Iterator[list[VectorRow]]:
    """An owner's that were made since then, some thousands at a time."""
    for some in _MADE_SINCE.parts(connection, {"owner": owner, "model": model, "since": since}, _READ_AT_ONCE):
        yield list(starmap(VectorRow, some))


def find_serving_model(connection: AnyConnection, owner: str, model: str) -> str:
    """That an owner's vectors are searched with: another one than the one that is set until that one has made them."""
    other = next((name for name in _MODELS.one(connection, {"owner": owner}) if name not in (None, model)), None)
    if other is None:
        return model
    return model if _FIRST_DUE.first(connection, {"owner": owner}) is None else str(other)
