"""The messages that may be what is looked for, in the order of time, with what stands around each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from quarterdeck.memory.terms import Counts, count_entry, count_terms_of
from quarterdeck.store.recall_find import CandidateRow, MemoryKeyRow

_REMEMBERED = 0.5
SITTING_MS = 1_800_000  # who says nothing for so long has got up: what comes then belongs to another talk


class Candidates:
    """`rows` in the order of time; `keys`: what is remembered of each message, by its id."""

    def __init__(self, rows: Sequence[CandidateRow], keys: Mapping[str, Sequence[MemoryKeyRow]] | None = None) -> None:
        self.rows = rows
        self.keys = keys or {}

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def terms(self) -> list[Counts]:
        """How often each word is said; what is remembered of a message counts half."""
        if not self.keys:
            return [count_entry(row.words) for row in self.rows]
        return [self._with_keys(row) if row.message_id in self.keys else count_entry(row.words) for row in self.rows]

    def _with_keys(self, row: CandidateRow) -> Counts:
        more: dict[str, float] = dict(count_entry(row.words))
        for key in self.keys[row.message_id]:
            for term, times in count_terms_of(key.text).items():
                more[term] = more.get(term, 0.0) + _REMEMBERED * times
        return Counts(more)

    @cached_property
    def lengths(self) -> list[float]:
        return [terms.length for terms in self.terms]

    @cached_property
    def sittings(self) -> list[list[int]]:
        """The talks: positions of messages of one conversation without a long pause between them."""
        found: list[list[int]] = []
        open_ones: dict[str, list[int]] = {}
        for at, row in enumerate(self.rows):
            sitting = open_ones.get(row.conversation_id)
            if sitting is None or row.created_at - self.rows[sitting[-1]].created_at > SITTING_MS:
                sitting = open_ones[row.conversation_id] = []
                found.append(sitting)
            sitting.append(at)
        return found

    @cached_property
    def _talks(self) -> list[list[int]]:
        return [sitting for sitting in self.sittings if len(sitting) > 1]

    def beside(self, steps: int) -> Iterator[tuple[int, int]]:
        """Positions, each with that of what was said so many messages later (or earlier) in the same talk."""
        before, after = max(-steps, 0), max(steps, 0)
        for talk in self._talks:
            yield from zip(talk[before:], talk[after:], strict=False)
