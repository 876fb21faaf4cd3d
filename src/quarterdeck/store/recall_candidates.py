"""The messages that may be what is looked for, as ranking counts them; and the few that are found, as they are quoted.

Ranking needs little of each, and that stands together (`standing.py`): on SQLite in one index, an owner's beside each
other, so that hundreds are on a few pages. The words are read of those only that have any of what is looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from operator import attrgetter

from msgspec import Struct

from quarterdeck.domain.parts import decode_parts
from quarterdeck.domain.stop_words import count_said
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.search import made_at, read_facets, searched_text
from quarterdeck.store.standing import ASKS, LEFT_OUT, QUESTION_ENDS, QUOTES_ONLY, SAYS
from quarterdeck.store.statements import among

_IS_RANKED = f"WHERE c.deleted_at IS NULL AND c.memory = '' AND coalesce(e.standing, {SAYS}) <> {LEFT_OUT}"
# Each is looked up by its id: asked for the owner by name, PostgreSQL would look through all that they have, or through
# whole tables where these are small. SQLite reads the index where all of it is, and for words the entry itself.
_INDEXED = "INDEXED BY ix_search_entries_ranked ON e.owner_id = :owner AND e.id = given.value"
_BY_ID = "ON e.id = given.value AND +e.owner_id = :owner"
_LATERAL = "CROSS JOIN LATERAL (SELECT * FROM {} OFFSET 0) AS {} "
_CHANGED = "EXISTS (SELECT 1 FROM changed_messages AS x WHERE x.message_id = e.message_id)"


def _ranked(words: str, listed: str, joined: str) -> str:
    return (
        f"SELECT e.id, e.message_id, e.conversation_id, e.facets, e.length, "  # nosec B608  # noqa: S608
        f"CASE WHEN {_CHANGED} THEN NULL ELSE e.standing END, {words} FROM {listed} AS given {joined}"
    )


def _on_sqlite(words: str, listed: str, how: str) -> str:
    joined = f"CROSS JOIN search_entries AS e {how} CROSS JOIN conversations AS c ON c.id = e.conversation_id "
    return _ranked(words, listed, joined + _IS_RANKED)


def _on_postgresql(words: str, listed: str) -> str:
    entry = _LATERAL.format("search_entries WHERE id = given.value", "e")
    conversation = _LATERAL.format("conversations WHERE id = e.conversation_id", "c")
    return _ranked(words, listed, f"{entry}{conversation}{_IS_RANKED} AND e.owner_id = :owner")


_CANDIDATES = among(
    f"{_on_sqlite('NULL', '{entries}', _INDEXED)} UNION ALL {_on_sqlite('e.words', '{worded}', _BY_ID)}",
    "bigint",
    f"{_on_postgresql('NULL', '{entries}')} UNION ALL {_on_postgresql('e.words', '{worded}')}",
)
_IS_FOUND = (
    "m.deleted_at IS NULL AND c.deleted_at IS NULL AND c.memory = '' "
    f"AND m.model NOT LIKE '{QUOTES_ONLY}%'"  # the log reader only quotes what was said
)
_ENDS = ", ".join(f"'{end}'" for end in QUESTION_ENDS)
_WITHOUT_STANDING = among(
    "SELECT e.id, e.message_id, e.conversation_id, e.facets, e.words, "  # nosec B608  # noqa: S608
    f"substr(m.parts, length(m.parts) - {len(QUESTION_ENDS[0]) - 1}) IN ({_ENDS}) FROM {{entries}} AS given "
    "JOIN search_entries AS e ON e.id = given.value JOIN messages AS m ON m.id = e.message_id "
    f"JOIN conversations AS c ON c.id = e.conversation_id WHERE e.owner_id = :owner AND {_IS_FOUND}",
    "bigint",
)
_SAID = among(
    "SELECT m.id, m.parts, m.role, m.speaker, m.created_at, m.taint, c.title, m.conversation_id "  # nosec B608  # noqa: S608
    "FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id "
    f"WHERE m.id IN {{messages}} AND m.owner_id = :owner AND {_IS_FOUND}"
)
_BY_TIME = attrgetter("created_at", "message_id")


class CandidateRow(Struct, frozen=True):
    """A message that may be what is looked for; `entry` orders all of an owner's by time. `names`: folded words of the
    name of who speaks. `length`: of words that are not in every sentence; `words`: empty where none is looked for."""

    entry: int
    message_id: str
    conversation_id: str
    role: str
    names: frozenset[str]
    created_at: int
    length: int
    asks: bool  # its text ends with a question
    words: str = ""


class SaidRow(Struct, frozen=True):
    """A message that was found."""

    id: str
    text: str
    role: str
    speaker: str
    created_at: int
    taint: str
    title: str
    conversation_id: str


def read_candidates(
    connection: AnyConnection, owner: str, entries: Collection[int], worded: Collection[int]
) -> list[CandidateRow]:
    """In the order of time; with the words of those that are `worded`. What is another's or deleted, and conversations
    that are not remembered, are left out."""
    if not entries:
        return []
    bare = [entry for entry in entries if entry not in worded]  # in their order, and so are the pages that they are on
    rows = _CANDIDATES.rows(connection, {"owner": owner, "entries": bare, "worded": sorted(worded)})
    found: list[CandidateRow] = []
    unknown: list[int] = []
    for entry, message, conversation, facets, length, standing, words in rows:
        if standing is None:
            unknown.append(entry)
            continue
        role, names = _who(facets)
        made = made_at(entry)
        found.append(
            CandidateRow(entry, message, conversation, role, names, made, length, standing == ASKS, words or "")
        )
    if unknown:
        found += _read_without_standing(connection, owner, unknown)
    return sorted(found, key=_BY_TIME)


def _read_without_standing(connection: AnyConnection, owner: str, entries: Sequence[int]) -> list[CandidateRow]:
    rows = _WITHOUT_STANDING.rows(connection, {"owner": owner, "entries": list(entries)})
    return [
        CandidateRow(entry, message, conversation, *_who(facets), made_at(entry), count_said(words), bool(asks), words)
        for entry, message, conversation, facets, words, asks in rows
    ]


def read_said(connection: AnyConnection, owner: str, ids: Collection[str]) -> dict[str, SaidRow]:
    """By id; without what was deleted and what is not remembered."""
    rows = _SAID.rows(connection, {"messages": list(ids), "owner": owner}) if ids else ()
    return {message: SaidRow(message, searched_text(decode_parts(parts)), *others) for message, parts, *others in rows}


@lru_cache(20_000)
def _who(facets: str) -> tuple[str, frozenset[str]]:
    return read_facets(facets)
