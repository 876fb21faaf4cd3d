"""A turn: its events, as server-sent events or by long-poll, and how to stop it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.access import access_turn
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import InputError
from quarterdeck.log.base import Entry
from quarterdeck.store.approvals import Decision
from quarterdeck.views.long_poll import encode_entries
from quarterdeck.views.sse import HEARTBEAT, HEARTBEAT_S, encode_entry
from quarterdeck.views.turn_reader import TurnReader
from quarterdeck.web.dependencies import CallerOrGuest, TheHouse
from quarterdeck.web.events import MAX_ENTRIES, NO_STORE, Limit, Wait
from quarterdeck.web.house import House
from quarterdeck.web.streams import BoundedStream, wait_signed_in
from quarterdeck.web.viewing import read_turn


class Verdict(BaseModel):
    """`digest`: as `approval.requested` says it."""

    digest: str = Field(min_length=64, max_length=64)
    decision: Literal["approved", "declined"]


router = APIRouter(prefix="/api/turns", tags=["turns"])

_LOOK_S = 1.0  # how soon a silent stream notices that the server is going down


@router.get("/{turn}/events", response_class=BoundedStream)
async def follow_events(
    house: TheHouse,
    caller: CallerOrGuest,
    turn: str,
    after: Annotated[int | None, Query(ge=0, description="The last seq you have.")] = None,
    last_event_id: Annotated[str | None, Header(description="The same, as browsers send it.")] = None,
    wait: Wait = None,
    limit: Limit = MAX_ENTRIES,
) -> Response:
    """Follow a turn's events.

    Replays from the cursor, goes on live and ends after `turn.ended`. 410 means: reload the messages. With `wait` it is
    no stream but one answer of JSON: `{items: {seq, event}[], cursor, is_over}`, to be asked again after `cursor`.
    """
    await house.database.read(lambda connection: access_turn(connection, caller.user, turn))
    reader = read_turn(house, caller.user, turn, _cursor(after, last_event_id))
    await reader.check()
    if wait is not None:
        polled = await wait_signed_in(house.connections, caller, _poll(house, reader, wait, limit))
        return Response(polled, media_type="application/json", headers=NO_STORE)
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


@router.post("/{turn}/approvals/{call}", status_code=202)
async def settle_call(house: TheHouse, caller: CallerOrGuest, turn: str, call: str, wanted: Verdict) -> Response:
    """Allow a tool call that waits for it (`approval.requested`), or decline it. `approval.settled` follows.

    It counts for the call with exactly these arguments, and for no other.
    """
    row = await house.database.read(lambda connection: access_turn(connection, caller.user, turn))
    await house.turns.settle(row, Decision(call, wanted.digest, wanted.decision, now_ms()))
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


async def _poll(house: House, reader: TurnReader, wait_s: float, limit: int) -> bytes:
    """What is there, at most `limit` events; if that is nothing, what comes first within `wait_s`."""
    ends_at, entries = monotonic() + wait_s, list[Entry]()
    while not entries and not reader.is_over and not house.is_draining.is_set():
        left_s = ends_at - monotonic()
        entries = await reader.next(max(0.0, min(left_s, _LOOK_S)))
        if left_s <= 0:
            break
    if len(entries) > limit:
        return encode_entries(entries[:limit], entries[limit - 1].seq, is_over=False)
    return encode_entries(entries, reader.cursor, is_over=reader.is_over)
