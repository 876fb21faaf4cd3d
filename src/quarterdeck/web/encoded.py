"""A turn as other front ends read it: their encoding of its events, from the first one to the last."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from time import monotonic

from quarterdeck.domain.events import Event, decode_event
from quarterdeck.store.turns import TurnRow
from quarterdeck.views.sse import HEARTBEAT, HEARTBEAT_S
from quarterdeck.views.turn_reader import TurnReader
from quarterdeck.web.guard import AnswerCutError
from quarterdeck.web.house import House
from quarterdeck.web.streams import BoundedStream
from quarterdeck.web.viewing import read_turn

_LOOK_S = 1.0  # how soon a silent stream notices that the server is going down

Encode = Callable[[Event], bytes]


def message_key(chat: str, message: str) -> str:
    """The idempotency key of a message that its client has named: those names are unique within a chat at best."""
    digest = hashlib.sha256("\0".join((chat, message)).encode()).hexdigest()
    return f"named:{digest[:40]}"


async def encoded_stream(house: House, turn: TurnRow, encode: Encode, headers: Mapping[str, str]) -> BoundedStream:
    """Raises: `CursorError` when the log is not there any more."""
    reader = read_turn(house, turn.owner_id, turn.id)
    await reader.check()
    return BoundedStream(
        _encoded(house, reader, encode),
        media_type="text/event-stream",
        headers={
            "x-turn-id": turn.id,
            "x-chat-id": turn.conversation_id,
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
            **headers,
        },
    )


async def _encoded(house: House, reader: TurnReader, encode: Encode) -> AsyncIterator[bytes]:
    """Raises: `AnswerCutError` when it cannot be told to its end: these protocols would take a mere end for one."""
    beat_at = monotonic() + HEARTBEAT_S
    try:
        while not reader.is_over:
            if house.is_draining.is_set():
                raise AnswerCutError
            if entries := await reader.next(_LOOK_S):
                yield b"".join(encode(decode_event(entry.body)) for entry in entries)
            elif monotonic() >= beat_at:
                beat_at = monotonic() + HEARTBEAT_S
                yield HEARTBEAT
    except Exception as error:
        raise AnswerCutError from error
