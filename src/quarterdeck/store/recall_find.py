"""What recall reads first: which of an owner's messages have a word, and what is remembered of them.

The lists of the search index are read as they are, a word at a time; how often a word stands in a message, and how long
that is, is looked at only in the few messages that most words point to (`recall_candidates.py`). So a query costs about
the same however much its owner has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import BindParameter, bindparam, select

from quarterdeck.domain.parts import decode_parts
from quarterdeck.domain.words import STEM_MARK
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.recall_marks import current_keys
from quarterdeck.store.search import facet_of_name, searched_text
from quarterdeck.store.search_schema import TERMS_ON_POSTGRESQL
from quarterdeck.store.statements import Statement, among
from quarterdeck.store.tables import memories, memory_sources, messages, search_entries

MOST_IN_A_LIST = 4_000  # messages that have a word, the newest; a word with more of them says little
_CHUNK = 500
_LISTS_AT_ONCE = 24

_ON_SQLITE = (
    "SELECT {number}, json_group_array(id) FROM (SELECT rowid AS id FROM search_index WHERE search_index "
    "MATCH :terms{number} AND rowid >= :since AND rowid < :until ORDER BY rowid DESC LIMIT :most)"
)
_ON_POSTGRESQL = (
    # Only the terms are asked of the index, as in `search_find`: `OFFSET 0` keeps the rest out of the planner's sight.
    f"SELECT {{number}}, array_agg(id) FROM (SELECT id FROM (SELECT id, owner_id FROM search_entries WHERE "  # nosec B608  # noqa: S608
    f"{TERMS_ON_POSTGRESQL} @@ CAST(:terms{{number}} AS tsquery) OFFSET 0) AS e WHERE owner_id = :owner "
    "AND id >= :since AND id < :until ORDER BY id DESC LIMIT :most) AS newest{number}"
)
_WITHIN = Statement(
    "SELECT id FROM search_entries WHERE owner_id = :owner AND id >= :since AND id < :until "
    "ORDER BY id DESC LIMIT :most"
)
_ENTRIES_OF = among("SELECT id FROM search_entries WHERE message_id IN {messages}")
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_KEYS = current_keys(memories.c.id, memories.c.text, memories.c.said_at, memories.c.pinned_at, memories.c.taint)
_SOURCES = select(memory_sources.c.memory_id, memory_sources.c.message_id).where(memory_sources.c.memory_id.in_(_IDS))


class Span(Struct, frozen=True):
    """Of the owner's entries: ids from `since` until before `until`."""

    owner: str
    since: int = 0
    until: int = 1 << 62


class MemoryKeyRow(Struct, frozen=True):
    """Something that is remembered, and the messages that it came from."""

    id: str
    text: str
    said_at: int
    pinned_at: int | None
    taint: str
    sources: list[str]


def list_memory_keys(connection: AnyConnection, owner: str, now: int) -> list[MemoryKeyRow]:
    """What holds at that time (milliseconds), the newest, with where it came from."""
    rows = connection.execute(_KEYS, {"owner": owner, "now": now}).all()
    if not rows:
        return []
    sources: dict[str, list[str]] = {}
    for start in range(0, len(rows), _CHUNK):
        some = [row.id for row in rows[start : start + _CHUNK]]
        for source in connection.execute(_SOURCES, {"ids": some}):
            sources.setdefault(source.memory_id, []).append(source.message_id)
    return [
        MemoryKeyRow(row.id, row.text, row.said_at, row.pinned_at, row.taint, sources.get(row.id, [])) for row in rows
    ]


class Sought(Struct, frozen=True):
    """A word that is looked for, by its stem. `beginning`: of all words that may be forms of it, where the index does
    not have that stem; most of them are none."""

    root: str
    beginning: str = ""


def find_with_terms(connection: AnyConnection, span: Span, sought: Sequence[Sought]) -> dict[str, list[int]]:
    """By stem, the entries of messages that say the word in any of its forms, the newest first."""
    mark = span.owner[-6:]
    wanted = [
        [_Beginning(mark + one.beginning)] if one.beginning else [mark + one.root, mark + STEM_MARK + one.root]
        for one in sought
    ]
    found = _find_any(connection, span, wanted, MOST_IN_A_LIST)
    return dict(zip((one.root for one in sought), found, strict=True))


class _Beginning(str):
    """A term of the index of which only this is known."""

    __slots__ = ()


def _find_any(connection: AnyConnection, span: Span, wanted: Sequence[Sequence[str]], most: int) -> list[list[int]]:
    """For each of `wanted`, the entries that have one of these terms of the index. One question for some of them."""
    found: list[list[int]] = [[] for _ in wanted]
    is_sqlite = connection.dialect.name == "sqlite"
    match = _any_on_sqlite if is_sqlite else _any_on_postgresql
    for start in range(0, len(wanted), _LISTS_AT_ONCE):
        some = wanted[start : start + _LISTS_AT_ONCE]
        values: dict[str, Any] = {"owner": span.owner, "since": span.since, "until": span.until, "most": most}
        values |= {f"terms{number}": match(terms) for number, terms in enumerate(some)}
        # One value for each list: thousands of rows would cost more than finding them.
        for number, entries in _lists_of(len(some)).rows(connection, values):
            found[start + number] = msgspec.json.decode(entries, type=list[int]) if is_sqlite else entries or []
    return found


def _any_on_sqlite(terms: Sequence[str]) -> str:
    return " OR ".join(f'"{term}"{" *" if type(term) is _Beginning else ""}' for term in terms)


def _any_on_postgresql(terms: Sequence[str]) -> str:
    return " | ".join(f"'{_quote(term)}'{':*' if type(term) is _Beginning else ''}" for term in terms)


@cache
def _lists_of(count: int) -> Statement:
    def all_of(one: str) -> str:
        return " UNION ALL ".join(one.format(number=number) for number in range(count))

    return Statement(all_of(_ON_SQLITE), all_of(_ON_POSTGRESQL))


def find_within(connection: AnyConnection, span: Span, most: int) -> list[int]:
    """The newest entries of a time."""
    values = {"owner": span.owner, "since": span.since, "until": span.until, "most": most}
    return [entry for (entry,) in _WITHIN.rows(connection, values)]


def find_names(connection: AnyConnection, owner: str, words: Collection[str]) -> set[str]:
    """Those of the words that are in the name of somebody who speaks in this owner's conversations."""
    span, mark = Span(owner), owner[-6:]
    facets = {word: mark + facet_of_name(word) for word in words}
    # Nobody has a name, as a rule.
    if not facets or not any(_find_any(connection, span, [list(facets.values())], 1)):
        return set()
    found = _find_any(connection, span, [[facet] for facet in facets.values()], 1)
    return {word for word, entries in zip(facets, found, strict=True) if entries}


def find_entries_of(connection: AnyConnection, message_ids: Collection[str]) -> list[int]:
    """The entries of an owner's messages."""
    return [entry for (entry,) in _ENTRIES_OF.rows(connection, {"messages": list(message_ids)})]


class SpokenRow(Struct, frozen=True):
    """What somebody said, and who else speaks in that conversation. Of a memory: whom it is about, and nobody."""

    id: str
    text: str
    speaker: str
    others: list[str]


def read_spoken(connection: AnyConnection, ids: Sequence[str]) -> list[SpokenRow]:
    """Messages that can be found and say something."""
    rows = connection.execute(
        select(messages.c.id, messages.c.parts, messages.c.speaker, messages.c.conversation_id)
        .join(search_entries, search_entries.c.message_id == messages.c.id)
        .where(messages.c.id.in_(ids), messages.c.deleted_at.is_(None))
    ).all()
    speakers = _speakers_in(connection, {row.conversation_id for row in rows if row.speaker})
    return [
        SpokenRow(row.id, said, row.speaker, [name for name in speakers[row.conversation_id] if name != row.speaker])
        if row.speaker
        else SpokenRow(row.id, said, "", [])
        for row in rows
        if (said := searched_text(decode_parts(row.parts))).strip()
    ]


def _speakers_in(connection: AnyConnection, conversations: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for conversation in conversations:
        named = select(messages.c.speaker).where(messages.c.conversation_id == conversation, messages.c.speaker != "")
        found[conversation] = list(connection.execute(named.distinct()).scalars())
    return found


def read_memory_texts(connection: AnyConnection, ids: Sequence[str]) -> list[SpokenRow]:
    """Whoever said what a memory came from is "I" in it, as in the messages."""
    kept = select(memories.c.id, memories.c.text).where(memories.c.id.in_(ids), memories.c.forgotten_at.is_(None))
    sources = (
        select(memory_sources.c.memory_id, messages.c.speaker)
        .join(messages, messages.c.id == memory_sources.c.message_id)
        .where(memory_sources.c.memory_id.in_(ids))
    )
    speakers = {row.memory_id: row.speaker for row in connection.execute(sources)}
    rows = connection.execute(kept).all()
    return [SpokenRow(row.id, row.text, speakers.get(row.id, ""), []) for row in rows if row.text.strip()]


def _quote(term: str) -> str:
    return term.replace("\\", "\\\\").replace("'", "''")
