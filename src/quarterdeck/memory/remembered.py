"""What is remembered as a key to what was said, and as something that is found itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quarterdeck.memory.lexical import score_terms
from quarterdeck.memory.terms import kept_terms_of
from quarterdeck.store.recall_find import MemoryKeyRow


def by_message(keys: Sequence[MemoryKeyRow]) -> dict[str, list[MemoryKeyRow]]:
    found: dict[str, list[MemoryKeyRow]] = {}
    for key in keys:
        for message in key.sources:
            found.setdefault(message, []).append(key)
    return found


def score_keys(keys: Sequence[MemoryKeyRow], weights: Mapping[str, float]) -> list[float]:
    """How well the words of each fit."""
    terms = [kept_terms_of(key.text) for key in keys]
    usual = sum(len(some) for some in terms) / max(len(terms), 1) or 1.0
    return [score_terms({term: float(some.count(term)) for term in some}, len(some) / usual, weights) for some in terms]


def best_of(scores: Mapping[str, float], keys: Sequence[MemoryKeyRow]) -> float:
    """Of all that is remembered of a message, what fits best."""
    return max((scores.get(key.id, 0.0) for key in keys), default=0.0)
