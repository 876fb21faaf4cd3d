"""One query against one owner's messages and memories: candidates are gathered, scored by each signal, put in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from quarterdeck.domain.languages import Language
from quarterdeck.domain.words import stem
from quarterdeck.memory.candidates import Candidates
from quarterdeck.memory.dates import Period, asks_when, names_time
from quarterdeck.memory.lexical import add_around, score_words, weigh_terms
from quarterdeck.memory.query import Query, Wanted
from quarterdeck.memory.ranking import Priors, Ranked, Signal, rank
from quarterdeck.memory.remembered import best_of
from quarterdeck.memory.sections import fit_of_messages
from quarterdeck.memory.speakers import Named, spoken_by
from quarterdeck.memory.terms import count_stems
from quarterdeck.memory.word_lists import WordLists
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.recall_candidates import CandidateRow, read_candidates
from quarterdeck.store.recall_entries import Entries
from quarterdeck.store.recall_find import (
    MOST_IN_A_LIST,
    MemoryKeyRow,
    Sought,
    Span,
    find_entries_of,
    find_with_terms,
    find_within,
)
from quarterdeck.store.recall_waiting import with_waiting
from quarterdeck.store.search import entry_id

if TYPE_CHECKING:
    from quarterdeck.memory.kept import Keys
    from quarterdeck.memory.meaning import Vectors

_MOST_TERMS = 24
_LOOKED_AT = 100  # messages by words, and as many by meaning or time; those beside them are looked at, too
_MEANING_AROUND = {1: 0.4, -1: 0.1, -2: 0.2}
_UNRELATED = 0.1  # cosine: so much is there between any two sentences, where there are too few to tell
_KEY_SHARE = 0.3  # what the meaning of what is remembered of a message adds to that of the message
_WORDS_FACTOR, _MEANING_FACTOR = 1.5, 0.5
_KEYS_LOOKED_AT = 30
_AFTER_MS = 10 * 86_400_000  # what happened is also told some days later


class Sense(Struct, frozen=True):
    """The query's vector, and those that it is compared with."""

    vector: list[float]
    vectors: Vectors


class Found(Struct, frozen=True):
    """`keys`: memories that fit, best first, with how well."""

    rows: Sequence[CandidateRow]
    ranked: list[Ranked]
    keys: list[tuple[MemoryKeyRow, dict[str, float]]]


class Finding:
    """`find_named`: called where it matters whom the query means."""

    def __init__(
        self,
        connection: ReadConnection,
        query: Query,
        wanted: Wanted,
        find_named: Callable[[], Named],
        sense: Sense | None,
        keys: Keys,
    ) -> None:
        self._connection = connection
        self._known = keys.known
        self._summaries = keys.sections
        self._read_before = keys.entries
        self._query = query
        self._wanted = wanted
        self._language: Language = wanted.language
        self._find_named = find_named
        self._sense = sense

    def find(self) -> Found:
        messages = {*self._near, *self._by_keys(), *self._by_sections()}
        entries = {*self._by_words(), *self._entries_of(messages), *self._by_time()}
        if not entries and not messages:
            return Found([], [], self._best_keys)
        beside = self._entries.with_neighbours(entries) if entries else []
        waiting = self._waiting
        having = self._having([*beside, *(row.entry for row in waiting)])
        rows = read_candidates(self._connection, self._query.owner, beside, having, self._read_before)
        near = _said_with(waiting, rows, entries, messages)
        rows = with_waiting(self._connection, self._query.owner, rows, near)
        candidates = Candidates(rows, self._known.by_message, having, self._language)
        signals = [Signal("words", score_words(candidates, self._weights), _WORDS_FACTOR)]
        if self._sense is not None:
            signals.append(Signal("meaning", self._score_meaning(candidates, self._sense), _MEANING_FACTOR))
        priors = Priors(
            spoken=spoken_by(candidates.rows, self._named),
            timely=_timely(candidates.rows, self._wanted.period),
            sections=[self._sections.get(row.message_id, 0.0) for row in candidates.rows],
            asks=[row.asks for row in candidates.rows],
            timeless=_timeless(candidates, self._asks_when),
        )
        ranked = rank(candidates, signals, priors)
        return Found(candidates.rows, ranked, self._best_keys)

    @cached_property
    def _named(self) -> Named:
        return self._find_named()

    @cached_property
    def _span(self) -> Span:
        after, before = self._query.after, self._query.before
        return Span(
            self._query.owner,
            0 if after is None else entry_id(after),
            1 << 62 if before is None else entry_id(before),
        )

    @cached_property
    def _lists(self) -> dict[str, list[int]]:
        """The entries that have each word of the query, or, where the index has no stems, one that begins like it."""
        sought: dict[str, Sought] = {}
        for term, root in self._wanted.words:
            if root not in sought and stem(term) not in self._named.terms:
                sought[root] = Sought(root, self._language.beginning(term))
        found = find_with_terms(self._connection, self._span, list(sought.values())[:_MOST_TERMS])
        if found:  # else the words of what waits need not be known
            for row in self._waiting_within(self._span):  # newer than what has an entry
                for root in count_stems(row.words or "", found, self._language):
                    found[root].insert(0, row.entry)
        return found

    @cached_property
    def _waiting(self) -> list[CandidateRow]:
        """What is not in the index yet, the newest last."""
        return [one.candidate for one in self._query.waiting if one.candidate is not None]

    def _waiting_within(self, span: Span) -> list[CandidateRow]:
        return [row for row in self._waiting if span.since <= row.entry < span.until]

    @cached_property
    def _entries(self) -> Entries:
        return Entries(self._connection, self._query.owner)

    @cached_property
    def _weights(self) -> dict[str, float]:
        """What a word says; one that only memories have is as rare as they get."""
        if not self._lists:  # and how many entries there are need not be known
            return {}
        known = {term: max(len(entries), 1) for term, entries in self._lists.items()}
        return weigh_terms(known, self._entries.count + len(self._waiting))

    def _by_words(self) -> list[int]:
        return self._word_lists.best(_LOOKED_AT)

    @cached_property
    def _word_lists(self) -> WordLists:
        return WordLists(self._lists, self._weights)

    def _by_time(self) -> list[int]:
        """What was said last in the time that the query names: it need not have any word of the query."""
        period = self._wanted.period
        if period is None:
            return []
        since, until = entry_id(period.start), entry_id(period.end)
        span = Span(self._query.owner, max(since, self._span.since), min(until, self._span.until))
        waiting = [row.entry for row in self._waiting_within(span)]
        return [*waiting, *find_within(self._connection, span, _LOOKED_AT)]

    @cached_property
    def _near(self) -> dict[str, float]:
        return {} if self._sense is None else self._sense.vectors.find(self._sense.vector, _LOOKED_AT)

    @cached_property
    def _unrelated(self) -> float:
        """The cosine that says nothing: models differ, with some two sentences have 0.7 whatever they say."""
        usual = None if self._sense is None else self._sense.vectors.usual(self._sense.vector)
        return _UNRELATED if usual is None else usual

    def _entries_of(self, messages: set[str]) -> Iterable[int]:
        return find_entries_of(self._connection, messages) if messages else ()

    @cached_property
    def _key_meaning(self) -> dict[str, float]:
        if self._sense is None:
            return {}
        ids, unrelated = self._known.ids, self._unrelated
        scores = self._sense.vectors.scores_of(self._sense.vector, ids)
        return {name: score - unrelated for name, score in zip(ids, scores, strict=True) if score > unrelated}

    @cached_property
    def _best_keys(self) -> list[tuple[MemoryKeyRow, dict[str, float]]]:
        """Memories by both, each of them against the best."""
        if not self._known.keys:  # as many have none, and what a word says need not be known for them
            return []
        words, meaning = _normalised(self._known.score(self._weights, self._language)), _normalised(self._key_meaning)
        fitting = [
            (key, {name: found[key.id] for name, found in (("words", words), ("meaning", meaning)) if key.id in found})
            for key in self._known.keys
            if key.id in words or key.id in meaning
        ]
        return sorted(fitting, key=lambda one: -sum(one[1].values()))[:_KEYS_LOOKED_AT]

    def _by_keys(self) -> Iterable[str]:
        return (message for key, _ in self._best_keys for message in key.sources)

    @cached_property
    def _sections(self) -> dict[str, float]:
        if not len(self._summaries):
            return {}
        return fit_of_messages(self._connection, self._summaries, self._weights, self._language)

    def _by_sections(self) -> list[str]:
        """What was said last in the sections that fit best; what else is in them has to be found by itself."""
        fits = self._sections
        return sorted(sorted(fits, reverse=True), key=lambda message: -fits[message])[:_LOOKED_AT]

    @cached_property
    def _asks_when(self) -> bool:
        return asks_when(self._query.text)

    def _having(self, entries: Sequence[int]) -> dict[int, Collection[str]]:
        """Those whose words are to be looked at, with the words of the query that each may have: those that have any,
        what the lists do not reach, and all where it has to be known whether they name a time."""
        full = [found[-1] for found in self._lists.values() if len(found) >= MOST_IN_A_LIST]
        since, until = max(self._span.since, *full, 0), self._span.until
        having: dict[int, Collection[str]] = {**self._word_lists.words_of(entries)}
        having |= {entry: self._lists.keys() for entry in entries if not since <= entry < until}
        return dict.fromkeys(entries, ()) | having if self._asks_when else having

    def _score_meaning(self, candidates: Candidates, sense: Sense) -> list[float]:
        cosines = sense.vectors.scores_of(sense.vector, [row.message_id for row in candidates.rows])
        unrelated = self._unrelated
        scores = [max(cosine - unrelated, 0.0) for cosine in cosines]
        for at, row in enumerate(candidates.rows if candidates.keys else ()):
            if known := candidates.keys.get(row.message_id):
                scores[at] += _KEY_SHARE * best_of(self._key_meaning, known)
        return add_around(candidates, scores, _MEANING_AROUND)


def _said_with(
    waiting: Sequence[CandidateRow], rows: Sequence[CandidateRow], entries: Collection[int], messages: Collection[str]
) -> list[CandidateRow]:
    """Of what waits: what is found itself, and what was said in the same conversation as something that is."""
    found = [row for row in waiting if row.entry in entries or row.message_id in messages]
    talks = {row.conversation_id for row in (*rows, *found)}
    return [row for row in waiting if row.conversation_id in talks]


def _timely(rows: Sequence[CandidateRow], period: Period | None) -> list[float]:
    """1.0 in the period, less and less for some days after it."""
    if period is None:
        return [0.0] * len(rows)
    return [
        max(0.0, 1.0 - max(row.created_at - period.end, 0) / _AFTER_MS) if row.created_at >= period.start else 0.0
        for row in rows
    ]


def _timeless(candidates: Candidates, is_asked_for: bool) -> list[bool]:
    return [is_asked_for and not names_time((row.words or "").split()) for row in candidates.rows]


def _normalised(scores: Mapping[str, float]) -> dict[str, float]:
    most = max(scores.values(), default=0.0)
    return {name: score / most for name, score in scores.items()} if most > 0 else {}
