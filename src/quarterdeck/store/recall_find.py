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

from quarterdeck.domain.parts import decode_parts
from quarterdeck.domain.words import STEM_MARK
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.search import searched_text
from quarterdeck.store.search_schema import TERMS_ON_POSTGRESQL
from quarterdeck.store.tables import messages

MOST_IN_A_LIST = 4_000  # messages that have a word, the newest; a word with more of them says little
_MOST_COUNTED = 50_000

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
    "AND m.deleted_at IS NULL AND c.deleted_at IS NULL AND c.memory = '' ORDER BY m.created_at, m.id"
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


def count_entries(connection: AnyConnection, owner: str) -> int:
    """How many messages of theirs can be found, up to a bound."""
    return int(connection.execute(_COUNT, {"owner": owner, "most": _MOST_COUNTED}).scalar_one())


def find_with_term(connection: AnyConnection, span: Span, root: str) -> list[int]:
    """Entries of messages that say a word in any of its forms, the newest first; `root` is its stem."""
    mark = span.owner[-6:]
    forms = (mark + root, mark + STEM_MARK + root)
    is_sqlite = connection.dialect.name == "sqlite"
    values: dict[str, Any] = {"since": span.since, "until": span.until, "most": MOST_IN_A_LIST}
    if is_sqlite:
        values["terms"] = " OR ".join(f'"{form}"' for form in forms)
    else:
        values |= {"terms": " | ".join(f"'{_quote(form)}'" for form in forms), "owner": span.owner}
    return list(connection.execute(_SQLITE if is_sqlite else _POSTGRESQL, values).scalars())


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


def _list(numbers: Collection[int]) -> str:
    return ",".join(str(int(number)) for number in numbers) or "NULL"


def _quote(term: str) -> str:
    return term.replace("\\", "\\\\").replace("'", "''")
