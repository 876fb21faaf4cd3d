"""`GET /api/events`: what the full socket would tell, for networks that let none through: streamed, or polled for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Response

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.errors import InputError
from quarterdeck.views.long_poll import encode_frames
from quarterdeck.views.sse import encode_data
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.gathering import Wish, gather
from quarterdeck.web.house import House
from quarterdeck.web.streams import BoundedStream, wait_signed_in

router = APIRouter(prefix="/api", tags=["turns"])

MAX_TURNS = 50
MAX_WAIT_S = 60.0
MAX_ENTRIES = 512
NO_STORE = {"cache-control": "no-store"}
_NOW = "now"

Wait = Annotated[
    float | None,
    Query(ge=0, le=MAX_WAIT_S, description="Answer with JSON as soon as there is something, or after so many seconds."),
]
Limit = Annotated[
    int,
    Query(ge=1, le=MAX_ENTRIES, description="With `wait`: at most so many events, for networks that cut long answers."),
]


@router.get("/events", response_class=BoundedStream)
async def follow_many(
    house: TheHouse,
    caller: Caller,
    turn: Annotated[
        list[str] | None, Query(max_length=MAX_TURNS, description="A turn and the last seq you have: `id:seq`.")
    ] = None,
    feed: Annotated[str | None, Query(description="The feed, after this seq, or from `now` on.")] = None,
    wait: Wait = None,
    limit: Limit = MAX_ENTRIES,
) -> Response:
    """Follow several turns and the feed without a socket.

    Without `wait` a stream of server-sent events; with it one answer of JSON, `{items}`. Both carry the full socket's
    frames, `hello` first.
    """
    wish = Wish(dict(map(_turn_and_cursor, turn or [])), None if feed is None else _feed_cursor(feed))
    if wait is None:
        return BoundedStream(
            _stream(house, caller, wish),
            media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )
    frames = await wait_signed_in(house.connections, caller, _poll(house, caller, wish, wait, limit))
    return Response(encode_frames(frames), media_type="application/json", headers=NO_STORE)


async def _stream(house: House, caller: Principal, wish: Wish) -> AsyncIterator[bytes]:
    async with gather(house, caller, wish) as gathering:
        async for frames in gathering.stream():
            yield b"".join(map(encode_data, frames))


async def _poll(house: House, caller: Principal, wish: Wish, wait_s: float, limit: int) -> list[str]:
    async with gather(house, caller, wish) as gathering:
        return await gathering.poll(wait_s, limit)


def _turn_and_cursor(given: str) -> tuple[str, int]:
    turn, _, cursor = given.rpartition(":")
    if not turn:
        raise InputError("A turn is given as its id, a colon and the last seq you have.")
    return turn, _seq(cursor)


def _feed_cursor(given: str) -> int:
    return -1 if given == _NOW else _seq(given)


def _seq(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > 12:
        raise InputError("A cursor is the number of an event.")
    return int(given)
