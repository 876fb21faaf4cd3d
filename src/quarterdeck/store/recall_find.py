"""What recall reads: which of an owner's messages have a word, and those messages with their neighbours.

The lists of the search index are read as they are, a word at a time; how often a word stands in a message, and how long
that is, is looked at only in the few messages that most words point to. So a query costs about the same however much
its owner has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text

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

_COUNT = text("SELECT count(*) FROM (SELECT 1 FROM search_entries WHERE owner_id = :owner LIMIT :most) AS counted")
_SQLITE = text(
    "SELECT rowid FROM search_index WHERE search_index MATCH :terms AND rowid >= :since AND rowid < :until "
    "ORDER BY rowid DESC LIMIT :most"
)
_POSTGRESQL = text(
    f"WITH e AS MATERIALIZED (SELECT id, owner_id FROM search_entries WHERE {TERMS_ON_POSTGRESQL} "  # nosec B608  # noqa: S608
    "@@ CAST(:terms AS tsquery)) SELECT id FROM e WHERE owner_id = :owner AND id >= :since AND id < :until "
    "ORDER BY id DESC LIMIT :most"
)
_BESIDE = (
    "SELECT (SELECT max(b.id) FROM search_entries AS b WHERE b.owner_id = :owner AND b.id < e.id), "
    "(SELECT min(a.id) FROM search_entries AS a WHERE a.owner_id = :owner AND a.id > e.id) "
    "FROM search_entries AS e WHERE e.id IN ({ids})"
)
_CANDIDATES = (
    "SELECT e.id, e.message_id, e.conversation_id, e.words, m.role, m.speaker, m.created_at, m.taint, c.title "
    "FROM search_entries AS e JOIN messages AS m ON m.id = e.message_id "
    "JOIN conversations AS c ON c.id = e.conversation_id WHERE e.id IN ({ids}) AND e.owner_id = :owner "
    "AND m.deleted_at IS NULL AND c.deleted_at IS NULL AND c.memory = '' "
    "AND m.model NOT LIKE 'builtin/%' ORDER BY m.created_at, m.id"  # the log reader only quotes what was said
)


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
    rows = connection.execute(
        select(memories.c.id, memories.c.text, memories.c.said_at, memories.c.pinned_at, memories.c.taint)
        .where(memories.c.owner_id == owner, is_current(now_ms()))
        .order_by(memories.c.id.desc())
        .limit(MOST_MEMORIES)
    ).all()
    if not rows:
        return []
    sources: dict[str, list[str]] = {}
    listed = select(memory_sources.c.memory_id, memory_sources.c.message_id)
    for start in range(0, len(rows), _CHUNK):
        some = [row.id for row in rows[start : start + _CHUNK]]
        for source in connection.execute(listed.where(memory_sources.c.memory_id.in_(some))):
            sources.setdefault(source.memory_id, []).append(source.message_id)
    return [
        MemoryKeyRow(row.id, row.text, row.said_at, row.pinned_at, row.taint, sources.get(row.id, [])) for row in rows
    ]


def count_entries(connection: AnyConnection, owner: str) -> int:
    """How many messages of theirs can be found, up to a bound."""
    return int(connection.execute(_COUNT, {"owner": owner, "most": _MOST_COUNTED}).scalar_one())


def find_with_term(connection: AnyConnection, span: Span, root: str) -> list[int]:
    """Entries of messages that say a word in any of its forms, the newest first; `root` is its stem."""
    mark = span.owner[-6:]
    return _find_any(connection, span, [mark + root, mark + STEM_MARK + root], MOST_IN_A_LIST)


def _find_any(connection: AnyConnection, span: Span, terms: Sequence[str], most: int) -> list[int]:
    """Entries that have one of these terms of the index."""
    is_sqlite = connection.dialect.name == "sqlite"
    values: dict[str, Any] = {"since": span.since, "until": span.until, "most": most}
    if is_sqlite:
        values["terms"] = " OR ".join(f'"{term}"' for term in terms)
    else:
        values |= {"terms": " | ".join(f"'{_quote(term)}'" for term in terms), "owner": span.owner}
    return list(connection.execute(_SQLITE if is_sqlite else _POSTGRESQL, values).scalars())


def find_names(connection: AnyConnection, owner: str, words: Collection[str]) -> set[str]:
    """Those of the words that are in the name of somebody who speaks in this owner's conversations."""
    return {word for word in words if _has_name(connection, Span(owner), word)}


def _has_name(connection: AnyConnection, span: Span, word: str) -> bool:
    return bool(_find_any(connection, span, [span.owner[-6:] + facet_of_name(word)], 1))


def find_entries_of(connection: AnyConnection, owner: str, message_ids: Sequence[str]) -> dict[str, int]:
    """The entries of messages, by message."""
    rows = connection.execute(
        select(search_entries.c.message_id, search_entries.c.id).where(
            search_entries.c.message_id.in_(message_ids), search_entries.c.owner_id == owner
        )
    )
    return {row.message_id: row.id for row in rows}


def find_beside(connection: AnyConnection, owner: str, entries: Collection[int]) -> set[int]:
    """The entries right before and after each of these."""
    rows = connection.execute(text(_BESIDE.format(ids=_list(entries))), {"owner": owner})
    return {entry for row in rows for entry in row if entry is not None}


def read_candidates(connection: AnyConnection, owner: str, entries: Collection[int]) -> list[CandidateRow]:
    """In the order of time; what is deleted, and conversations that are not remembered, are left out."""
    rows = connection.execute(text(_CANDIDATES.format(ids=_list(entries))), {"owner": owner})
    return [CandidateRow(*row) for row in rows]


def read_texts(connection: AnyConnection, owner: str, ids: Sequence[str]) -> dict[str, str]:
    """What messages say, by id."""
    rows = connection.execute(
        select(messages.c.id, messages.c.parts).where(
            messages.c.id.in_(ids), messages.c.owner_id == owner, messages.c.deleted_at.is_(None)
        )
    ).all()
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


def _list(numbers: Collection[int]) -> str:
    return ",".join(str(int(number)) for number in numbers) or "NULL"


def _quote(term: str) -> str:
    return term.replace("\\", "\\\\").replace("'", "''")
