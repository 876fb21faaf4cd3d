"""A full socket's messages, in their order: while the server is busy they wait beside the socket's other wishes.

Stop, follow and ping must not stand behind a message that waits to be taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
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
        self._waiting: deque[tuple[SendFrame | RetryFrame, float, int]] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._has_moved = asyncio.Event()

    async def take(self, frame: SendFrame | RetryFrame, size: int) -> None:
        """Returns when the frame is answered, or waits. `size`: bytes of the frame. Raises: `OverloadedError`."""
        if self._task is None and not self._admission.is_busy:
            await self._send_one(frame, None)
            return
        self._admission.check_line(before=len(self._waiting))
        while self._waiting and (len(self._waiting) >= MAX_WAITING or self._bytes + size > MAX_WAITING_BYTES):
            self._has_moved.clear()
            await self._has_moved.wait()
        self._waiting.append((frame, time.monotonic(), size))
        self._bytes += size
        if self._task is None:
            self._task = asyncio.create_task(self._send_all())

    async def stop(self) -> None:
        """Nobody is there any more to be told: what was not taken yet leaves the line."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                frame, since_s, size = self._waiting.popleft()
                self._bytes -= size
                self._has_moved.set()
                await self._send_one(frame, since_s)
        except WebSocketDisconnect:
            self._waiting.clear()  # the socket's own loop hears of it too
        finally:
            self._task = None
            self._has_moved.set()
