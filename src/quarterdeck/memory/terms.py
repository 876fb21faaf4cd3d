"""What of a text is looked for and compared: the stems of its words, without those that are in every sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from quarterdeck.domain.words import STEM_MARK, split_words, stem

_STOP_WORDS = """
a about above after again ah all already also always am an and any are aren as at be because been before being below
between both but by can cannot could couldn d did didn do does doesn doing don done down during each eg else etc
ever few for from further get gets getting go goes going gonna got had hadn has hasn have haven having he hello her
here hers herself hey hi him himself his how however i ie if in into is isn it its itself just let ll m may maybe me
might mine more most much must mustn my myself no nor not now of off oh ok okay on once one only or other our ours
ourselves out over own perhaps please quite rather re really s said same say says shall shan she should shouldn
since so some still such t than thank thanks that the their theirs them themselves then there these they this those
though through to too under until up upon us ve very was wasn we well were weren what when where whether which while
who whom whose why will with won would wouldn wow yeah yes yet you your yours yourself yourselves
aber als am an auch auf aus bei bin bis bist da das dass dein deine dem den der des dich die dir doch du ein eine
einem einen einer eines er es für habe haben hast hat hatte ich ihm ihn ihr im ist ja kann man mein meine mich mir
mit nach nicht noch nur ob oder schon sein seine sich sie sind so und uns unser vom von vor wann war waren warum was
wem wen wenn wer werden wie wieder wir wird wo zu zum zur
"""
_IN_EVERY_SENTENCE = frozenset(_STOP_WORDS.split())


def terms_of(text: str) -> list[str]:
    """In their order, as often as they are said."""
    return [stem(word.term) for word in split_words(text) if word.term not in _IN_EVERY_SENTENCE]


class Counts(dict[str, float]):
    """How often each is said, and how many that are together."""

    __slots__ = ("length",)

    def __init__(self, counts: Mapping[str, float]) -> None:
        super().__init__(counts)
        self.length = sum(counts.values())


@lru_cache(20_000)
def count_entry(words: str) -> Counts:
    """Of a message's entry in the search index, where the words are already cut and folded."""
    said = words.partition(STEM_MARK)[0].split()
    return Counts(Counter(filter(None, map(_stem_if_kept, said))))


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
    return "" if word in _IN_EVERY_SENTENCE else stem(word)
