"""The bell over PostgreSQL's NOTIFY: all workers hear of a ready turn, and its lease decides which of them has it."""

from __future__ import annotations

import asyncio
import random

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError, SetupError
from quarterdeck.log.bell import OnReady, OnTold
from quarterdeck.log.postgres_link import Notices, PostgresLink

_TOLD, _READY = "quarterdeck_told", "quarterdeck_ready"
_NOTIFY = "SELECT pg_notify($1, $2)"
_SPREAD_S = 0.02  # who asks first differs from turn to turn, and not all ask at once

_log = get_logger(__name__)


class PostgresBell:
    """`open` first. Two connections: one that rings, one that listens."""

    def __init__(self, url: str) -> None:
        self._ringing = PostgresLink(url)
        self._url = url
        self._notices: Notices | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    async def open(self) -> None:
        """Raises: `SetupError` when the database cannot be used."""
        try:
            await self._ringing.rows("SELECT 1")
        except LogError as error:
            raise SetupError(f"The bell cannot be opened. {error.message}", detail=error.detail) from error

    async def ready(self, turn: str) -> None:
        await self._ring(_READY, turn)

    async def tell(self, message: str) -> None:
        await self._ring(_TOLD, message)

    async def listen(self, on_told: OnTold, on_ready: OnReady | None) -> None:
        def hear(channel: str, said: str) -> None:
            if channel == _READY:
                self._waiting.put_nowait(said)
            else:
                _tell(on_told, said)

        self._notices = Notices(self._url, [_TOLD] if on_ready is None else [_TOLD, _READY])
        self._notices.open(hear, lambda: None)
        if on_ready is not None:
            self._task = asyncio.create_task(self._take(on_ready))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._notices is not None:
            await self._notices.close()
        await self._ringing.close()

    async def _ring(self, channel: str, said: str) -> None:
        try:
            await self._ringing.rows(_NOTIFY, channel, said)
        except LogError as error:
            _log.info("bell.not_rung", reason=error.message, detail=error.detail)

    async def _take(self, on_ready: OnReady) -> None:
        while True:
            turn = await self._waiting.get()
            await asyncio.sleep(random.uniform(0, _SPREAD_S))  # nosec B311  # noqa: S311 (spreads load, hides nothing)
            try:
                await on_ready(turn)
            except Exception as error:  # the turn waits for the reaper; the next ones must not
                _log.error("bell.turn_not_taken", turn=turn, reason=repr(error))


def _tell(on_told: OnTold, message: str) -> None:
    try:
        on_told(message)
    except Exception as error:  # the next message must still be heard
        _log.error("bell.message_failed", reason=repr(error))
