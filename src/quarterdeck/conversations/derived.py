"""What is derived from messages follows their changes: summaries and memories become stale, the search finds what is
there now.
"""

from __future__ import annotations

from quarterdeck.memory.staleness import follow_conversations, follow_messages
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.memory_settings import pass_by
from quarterdeck.store.search import index_conversation, index_messages
from quarterdeck.store.summaries import mark_stale


def follow_change(connection: WriteConnection, owner: str, ids: list[str]) -> None:
    """To be called in the transaction that changed, deleted or restored these messages."""
    mark_stale(connection, ids)
    index_messages(connection, ids)
    follow_messages(connection, owner, ids)


def follow_memory_change(connection: WriteConnection, row: ConversationRow) -> None:
    """To be called in the transaction that turned memory on or off in a conversation, or made it private or not.

    What waits to be read is not: it was said while it was off, or is not to be learned from.
    """
    pass_by(connection, row.owner_id, row.id)
    index_conversation(connection, row.id)
    follow_conversations(connection, row.owner_id, [row.id])
