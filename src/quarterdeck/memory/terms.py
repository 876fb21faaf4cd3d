"""What of a text is looked for and compared: the stems of its words, without those that are in every sentence.

By the rules of one language, that of the query; `ENGLISH` is also for what is in no known one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from quarterdeck.domain.languages import ENGLISH, Language
from quarterdeck.domain.words import STEM_MARK, split_words


def terms_of(text: str, language: Language = ENGLISH) -> list[str]:
    """In their order, as often as they are said."""
    return [root for word in split_words(text) if (root := language.root(word.term))]


class Counts(dict[str, float]):
    """How often each is said, and how many that are together."""

    __slots__ = ("length",)

    def __init__(self, counts: Mapping[str, float]) -> None:
        super().__init__(counts)
        self.length = sum(counts.values())


def count_stems(words: str, stems: Iterable[str], language: Language = ENGLISH) -> dict[str, float]:
    """How often a message's entry in the search index, where words are already cut and folded, says each of these;
    without those that it does not."""
    said = f" {words.partition(STEM_MARK)[0]} "
    found: dict[str, float] = {}
    if language is not ENGLISH:  # forms of others differ before that ("mogelijkheden", "mogelijkheid")
        counted = Counter(map(language.root, said.split()))
        return {root: float(counted[root]) for root in stems if root in counted}
    for root in stems:
        # A word begins with its stem, but for the stem's last letter ("filing", "file"): few have to be stemmed.
        beginning = f" {root[:-1]}"
        at = said.find(beginning)
        while at >= 0 and (end := said.find(" ", at + 1)) >= 0:
            if language.root(said[at + 1 : end]) == root:
                found[root] = found.get(root, 0.0) + 1.0
            at = said.find(beginning, end)
    return found


@lru_cache(20_000)
def count_terms_of(text: str, language: Language = ENGLISH) -> Counts:
    """Of what is compared again and again."""
    return Counts(Counter(terms_of(text, language)))


@lru_cache(20_000)
def count_halves(texts: tuple[str, ...], language: Language = ENGLISH) -> Counts:
    """Of several texts together, each time that a word is said as a half."""
    halves: dict[str, float] = {}
    for text in texts:
        for term, times in count_terms_of(text, language).items():
            halves[term] = halves.get(term, 0.0) + 0.5 * times
    return Counts(halves)
