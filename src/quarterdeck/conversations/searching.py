"""Searching in everything one has said and been told: pages of messages with the passage that fits.

Newest first by default. Best first looks at a bounded number of the newest messages that fit, and puts those in order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Literal

from msgspec import Struct

from quarterdeck.domain.languages import languages_of
from quarterdeck.domain.search_query import SearchQuery, Sought, find_places
from quarterdeck.domain.words import STEM_MARK, Word, split_words, stem
from quarterdeck.errors import InputError
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.search import MAX_INDEXED_BYTES, facet_of_language, searched_text
from quarterdeck.store.search_find import EntryRow, HitRow, SearchFilter, find_entries, read_hits

Order = Literal["newest", "best"]

RANKED = 200  # of the newest messages that fit: those are put in order
_PASSAGE_CHARS = 260
_LEAD_CHARS = 60  # shown before the first place
_WORDS_AT_ONCE = 2_000
_OVERLAP = 32  # words: a phrase is not cut
_SATURATION, _LENGTH_WEIGHT, _USUAL_WORDS = 1.2, 0.6, 120


class Passage(Struct, frozen=True):
    """A part of a message on one line; `marks` are (start, end) in characters (code points) of it."""

    text: str
    marks: list[tuple[int, int]]


class Hit(Struct, frozen=True):
    message: HitRow
    passage: Passage


class Hits(Struct, frozen=True):
    items: list[Hit]
    next_cursor: str | None


def search_messages(connection: ReadConnection, wanted: SearchFilter, *, order: Order, cursor: str, limit: int) -> Hits:
    """Raises: `InputError` for a cursor that is not from here."""
    if order == "best" and wanted.query.wanted:
        return _best(connection, wanted, _read_cursor(cursor, "b") or 0, limit)
    entries = find_entries(connection, wanted, before=_read_cursor(cursor, "n"), limit=limit + 1)
    more = f"n{entries[limit - 1].id}" if len(entries) > limit else None
    return Hits(_hits(connection, wanted.query, entries[:limit]), more)


def _best(connection: ReadConnection, wanted: SearchFilter, skip: int, limit: int) -> Hits:
    entries = find_entries(connection, wanted, before=None, limit=RANKED)
    ranked = sorted(entries, key=lambda entry: (-score(entry, wanted.query), -entry.id))
    more = f"b{skip + limit}" if len(ranked) > skip + limit else None
    return Hits(_hits(connection, wanted.query, ranked[skip : skip + limit]), more)


def _hits(connection: ReadConnection, query: SearchQuery, entries: Sequence[EntryRow]) -> list[Hit]:
    if not entries:
        return []
    rows = read_hits(connection, [entry.message_id for entry in entries])
    return [Hit(row, make_passage(searched_text(row.parts), query)) for row in rows]


def score(entry: EntryRow, query: SearchQuery) -> float:
    """How well it fits: each word counts, more of the same less and less; in short messages and together more."""
    padded = f" {entry.words} "
    length = _LENGTH_WEIGHT * entry.words.count(" ") / _USUAL_WORDS + (1 - _LENGTH_WEIGHT)
    counts = [_count(padded, entry.facets, query, sought) for sought in query.wanted]
    fits = sum(count / (count + _SATURATION * length) for count in counts)
    together = " ".join(term for sought in query.wanted for term in sought.terms)
    return fits + (len(counts) > 1 and f" {together}" in padded) + math.log1p(sum(counts)) / 100


def _count(padded: str, facets: str, query: SearchQuery, sought: Sought) -> int:
    said = " ".join(sought.terms)
    count = padded.count(f" {said}" if sought.is_open else f" {said} ")
    if sought.is_phrase:
        return count
    others = [_count_root(padded, stem(said), STEM_MARK)]
    spoken = (language for language in query.languages if facet_of_language(language) in facets)
    others += [_count_root(padded, root, language.mark) for language in spoken if (root := language.root(said))]
    return 2 * count + max(others)  # the word itself is worth more than another form of it


def _count_root(padded: str, root: str, mark: str) -> int:
    return padded.count(f" {root} ") + padded.count(f" {mark}{root} ")


def make_passage(text: str, query: SearchQuery) -> Passage:
    """The part around the first places that fit, or the beginning where none does."""
    portions = _portions(text)
    first = next(portions, [])
    languages = languages_of(word.term for word in first)
    several = (find_places(words, query, languages) for words in chain([first], portions))
    places = next(filter(None, several), [])
    start = _start(text, places[0][0]) if places else 0
    end = min(start + _PASSAGE_CHARS, len(text))
    if places:
        end = max(end, min(places[0][1], start + 2 * _PASSAGE_CHARS))
    before, after = "…" if start else "", "…" if end < len(text) else ""
    shift = len(before) - start
    marks = [(first + shift, min(last, end) + shift) for first, last in places if start <= first < end]
    line = "".join(" " if character.isspace() else character for character in text[start:end])
    return Passage(before + line + after, marks)


def _start(text: str, place: int) -> int:
    """A little before the place, where a word begins."""
    if place <= _LEAD_CHARS:
        return 0
    blank = text.rfind(" ", place - _LEAD_CHARS, place - _LEAD_CHARS // 2)
    return blank + 1 if blank > 0 else place - _LEAD_CHARS // 2


def _portions(text: str) -> Iterator[list[Word]]:
    """Of a long text a part at a time: mostly the first one has it."""
    words = split_words(text[:MAX_INDEXED_BYTES])
    portion = list(islice(words, _WORDS_AT_ONCE))
    while portion:
        yield portion
        fresh = list(islice(words, _WORDS_AT_ONCE))
        portion = portion[-_OVERLAP:] + fresh if fresh else []


def _read_cursor(cursor: str, kind: str) -> int | None:
    if not cursor:
        return None
    number = cursor[1:]
    if cursor[0] != kind or not (number.isascii() and number.isdigit()) or len(number) > 19:
        raise InputError("This cursor is not one of ours.")
    return min(int(number), (1 << 63) - 1)
