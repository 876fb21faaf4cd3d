"""What is derived from messages follows their changes: summaries and memories become stale, the search finds what is
there now.
"""

from __future__ import annotations

from quarterdeck.memory.staleness import follow_messages
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.search import index_messages
from quarterdeck.store.summaries import mark_stale


def follow_change(connection: WriteConnection, owner: str, ids: list[str]) -> None:
    """To be called in the transaction that changed, deleted or restored these messages."""
    mark_stale(connection, ids)
    index_messages(connection, ids)
    follow_messages(connection, owner, ids)
