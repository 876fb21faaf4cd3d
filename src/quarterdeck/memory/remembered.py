"""What is remembered as a key to what was said, and as something that is found itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quarterdeck.store.recall_find import MemoryKeyRow


def by_message(keys: Sequence[MemoryKeyRow]) -> dict[str, list[MemoryKeyRow]]:
    found: dict[str, list[MemoryKeyRow]] = {}
    for key in keys:
        for message in key.sources:
            found.setdefault(message, []).append(key)
    return found


def best_of(scores: Mapping[str, float], keys: Sequence[MemoryKeyRow]) -> float:
    """Of all that is remembered of a message, what fits best."""
    return max((scores.get(key.id, 0.0) for key in keys), default=0.0)
