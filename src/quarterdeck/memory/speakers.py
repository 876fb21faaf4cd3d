"""Whom a query means: names of those who speak in what was found, and the one who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from quarterdeck.domain.words import split_words, stem
from quarterdeck.store.recall_find import CandidateRow

if TYPE_CHECKING:
    from quarterdeck.memory.recall import Query

_ME = frozenset({"i", "me", "my", "mine", "myself"})
_YOU = frozenset({"you", "your", "yours", "yourself"})


class Named(Struct, frozen=True):
    """`names`: folded names (or roles) of speakers; `terms`: the stems of all speakers' names, which nothing is
    looked for by where they speak."""

    names: frozenset[str] = frozenset()
    terms: frozenset[str] = frozenset()


def named_speakers(query: Query, rows: Sequence[CandidateRow]) -> Named:
    """Where several are named, nobody is meant more than others."""
    said = {word.term for word in split_words(query.text)}
    speakers = {row.speaker for row in rows if row.speaker}
    names = {speaker: {word.term for word in split_words(speaker)} for speaker in speakers}
    meant = frozenset(speaker.casefold() for speaker, words in names.items() if words & said)
    if not meant and said & _ME:
        meant = frozenset({"user"})
    elif not meant and said & _YOU:
        meant = frozenset({"assistant"})
    terms = frozenset(stem(word) for words in names.values() for word in words)
    return Named(meant if len(meant) == 1 else frozenset(), terms)


def spoken_by(rows: Sequence[CandidateRow], named: Named) -> list[float]:
    """1.0 for what the one who is meant said."""
    return [
        float(row.speaker.casefold() in named.names or (not row.speaker and row.role in named.names)) for row in rows
    ]
