"""What recall reads: which of an owner's messages have a word, and those messages with their neighbours.

The lists of the search index are read as they are, a word at a time; how often a word stands in a message, and how long
that is, is looked at only in the few messages that most words point to. So a query costs about the same however much
its owner has.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import BigInteger, BindParameter, TextClause, bindparam, select, text

from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import decode_parts
from quarterdeck.domain.words import STEM_MARK
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.memories import is_current
from quarterdeck.store.search import facet_of_name, searched_text
from quarterdeck.store.search_schema import TERMS_ON_POSTGRESQL
from quarterdeck.store.tables import memories, memory_sources, messages, search_entries

MOST_IN_A_LIST = 4_000  # messages that have a word, the newest; a word with more of them says little
_MOST_COUNTED = 50_000
MOST_MEMORIES = 2_000  # that are looked through; more than anybody could read
_CHUNK = 500
_LISTS_AT_ONCE = 24
_MANY = 2_000  # entries: from there on their number is remembered
_REMEMBERED_S = 300.0
_MOST_REMEMBERED = 10_000  # owners

# Built once: building a statement costs more than running it.
_COUNT = text("SELECT count(*) FROM (SELECT 1 FROM search_entries WHERE owner_id = :owner LIMIT :most) AS counted")
_ON_SQLITE = (
    "SELECT {number} AS number, rowid AS id FROM search_index WHERE search_index MATCH :terms{number} "
    "AND rowid >= :since AND rowid < :until ORDER BY rowid DESC LIMIT :most"
)
_ON_POSTGRESQL = (
    f"WITH e AS MATERIALIZED (SELECT id, owner_id FROM search_entries WHERE {TERMS_ON_POSTGRESQL} "  # nosec B608  # noqa: S608
    "@@ CAST(:terms{number} AS tsquery)) SELECT {number} AS number, id FROM e WHERE owner_id = :owner "
    "AND id >= :since AND id < :until ORDER BY id DESC LIMIT :most"
)
_BESIDE = (
    "SELECT (SELECT max(b.id) FROM search_entries AS b WHERE b.owner_id = :owner AND b.id < e.id), "
    "(SELECT min(a.id) FROM search_entries AS a WHERE a.owner_id = :owner AND a.id > e.id) "
    "FROM search_entries AS e WHERE e.id {among}"
)
_CANDIDATES = (
    "SELECT e.id, e.message_id, e.conversation_id, e.words, m.role, m.speaker, m.created_at, m.taint, c.title, "
    """(m.parts LIKE '%?"}}]' OR m.parts LIKE '%？"}}]') AS asks """  # the end of the JSON
    "FROM search_entries AS e JOIN messages AS m ON m.id = e.message_id "
    "JOIN conversations AS c ON c.id = e.conversation_id WHERE e.id {among} AND e.owner_id = :owner "
    "AND m.deleted_at IS NULL AND c.deleted_at IS NULL AND c.memory = '' "
    "AND m.model NOT LIKE 'builtin/%' ORDER BY m.created_at, m.id"  # the log reader only quotes what was said
)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_KEYS = (
    select(memories.c.id, memories.c.text, memories.c.said_at, memories.c.pinned_at, memories.c.taint)
    .where(memories.c.owner_id == bindparam("owner"), is_current(bindparam("now", type_=BigInteger)))
    .order_by(memories.c.id.desc())
    .limit(MOST_MEMORIES)
)
_SOURCES = select(memory_sources.c.memory_id, memory_sources.c.message_id).where(memory_sources.c.memory_id.in_(_IDS))
_ENTRIES_OF = select(search_entries.c.message_id, search_entries.c.id).where(
    search_entries.c.message_id.in_(_IDS), search_entries.c.owner_id == bindparam("owner")
)
_TEXTS = select(messages.c.id, messages.c.parts).where(
    messages.c.id.in_(_IDS), messages.c.owner_id == bindparam("owner"), messages.c.deleted_at.is_(None)
)


_counts: dict[str, tuple[int, float]] = {}  # of each owner with many: how many, and when (`time.monotonic`)


class Span(Struct, frozen=True):
    """Of the owner's entries: ids from `since` until before `until`."""

    owner: str
    since: int = 0
    until: int = 1 << 62


class CandidateRow(Struct, frozen=True):
    """A message that may be what is looked for; `entry` orders all of an owner's by time."""

    entry: int
    message_id: str
    conversation_id: str
    words: str
    role: str
    speaker: str
    created_at: int
    taint: str
    title: str
    asks: bool = False  # its text ends with a question


class MemoryKeyRow(Struct, frozen=True):
    """Something that is remembered, and the messages that it came from."""

    id: str
    text: str
    said_at: int
    pinned_at: int | None
    taint: str
    sources: list[str]


def list_memory_keys(connection: AnyConnection, owner: str) -> list[MemoryKeyRow]:
    """What holds now, the newest, with where it came from."""
    rows = connection.execute(_KEYS, {"owner": owner, "now": now_ms()}).all()
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


def count_entries(connection: AnyConnection, owner: str) -> int:
    """How many messages of theirs can be found, up to a bound; of many, as it was a few minutes ago at most.

    How rare a word is does not change by some messages more, and counting many takes longer than all else here.
    """
    counted, at = _counts.get(owner, (0, 0.0))
    if counted and time.monotonic() - at < _REMEMBERED_S:
        return counted
    count = int(connection.execute(_COUNT, {"owner": owner, "most": _MOST_COUNTED}).scalar_one())
    if count >= _MANY:
        if len(_counts) >= _MOST_REMEMBERED:
            _counts.clear()
        _counts[owner] = count, time.monotonic()
    return count


def find_with_terms(connection: AnyConnection, span: Span, roots: Sequence[str]) -> dict[str, list[int]]:
    """Entries of messages that say each of the words in any of its forms, the newest first; `roots` are their stems."""
    mark = span.owner[-6:]
    found = _find_any(connection, span, [[mark + root, mark + STEM_MARK + root] for root in roots], MOST_IN_A_LIST)
    return dict(zip(roots, found, strict=True))


def _find_any(connection: AnyConnection, span: Span, wanted: Sequence[Sequence[str]], most: int) -> list[list[int]]:
    """For each of `wanted`, the entries that have one of these terms of the index. One question for some of them."""
    found: list[list[int]] = [[] for _ in wanted]
    is_sqlite = connection.dialect.name == "sqlite"
    for start in range(0, len(wanted), _LISTS_AT_ONCE):
        some = wanted[start : start + _LISTS_AT_ONCE]
        values: dict[str, Any] = {"since": span.since, "until": span.until, "most": most}
        for number, terms in enumerate(some):
            values[f"terms{number}"] = _any_on_sqlite(terms) if is_sqlite else _any_on_postgresql(terms)
        if not is_sqlite:
            values["owner"] = span.owner
        for number, entry in connection.execute(_lists_of(len(some), is_sqlite=is_sqlite), values).all():
            found[start + number].append(entry)
    return found


def _any_on_sqlite(terms: Sequence[str]) -> str:
    return " OR ".join(f'"{term}"' for term in terms)


def _any_on_postgresql(terms: Sequence[str]) -> str:
    return " | ".join(f"'{_quote(term)}'" for term in terms)


@cache
def _lists_of(count: int, *, is_sqlite: bool) -> TextClause:
    one = _ON_SQLITE if is_sqlite else _ON_POSTGRESQL
    lists = (f"SELECT * FROM ({one.format(number=number)}) AS list{number}" for number in range(count))  # nosec B608  # noqa: S608
    return text(" UNION ALL ".join(lists))


def find_names(connection: AnyConnection, owner: str, words: Collection[str]) -> set[str]:
    """Those of the words that are in the name of somebody who speaks in this owner's conversations."""
    span, mark = Span(owner), owner[-6:]
    facets = {word: mark + facet_of_name(word) for word in words}
    # Nobody has a name, as a rule.
    if not facets or not any(_find_any(connection, span, [list(facets.values())], 1)):
        return set()
    found = _find_any(connection, span, [[facet] for facet in facets.values()], 1)
    return {word for word, entries in zip(facets, found, strict=True) if entries}


def find_entries_of(connection: AnyConnection, owner: str, message_ids: Sequence[str]) -> dict[str, int]:
    """The entries of messages, by message."""
    # Asked for the owner, too, SQLite would look through all that they have instead of looking up each message.
    rows = connection.execute(
        select(search_entries.c.message_id, search_entries.c.id, search_entries.c.owner_id).where(
            search_entries.c.message_id.in_(message_ids)
        )
    ).all()
    return {row.message_id: row.id for row in rows if row.owner_id == owner}


def find_beside(connection: AnyConnection, owner: str, entries: Collection[int]) -> set[int]:
    """The entries right before and after each of these."""
    rows = connection.execute(*_among(connection, _BESIDE, owner, entries))
    return {entry for row in rows for entry in row if entry is not None}


def read_candidates(connection: AnyConnection, owner: str, entries: Collection[int]) -> list[CandidateRow]:
    """In the order of time; what is deleted, and conversations that are not remembered, are left out."""
    rows = connection.execute(*_among(connection, _CANDIDATES, owner, entries))
    return [CandidateRow(*row) for row in rows]


def _among(
    connection: AnyConnection, statement: str, owner: str, entries: Collection[int]
) -> tuple[TextClause, dict[str, Any]]:
    """The same words however many entries there are: they are one value."""
    if connection.dialect.name == "sqlite":
        return _on_sqlite(statement), {"owner": owner, "entries": msgspec.json.encode(list(entries)).decode()}
    return _on_postgresql(statement), {"owner": owner, "entries": list(entries)}


@cache
def _on_sqlite(statement: str) -> TextClause:
    return text(statement.format(among="IN (SELECT value FROM json_each(:entries))"))


@cache
def _on_postgresql(statement: str) -> TextClause:
    return text(statement.format(among="= ANY(CAST(:entries AS bigint[]))"))


def read_texts(connection: AnyConnection, owner: str, ids: Sequence[str]) -> dict[str, str]:
    """What messages say, by id."""
    rows = connection.execute(_TEXTS, {"ids": list(ids), "owner": owner}).all() if ids else ()
    return {row.id: searched_text(decode_parts(row.parts)) for row in rows}


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
