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
        .where(folders.c.owner_id == owner, folders.c.deleted_at.is_(None))
        .order_by(folders.c.name_key)
    )
    return [FolderRow(row.id, row.name, row.created_at, row.held) for row in rows]


def access_folder(connection: AnyConnection, owner: str, folder: str) -> FolderRow:
    """Raises: `NotFoundError`."""
    row = connection.execute(
        select(folders.c.id, folders.c.name, folders.c.created_at).where(
            folders.c.id == folder, folders.c.owner_id == owner, folders.c.deleted_at.is_(None)
        )
    ).first()
    if row is None:
        raise NotFoundError("There is no such folder.")
    return FolderRow(row.id, row.name, row.created_at)


def insert_folder(connection: WriteConnection, owner: str, name: str) -> FolderRow:
    """Raises: `ConflictError` for a name that is taken, or when there are too many."""
    _refuse_taken(connection, owner, name)
    are_there = folders.c.owner_id == owner, folders.c.deleted_at.is_(None)
    have = connection.execute(select(func.count()).select_from(folders).where(*are_there)).scalar_one()
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
    """What was in it is in none, and can be put back with it. Raises: `NotFoundError`."""
    row = access_folder(connection, owner, folder)
    held = update(conversations).where(conversations.c.folder_id == row.id)
    connection.execute(held.values(folder_id=None, left_folder_id=row.id))
    connection.execute(update(folders).where(folders.c.id == row.id).values(name_key=row.id, deleted_at=now_ms()))


def restore_folder(connection: WriteConnection, owner: str, folder: str) -> FolderRow:
    """Undo its deletion: what was in it is there again, but for what is in another folder by now.

    Raises: `NotFoundError`; `ConflictError` when there is another of its name meanwhile.
    """
    gone = folders.c.id == folder, folders.c.owner_id == owner, folders.c.deleted_at.is_not(None)
    row = connection.execute(select(folders.c.id, folders.c.name, folders.c.created_at).where(*gone)).first()
    if row is None:
        raise NotFoundError("There is no such deleted folder.")
    _refuse_taken(connection, owner, row.name)
    back = update(folders).where(folders.c.id == row.id)
    connection.execute(back.values(name_key=row.name.casefold(), deleted_at=None))
    left = conversations.c.left_folder_id == row.id
    homeless = update(conversations).where(left, conversations.c.folder_id.is_(None))
    connection.execute(homeless.values(folder_id=row.id))
    connection.execute(update(conversations).where(left).values(left_folder_id=None))
    return FolderRow(row.id, row.name, row.created_at)


def purge_folders(connection: WriteConnection, before: int) -> None:
    """Remove for good those that were deleted before then."""
    old = select(folders.c.id).where(folders.c.deleted_at < before)
    left = update(conversations).where(conversations.c.left_folder_id.in_(old))
    connection.execute(left.values(left_folder_id=None))
    connection.execute(delete(folders).where(folders.c.deleted_at < before))


def _refuse_taken(connection: WriteConnection, owner: str, name: str, but: str = "") -> None:
    taken = connection.execute(
        select(folders.c.id).where(
            folders.c.owner_id == owner, folders.c.name_key == name.casefold(), folders.c.id != but
        )
    ).first()
    if taken is not None:
        raise ConflictError("You have a folder of that name already.")
