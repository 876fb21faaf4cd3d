"""Read-only copies of conversations that whoever has the link can read."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import delete, exists, func, insert, select, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import Part, decode_parts, encode_parts
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import conversations, share_messages, shares, users

_UNFINISHED = -1  # messages: it is being copied, and nobody has its link yet
_COPYING_MS = 3_600_000  # whoever is not ready by then was killed


class ShareRow(Struct, frozen=True):
    """`conversation_title` is what the conversation is called now; None: it is gone, or deleted."""

    id: str
    conversation_id: str
    title: str
    message_count: int
    created_at: int
    revoked_at: int | None
    conversation_title: str | None = None


class SharedMessage(Struct, frozen=True):
    """`position` counts up to 0, which is the last message. Without parts it was still being written."""

    position: int
    role: str
    parts: list[Part]
    model: str
    created_at: int


def begin_share(connection: WriteConnection, owner: str, conversation: str, title: str, secret_hash: bytes) -> str:
    """Its id; nobody can read it before `finish_share`. What was begun and never finished is removed."""
    connection.execute(
        delete(shares).where(
            shares.c.owner_id == owner,
            shares.c.message_count == _UNFINISHED,
            shares.c.created_at < now_ms() - _COPYING_MS,
        )
    )
    share = new_id()
    connection.execute(
        insert(shares).values(
            id=share, owner_id=owner, conversation_id=conversation, secret_hash=secret_hash, title=title,
            message_count=_UNFINISHED, created_at=now_ms(),
        )
    )  # fmt: skip
    return share


def add_shared(connection: WriteConnection, share: str, found: list[SharedMessage]) -> None:
    rows = [
        {
            "share_id": share, "position": message.position, "role": message.role, "model": message.model,
            "parts": encode_parts(message.parts), "created_at": message.created_at,
        }
        for message in found
    ]  # fmt: skip
    if rows:
        connection.execute(insert(share_messages), rows)


def finish_share(connection: WriteConnection, share: str) -> int:
    """From now on it can be read. How many messages it has."""
    count = connection.execute(
        select(func.count()).select_from(share_messages).where(share_messages.c.share_id == share)
    ).scalar_one()
    connection.execute(update(shares).where(shares.c.id == share).values(message_count=count))
    return count


def drop_share(connection: WriteConnection, share: str) -> None:
    connection.execute(delete(shares).where(shares.c.id == share))


def list_shares(connection: AnyConnection, owner: str, *, conversation: str, before: str, limit: int) -> list[ShareRow]:
    """Newest first, revoked ones, too; `before` is the id of the last one seen, `conversation` may be empty."""
    conditions = [shares.c.owner_id == owner, shares.c.message_count != _UNFINISHED]
    if conversation:
        conditions.append(shares.c.conversation_id == conversation)
    if before:
        conditions.append(shares.c.id < before)
    rows = connection.execute(
        select(shares, conversations.c.title.label("conversation_title"))
        .outerjoin(
            conversations, (conversations.c.id == shares.c.conversation_id) & conversations.c.deleted_at.is_(None)
        )
        .where(*conditions)
        .order_by(shares.c.id.desc())
        .limit(limit)
    )
    return [_row(row, row.conversation_title) for row in rows]


def revoke_share(connection: WriteConnection, owner: str, share: str) -> bool:
    """What was copied is removed at once; False when there is no such share of theirs, or it was revoked before."""
    ended = connection.execute(
        update(shares)
        .where(shares.c.id == share, shares.c.owner_id == owner, shares.c.revoked_at.is_(None))
        .values(revoked_at=now_ms())
    ).rowcount
    if ended:
        connection.execute(delete(share_messages).where(share_messages.c.share_id == share))
    return bool(ended)


def forget_shares(connection: WriteConnection) -> int:
    """Of conversations that are gone for good, with what was copied; how many."""
    is_there = exists().where(conversations.c.id == shares.c.conversation_id)
    return connection.execute(delete(shares).where(~is_there)).rowcount


def find_shared(connection: AnyConnection, secret_hash: bytes) -> ShareRow | None:
    """None for a secret that is unknown or was revoked, whose conversation is deleted or private, or whose owner is
    suspended.
    """
    row = connection.execute(
        select(shares)
        .join(users, users.c.id == shares.c.owner_id)
        .join(conversations, conversations.c.id == shares.c.conversation_id)
        .where(
            shares.c.secret_hash == secret_hash,
            shares.c.revoked_at.is_(None),
            shares.c.message_count != _UNFINISHED,
            conversations.c.deleted_at.is_(None),
            conversations.c.memory != "private",
            users.c.suspended_at.is_(None),
        )
    ).first()
    return None if row is None else _row(row)


def read_shared(connection: AnyConnection, share: str, first: int, limit: int) -> list[SharedMessage]:
    """Oldest first, from position `first`."""
    rows = connection.execute(
        select(share_messages)
        .where(share_messages.c.share_id == share, share_messages.c.position >= first)
        .order_by(share_messages.c.position)
        .limit(limit)
    )
    return [SharedMessage(row.position, row.role, decode_parts(row.parts), row.model, row.created_at) for row in rows]


def _row(row: Any, conversation_title: str | None = None) -> ShareRow:
    return ShareRow(
        row.id, row.conversation_id, row.title, row.message_count, row.created_at, row.revoked_at, conversation_title
    )
