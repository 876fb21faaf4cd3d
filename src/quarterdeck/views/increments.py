"""A turn's events for surfaces that only ever add: what they have sent cannot be taken back.

`turn.restored` says a whole answer; here it becomes the events that lead from what was told to it.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from quarterdeck.domain.events import (
    Event,
    PartEnded,
    PartKind,
    PartStarted,
    TextDelta,
    ToolReturned,
    TurnRestored,
)
from quarterdeck.domain.parts import IdeaPart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart

_BREAK = "\n\n"
_Kind = PartKind | Literal["tool_result"]


class _Told(Struct):
    """How much of a part was told."""

    kind: _Kind
    chars: int = 0
    ended: bool = False


class Increments:
    """Feed it one turn's events from the first on.

    An answer that was lost with its log and is written from the beginning follows what was told of it, after an
    empty line, in parts with further numbers.
    """

    def __init__(self) -> None:
        self._told: list[_Told] = []
        self._base = 0  # parts told before the answer began again

    def of(self, event: Event) -> list[Event]:
        """What `event` adds; `turn.restored` is never among it."""
        match event:
            case TextDelta(part=part, text=text):
                self._told[self._base + part].chars += len(text)
            case PartStarted(kind=kind):
                self._told.append(_Told(kind))
            case PartEnded(part=part):
                self._told[self._base + part].ended = True
            case ToolReturned(text=text):
                self._told.append(_Told("tool_result", len(text), ended=True))
            case TurnRestored():
                return self._restore(event)
        return [self._numbered(event)]

    def _numbered(self, event: Event) -> Event:
        if self._base and isinstance(event, TextDelta | PartStarted | PartEnded | ToolReturned):
            return msgspec.structs.replace(event, part=self._base + event.part)
        return event

    def _restore(self, event: TurnRestored) -> list[Event]:
        added: list[Event] = [] if self._goes_on(event.parts) else self._break_off()
        for index, part in enumerate(event.parts):
            added += self._complete(index, part, is_open=index == event.open)
        return added

    def _goes_on(self, parts: list[Part]) -> bool:
        told = self._told[self._base :]
        return len(told) <= len(parts) and all(
            old.kind == kind and old.chars <= len(text)
            for old, (kind, text) in zip(told, map(_content, parts), strict=False)
        )

    def _break_off(self) -> list[Event]:
        added: list[Event] = []
        if any(told.kind == "text" and told.chars for told in self._told):
            last = max(number for number, told in enumerate(self._told) if told.kind == "text")
            added.append(TextDelta(last, _BREAK))
        for number, told in enumerate(self._told):
            if not told.ended:
                told.ended = True
                added.append(PartEnded(number))
        self._base = len(self._told)
        return added

    def _complete(self, index: int, part: Part, *, is_open: bool) -> list[Event]:
        number = self._base + index
        kind, text = _content(part)
        added: list[Event] = []
        if number == len(self._told):
            if isinstance(part, ToolResultPart):
                self._told.append(_Told("tool_result", len(text), ended=True))
                return [ToolReturned(number, part.call, text, part.is_error, part.taint)]
            call, name = (part.call, part.name) if isinstance(part, ToolCallPart) else ("", "")
            self._told.append(_Told(kind))
            added.append(PartStarted(number, _written(part)[0], call, name))
        told = self._told[number]
        if told.chars < len(text):
            added.append(TextDelta(number, text[told.chars :]))
            told.chars = len(text)
        if not is_open and not told.ended:
            told.ended = True
            added.append(PartEnded(number))
        return added


def _content(part: Part) -> tuple[_Kind, str]:
    if isinstance(part, ToolResultPart):
        return "tool_result", part.text
    return _written(part)


def _written(part: Part) -> tuple[PartKind, str]:
    """What comes in pieces."""
    match part:
        case TextPart(text=text):
            return "text", text
        case IdeaPart(text=text):
            return "idea", text
        case ReasoningPart(text=text):
            return "reasoning", text
        case ToolCallPart(arguments=text):
            return "tool_call", text
        case _:
            raise TypeError(f"An answer has no {type(part).__name__}.")
