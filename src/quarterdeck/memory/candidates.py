"""The messages that may be what is looked for, in the order of time, with what stands around each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from quarterdeck.domain.languages import ENGLISH, Language
from quarterdeck.memory.terms import Counts, count_halves, count_stems
from quarterdeck.store.recall_candidates import CandidateRow
from quarterdeck.store.recall_find import MemoryKeyRow

SITTING_MS = 1_800_000  # who says nothing for so long has got up: what comes then belongs to another talk


class Candidates:
    """`rows` in the order of time; `keys`: what is remembered of each message, by its id; `having`: which words of the
    query an entry may have; `language`: of the query."""

    def __init__(
        self,
        rows: Sequence[CandidateRow],
        keys: Mapping[str, Sequence[MemoryKeyRow]],
        having: Mapping[int, Collection[str]],
        language: Language = ENGLISH,
    ) -> None:
        self.rows = rows
        self.keys = keys
        self._having = having
        self._language = language

    def __len__(self) -> int:
        return len(self.rows)

    def count_said(self) -> dict[int, dict[str, float]]:
        """How often each word of the query is said, by the positions of those that say any."""
        rows, having = enumerate(self.rows), self._having.get
        said = ((at, row, stems) for at, row in rows if (stems := having(row.entry)))
        counted = ((at, count_stems(row.words or "", stems, self._language)) for at, row, stems in said)
        return {at: found for at, found in counted if found}

    @cached_property
    def remembered(self) -> dict[int, Counts]:
        """The words of what is remembered of a message, which count half, by its position."""
        known = self.keys.get
        found = ((at, known(row.message_id)) for at, row in enumerate(self.rows)) if self.keys else ()
        return {at: count_halves(tuple(key.text for key in keys), self._language) for at, keys in found if keys}

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
    def talks(self) -> list[list[int]]:
        """Those of several messages."""
        return [sitting for sitting in self.sittings if len(sitting) > 1]

    def beside(self, steps: int) -> Iterator[tuple[int, int]]:
        """Positions, each with that of what was said so many messages later (or earlier) in the same talk."""
        before, after = max(-steps, 0), max(steps, 0)
        for talk in self.talks:
            yield from zip(talk[before:], talk[after:], strict=False)
