"""Entries of the search that follow a change of many messages after it, so that nobody waits behind them.

Which messages those are is written down with the change. Meanwhile a search may still come upon what was deleted, and
leaves it out when it reads what it shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select

from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.search import index_messages
from quarterdeck.store.tables import changed_messages

_AT_ONCE = 250
_PAUSE_S = 0.02  # others want the database, too
_SOME = select(changed_messages.c.message_id).limit(_AT_ONCE).with_for_update(skip_locked=True)
_DONE = delete(changed_messages).where(changed_messages.c.message_id.in_(bindparam("ids", expanding=True)))


def index_later(connection: WriteConnection, owner: str, ids: Sequence[str]) -> None:
    """In the transaction that changes them."""
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        connection.execute(_DONE, {"ids": some})
        connection.execute(insert(changed_messages), [{"message_id": name, "owner_id": owner} for name in some])


async def index_changed(database: Database) -> None:
    """All that is left, some at a time."""
    left = await database.write(_index_some)
    while left:
        await asyncio.sleep(_PAUSE_S)
        left = await database.write(_index_some)


def _index_some(connection: WriteConnection) -> int:
    """As they are by now; how many."""
    ids = list(connection.execute(_SOME).scalars())
    if ids:
        index_messages(connection, ids)
        connection.execute(_DONE, {"ids": ids})
    return len(ids)
