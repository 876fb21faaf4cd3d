"""Summaries of sections as keys: what a section is about says where to look, though no message in it has the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quarterdeck.domain.languages import Language
from quarterdeck.memory.lexical import Texts
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.recall_sections import SectionRow, list_covered

_MOST = 3  # sections that are looked into
_LEAST = 0.5  # of the best one's: what fits less is about something else


class Sections:
    """The summaries of an owner's sections that can be recalled."""

    def __init__(self, rows: Sequence[SectionRow]) -> None:
        self._ids = [row.id for row in rows]
        self._texts = Texts([row.text for row in rows])

    def __len__(self) -> int:
        return len(self._ids)

    def best(self, weights: Mapping[str, float], language: Language) -> dict[str, float]:
        """By id: which share of what the query's words weigh the summary has."""
        whole = sum(weights.values())
        scores = self._texts.score(weights, language)
        most = max(scores.values(), default=0.0)
        if not whole or not most:
            return {}
        fitting = [(self._ids[place], score) for place, score in scores.items() if score >= _LEAST * most]
        fitting.sort(key=lambda one: -one[1])
        return {section: min(score / whole, 1.0) for section, score in fitting[:_MOST]}


def fit_of_messages(
    connection: AnyConnection, sections: Sections, weights: Mapping[str, float], language: Language
) -> dict[str, float]:
    """How well the summary of its section fits, 0..1, by message; only of the sections that fit best."""
    best = sections.best(weights, language)
    if not best:
        return {}
    fits: dict[str, float] = {}
    for section, messages in list_covered(connection, list(best)).items():
        for message in messages:
            fits[message] = max(best[section], fits.get(message, 0.0))
    return fits
