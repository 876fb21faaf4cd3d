"""What is derived from messages follows their changes: summaries and memories become stale, the search finds what is
there now.
"""

from __future__ import annotations

from quarterdeck.memory.staleness import follow_conversations, follow_messages
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.memory_settings import pass_by
from quarterdeck.store.search import index_conversation, index_messages
from quarterdeck.store.search_later import index_changed, index_later
from quarterdeck.store.summaries import mark_stale

_AT_ONCE = 500  # messages: more of them are not found anew while others wait


def follow_change(connection: WriteConnection, owner: str, ids: list[str]) -> None:
    """To be called in the transaction that changed, deleted or restored these messages.

    What was made of them is not used from then on; of many, the search hears afterwards: `catch_up`.
    """
    mark_stale(connection, ids)
    if len(ids) > _AT_ONCE:
        index_later(connection, owner, ids)
    else:
        index_messages(connection, ids)
    follow_messages(connection, owner, ids)


async def catch_up(database: Database) -> None:
    """Does what changes have left to be done. Broken off, a scheduled job goes on with it."""
    await index_changed(database)


def follow_memory_change(connection: WriteConnection, row: ConversationRow) -> None:
    """To be called in the transaction that turned memory on or off in a conversation, or made it private or not.

    What waits to be read is not: it was said while it was off, or is not to be learned from.
    """
    pass_by(connection, row.owner_id, row.id)
    index_conversation(connection, row.id)
    follow_conversations(connection, row.owner_id, [row.id])
