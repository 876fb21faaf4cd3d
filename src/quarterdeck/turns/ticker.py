"""One clock for all running turns: they flush together, so that one commit carries them all."""

from __future__ import annotations

import asyncio

COALESCE_S = 0.03


class Ticker:
    """`wait()` returns at the next tick; there is no timer while nobody waits."""

    def __init__(self, period_s: float = COALESCE_S) -> None:
        self._period_s = period_s
        self._waiting: list[asyncio.Future[None]] = []  # one each: who is cancelled must not take the others along

    def wait(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(self._period_s, self._ring)
        tick = loop.create_future()
        self._waiting.append(tick)
        return tick

    def _ring(self) -> None:
        waiting, self._waiting = self._waiting, []
        for tick in waiting:
            if not tick.done():
                tick.set_result(None)
