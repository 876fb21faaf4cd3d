"""A turn: its events as server-sent events, and how to stop it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from quarterdeck.accounts.access import access_turn
from quarterdeck.errors import InputError
from quarterdeck.views.sse import HEARTBEAT, HEARTBEAT_S, encode_entry
from quarterdeck.views.turn_reader import TurnReader
from quarterdeck.web.dependencies import CallerOrGuest, TheHouse
from quarterdeck.web.house import House
from quarterdeck.web.streams import BoundedStream
from quarterdeck.web.viewing import read_turn

router = APIRouter(prefix="/api/turns", tags=["turns"])

_LOOK_S = 1.0  # how soon a silent stream notices that the server is going down


@router.get("/{turn}/events", response_class=BoundedStream)
async def follow_events(
    house: TheHouse,
    caller: CallerOrGuest,
    turn: str,
    after: Annotated[int | None, Query(ge=0, description="The last seq you have.")] = None,
    last_event_id: Annotated[str | None, Header(description="The same, as browsers send it.")] = None,
) -> Response:
    """Follow a turn's events.

    Replays from the cursor, goes on live and ends after `turn.ended`. 410 means: reload the messages.
    """
    await house.database.read(lambda connection: access_turn(connection, caller.user, turn))
    reader = read_turn(house, caller.user, turn, _cursor(after, last_event_id))
    await reader.check()
    return BoundedStream(
        _stream(house, reader),
        media_type="text/event-stream",
        headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
    )


@router.post("/{turn}/stop", status_code=202)
async def stop(house: TheHouse, caller: CallerOrGuest, turn: str) -> Response:
    """Stop a turn. The answer ends with what it has; stopping one that has ended is no error."""
    await house.database.read(lambda connection: access_turn(connection, caller.user, turn))
    await house.turns.stop(turn)
    return Response(status_code=202)


def _cursor(after: int | None, last_event_id: str | None) -> int:
    """`Last-Event-ID` is newer than the address it was opened with, so it comes first."""
    if last_event_id is None or last_event_id == "":
        return after or 0
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 12:
        raise InputError("Last-Event-ID must be the number of an event.")
    return int(last_event_id)


async def _stream(house: House, reader: TurnReader) -> AsyncIterator[bytes]:
    beat_at = monotonic() + HEARTBEAT_S
    while not reader.is_over and not house.is_draining.is_set():
        if entries := await reader.next(_LOOK_S):
            yield b"".join(map(encode_entry, entries))
        elif monotonic() >= beat_at:
            beat_at = monotonic() + HEARTBEAT_S
            yield HEARTBEAT
