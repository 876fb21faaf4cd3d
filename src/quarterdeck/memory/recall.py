"""Recall: what was said (or is remembered) that a query is about, found by word, meaning, time and who said it.

Messages as they were said are what is looked in; memories are further keys to them. Nothing here asks a model for a
word, and no turn waits for an index: the search index is written with each message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from quarterdeck.memory.candidates import Candidates
from quarterdeck.memory.lexical import add_around, score_words, weigh_terms
from quarterdeck.memory.ranking import Ranked, rank
from quarterdeck.memory.speakers import named_speakers, spoken_by
from quarterdeck.memory.terms import terms_of
from quarterdeck.store.database import Database, ReadConnection
from quarterdeck.store.recall_find import (
    CandidateRow,
    Span,
    count_entries,
    find_beside,
    find_with_term,
    read_candidates,
    read_texts,
)
from quarterdeck.store.search import entry_id

_MOST_TERMS = 24
_LOOKED_AT = 150  # messages that most words point to; those beside them are looked at, too


class Query(Struct, frozen=True, kw_only=True):
    """Times are milliseconds; what `text` says of time is resolved against `now` in `zone`.

    `speaker`: "user", "assistant" or a name. `conversation`: where it is asked; `not_messages` are in the context
    already and not found.
    """

    owner: str
    text: str
    now: int
    zone: str = ""
    before: int | None = None
    after: int | None = None
    speaker: str = ""
    k: int = 10
    conversation: str = ""
    not_messages: frozenset[str] = frozenset()


class Recalled(Struct, frozen=True):
    """`messages`: what it resolves to, best first (a message: itself). `signals`: what each gave of the score."""

    kind: Literal["message", "memory", "summary"]
    id: str
    messages: list[str]
    text: str
    at: int
    role: str
    speaker: str
    conversation: str
    title: str
    score: float
    signals: dict[str, float]
    taint: str


class Recall:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, query: Query) -> list[Recalled]:
        """Best first, at most `k`. Raises: `StorageError`."""
        return await self._database.read(lambda connection: _find(connection, query))


def _find(connection: ReadConnection, query: Query) -> list[Recalled]:
    span = Span(
        query.owner,
        0 if query.after is None else entry_id(query.after),
        1 << 62 if query.before is None else entry_id(query.before),
    )
    terms = list(dict.fromkeys(terms_of(query.text)))[:_MOST_TERMS]
    lists = {term: find_with_term(connection, span, term) for term in terms}
    weights = weigh_terms({term: len(found) for term, found in lists.items()}, count_entries(connection, query.owner))
    candidates = Candidates(_read(connection, query, _most_pointed_to(lists, weights)))
    named = named_speakers(query, candidates.rows)
    weights = {term: weight for term, weight in weights.items() if term not in named.terms}
    words = add_around(candidates, score_words(candidates, weights))
    ranked = rank(candidates, {"words": words}, spoken_by(candidates.rows, named))
    return _recalled(connection, query, candidates.rows, ranked)


def _most_pointed_to(lists: dict[str, list[int]], weights: dict[str, float]) -> list[int]:
    """The entries that most words, by what they say, point to."""
    scores: dict[int, float] = {}
    for term, entries in lists.items():
        weight = weights.get(term, 0.0)
        for entry in entries:
            scores[entry] = scores.get(entry, 0.0) + weight
    return sorted(scores, key=lambda entry: (-scores[entry], -entry))[:_LOOKED_AT]


def _read(connection: ReadConnection, query: Query, entries: Iterable[int]) -> list[CandidateRow]:
    chosen = set(entries)
    if not chosen:
        return []
    chosen |= find_beside(connection, query.owner, chosen)
    return read_candidates(connection, query.owner, chosen)


def _recalled(
    connection: ReadConnection, query: Query, rows: Sequence[CandidateRow], ranked: Sequence[Ranked]
) -> list[Recalled]:
    best = [one for one in ranked if _is_wanted(rows[one.at], query)][: query.k]
    texts = read_texts(connection, query.owner, [rows[one.at].message_id for one in best])
    return [
        _message(rows[one.at], one, texts[rows[one.at].message_id]) for one in best if rows[one.at].message_id in texts
    ]


def _is_wanted(row: CandidateRow, query: Query) -> bool:
    """What stands beside a message of the time that was asked for may be of another; it only was its context."""
    if row.message_id in query.not_messages:
        return False
    if query.speaker and query.speaker.casefold() not in (row.role, row.speaker.casefold()):
        return False
    return (query.after is None or row.created_at >= query.after) and (
        query.before is None or row.created_at < query.before
    )


def _message(row: CandidateRow, ranked: Ranked, text: str) -> Recalled:
    return Recalled(
        kind="message", id=row.message_id, messages=[row.message_id], text=text, at=row.created_at, role=row.role,
        speaker=row.speaker, conversation=row.conversation_id, title=row.title, score=ranked.score,
        signals={name: round(value, 4) for name, value in ranked.signals.items()}, taint=row.taint,
    )  # fmt: skip
