"""One clock for all running turns: they flush together, so that one commit carries them all.

While nothing but text comes, a turn lends the clock a function: a tick is one call of each, and wakes no task. With
many turns ticks come a little later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

COALESCE_S = 0.03
_LATER_EACH_S = 0.0001  # of the turns that a tick carries: a turn costs it the same for one word as for three
_LATER_MOST_S = 0.015
_JUST_S = 0.005


class Ticker:
    """`wait()` returns at the next tick; there is no timer while nobody waits."""

    def __init__(self, period_s: float = COALESCE_S) -> None:
        self._period_s = period_s
        self._rung_s = 0.0
        self._is_set = False
        self._waiting: list[asyncio.Future[None]] = []  # one each: who is cancelled must not take the others along
        self._driven: list[tuple[asyncio.Future[None], Callable[[], bool]]] = []

    @property
    def has_just_rung(self) -> bool:
        """Whoever commits now is in the commit of those that waited for this tick."""
        return asyncio.get_running_loop().time() - self._rung_s < _JUST_S

    def wait(self) -> asyncio.Future[None]:
        tick = self._set()
        self._waiting.append(tick)
        return tick

    def drive(self, go_on: Callable[[], bool]) -> asyncio.Future[None]:
        """From the next tick on `go_on` is called at each, until it says no. Raises: what it raised."""
        end = self._set()
        self._driven.append((end, go_on))
        return end

    def _set(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if not self._is_set:
            self._is_set = True
            self._set_timer(loop)
        return loop.create_future()

    def _ring(self) -> None:
        self._is_set = False
        self._rung_s = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, []
        driven, self._driven = self._driven, []
        for tick in waiting:
            if not tick.done():
                tick.set_result(None)
        self._driven += [one for one in driven if _goes_on(*one)]
        if self._driven and not self._is_set:
            self._is_set = True
            self._set_timer(asyncio.get_running_loop())

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(pause_s(self._period_s, len(self._driven)), self._ring)


def pause_s(period_s: float, driven: int) -> float:
    """Between two ticks that carry so many turns."""
    return period_s + min(driven * _LATER_EACH_S, _LATER_MOST_S)


def _goes_on(end: asyncio.Future[None], go_on: Callable[[], bool]) -> bool:
    """One that is cancelled or fails does not take the others along."""
    if end.done():
        return False
    failure: Exception | None = None
    try:
        if go_on():
            return True
    except Exception as error:  # whose it is hears of it
        failure = error
    if not end.done():
        end.set_result(None) if failure is None else end.set_exception(failure)
    return False
