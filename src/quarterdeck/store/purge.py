"""What is kept for a while only: deleted conversations and messages, responses, expired sessions and links, guests."""

from __future__ import annotations

from sqlalchemy import delete, exists, select, text, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.assistants import purge_assistants
from quarterdeck.store.attempts import purge_attempts
from quarterdeck.store.conversations import KEEP_DELETED_MS
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.deletions import forget_deleted
from quarterdeck.store.folders import purge_folders
from quarterdeck.store.forgetting import forget_instructions, forget_traces, remember_sources
from quarterdeck.store.guests import delete_expired_guests
from quarterdeck.store.memory_history import delete_outdated
from quarterdeck.store.request_keys import forget_request_keys
from quarterdeck.store.shares import forget_shares
from quarterdeck.store.tables import conversations, messages, oauth_states, open_links, sessions, turns

KEEP_RESPONSES_MS = 30 * 24 * 3600 * 1000
_AT_ONCE = 20  # conversations
_MESSAGES_AT_ONCE = 500


def purge(connection: WriteConnection) -> int:
    """Remove for good what was deleted 30 days ago, responses of then, and guests of yesterday, a few at a time.

    How many things went.
    """
    now = now_ms()
    connection.execute(delete(sessions).where(sessions.c.expires_at < now, sessions.c.via != "guest"))
    connection.execute(delete(open_links).where(open_links.c.expires_at < now))
    connection.execute(delete(oauth_states).where(oauth_states.c.expires_at < now))
    purge_attempts(connection)
    forget_request_keys(connection)
    purge_assistants(connection, now - KEEP_DELETED_MS)
    purge_folders(connection, now - KEEP_DELETED_MS)
    delete_outdated(connection, now - KEEP_DELETED_MS)
    _expire_responses(connection)
    forgotten = _forget_conversations(connection) + forget_deleted(connection) + forget_shares(connection)
    return forgotten + delete_expired_guests(connection)


def _expire_responses(connection: WriteConnection) -> None:
    """A response alone goes 30 days after it was made, but not before those that go on from it.

    From here it goes the way of what was deleted, without a way back.
    """
    now = now_ms()
    later = conversations.alias("later")
    goes_on = exists().where(
        turns.c.conversation_id == conversations.c.id,
        later.c.forked_from == turns.c.message_id,
        later.c.deleted_at.is_(None),
    )
    old = select(conversations.c.id).where(
        text("conversations.is_hidden = 1"),  # its index's words
        conversations.c.updated_at < now - KEEP_RESPONSES_MS,
        conversations.c.deleted_at.is_(None),
        ~goes_on,
    )
    ids = list(connection.execute(old.limit(_AT_ONCE)).scalars())
    over = update(conversations).where(conversations.c.id.in_(ids))
    connection.execute(over.values(deleted_at=now - KEEP_DELETED_MS - 1))


def _forget_conversations(connection: WriteConnection) -> int:
    """Their messages first, some at a time: nobody waits behind a long one."""
    old = conversations.c.deleted_at < now_ms() - KEEP_DELETED_MS
    ids = list(connection.execute(select(conversations.c.id).where(old).limit(_AT_ONCE)).scalars())
    some = select(messages.c.id).where(messages.c.conversation_id.in_(ids)).limit(_MESSAGES_AT_ONCE)
    if held := list(connection.execute(some).scalars()):
        forget_traces(connection, held)
        return connection.execute(delete(messages).where(messages.c.id.in_(held))).rowcount
    forget_instructions(connection, ids)
    remember_sources(connection, ids)
    return connection.execute(delete(conversations).where(conversations.c.id.in_(ids))).rowcount
