"""Snippets: texts that a person keeps to write with, found by what is typed after a slash."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import and_, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.errors import ConflictError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import snippets


class SnippetRow(Struct, frozen=True):
    id: str
    name: str
    text: str
    created_at: int
    updated_at: int


_columns = [column for column in snippets.c if column.name != "owner_id"]
_IS_OWN = and_(snippets.c.id == bindparam("snippet"), snippets.c.owner_id == bindparam("owner"))


def list_snippets(connection: AnyConnection, owner: str) -> list[SnippetRow]:
    """By name."""
    rows = connection.execute(select(*_columns).where(snippets.c.owner_id == owner).order_by(snippets.c.name))
    return [SnippetRow(**row._mapping) for row in rows]


def count_snippets(connection: AnyConnection, owner: str) -> int:
    return int(connection.execute(select(func.count()).where(snippets.c.owner_id == owner)).scalar_one())


def insert_snippet(connection: WriteConnection, owner: str, name: str, text: str) -> SnippetRow:
    """Raises: `ConflictError` for a name that the owner has given already."""
    now = now_ms()
    row = SnippetRow(new_id(), name, text, now, now)
    values = {"id": row.id, "owner_id": owner, "name": name, "text": text, "created_at": now, "updated_at": now}
    try:
        connection.execute(insert(snippets).values(values))
    except IntegrityError as error:
        raise _taken(name) from error
    return row


def update_snippet(connection: WriteConnection, owner: str, snippet: str, values: dict[str, Any]) -> SnippetRow | None:
    """As it is now; None when the owner has no such snippet. Raises: as `insert_snippet`."""
    statement = update(snippets).where(_IS_OWN).values(updated_at=now_ms(), **values).returning(*_columns)
    try:
        row = connection.execute(statement, {"snippet": snippet, "owner": owner}).first()
    except IntegrityError as error:
        raise _taken(str(values.get("name"))) from error
    return None if row is None else SnippetRow(**row._mapping)


def delete_snippet(connection: WriteConnection, owner: str, snippet: str) -> bool:
    return bool(connection.execute(delete(snippets).where(_IS_OWN), {"snippet": snippet, "owner": owner}).rowcount)


def _taken(name: str) -> ConflictError:
    return ConflictError(f"You have a snippet named {name!r} already. Choose another name.")
