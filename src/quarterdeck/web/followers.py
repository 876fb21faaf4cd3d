"""The followers of one socket: a task for each turn it watches, ended with the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.websockets import WebSocketDisconnect

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LimitError, QuarterdeckError

logger = get_logger("quarterdeck.sockets")

MAX_FOLLOWED = 500


class Followers:
    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """One for each name: a new one takes the place of the old. Raises: `LimitError`."""
        if (old := self._tasks.pop(name, None)) is not None:
            old.cancel()
        if len(self._tasks) >= MAX_FOLLOWED:
            raise LimitError(f"One connection can follow {MAX_FOLLOWED} turns at once.")
        task = asyncio.create_task(_quietly(work))
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._forget(name, done))

    def has(self, name: str) -> bool:
        return name in self._tasks

    def stop(self, name: str) -> None:
        if (task := self._tasks.pop(name, None)) is not None:
            task.cancel()

    async def stop_all(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _forget(self, name: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is done:
            del self._tasks[name]


async def _quietly(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await work()
    except WebSocketDisconnect:
        pass  # the socket's own loop hears of it too
    except QuarterdeckError as error:
        logger.warning("follower_failed", code=error.code, reason=error.message, detail=error.detail)
