"""What is kept for a while only: deleted conversations and messages, expired sessions and links, guests."""

from __future__ import annotations

from sqlalchemy import delete, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.assistants import purge_assistants
from quarterdeck.store.attempts import purge_attempts
from quarterdeck.store.conversations import KEEP_DELETED_MS
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.deletions import forget_deleted
from quarterdeck.store.folders import purge_folders
from quarterdeck.store.forgetting import forget_traces, remember_sources
from quarterdeck.store.guests import delete_expired_guests
from quarterdeck.store.memory_history import delete_outdated
from quarterdeck.store.request_keys import forget_request_keys
from quarterdeck.store.tables import conversations, messages, oauth_states, open_links, sessions

_AT_ONCE = 20  # conversations
_MESSAGES_AT_ONCE = 500


def purge(connection: WriteConnection) -> int:
    """Remove for good what was deleted 30 days ago, and guests of yesterday, a few at a time; how many things went."""
    now = now_ms()
    connection.execute(delete(sessions).where(sessions.c.expires_at < now, sessions.c.via != "guest"))
    connection.execute(delete(open_links).where(open_links.c.expires_at < now))
    connection.execute(delete(oauth_states).where(oauth_states.c.expires_at < now))
    purge_attempts(connection)
    forget_request_keys(connection)
    purge_assistants(connection, now - KEEP_DELETED_MS)
    purge_folders(connection, now - KEEP_DELETED_MS)
    delete_outdated(connection, now - KEEP_DELETED_MS)
    return _forget_conversations(connection) + forget_deleted(connection) + delete_expired_guests(connection)


def _forget_conversations(connection: WriteConnection) -> int:
    """Their messages first, some at a time: nobody waits behind a long one."""
    old = conversations.c.deleted_at < now_ms() - KEEP_DELETED_MS
    ids = list(connection.execute(select(conversations.c.id).where(old).limit(_AT_ONCE)).scalars())
    some = select(messages.c.id).where(messages.c.conversation_id.in_(ids)).limit(_MESSAGES_AT_ONCE)
    if held := list(connection.execute(some).scalars()):
        forget_traces(connection, held)
        return connection.execute(delete(messages).where(messages.c.id.in_(held))).rowcount
    remember_sources(connection, ids)
    return connection.execute(delete(conversations).where(conversations.c.id.in_(ids))).rowcount
