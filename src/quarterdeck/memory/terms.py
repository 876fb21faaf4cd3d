"""What of a text is looked for and compared: the stems of its words, without those that are in every sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from quarterdeck.domain.stop_words import IN_EVERY_SENTENCE, said_words
from quarterdeck.domain.words import split_words, stem


def terms_of(text: str) -> list[str]:
    """In their order, as often as they are said."""
    return [stem(word.term) for word in split_words(text) if word.term not in IN_EVERY_SENTENCE]


class Counts(dict[str, float]):
    """How often each is said, and how many that are together."""

    __slots__ = ("length",)

    def __init__(self, counts: Mapping[str, float]) -> None:
        super().__init__(counts)
        self.length = sum(counts.values())


@lru_cache(20_000)
def count_entry(words: str) -> Counts:
    """Of a message's entry in the search index, where the words are already cut and folded."""
    return Counts(Counter(filter(None, map(_stem_if_kept, said_words(words)))))


@lru_cache(20_000)
def count_terms_of(text: str) -> Counts:
    """Of what is compared again and again."""
    return Counts(Counter(terms_of(text)))


@lru_cache(20_000)
def count_halves(texts: tuple[str, ...]) -> Counts:
    """Of several texts together, each time that a word is said as a half."""
    halves: dict[str, float] = {}
    for text in texts:
        for term, times in count_terms_of(text).items():
            halves[term] = halves.get(term, 0.0) + 0.5 * times
    return Counts(halves)


@lru_cache(65_536)
def _stem_if_kept(word: str) -> str:
    return "" if word in IN_EVERY_SENTENCE else stem(word)
