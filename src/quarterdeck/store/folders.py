"""Folders of conversations: one level, a conversation is in one or in none."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.errors import ConflictError, NotFoundError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import conversations, folders

MOST = 200
"""Of one person: they are shown all at once."""


class FolderRow(Struct, frozen=True):
    id: str
    name: str
    created_at: int
    count: int = 0


def list_folders(connection: AnyConnection, owner: str) -> list[FolderRow]:
    """By name, with how many conversations are in each."""
    count = (
        select(func.count())
        .where(
            conversations.c.folder_id == folders.c.id,
            conversations.c.folder_id.is_not(None),
            conversations.c.deleted_at.is_(None),
            conversations.c.archived_at.is_(None),
        )
        .scalar_subquery()
    )
    rows = connection.execute(
        select(folders.c.id, folders.c.name, folders.c.created_at, count.label("held"))
        .where(folders.c.owner_id == owner)
        .order_by(folders.c.name_key)
    )
    return [FolderRow(row.id, row.name, row.created_at, row.held) for row in rows]


def access_folder(connection: AnyConnection, owner: str, folder: str) -> FolderRow:
    """Raises: `NotFoundError`."""
    row = connection.execute(
        select(folders.c.id, folders.c.name, folders.c.created_at).where(
            folders.c.id == folder, folders.c.owner_id == owner
        )
    ).first()
    if row is None:
        raise NotFoundError("There is no such folder.")
    return FolderRow(row.id, row.name, row.created_at)


def insert_folder(connection: WriteConnection, owner: str, name: str) -> FolderRow:
    """Raises: `ConflictError` for a name that is taken, or when there are too many."""
    _refuse_taken(connection, owner, name)
    have = connection.execute(select(func.count()).select_from(folders).where(folders.c.owner_id == owner)).scalar_one()
    if have >= MOST:
        raise ConflictError(f"There are {MOST} folders already. Delete one first.")
    row = FolderRow(new_id(), name, now_ms())
    connection.execute(
        insert(folders).values(
            id=row.id, owner_id=owner, name=name, name_key=name.casefold(), created_at=row.created_at
        )
    )
    return row


def rename_folder(connection: WriteConnection, owner: str, folder: str, name: str) -> FolderRow:
    """Raises: `NotFoundError`, `ConflictError`."""
    row = access_folder(connection, owner, folder)
    _refuse_taken(connection, owner, name, but=row.id)
    connection.execute(update(folders).where(folders.c.id == row.id).values(name=name, name_key=name.casefold()))
    return FolderRow(row.id, name, row.created_at)


def delete_folder(connection: WriteConnection, owner: str, folder: str) -> None:
    """What was in it is in none. Raises: `NotFoundError`."""
    row = access_folder(connection, owner, folder)
    connection.execute(update(conversations).where(conversations.c.folder_id == row.id).values(folder_id=None))
    connection.execute(delete(folders).where(folders.c.id == row.id))


def _refuse_taken(connection: WriteConnection, owner: str, name: str, but: str = "") -> None:
    taken = connection.execute(
        select(folders.c.id).where(
            folders.c.owner_id == owner, folders.c.name_key == name.casefold(), folders.c.id != but
        )
    ).first()
    if taken is not None:
        raise ConflictError("You have a folder of that name already.")
