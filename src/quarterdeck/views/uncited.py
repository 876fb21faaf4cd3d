"""A turn's increments without citations: for surfaces from which `[[m:ID]]` leads nowhere."""

from __future__ import annotations

from quarterdeck.domain.citations import CitationFilter
from quarterdeck.domain.events import Event, PartEnded, PartStarted, StepEnded, TextDelta, TurnEnded
from quarterdeck.views.increments import Increments

_CITING = ("text", "idea")


class UncitedIncrements:
    """As `Increments`. What may be the beginning of a citation comes with the next piece, or before its part ends."""

    def __init__(self) -> None:
        self._increments = Increments()
        self._texts: dict[int, CitationFilter] = {}

    def of(self, event: Event) -> list[Event]:
        return [told for added in self._increments.of(event) for told in self._leave_out(added)]

    def _leave_out(self, event: Event) -> list[Event]:
        match event:
            case TextDelta(part=part, text=text) if part in self._texts:
                return _said(part, self._texts[part].feed(text))
            case PartEnded(part=part) if part in self._texts:
                return [*_said(part, self._texts[part].end()), event]
            case PartStarted(part=part, kind=kind):
                held = self._release()
                if kind in _CITING:
                    self._texts[part] = CitationFilter()
                return [*held, event]
            case StepEnded() | TurnEnded():
                return [*self._release(), event]
        return [event]

    def _release(self) -> list[Event]:
        return [said for part, text in self._texts.items() for said in _said(part, text.end())]


def _said(part: int, text: str) -> list[Event]:
    return [TextDelta(part, text)] if text else []
