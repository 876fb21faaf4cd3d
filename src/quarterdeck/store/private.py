"""Private conversations: neither found, learned from nor kept."""

from __future__ import annotations

from sqlalchemy import delete, exists, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.forgetting import forget_instructions, forget_sent_texts
from quarterdeck.store.tables import conversations, turns
from quarterdeck.store.turns import OPEN
from quarterdeck.store.vectors import forget_vectors

KEEP_PRIVATE_MS = 24 * 3600 * 1000
"""After the last message of one it is removed for good."""

_AT_ONCE = 20


def remove_private(connection: WriteConnection) -> int:
    """A few of those in which nothing was said for a day, with all that was; how many went."""
    is_over = conversations.c.memory == "private", conversations.c.updated_at < now_ms() - KEEP_PRIVATE_MS
    is_busy = exists().where(turns.c.conversation_id == conversations.c.id, turns.c.status.in_(OPEN))
    some = list(connection.execute(select(conversations.c.id).where(*is_over, ~is_busy).limit(_AT_ONCE)).scalars())
    forget_sent_texts(connection, some)
    forget_instructions(connection, some)
    forget_vectors(connection, conversations=some)
    return connection.execute(delete(conversations).where(conversations.c.id.in_(some))).rowcount if some else 0
