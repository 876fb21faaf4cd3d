"""Insert or update, in words that every database understands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, insert, update

from quarterdeck.store.database import WriteConnection


def upsert(connection: WriteConnection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """The row named by `key` (its primary key) has `values` afterwards.

    Writers are one after the other on SQLite; where they are not, the loser of a race gets an
    integrity error, never a second row.
    """
    matches = [table.c[name] == value for name, value in key.items()]
    if not connection.execute(update(table).where(*matches).values(**values)).rowcount:
        connection.execute(insert(table).values(**key, **values))
