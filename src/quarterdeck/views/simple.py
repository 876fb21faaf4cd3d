"""The four-field frames of simple clients: `{tag, chunk, chatId, done?}` (PROTOCOL "Simple clients").

What a turn says is told as entries: its ideas, then one message that all its text parts add up to.
Reasoning and tool calls are not told.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from quarterdeck.domain.events import Event, PartEnded, PartStarted, TextDelta, TurnEnded
from quarterdeck.views.increments import Increments

_NO_REASON = "The answer could not be finished."


class SimpleFrame(Struct, frozen=True, omit_defaults=True, rename={"chat_id": "chatId"}):
    """`done` is there when the entry is complete, and absent otherwise."""

    tag: Literal["message", "idea", "error"]
    chunk: str
    chat_id: str
    done: bool = False


class SimpleView:
    """Feed it one turn's events from the first on; it says which frames to send.

    A chunk has at least `min_chunk_chars` characters unless it is the last of its entry. The message's
    `done` (or an error) ends the turn. Of a failed turn everything received is sent before the error.
    """

    def __init__(self, chat_id: str, min_chunk_chars: int) -> None:
        self._chat_id = chat_id
        self._min_chunk_chars = min_chunk_chars
        self._increments = Increments()
        self._kinds: dict[int, str] = {}
        self._entry: Literal["idea", "message"] | None = None
        self._pending: list[str] = []
        self._pending_chars = 0
        self._is_over = False

    def encode(self, event: Event) -> list[str]:
        """The frames that `event` completes, as JSON texts; none after the turn's end."""
        if self._is_over:
            return []
        return [frame for added in self._increments.of(event) for frame in self._tell(added)]

    def _tell(self, event: Event) -> list[str]:
        match event:
            case TextDelta(part=part, text=text):
                return self._say(part, text)
            case PartStarted(part=part, kind=kind):
                self._kinds[part] = kind
                return self._begin_idea() if kind == "idea" else []
            case PartEnded(part=part) if self._kinds.get(part) == "idea" and self._entry == "idea":
                return [self._end_entry()]
            case TurnEnded():
                self._is_over = True
                return self._end_turn(event)
            case _:
                return []

    def _begin_idea(self) -> list[str]:
        """An idea that comes after the message has begun cannot be told as one: it is a line of the message."""
        if self._entry == "message":
            return self._add("\n")
        ended = [] if self._entry is None else [self._end_entry()]
        self._entry = "idea"
        return ended

    def _say(self, part: int, text: str) -> list[str]:
        kind = self._kinds.get(part)
        if kind not in ("idea", "text") or not text:
            return []
        ended: list[str] = []
        if kind == "text" and self._entry != "message":
            ended = [] if self._entry is None else [self._end_entry()]
            self._entry = "message"
        return ended + self._add(text)

    def _add(self, text: str) -> list[str]:
        self._pending.append(text)
        self._pending_chars += len(text)
        return [self._frame()] if self._pending_chars >= self._min_chunk_chars else []

    def _frame(self, done: bool = False) -> str:
        chunk = "".join(self._pending)
        self._pending.clear()
        self._pending_chars = 0
        return encode_simple(SimpleFrame(self._entry or "message", chunk, self._chat_id, done))

    def _end_entry(self) -> str:
        frame = self._frame(done=True)
        self._entry = None
        return frame

    def _end_turn(self, event: TurnEnded) -> list[str]:
        if event.status == "failed":
            sentence = event.error.message if event.error else _NO_REASON
            return [*([self._frame()] if self._pending else []), error_frame(self._chat_id, sentence)]
        frames = [self._end_entry()] if self._entry == "idea" else []
        return [*frames, self._end_entry()]


def encode_simple(frame: SimpleFrame) -> str:
    return _encoder.encode(frame).decode()


def error_frame(chat_id: str, sentence: str) -> str:
    """What ends a failed turn, or answers a frame that does not fit (`chat_id` "" if it had none)."""
    return encode_simple(SimpleFrame("error", " ".join(sentence.split()), chat_id, done=True))


_encoder = msgspec.json.Encoder()
