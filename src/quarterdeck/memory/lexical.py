"""How well words fit: BM25 of a message, and what those around it add to it.

In a talk the words of a question often stand beside its answer ("Where did you hike?" "In the Dolomites").
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from quarterdeck.domain.languages import Language
from quarterdeck.memory.candidates import Candidates
from quarterdeck.memory.terms import Counts, count_terms_of

_SATURATION, _LENGTH_WEIGHT = 0.6, 0.2
_RARITY = 1.3  # a rare word says more than its share
_AROUND = {-1: 0.7, -2: 0.35, 1: 0.1, 2: 0.1, 3: 0.1}
"""What the words of a message's neighbours add to it, by where they stand: the question comes before the answer."""
_AGAIN = 1.5
"""One word in several of these adds as the root of the sum of such powers: less than as many words. 1 is the sum."""


def weigh_terms(frequencies: Mapping[str, int], count: int) -> dict[str, float]:
    """How much each word says, by the number of messages that have it of `count`."""
    return {
        term: math.log(1 + (max(count - known, 0) + 0.5) / (known + 0.5)) ** _RARITY
        for term, known in frequencies.items()
        if known
    }


def score_words(candidates: Candidates, weights: Mapping[str, float]) -> list[float]:
    """Of each candidate with those around it: several of the words say more than one of them again and again."""
    scored = _score_each(candidates, weights)
    beside = _places_beside(candidates, {place for scores in scored for place in scores})
    totals = [0.0] * len(candidates)
    for scores in scored:
        powers = {place: score**_AGAIN for place, score in scores.items()}
        around = dict(powers)
        for place, power in powers.items():
            for at, share in beside.get(place, ()):
                around[at] = around.get(at, 0.0) + share * power
        for at, power in around.items():
            totals[at] += power ** (1 / _AGAIN)
    return totals


def _places_beside(candidates: Candidates, places: Collection[int]) -> dict[int, list[tuple[int, float]]]:
    """Of each of these in a talk the positions that its words add to, with what share of their power."""
    shares = [(steps, share**_AGAIN) for steps, share in _AROUND.items()]
    return {
        place: [(talk[at - steps], share) for steps, share in shares if 0 <= at - steps < len(talk)]
        for talk in candidates.talks
        for at, place in enumerate(talk)
        if place in places
    }


def _score_each(candidates: Candidates, weights: Mapping[str, float]) -> Collection[dict[int, float]]:
    """For each word the candidates that have it, by their positions: how well it fits each by itself."""
    remembered = candidates.remembered
    lengths: list[float] = [row.length for row in candidates.rows]
    for at, halves in remembered.items():
        lengths[at] += halves.length
    usual = sum(lengths) / max(len(candidates), 1) or 1.0
    found: dict[str, dict[int, float]] = {term: {} for term in weights}
    said = candidates.count_said()
    for at, halves in remembered.items():
        said[at] = _both(said.get(at, {}), halves, weights)
    for at, terms in said.items():
        for term, score in _term_scores(terms, lengths[at] / usual, weights):
            found[term][at] = score
    return found.values()


def _both(terms: Mapping[str, float], halves: Counts, weights: Mapping[str, float]) -> dict[str, float]:
    """Only the words that are looked for: what is remembered of a message may be long."""
    return {term: terms.get(term, 0.0) + halves.get(term, 0.0) for term in weights}


class Texts:
    """What is looked through again and again: what is remembered, or summaries."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._read: dict[Language, _Read] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def score(self, weights: Mapping[str, float], language: Language) -> dict[int, float]:
        """By the places of the texts, in their order: how well each fits that has any of the words."""
        read = self._read.get(language)
        if read is None:
            read = self._read[language] = _Read(self._texts, language)
        return read.score(weights)


class _Read:
    """Texts by the words that they have, as they are read in one language."""

    def __init__(self, texts: Sequence[str], language: Language) -> None:
        self._terms = [count_terms_of(text, language) for text in texts]
        self._usual = sum(terms.length for terms in self._terms) / max(len(texts), 1) or 1.0
        self._having: dict[str, list[int]] = {}
        for place, terms in enumerate(self._terms):
            for term in terms:
                self._having.setdefault(term, []).append(place)

    def score(self, weights: Mapping[str, float]) -> dict[int, float]:
        fitting = {place for term in weights for place in self._having.get(term, ())}
        scores = {place: self._score(place, weights) for place in sorted(fitting)}
        return {place: score for place, score in scores.items() if score > 0}

    def _score(self, place: int, weights: Mapping[str, float]) -> float:
        terms = self._terms[place]
        return score_terms(terms, terms.length / self._usual, weights)


def score_terms(terms: Mapping[str, float], length: float, weights: Mapping[str, float]) -> float:
    """`length`: against the usual one."""
    return sum(score for _, score in _term_scores(terms, length, weights))


def _term_scores(terms: Mapping[str, float], length: float, weights: Mapping[str, float]) -> list[tuple[str, float]]:
    """What each of the words that are there gives."""
    saturation = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * length)
    return [
        (term, weight * times * (_SATURATION + 1) / (times + saturation))
        for term, weight in weights.items()
        if (times := terms.get(term))
    ]


def add_around(candidates: Candidates, scores: Sequence[float], around: Mapping[int, float]) -> list[float]:
    """`around`: what share of a neighbour's score is added, by where it stands in the same talk."""
    total = list(scores)
    for steps, share in around.items():
        for at, place in candidates.beside(steps):
            total[at] += share * scores[place]
    return total
