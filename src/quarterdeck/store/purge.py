"""What is kept for a while only: deleted conversations and messages, expired sessions and links, guests."""

from __future__ import annotations

from sqlalchemy import delete, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.assistants import purge_assistants
from quarterdeck.store.attempts import purge_attempts
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.deletions import KEEP_DELETED_MS, forget_deleted
from quarterdeck.store.folders import purge_folders
from quarterdeck.store.guests import delete_expired_guests
from quarterdeck.store.memory_history import delete_outdated
from quarterdeck.store.memory_sources import forget_quotes
from quarterdeck.store.request_keys import forget_request_keys
from quarterdeck.store.tables import conversations, oauth_states, open_links, sessions

_AT_ONCE = 20  # conversations: their messages go with them


def purge(connection: WriteConnection) -> int:
    """Remove for good what was deleted 30 days ago, and guests of yesterday, a few at a time; how many of both went."""
    now = now_ms()
    connection.execute(delete(sessions).where(sessions.c.expires_at < now, sessions.c.via != "guest"))
    connection.execute(delete(open_links).where(open_links.c.expires_at < now))
    connection.execute(delete(oauth_states).where(oauth_states.c.expires_at < now))
    purge_attempts(connection)
    forget_request_keys(connection)
    purge_assistants(connection, now - KEEP_DELETED_MS)
    purge_folders(connection, now - KEEP_DELETED_MS)
    delete_outdated(connection, now - KEEP_DELETED_MS)
    old = select(conversations.c.id).where(conversations.c.deleted_at < now - KEEP_DELETED_MS).limit(_AT_ONCE)
    ids = list(connection.execute(old).scalars())
    forget_quotes(connection, conversation_ids=ids)
    deleted = connection.execute(delete(conversations).where(conversations.c.id.in_(ids))).rowcount
    return deleted + forget_deleted(connection) + delete_expired_guests(connection)
