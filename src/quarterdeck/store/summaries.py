"""Summaries of sections of a path. Their text is never changed: one that is stale is replaced by another.

A summary of level 1 covers messages, one of a higher level summaries; `summary_sources` has which, so that a change of
a message is followed up to everything that was made of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy import bindparam, insert, select, update

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


# Built once: building a statement costs more than running it.
_ENDING_AT = (
    select(summaries)
    .where(
        summaries.c.conversation_id == bindparam("conversation"),
        summaries.c.last_id.in_(bindparam("messages", expanding=True)),
        summaries.c.replaced_by.is_(None),
    )
    .order_by(summaries.c.level.desc(), summaries.c.id.desc())
)


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


def find_ending_at(connection: AnyConnection, conversation: str, messages: list[str]) -> dict[str, list[SummaryRow]]:
    """By the message that they end with, those that were not replaced; the highest level first."""
    found: dict[str, list[SummaryRow]] = {}
    for some in _in_pieces(messages):
        rows = connection.execute(_ENDING_AT, {"conversation": conversation, "messages": some})
        for row in rows:
            found.setdefault(row.last_id, []).append(SummaryRow(*row))
    return found


def find_rows(connection: AnyConnection, owner: str, ids: set[str]) -> dict[str, SummaryRow]:
    rows = connection.execute(select(summaries).where(summaries.c.owner_id == owner, summaries.c.id.in_(ids)))
    return {row.id: SummaryRow(*row) for row in rows}


def list_sources(connection: AnyConnection, summary: str) -> list[Source]:
    """In the order in which they were said."""
    rows = connection.execute(
        select(summary_sources.c.source_id, summary_sources.c.version)
        .where(summary_sources.c.summary_id == summary)
        .order_by(summary_sources.c.source_id)
    )
    return [Source(row.source_id, row.version) for row in rows]


def list_between(
    connection: AnyConnection, owner: str, conversation: str, first: str, last: str, limit: int
) -> list[SummaryRow]:
    """Those that cover anything from `first` to `last`, the newest first; empty for no bound."""
    conditions = [
        summaries.c.owner_id == owner, summaries.c.conversation_id == conversation, summaries.c.replaced_by.is_(None),
    ]  # fmt: skip
    if first:
        conditions.append(summaries.c.last_id >= first)
    if last:
        conditions.append(summaries.c.first_id <= last)
    rows = connection.execute(
        select(summaries).where(*conditions).order_by(summaries.c.last_id.desc(), summaries.c.level).limit(limit)
    )
    return [SummaryRow(*row) for row in rows]


def list_stale(connection: AnyConnection, until: int, limit: int) -> list[SummaryRow]:
    """Of whatever conversation, stale before `until`: the lowest level first, since others are made of those."""
    rows = connection.execute(
        select(summaries)
        .where(summaries.c.stale_at <= until, summaries.c.replaced_by.is_(None))
        .order_by(summaries.c.level, summaries.c.stale_at)
        .limit(limit)
    )
    return [SummaryRow(*row) for row in rows]


def put_off(connection: WriteConnection, summary: str, until: int) -> None:
    """A stale one could not be made anew: it is looked at again after `until`."""
    is_stale = summaries.c.stale_at.is_not(None)
    connection.execute(update(summaries).where(summaries.c.id == summary, is_stale).values(stale_at=until))


def replace_summary(connection: WriteConnection, old: str, new: str) -> bool:
    """False when it was replaced already."""
    is_current = summaries.c.replaced_by.is_(None)
    statement = update(summaries).where(summaries.c.id == old, is_current).values(replaced_by=new)
    return bool(connection.execute(statement).rowcount)


def find_covering(connection: AnyConnection, ids: list[str]) -> dict[str, list[str]]:
    """The summaries, replaced or not, that each message or summary is a source of."""
    found: dict[str, list[str]] = {}
    for some in _in_pieces(ids):
        rows = connection.execute(select(summary_sources).where(summary_sources.c.source_id.in_(some)))
        for row in rows:
            found.setdefault(row.source_id, []).append(row.summary_id)
    return found


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
