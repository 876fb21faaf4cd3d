"""What is remembered as a key to what was said, and as something that is found itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quarterdeck.domain.languages import Language
from quarterdeck.memory.lexical import Texts
from quarterdeck.store.recall_find import MemoryKeyRow


class Known:
    """All that an owner's memories are to recall."""

    def __init__(self, keys: Sequence[MemoryKeyRow]) -> None:
        self.keys = keys
        self.ids = [key.id for key in keys]
        self.by_message = by_message(keys)
        self._texts = Texts([key.text for key in keys])

    def __len__(self) -> int:
        return len(self.keys)

    def score(self, weights: Mapping[str, float], language: Language) -> dict[str, float]:
        """How well the words fit, by memory, of those that have any."""
        return {self.ids[place]: score for place, score in self._texts.score(weights, language).items()}


def by_message(keys: Sequence[MemoryKeyRow]) -> dict[str, list[MemoryKeyRow]]:
    found: dict[str, list[MemoryKeyRow]] = {}
    for key in keys:
        for message in key.sources:
            found.setdefault(message, []).append(key)
    return found


def best_of(scores: Mapping[str, float], keys: Sequence[MemoryKeyRow]) -> float:
    """Of all that is remembered of a message, what fits best."""
    return max((scores.get(key.id, 0.0) for key in keys), default=0.0)
