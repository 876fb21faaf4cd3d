"""The lists of the search index, one for each word of a query: which entries have it, the newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from heapq import nlargest

_ROUNDED = 1e-9  # sums of weights, against each other


class WordLists:
    """`entries`: of each word, in the order of the query. `weights`: what each says."""

    def __init__(self, entries: Mapping[str, Sequence[int]], weights: Mapping[str, float]) -> None:
        self._entries = entries
        self._weights = weights

    def best(self, most: int) -> list[int]:
        """The entries that most words, by what they say, point to."""
        scores: dict[int, float] = {}
        pool = self.pool(most)
        for word, entries in self._entries.items():
            more = dict.fromkeys(pool.intersection(entries), self._weights[word])
            for entry in scores.keys() & more.keys():
                more[entry] += scores[entry]
            scores.update(more)
        return take_best(scores, most)

    def pool(self, most: int) -> set[int]:
        """All that can be among the best. Frequent words have thousands of entries and say little: when there are
        enough of what says more than all of them together, what has nothing else is left out."""
        words = sorted(self._entries, key=self._weights.__getitem__, reverse=True)
        pool: set[int] = set()
        for at, word in enumerate(words):
            left = sum(self._weights[other] for other in words[at:])
            if len(pool) >= most and left * (1 + _ROUNDED) < self._weights[words[at - 1]]:
                break
            pool.update(self._entries[word])
        return pool

    def words_of(self, entries: Collection[int]) -> dict[int, list[str]]:
        """Which of the words each of these has, in the order of the query; without those that have none."""
        wanted, found = set(entries), dict[int, list[str]]()
        for word, having in self._entries.items():
            for entry in wanted.intersection(having):
                found.setdefault(entry, []).append(word)
        return found


def take_best(scores: Mapping[int, float], most: int) -> list[int]:
    """The highest by score; of those with the same score the greatest. Thousands share a few scores: words add up."""
    if len(scores) <= most:
        return list(scores)
    left, least = most, 0.0
    counted = Counter(scores.values())
    for least in sorted(counted, reverse=True):
        left -= counted[least]
        if left <= 0:
            break
    last = nlargest(left + counted[least], (entry for entry, score in scores.items() if score == least))
    return [entry for entry, score in scores.items() if score > least] + last
