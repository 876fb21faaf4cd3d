"""Deletions: what was deleted in one go, and how the path went before, so that it can be undone in one go."""

from __future__ import annotations

from msgspec import Struct, structs
from sqlalchemy import delete, insert, select, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.conversations import KEEP_DELETED_MS
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.forgetting import forget_traces
from quarterdeck.store.tables import deletions, ideas, message_versions, messages

_AT_ONCE = 500


class DeletionRow(Struct, frozen=True):
    """`first_id`: what `parent_id` led to before; `child_id`: what it leads to since (the same: nothing changed)."""

    id: str
    owner_id: str
    conversation_id: str
    first_id: str
    parent_id: str | None
    child_id: str | None
    message_count: int
    created_at: int


def insert_deletion(connection: WriteConnection, row: DeletionRow, ids: list[str]) -> None:
    connection.execute(insert(deletions), structs.asdict(row))
    for some in _batches(ids):
        statement = update(messages).where(messages.c.id.in_(some))
        connection.execute(statement.values(deleted_at=row.created_at, deletion=row.id))


def find_deletion(connection: AnyConnection, owner: str, deletion: str) -> DeletionRow | None:
    """None as well when it is too old to be undone."""
    is_own = deletions.c.id == deletion, deletions.c.owner_id == owner
    is_kept = deletions.c.created_at >= now_ms() - KEEP_DELETED_MS
    row = connection.execute(select(deletions).where(*is_own, is_kept)).first()
    return None if row is None else DeletionRow(**row._mapping)


def undo_deletion(connection: WriteConnection, deletion: str) -> list[str]:
    """Its messages are there again: their ids."""
    ids = [row.id for row in connection.execute(select(messages.c.id).where(messages.c.deletion == deletion))]
    statement = update(messages).where(messages.c.deletion == deletion)
    connection.execute(statement.values(deleted_at=None, deletion=None))
    connection.execute(delete(deletions).where(deletions.c.id == deletion))
    return ids


def forget_deleted(connection: WriteConnection) -> int:
    """Remove for good what some messages said that were deleted 30 days ago; how many.

    An empty message stays as a link of its path, for there may be others below it.
    """
    is_old = deletions.c.created_at < now_ms() - KEEP_DELETED_MS
    oldest = connection.execute(select(deletions.c.id).where(is_old).order_by(deletions.c.created_at).limit(1)).scalar()
    if oldest is None:
        return 0
    some = select(messages.c.id).where(messages.c.deletion == oldest).limit(_AT_ONCE)
    ids = [row.id for row in connection.execute(some)]
    if not ids:
        return connection.execute(delete(deletions).where(deletions.c.id == oldest)).rowcount
    for table in (message_versions, ideas):
        connection.execute(delete(table).where(table.c.message_id.in_(ids)))
    forget_traces(connection, ids)
    nothing: dict[str, object] = {"parts": "[]", "error": None, "continuations": None, "deletion": None}
    empty = update(messages).where(messages.c.id.in_(ids)).values(nothing)
    return connection.execute(empty).rowcount


def _batches(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
