"""What is remembered follows the messages that it came from, in the transaction that changes those."""

from __future__ import annotations

from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.changing import change_memory, close_again, reopen_memory
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.memories import MemoryRow, find_memories, list_superseded_by
from quarterdeck.store.memory_settings import mark_unread
from quarterdeck.store.memory_sources import (
    SourceRow,
    holds,
    in_pieces,
    list_made_in,
    list_made_of,
    list_sources,
)


def follow_messages(connection: WriteConnection, owner: str, ids: list[str]) -> None:
    """They were changed, deleted or restored: what came from them is looked at, and they are read again."""
    for some in in_pieces(ids):
        mark_unread(connection, some)
    _follow(connection, owner, list_made_of(connection, ids))


def follow_conversations(connection: WriteConnection, owner: str, ids: list[str]) -> None:
    """They were deleted or restored, or are private now, or not any more."""
    for some in in_pieces(ids):
        _follow(connection, owner, list_made_in(connection, some))


def give_up_conversations(connection: WriteConnection, owner: str, ids: list[str], at: int) -> None:
    """They are not to be had back: what is stale and came from them alone is as if it were so since `at`."""
    lost = {*ids, ""}
    for some in in_pieces(list_made_in(connection, ids)):
        found = list_sources(connection, some)
        for row in find_memories(connection, owner, some).values():
            if row.stale_at is not None and all(source.conversation_id in lost for source in found.get(row.id, [])):
                change_memory(connection, row, {"stale_at": at}, "stale", "server")


def _follow(connection: WriteConnection, owner: str, made: list[str]) -> None:
    """A memory is stale while none of its messages says what was read; one that says it is enough.

    What somebody wrote or edited themselves is theirs, whatever becomes of the messages.
    """
    for some in in_pieces(made):
        found = list_sources(connection, some)
        for row in find_memories(connection, owner, some).values():
            if row.origin == "user":
                continue
            is_fresh = _any_holds(connection, found.get(row.id, []))
            if is_fresh and row.stale_at is not None:
                _renew(connection, row)
            elif not is_fresh and row.stale_at is None:
                _mark(connection, row)


def _any_holds(connection: WriteConnection, sources: list[SourceRow]) -> bool:
    """Each is looked at: those that say it again have that written down."""
    holding = [holds(connection, source) for source in sources]
    return any(holding)


def _mark(connection: WriteConnection, row: MemoryRow) -> None:
    changed = change_memory(connection, row, {"stale_at": now_ms()}, "stale", "server")
    _reopen_closed_by(connection, changed)


def _renew(connection: WriteConnection, row: MemoryRow) -> None:
    changed = change_memory(connection, row, {"stale_at": None}, "renewed", "server")
    close_again(connection, changed)


def _reopen_closed_by(connection: WriteConnection, row: MemoryRow) -> None:
    """Nothing says any more that they do not hold; derived anew, it closes them again."""
    closed = list_superseded_by(connection, row.owner_id, [row.id]).get(row.id, [])
    for old in find_memories(connection, row.owner_id, closed).values():
        reopen_memory(connection, old, row.id)
