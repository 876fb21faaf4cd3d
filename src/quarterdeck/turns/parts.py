"""From a model's deltas to our events: which part is open, where the next begins.

One writer for a step, of a plain answer or one in tagged entries; it can begin in the middle of a part, after a
take-over.
"""

from __future__ import annotations

from typing import Literal

from quarterdeck.context.rendering import BLANK_LINE, continued_text, step_start
from quarterdeck.domain.events import Event, PartEnded, PartKind, PartStarted, TextDelta
from quarterdeck.domain.parts import IdeaPart, Part, ReasoningPart, TextPart, ToolCallPart, plain_text
from quarterdeck.domain.step import ReasoningChunk, TextChunk, ToolCallChunk
from quarterdeck.domain.tagged import EntryEnded, EntryStarted, EntryText, TaggedParser
from quarterdeck.turns.seam import Seam

Chunk = TextChunk | ReasoningChunk | ToolCallChunk


class PartWriter:
    """Keeps the index of the open part; `chunk(…)` and `close()` say which events follow."""

    def __init__(self, so_far: list[Part], open_part: int | None, answer_format: Literal["plain", "tagged"]) -> None:
        self._next = len(so_far)
        self._open = open_part
        self._kind: PartKind | None = None if open_part is None else _kind_of(so_far[open_part])
        self._calls = {part.call for part in so_far if isinstance(part, ToolCallPart)}
        self._call: tuple[int, str] | None = None  # as the provider numbers and names the open one
        self._is_closed = False
        earlier = so_far[: step_start(so_far)]
        # What is said after a tool's result begins a paragraph: whoever reads the text alone sees no seam.
        self._lead = BLANK_LINE if plain_text(earlier).strip() and not plain_text(so_far[len(earlier) :]) else ""
        before = continued_text(so_far, open_part, answer_format)
        self.goes_on = bool(before)  # from words of this step that are there already
        self._seam = Seam(before) if before else None
        self._tagged = _parser_after(before) if answer_format == "tagged" else None
        self._is_bare = self._seam is None and self._tagged is None and not self._lead  # text is told as it comes
        self._entry: PartKind = "idea" if self._kind == "idea" else "text"  # what the parser is in

    @property
    def has_called(self) -> bool:
        """Whether this step asks for a call."""
        return self._call is not None

    def write(self, chunk: Chunk) -> list[Event]:
        match chunk:
            case TextChunk(text=text):
                return self.write_text(text)
            case ReasoningChunk(text=text):
                return self._release() + (self._put("reasoning", text) if text else [])
            case ToolCallChunk():
                return self._release() + self._write_call(chunk)

    def write_text(self, text: str) -> list[Event]:
        """As `write` of a chunk of text."""
        if self._is_bare and text and self._open is not None and self._kind == "text":
            return [TextDelta(self._open, text)]
        fresh = text if self._seam is None else self._seam.feed(text)
        return self._write_text(fresh) if fresh else []

    def close(self) -> list[Event]:
        """The answer is complete (or will not be): everything held back comes out, the open part ends.

        Closing again says nothing more.
        """
        if self._is_closed:
            return []
        self._is_closed = True
        events = self._release()
        if self._tagged is not None:
            events += self._entries(self._tagged.close())
        return events + self._end()

    def _release(self) -> list[Event]:
        """What the seam holds back comes before whatever is not text."""
        held = "" if self._seam is None else self._seam.close()
        return self._write_text(held) if held else []

    def _write_text(self, text: str) -> list[Event]:
        if self._tagged is None:
            if self._lead:
                text, self._lead = self._lead + text.lstrip("\n"), ""
                self._is_bare = self._seam is None
            return self._put("text", text)
        return self._entries(self._tagged.feed(text))

    def _entries(self, entries: list[EntryStarted | EntryText | EntryEnded]) -> list[Event]:
        events: list[Event] = []
        for entry in entries:
            match entry:
                case EntryStarted(tag=tag):
                    events += self._end()
                    self._entry = "idea" if tag == "idea" else "text"
                    events.append(self._begin(self._entry))
                case EntryText(text=text):
                    events += self._put(self._entry, text)
                case EntryEnded():
                    events += self._end()
        return events

    def _write_call(self, chunk: ToolCallChunk) -> list[Event]:
        """A call begins with an id or a name; some providers give several the same id, or none."""
        events: list[Event] = []
        known = self._call
        is_new = known is None or chunk.index > known[0] or (chunk.call and chunk.call != known[1])
        if is_new and (chunk.call or chunk.name):
            self._call = (chunk.index, chunk.call)
            events += self._end()
            events.append(self._begin("tool_call", self._name_call(chunk.call), chunk.name))
        elif is_new or (known is not None and chunk.index < known[0]):
            return events  # of one that never began, or has ended
        if chunk.arguments and self._open is not None and self._kind == "tool_call":
            events.append(TextDelta(self._open, chunk.arguments))
        return events

    def _name_call(self, call: str) -> str:
        """An id that no other call of this answer has."""
        name = call or f"call_{self._next}"
        while name in self._calls:
            name = f"{name}_{self._next}"
        self._calls.add(name)
        return name

    def _put(self, kind: PartKind, text: str) -> list[Event]:
        if self._open is not None and self._kind == kind:
            return [TextDelta(self._open, text)]
        events = self._end()
        events.append(self._begin(kind))
        events.append(TextDelta(self._next - 1, text))
        return events

    def _begin(self, kind: PartKind, call: str = "", name: str = "") -> PartStarted:
        self._open, self._kind = self._next, kind
        self._next += 1
        return PartStarted(self._open, kind, call, name)

    def _end(self) -> list[Event]:
        if self._open is None:
            return []
        ended = PartEnded(self._open)
        self._open = self._kind = None
        return [ended]


def _kind_of(part: Part) -> PartKind:
    match part:
        case IdeaPart():
            return "idea"
        case ReasoningPart():
            return "reasoning"
        case TextPart():
            return "text"
        case _:
            return "tool_call"


def _parser_after(before: str) -> TaggedParser:
    """A parser in the state it was in when the answer was cut off."""
    parser = TaggedParser()
    parser.feed(before)
    return parser
