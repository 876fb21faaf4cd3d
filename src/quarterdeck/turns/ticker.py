"""One clock for all running turns: they flush together, so that one commit carries them all."""

from __future__ import annotations

import asyncio

COALESCE_S = 0.03
_JUST_S = 0.005


class Ticker:
    """`wait()` returns at the next tick; there is no timer while nobody waits."""

    def __init__(self, period_s: float = COALESCE_S) -> None:
        self._period_s = period_s
        self._rung_s = 0.0
        self._waiting: list[asyncio.Future[None]] = []  # one each: who is cancelled must not take the others along

    @property
    def has_just_rung(self) -> bool:
        """Whoever commits now is in the commit of those that waited for this tick."""
        return asyncio.get_running_loop().time() - self._rung_s < _JUST_S

    def wait(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(self._period_s, self._ring)
        tick = loop.create_future()
        self._waiting.append(tick)
        return tick

    def _ring(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._rung_s = asyncio.get_running_loop().time()
        for tick in waiting:
            if not tick.done():
                tick.set_result(None)
