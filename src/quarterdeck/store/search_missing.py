"""Messages that have no entry in the search index: they waited for it in a process that died (`search_queue`), or a
process of an older version has written them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import BigInteger, Select, bindparam, exists, func, select, union_all

from quarterdeck.domain.ids import least_id, now_ms
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.leases import find_done
from quarterdeck.store.locks import lock_conversations
from quarterdeck.store.search import index_if_missing
from quarterdeck.store.tables import conversations, messages, search_entries, turns

WORK = "index"
WAIT_S = 10.0  # what was said just now the process that has it is about to write itself
_BACK_MS = 300_000  # before the last time that it was done: longer than one waits for a database that is away
_FIRST_BACK_MS = 3_600_000  # when it was never done
_AT_ONCE = 100
_PAUSE_S = 0.02  # others want the database, too

_SINCE, _UNTIL = (bindparam(name, type_=BigInteger) for name in ("since", "until"))
_LEAST = bindparam("least", type_=messages.c.id.type)


def _without_entry(found: Select[str, str]) -> Select[str, str]:
    return found.join(conversations, conversations.c.id == messages.c.conversation_id).where(
        messages.c.deleted_at.is_(None),
        messages.c.status.not_in(("queued", "running")),
        func.coalesce(messages.c.ended_at, messages.c.created_at) < _UNTIL,
        conversations.c.memory != "private",
        ~exists().where(search_entries.c.message_id == messages.c.id),
    )


_FOUND = select(messages.c.id, messages.c.conversation_id)
# By the key of each: what was made since, and answers that were begun earlier and have ended since.
_MISSING = union_all(
    _without_entry(_FOUND.where(messages.c.id >= _LEAST)),
    _without_entry(
        _FOUND.join(turns, turns.c.message_id == messages.c.id).where(
            turns.c.ended_at >= _SINCE, messages.c.id < _LEAST
        )
    ),
)


async def index_missing(database: Database, *, wait_s: float = WAIT_S) -> int:
    """All since it was last done (as scheduled work), some at a time; how many got an entry.

    `wait_s`: how long they have been complete at least; 0 where no other process can be about to write them.
    """
    until_ms = now_ms() - int(wait_s * 1000)
    found = await database.read(lambda connection: find_missing(connection, until_ms))
    count = 0
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        count += await database.write(lambda connection, some=some: _index(connection, some))  # type: ignore[misc]
        await asyncio.sleep(_PAUSE_S)
    return count


def find_missing(connection: AnyConnection, until_ms: int) -> list[tuple[str, str]]:
    """Messages, with their conversations. What has no words is among them each time."""
    since_ms = (find_done(connection, WORK) or until_ms - _FIRST_BACK_MS) - _BACK_MS
    given = {"since": since_ms, "least": least_id(since_ms), "until": until_ms}
    return [(row.id, row.conversation_id) for row in connection.execute(_MISSING, given)]


def _index(connection: WriteConnection, found: Sequence[tuple[str, str]]) -> int:
    lock_conversations(connection, [conversation for _, conversation in found])
    return index_if_missing(connection, [message for message, _ in found])
