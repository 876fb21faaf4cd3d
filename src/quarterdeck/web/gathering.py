"""Several logs followed at once for somebody without a socket: the frames of `quarterdeck.v1` in one row.

Who asks says for each log where they stand; nothing is kept between two requests. `ref` in a frame is the turn it is
about, or `feed`, so that whoever asked for several can tell them apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from msgspec import Struct

from quarterdeck import __version__
from quarterdeck.accounts.access import access_turn
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import CursorError, QuarterdeckError, as_quarterdeck_error
from quarterdeck.log.base import feed_name
from quarterdeck.log.follow import check_cursor, follow
from quarterdeck.views.frames import (
    HEARTBEAT_S,
    FollowingFrame,
    HeartbeatFrame,
    HelloFrame,
    HelloUser,
    ReconnectFrame,
    ResyncFrame,
    encode_frame,
)
from quarterdeck.views.websocket import FEED_PREFIX, error_frame, event_frame, turn_prefix
from quarterdeck.web.house import House
from quarterdeck.web.viewing import read_turn

logger = get_logger("quarterdeck.streams")

FEED = "feed"
_LOOK_S = 1.0  # how soon a silent stream notices that the server is going down
_LINGER_S = 0.1  # how much of a fast answer one long-poll takes along
_MAX_POLL_CHARS = 1 << 20
_MAX_WAITING = 4  # reads that wait for a slow reader; behind them the logs wait


class Wish(Struct, frozen=True):
    """What is followed: `turns` with the cursor of each, the feed from `feed` on (-1: from now; None: not at all)."""

    turns: dict[str, int]
    feed: int | None


class _Read(Struct, frozen=True):
    """Frames of one read of what `ref` names; `is_news` when they say more than where one stands."""

    ref: str
    frames: list[str]
    is_news: bool = True


class _PollClock:
    """When a poll is to be answered: it does not begin before it is known where all logs stand."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = max(wait_s, _LINGER_S)
        self._ends_at: float | None = None
        self._has_news = False

    @property
    def left_s(self) -> float:
        return _LOOK_S if self._ends_at is None else max(0.0, self._ends_at - monotonic())

    def note(self, *, is_news: bool, is_settled: bool) -> None:
        had_news, self._has_news = self._has_news, self._has_news or is_news
        if not is_settled:
            return
        if self._ends_at is None:
            self._ends_at = monotonic() + (_LINGER_S if self._has_news else self._wait_s)
        elif not had_news and is_news:
            self._ends_at = min(self._ends_at, monotonic() + _LINGER_S)


class Gathering:
    """Made by `gather`, which ends what it follows."""

    def __init__(self, house: House, principal: Principal, wish: Wish) -> None:
        self._house = house
        self._principal = principal
        self._wish = wish
        self._reads: asyncio.Queue[_Read] = asyncio.Queue(_MAX_WAITING)
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        for turn, after in self._wish.turns.items():
            self._spawn(self._follow_turn(turn, after), turn)
        if self._wish.feed is not None:
            self._spawn(self._follow_feed(self._wish.feed), FEED)

    async def stream(self) -> AsyncIterator[list[str]]:
        """`hello`, then frames as they come, until nothing more can come or the server is going down."""
        yield [self._hello()]
        beat_at = monotonic() + HEARTBEAT_S
        while self.tasks or not self._reads.empty():
            if self._house.is_draining.is_set():
                yield [encode_frame(ReconnectFrame(after_ms=500))]
                return
            read = await self._next(_LOOK_S)
            if read is not None:
                yield read.frames
            if monotonic() >= beat_at:
                beat_at = monotonic() + HEARTBEAT_S
                yield [encode_frame(HeartbeatFrame(at=now_ms()))]

    async def poll(self, wait_s: float, limit: int) -> list[str]:
        """`hello` and what is there, at most `limit` events; if that is nothing, what comes first within `wait_s`."""
        frames, chars = [self._hello()], 0
        unknown = {*self._wish.turns, *([] if self._wish.feed is None else [FEED])}  # where these stand
        clock = _PollClock(wait_s)
        while limit > 0 and chars < _MAX_POLL_CHARS and (self.tasks or not self._reads.empty()):
            if self._house.is_draining.is_set():
                return [*frames, encode_frame(ReconnectFrame(after_ms=500))]
            if clock.left_s <= 0 and self._reads.empty():
                break
            if (read := await self._next(min(clock.left_s, _LOOK_S))) is None:
                continue
            taken = read.frames[:limit]  # what is left of a log comes with the next request
            frames += taken
            chars += sum(map(len, taken))
            limit -= len(taken) if read.is_news else 0
            unknown.discard(read.ref)
            clock.note(is_news=read.is_news, is_settled=not unknown)
        return frames

    async def _next(self, timeout_s: float) -> _Read | None:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._reads.get()
        except TimeoutError:
            return None

    def _hello(self) -> str:
        user = HelloUser(self._principal.user, self._principal.name)
        return encode_frame(
            HelloFrame(protocol="quarterdeck.v1", version=__version__, user=user, heartbeat_s=HEARTBEAT_S)
        )

    def _spawn(self, work: Coroutine[Any, Any, None], ref: str) -> None:
        task = asyncio.create_task(self._or_say_why(work, ref))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _or_say_why(self, work: Coroutine[Any, Any, None], ref: str) -> None:
        """A log that cannot be followed does not end the others."""
        try:
            await work
        except CursorError as error:
            where: dict[str, Any] = {"feed": True} if ref == FEED else {"turn": ref}
            await self._put(ref, [encode_frame(ResyncFrame(ref=ref, reason=error.reason, **where))])
        except QuarterdeckError as error:
            await self._put(ref, [encode_frame(error_frame(error, ref))])
        except Exception as caught:  # the web's edge: it would be silence
            logger.error("follower_failed", exc_info=caught)
            await self._put(ref, [encode_frame(error_frame(as_quarterdeck_error(caught), ref))])

    async def _follow_turn(self, turn: str, after: int) -> None:
        user = self._principal.user
        await self._house.database.read(lambda connection: access_turn(connection, user, turn))
        reader = read_turn(self._house, user, turn, after)
        await reader.check()
        await self._put(turn, [encode_frame(FollowingFrame(ref=turn, turn=turn, after=after))], is_news=False)
        prefix = turn_prefix(turn)
        async for entries in reader.follow():
            await self._put(turn, [event_frame(prefix, entry).decode() for entry in entries])

    async def _follow_feed(self, after: int) -> None:
        name = feed_name(self._principal.user)
        if after < 0:
            status = await self._house.log.status(name)
            after = 0 if status is None else status.last
        await check_cursor(self._house.log, name, after)
        await self._put(FEED, [encode_frame(FollowingFrame(ref=FEED, feed=True, after=after))], is_news=False)
        async for entries in follow(self._house.log, name, after):
            await self._put(FEED, [event_frame(FEED_PREFIX, entry).decode() for entry in entries])

    async def _put(self, ref: str, frames: list[str], *, is_news: bool = True) -> None:
        await self._reads.put(_Read(ref, frames, is_news))


@asynccontextmanager
async def gather(house: House, principal: Principal, wish: Wish) -> AsyncIterator[Gathering]:
    gathering = Gathering(house, principal, wish)
    gathering.start()
    try:
        yield gathering
    finally:
        tasks = list(gathering.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
