"""Deletions: what was deleted in one go, and how the path went before, so that it can be undone in one go."""

from __future__ import annotations

from msgspec import Struct, structs
from sqlalchemy import delete, insert, select, update

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import deletions, messages

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
    row = connection.execute(select(deletions).where(deletions.c.id == deletion, deletions.c.owner_id == owner)).first()
    return None if row is None else DeletionRow(**row._mapping)


def undo_deletion(connection: WriteConnection, deletion: str) -> list[str]:
    """Its messages are there again: their ids."""
    ids = [row.id for row in connection.execute(select(messages.c.id).where(messages.c.deletion == deletion))]
    statement = update(messages).where(messages.c.deletion == deletion)
    connection.execute(statement.values(deleted_at=None, deletion=None))
    connection.execute(delete(deletions).where(deletions.c.id == deletion))
    return ids


def _batches(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
