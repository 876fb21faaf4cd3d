"""The messages that may be what is looked for, as ranking counts them; and the few that are found, as they are quoted.

Ranking needs little of each, and that stands together (`standing.py`): on SQLite in one index, an owner's beside each
other, so that hundreds are on a few pages. The words are read of those only that have any of what is looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from msgspec import Struct

from quarterdeck.domain.parts import decode_parts
from quarterdeck.domain.stop_words import count_said, without_stems
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.search import made_at, read_facets, searched_text
from quarterdeck.store.standing import ASKS, LEFT_OUT, QUESTION_ENDS, QUOTES_ONLY, SAYS
from quarterdeck.store.statements import among

_IS_OPEN = "c.deleted_at IS NULL AND c.memory = ''"
_IS_RANKED = f"WHERE {_IS_OPEN} AND coalesce(e.standing, {SAYS}) <> {LEFT_OUT}"
# Each is looked up by its id: asked for the owner by name, PostgreSQL would look through all that they have, or through
# whole tables where these are small. SQLite reads the index where all of it is, and for words the entry itself.
_INDEXED = "INDEXED BY ix_search_entries_ranked ON e.owner_id = :owner AND e.id = given.value"
_BY_ID = "ON e.id = given.value AND +e.owner_id = :owner"
_LATERAL = "CROSS JOIN LATERAL (SELECT * FROM {} OFFSET 0) AS {} "
_CHANGED_ONE = "EXISTS (SELECT 1 FROM changed_messages AS x WHERE x.message_id = e.message_id)"


def _ranked(words: str, listed: str, joined: str) -> str:
    return (
        f"SELECT e.id, e.message_id, e.conversation_id, e.facets, e.length, "  # nosec B608  # noqa: S608
        f"CASE WHEN {_CHANGED_ONE} THEN NULL ELSE e.standing END, {words} FROM {listed} AS given {joined}"
    )


def _on_sqlite(words: str, listed: str, how: str) -> str:
    joined = f"CROSS JOIN search_entries AS e {how} CROSS JOIN conversations AS c ON c.id = e.conversation_id "
    return _ranked(words, listed, joined + _IS_RANKED)


def _on_postgresql(words: str, listed: str) -> str:
    entry = _LATERAL.format("search_entries WHERE id = given.value", "e")
    conversation = _LATERAL.format("conversations WHERE id = e.conversation_id", "c")
    return _ranked(words, listed, f"{entry}{conversation}{_IS_RANKED} AND e.owner_id = :owner")


# Of entries that are known: which of their conversations may be looked in, and whether any message has changed.
_STATE = (
    "SELECT NULL, NULL, c.id, NULL, NULL, NULL, NULL FROM {conversations:varchar} AS given "  # nosec B608  # noqa: S608
    f"CROSS JOIN conversations AS c ON c.id = given.value WHERE {_IS_OPEN} UNION ALL "
    "SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM (SELECT 1 FROM changed_messages LIMIT 1) AS one"
)
_STATE_ON_POSTGRESQL = _STATE.replace(
    "CROSS JOIN conversations AS c ON c.id = given.value",
    _LATERAL.format("conversations WHERE id = given.value", "c").strip(),
)
_ENTRIES = among(
    f"{_on_sqlite('NULL', '{entries}', _INDEXED)} UNION ALL {_on_sqlite('e.words', '{worded}', _BY_ID)} "
    f"UNION ALL {_STATE}",
    "bigint",
    f"{_on_postgresql('NULL', '{entries}')} UNION ALL {_on_postgresql('e.words', '{worded}')} "
    f"UNION ALL {_STATE_ON_POSTGRESQL}",
)
_CHANGED = among("SELECT message_id FROM changed_messages WHERE message_id IN {messages}")
IS_FOUND = (
    "m.deleted_at IS NULL AND c.deleted_at IS NULL AND c.memory = '' "
    f"AND m.model NOT LIKE '{QUOTES_ONLY}%'"  # the log reader only quotes what was said
)
_ENDS = ", ".join(f"'{end}'" for end in QUESTION_ENDS)
_WITHOUT_STANDING = among(
    "SELECT e.id, e.message_id, e.conversation_id, e.facets, e.words, "  # nosec B608  # noqa: S608
    f"substr(m.parts, length(m.parts) - {len(QUESTION_ENDS[0]) - 1}) IN ({_ENDS}) FROM {{entries}} AS given "
    "JOIN search_entries AS e ON e.id = given.value JOIN messages AS m ON m.id = e.message_id "
    f"JOIN conversations AS c ON c.id = e.conversation_id WHERE e.owner_id = :owner AND {IS_FOUND}",
    "bigint",
)
_SAID = among(
    "SELECT m.id, m.parts, m.role, m.speaker, m.created_at, m.taint, c.title, m.conversation_id "  # nosec B608  # noqa: S608
    "FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id "
    f"WHERE m.id IN {{messages}} AND m.owner_id = :owner AND {IS_FOUND}"
)
_BY_TIME = attrgetter("created_at", "message_id")
_MOST_KEPT = 10_000  # of one owner, in each process
_USUAL_CHARS = 1_000


class CandidateRow(Struct, frozen=True):
    """A message that may be what is looked for; `entry` orders all of an owner's by time. `names`: folded words of the
    name of who speaks. `length`: of words that are not in every sentence; `words`: as `said_words` reads them; None:
    they were not read."""

    entry: int
    message_id: str
    conversation_id: str
    role: str
    names: frozenset[str]
    created_at: int
    length: int
    asks: bool  # its text ends with a question
    words: str | None = None


class KnownEntries:
    """An owner's entries that were read before. An entry never changes: what is written anew has another id
    (`search.index_messages`). Whether it can be found by now is asked each time. Several threads may read more."""

    def __init__(self) -> None:
        self._rows: dict[int, CandidateRow] = {}
        self._size = 0

    def __len__(self) -> int:
        """In rows of a usual length."""
        return self._size

    def take(self, entries: Iterable[int], worded: Container[int]) -> tuple[list[CandidateRow], list[int]]:
        """What is known of these, with the words of those that are `worded`; and which are to be read."""
        get, found, missing = self._rows.get, list[CandidateRow](), list[int]()
        for entry in entries:
            row = get(entry)
            if row is None or (row.words is None and entry in worded):
                missing.append(entry)
            else:
                found.append(row)
        return found, missing

    def keep(self, rows: Sequence[CandidateRow]) -> None:
        if self._size > _MOST_KEPT:
            self._rows, self._size = {}, 0
        self._rows.update((row.entry, row) for row in rows)
        self._size += sum(1 + len(row.words or "") // _USUAL_CHARS for row in rows)


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
    connection: AnyConnection,
    owner: str,
    entries: Collection[int],
    worded: Collection[int],
    known: KnownEntries | None = None,
) -> list[CandidateRow]:
    """In the order of time; with the words of those that are `worded`. What is another's or deleted, and conversations
    that are not remembered, are left out. `known`: of this owner; what is read is known from then on."""
    if not entries:
        return []
    known = KnownEntries() if known is None else known
    found, missing = known.take(entries, worded)
    read, others, is_open, is_any_changed = _read(connection, owner, missing, worded, found)
    known.keep(read)
    found = [row for row in found if row.conversation_id in is_open]
    if is_any_changed and found:
        messages = [row.message_id for row in found]
        changed = {name for (name,) in _CHANGED.rows(connection, {"messages": messages})}
        others += [row.entry for row in found if row.message_id in changed]
        found = [row for row in found if row.message_id not in changed]
    if others:
        read += _read_without_standing(connection, owner, others)
    return in_order([*found, *read])


def in_order(rows: Iterable[CandidateRow]) -> list[CandidateRow]:
    """Of time."""
    return sorted(rows, key=_BY_TIME)


def candidate_of(row: Mapping[str, Any]) -> CandidateRow | None:
    """Of an entry that is still to be written. None: it never is one."""
    if row["standing"] == LEFT_OUT:
        return None
    return CandidateRow(
        row["id"], row["message_id"], row["conversation_id"], *_who(row["facets"]), made_at(row["id"]), row["length"],
        row["standing"] == ASKS, without_stems(row["words"]),
    )  # fmt: skip


def _read(
    connection: AnyConnection, owner: str, entries: Sequence[int], worded: Container[int], known: Sequence[CandidateRow]
) -> tuple[list[CandidateRow], list[int], set[str], bool]:
    """Entries; those of which the message is to be looked at; of those that are known the conversations that may be
    looked in, and whether any message at all has changed just now."""
    bare = [entry for entry in entries if entry not in worded]  # in their order, and so are the pages that they are on
    values = {
        "owner": owner, "entries": bare, "worded": [entry for entry in entries if entry in worded],
        "conversations": list({row.conversation_id for row in known}),
    }  # fmt: skip
    read: list[CandidateRow] = []
    others, is_open, is_any_changed = list[int](), set[str](), False
    for entry, message, conversation, facets, length, standing, words in _ENTRIES.rows(connection, values):
        if standing is not None:
            role, names = _who(facets)
            said = None if words is None else without_stems(words)
            made, asks = made_at(entry), standing == ASKS
            read.append(CandidateRow(entry, message, conversation, role, names, made, length, asks, said))
        elif entry is not None:
            others.append(entry)
        elif conversation is not None:
            is_open.add(conversation)
        else:
            is_any_changed = True
    return read, others, is_open, is_any_changed


def _read_without_standing(connection: AnyConnection, owner: str, entries: Sequence[int]) -> list[CandidateRow]:
    rows = _WITHOUT_STANDING.rows(connection, {"owner": owner, "entries": list(entries)})
    return [
        CandidateRow(
            entry, message, conversation, *_who(facets), made_at(entry), count_said(words), bool(asks),
            without_stems(words),
        )
        for entry, message, conversation, facets, words, asks in rows
    ]  # fmt: skip


def read_said(connection: AnyConnection, owner: str, ids: Collection[str]) -> dict[str, SaidRow]:
    """By id; without what was deleted and what is not remembered."""
    rows = _SAID.rows(connection, {"messages": list(ids), "owner": owner}) if ids else ()
    return {message: SaidRow(message, searched_text(decode_parts(parts)), *others) for message, parts, *others in rows}


@lru_cache(20_000)
def _who(facets: str) -> tuple[str, frozenset[str]]:
    return read_facets(facets)
