"""An answer as it comes: server-sent events taken apart, added up, and resumed by cursor. Pure: it reads no socket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.client.documents import Message
from quarterdeck.client.errors import ClientError, TurnFailedError
from quarterdeck.domain.events import (
    Event,
    PartKind,
    PartStarted,
    TextDelta,
    TurnEnded,
    TurnFault,
    TurnRestored,
    decode_event,
)
from quarterdeck.domain.fold import Fold, FoldedTurn
from quarterdeck.domain.parts import IdeaPart, ReasoningPart, TextPart, ToolCallPart, plain_text
from quarterdeck.domain.usage import Usage

Entry = tuple[int, Event]
SILENCE_S = 35.0  # the server says something every 15 s: after twice that the connection is dead
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_KINDS: dict[type, PartKind] = {
    TextPart: "text", ReasoningPart: "reasoning", IdeaPart: "idea", ToolCallPart: "tool_call",
}  # fmt: skip


class Delta(Struct, frozen=True):
    """More of the part `part`."""

    part: int
    kind: PartKind
    text: str


class AnswerState:
    """What is known of a turn: feed it the bytes of its stream, from `cursor` on."""

    def __init__(self, turn: str, after: int = 0) -> None:
        self.turn = turn
        self.cursor = after
        self.is_over = False
        self._fold = Fold() if after == 0 else None
        self._kinds: dict[int, PartKind] = {}
        self._texts: dict[int, list[str]] = {}
        self._buffer = b""
        self._fault: TurnFault | None = None

    @property
    def path(self) -> str:
        return f"/api/turns/{self.turn}/events?after={self.cursor}"

    def folded(self) -> FoldedTurn:
        """The answer so far. Raises: `ClientError` when it was not followed from its beginning."""
        if self._fold is None:
            raise ClientError("This answer was not followed from its beginning.", code="no_beginning")
        return self._fold.turn()

    def check(self) -> FoldedTurn:
        """The whole answer. Raises: `TurnFailedError`."""
        self.raise_fault()
        return self.folded()

    def raise_fault(self) -> None:
        """Raises: `TurnFailedError` if it failed."""
        if self._fault is not None:
            raise TurnFailedError(self._fault)

    def begin(self) -> None:
        """A new connection: half an event of the last one is forgotten."""
        self._buffer = b""

    def feed(self, chunk: bytes) -> Iterator[Entry]:
        """The events that are whole now. Each counts as soon as it is taken."""
        *blocks, self._buffer = (self._buffer + chunk).split(b"\n\n")
        for block in blocks:
            seq, raw = _fields_of(block)
            if raw and seq > self.cursor:
                yield from self._take(seq, raw)

    def take_message(self, message: Message) -> Iterator[Entry]:
        """In place of a log that is gone: the saved answer, as the two events that say the same."""
        restored = TurnRestored(
            turn=self.turn, conversation=message.conversation, message=message.id, request=message.parent or "",
            model=message.model, at=message.created_at, parts=message.parts, usage=message.usage or Usage(),
        )  # fmt: skip
        status: Any = message.status
        ended = TurnEnded(status=status, at=message.ended_at or 0, error=message.error)
        self._fold = self._fold or Fold()
        for event in (restored, ended):
            yield self._count(self.cursor + 1, event)

    def deltas_of(self, event: Event) -> list[Delta]:
        """What there is to add to what was told before; after `turn.restored` only what is new in it."""
        match event:
            case PartStarted(part=part, kind=kind):
                self._kinds[part] = kind
            case TextDelta(part=part, text=text):
                return [self._told(part, text)]
            case TurnRestored():
                return self._news_in(event)
        return []

    def _news_in(self, event: TurnRestored) -> list[Delta]:
        found = []
        for index, part in enumerate(event.parts):
            kind = _KINDS.get(type(part))
            if kind is None:
                continue
            self._kinds[index] = kind
            text = part.arguments if isinstance(part, ToolCallPart) else getattr(part, "text", "")
            told = "".join(self._texts.get(index, []))
            if news := text[_count_same(text, told) :]:
                found.append(self._told(index, news))
        return found

    def _told(self, part: int, text: str) -> Delta:
        self._texts.setdefault(part, []).append(text)
        return Delta(part, self._kinds.get(part, "text"), text)

    def _take(self, seq: int, raw: bytes) -> Iterator[Entry]:
        try:
            event = decode_event(raw)
        except msgspec.ValidationError:  # of a kind that a later server has
            self.cursor = seq
            return
        yield self._count(seq, event)

    def _count(self, seq: int, event: Event) -> Entry:
        self.cursor = seq
        if self._fold is not None:
            self._fold.apply(event)
        if isinstance(event, TurnEnded):
            self.is_over, self._fault = True, event.error
        return seq, event


def _count_same(text: str, told: str) -> int:
    """How many characters both begin with."""
    if text.startswith(told):
        return len(told)
    return next((place for place, pair in enumerate(zip(text, told, strict=False)) if pair[0] != pair[1]), len(text))


def _fields_of(block: bytes) -> tuple[int, bytes]:
    """`id` and `data` of one server-sent event; a comment has neither."""
    fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line and not line.startswith(b":"))
    number = fields.get(b"id", b"0")
    return (int(number) if number.isdigit() else 0), fields.get(b"data", b"")


class Patience:
    """How long one waits for a server that is gone: pauses that grow, until `limit_s` without any news."""

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._since: float | None = None
        self._pause_s = _FIRST_PAUSE_S

    def reset(self) -> None:
        """There was news."""
        self._since, self._pause_s = None, _FIRST_PAUSE_S

    def pause_s(self, error: ClientError) -> float:
        """How long to wait before the next try. Raises: `error` when there is none."""
        now = self._clock()
        self._since = now if self._since is None else self._since
        if not error.retryable or now - self._since >= self._limit_s:
            raise error
        pause, self._pause_s = self._pause_s, min(self._pause_s * 2, _LONGEST_PAUSE_S)
        return max(pause, min(error.retry_after_s or 0.0, self._limit_s))


def text_of(folded: FoldedTurn) -> str:
    return plain_text(folded.parts)
