"""Guests: a user and one session each, for as long as they come back; later they are gone with what they wrote."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.messages import MessageRow, list_owned_messages
from quarterdeck.store.tables import access_rules, budgets, context_texts, conversations, sessions, users
from quarterdeck.store.users import UserRow
from quarterdeck.store.vectors import forget_vectors

KEEP_MS = 24 * 3600 * 1000  # after they have expired
_AT_ONCE = 20  # guests: their conversations go with them


def insert_guest(connection: WriteConnection, name: str) -> UserRow:
    """Two guests may have the same name: nobody signs in with it."""
    user = UserRow(new_id(), name, "guest", None)
    connection.execute(insert(users).values(id=user.id, name=name, name_key="", role="guest", created_at=now_ms()))
    return user


def count_guests_from(connection: AnyConnection, address: str, since: int) -> int:
    """How many have come from there since then."""
    statement = select(func.count()).where(
        sessions.c.via == "guest", sessions.c.address == address, sessions.c.created_at >= since
    )
    return int(connection.execute(statement).scalar_one())


def list_guest_messages(connection: AnyConnection, user: str, limit: int) -> list[tuple[str, MessageRow]]:
    """The last ones of all their conversations, the oldest first; each with what its client calls its conversation."""
    names = dict(
        row._tuple()
        for row in connection.execute(
            select(conversations.c.id, conversations.c.external_id).where(
                conversations.c.owner_id == user, conversations.c.deleted_at.is_(None)
            )
        )
    )
    found = list_owned_messages(connection, user, limit)
    return [(names[row.conversation_id], row) for row in found if row.conversation_id in names]


def delete_expired_guests(connection: WriteConnection) -> int:
    """A few of those who did not come back, with everything of theirs; how many went."""
    present = select(sessions.c.user_id).where(sessions.c.expires_at > now_ms() - KEEP_MS)
    gone = select(users.c.id).where(users.c.role == "guest", users.c.id.not_in(present)).limit(_AT_ONCE)
    found = [row.id for row in connection.execute(gone)]
    subjects = [f"user:{user}" for user in found]
    connection.execute(delete(access_rules).where(access_rules.c.subject.in_(subjects)))
    connection.execute(delete(budgets).where(budgets.c.subject.in_(subjects)))
    connection.execute(delete(context_texts).where(context_texts.c.owner_id.in_(found)))
    forget_vectors(connection, owners=found)
    connection.execute(delete(users).where(users.c.id.in_(found)))
    return len(found)
