"""Summaries of sections of a path. Their text is never changed: one that is stale is replaced by another.

A summary of level 1 covers messages, one of a higher level summaries; `summary_sources` has which, so that a change of
a message is followed up to everything that was made of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import insert, select, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import summaries, summary_sources

_AT_ONCE = 400  # ids in one query


class SummaryRow(Struct, frozen=True):
    """It covers `first_id` to `last_id`, both within; above it the path goes on at `before_id`."""

    id: str
    owner_id: str
    conversation_id: str
    level: int
    first_id: str
    last_id: str
    before_id: str | None
    message_count: int
    text: str
    tokens: int
    model: str
    created_at: int
    stale_at: int | None = None
    replaced_by: str | None = None


class Source(Struct, frozen=True):
    """A message as it was read (`version`), or a summary of the level below."""

    id: str
    version: int = 1


def insert_summary(connection: WriteConnection, row: SummaryRow, sources: list[Source]) -> None:
    connection.execute(insert(summaries), {name: getattr(row, name) for name in row.__struct_fields__})
    if sources:
        connection.execute(
            insert(summary_sources),
            [{"summary_id": row.id, "source_id": source.id, "version": source.version} for source in sources],
        )


def find_summary(connection: AnyConnection, owner: str, summary: str) -> SummaryRow | None:
    row = connection.execute(select(summaries).where(summaries.c.id == summary, summaries.c.owner_id == owner)).first()
    return None if row is None else SummaryRow(**row._mapping)


def mark_stale(connection: WriteConnection, message_ids: Iterable[str]) -> int:
    """What was made of these messages is not sent any more, from now on; how many summaries that is.

    To be called in the transaction that edits, deletes, restores or excludes them.
    """
    at = now_ms()
    marked: set[str] = set()
    changed = list(dict.fromkeys(message_ids))
    while changed:
        found = _made_of(connection, changed) - marked
        for some in _in_pieces(sorted(found)):
            is_fresh = summaries.c.stale_at.is_(None)
            connection.execute(update(summaries).where(summaries.c.id.in_(some), is_fresh).values(stale_at=at))
        marked |= found
        changed = sorted(found)
    return len(marked)


def _made_of(connection: AnyConnection, sources: list[str]) -> set[str]:
    found: set[str] = set()
    for some in _in_pieces(sources):
        rows = connection.execute(
            select(summary_sources.c.summary_id)
            .join(summaries, summaries.c.id == summary_sources.c.summary_id)
            .where(summary_sources.c.source_id.in_(some), summaries.c.replaced_by.is_(None))
        )
        found.update(row.summary_id for row in rows)
    return found


def _in_pieces(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
