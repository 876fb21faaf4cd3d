"""A full socket's messages: on a busy server they wait beside the socket's other wishes, and beside each other.

Stop, follow and ping must not stand behind a message that waits to be taken. What is said in one conversation keeps its
order.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocketDisconnect

from quarterdeck.turns.admission import Admission
from quarterdeck.views.frames import RetryFrame, SendFrame

MAX_WAITING = 200  # frames of one socket; behind them the whole socket waits
MAX_WAITING_BYTES = 1_000_000

SendsOne = Callable[[SendFrame | RetryFrame, float | None], Awaitable[None]]


class Sends:
    """`send_one` sends a frame that waits since then, and says itself what is wrong with it."""

    def __init__(self, send_one: SendsOne, admission: Admission) -> None:
        self._send_one = send_one
        self._admission = admission
        self._waiting: dict[asyncio.Task[None], int] = {}  # with their bytes
        self._latest: dict[str, asyncio.Task[None]] = {}  # of each conversation
        self._has_moved: asyncio.Event | None = None  # most sockets never wait

    async def take(self, frame: SendFrame | RetryFrame, size: int) -> None:
        """Returns when the frame is answered, or waits. `size`: bytes of the frame. Raises: `OverloadedError`."""
        if not self._waiting and not self._admission.is_busy:
            await self._send_one(frame, None)
            return
        self._admission.check_line()
        since_s = time.monotonic()
        while self._is_full(size):
            self._has_moved = asyncio.Event()
            await self._has_moved.wait()
        place = frame.conversation if isinstance(frame, SendFrame) else frame.message
        task = asyncio.create_task(self._send_after(self._latest.get(place), frame, since_s))
        self._waiting[task] = size
        self._latest[place] = task
        task.add_done_callback(lambda done: self._forget(place, done))

    async def stop(self) -> None:
        """Nobody is there any more to be told: what was not taken yet leaves the line."""
        tasks = list(self._waiting)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _is_full(self, size: int) -> bool:
        held = self._waiting
        return bool(held) and (len(held) >= MAX_WAITING or sum(held.values()) + size > MAX_WAITING_BYTES)

    async def _send_after(
        self, before: asyncio.Task[None] | None, frame: SendFrame | RetryFrame, since_s: float
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        with contextlib.suppress(WebSocketDisconnect):  # the socket's own loop hears of it too
            await self._send_one(frame, since_s)

    def _forget(self, place: str, done: asyncio.Task[None]) -> None:
        del self._waiting[done]
        if self._latest.get(place) is done:
            del self._latest[place]
        if self._has_moved is not None:
            self._has_moved.set()
