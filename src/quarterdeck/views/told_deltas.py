"""A turn as API clients are told it: its text and thoughts, what it used, how it ended. Ideas are not told.

Citations of messages and memories are left out: they lead somewhere in the page only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from quarterdeck.domain.events import (
    Event,
    PartStarted,
    StepEnded,
    TextDelta,
    TurnEnded,
    UsageReported,
    decode_event,
)
from quarterdeck.domain.step import Delta, FinishChunk, ReasoningChunk, TextChunk, UsageChunk
from quarterdeck.errors import ProviderRefusedError, error_of_code
from quarterdeck.views.turn_reader import TurnReader
from quarterdeck.views.uncited import UncitedIncrements

Told = tuple[int, list[Delta] | ProviderRefusedError]
"""Of which choice, and what: deltas that came together, or that the model declined."""


async def told_deltas(reader: TurnReader) -> AsyncGenerator[Told, None]:
    """Raises: the error that the turn ended with; `CursorError`, `LogError`."""
    increments = UncitedIncrements()
    told = _TurnDeltas()
    async for entries in reader.follow():
        deltas = [
            delta
            for entry in entries
            for event in increments.of(decode_event(entry.body))
            for delta in told.read(event)
        ]
        if deltas:
            yield 0, deltas


class _TurnDeltas:
    def __init__(self) -> None:
        self._texts: set[int] = set()
        self._thoughts: set[int] = set()
        self._is_cut = False

    def read(self, event: Event) -> list[Delta]:
        match event:
            case TextDelta(part=part, text=text) if part in self._texts:
                return [TextChunk(text)]
            case TextDelta(part=part, text=text) if part in self._thoughts:
                return [ReasoningChunk(text)]
            case PartStarted(kind="text", part=part):
                self._texts.add(part)
            case PartStarted(kind="reasoning", part=part):
                self._thoughts.add(part)
            case UsageReported(usage=usage):
                return [UsageChunk(usage)]
            case StepEnded(finish=finish):
                self._is_cut = finish == "length"
            case TurnEnded(error=error):
                if error is not None:
                    raise error_of_code(error.code, error.message)
                return [FinishChunk("length" if self._is_cut else "stop")]
        return []
