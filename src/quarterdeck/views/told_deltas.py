"""A turn as API clients are told it: its text and thoughts, what it used, how it ended. Ideas are not told.

Citations of messages and memories are left out: they lead somewhere in the page only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from quarterdeck.domain.citations import CitationFilter
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
from quarterdeck.views.increments import Increments
from quarterdeck.views.turn_reader import TurnReader

Told = tuple[int, list[Delta] | ProviderRefusedError]
"""Of which choice, and what: deltas that came together, or that the model declined."""


async def told_deltas(reader: TurnReader) -> AsyncGenerator[Told, None]:
    """Raises: the error that the turn ended with; `CursorError`, `LogError`."""
    increments = Increments()
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
        self._texts: dict[int, CitationFilter] = {}
        self._thoughts: set[int] = set()
        self._is_cut = False

    def read(self, event: Event) -> list[Delta]:
        match event:
            case TextDelta(part=part, text=text) if part in self._texts:
                return _said(self._texts[part].feed(text))
            case TextDelta(part=part, text=text) if part in self._thoughts:
                return [ReasoningChunk(text)]
            case PartStarted(kind="text", part=part):
                said = self._end_texts()
                self._texts[part] = CitationFilter()
                return said
            case PartStarted(kind="reasoning", part=part):
                self._thoughts.add(part)
            case UsageReported(usage=usage):
                return [UsageChunk(usage)]
            case StepEnded(finish=finish):
                self._is_cut = finish == "length"
                return self._end_texts()
            case TurnEnded(error=error):
                if error is not None:
                    raise error_of_code(error.code, error.message)
                return [*self._end_texts(), FinishChunk("length" if self._is_cut else "stop")]
        return []

    def _end_texts(self) -> list[Delta]:
        return [delta for text in self._texts.values() for delta in _said(text.end())]


def _said(text: str) -> list[Delta]:
    return [TextChunk(text)] if text else []
