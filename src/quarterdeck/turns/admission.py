"""Who may send now: a short line before the record, so that a busy process refuses instead of getting slow for all.

A send is admitted while few are being recorded and the event loop is in time. When it is late, fewer and fewer are
admitted at each tick: for as long as a burst lasts not less than a burst needs, after that almost none. Never none: a
machine that is busy with something else must not stop the conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import OverloadedError

logger = get_logger("quarterdeck.turns")

MAX_RECORDING = 12  # at a time: what one commit resolves is then little work for the loop
_BUSY = MAX_RECORDING // 4
MAX_WAIT_S = 20.0
TICK_S = 0.02
_LATE_S = 0.02  # on the average of some ticks: one long moment is the machine's, or a collection of garbage
_LONGEST_S = 0.2  # that one tick counts
_SHARE = 0.1  # of a tick in the average
MOST = 20.0  # admitted in the time of a tick
LEAST = 2.0  # while a burst is borne
LEAST_OF_ALL = 0.4
BURST = 2_000  # admitted to a late loop until it is not borne any more
_RECOVERY = 0.7  # of them, in a tick in time
_RISE = 0.15
_FALL = 0.85
_REST_S = 1.0  # without a send, until nobody looks at the loop any more
_MEMORY_S = 1.0  # of the rate at which the line moves
_TELL_EVERY_S = 10.0
_SHORTEST_S = 2.0  # that somebody is asked to stay away
_LONGEST_PAUSE_S = 30.0

CallLater = Callable[[float, Callable[[], None]], Any]


class Admission:
    """`enter`, record, `leave`. `call_later` is the loop's, unless a test keeps the time itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, call_later: CallLater | None = None) -> None:
        self._clock = clock
        self._call_later = call_later
        self._line: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._recording = 0
        self._quota = MOST
        self._left = MOST  # of this tick's quota
        self._burst = float(BURST)
        self._late_s = 0.0
        self._is_ticking = False
        self._tick_at_s = 0.0
        self._asked_at_s = 0.0
        self._admitted = 0  # since the last tick
        self._rate = MOST / TICK_S
        self._refused = 0
        self._told_at_s = -_TELL_EVERY_S

    @property
    def is_busy(self) -> bool:
        """Whether the next ones may have to wait: who can do something else meanwhile does not wait for each."""
        return bool(self._line) or self._recording >= _BUSY or not self._has_room()

    async def enter(self, since_s: float | None = None) -> None:
        """Returns when the send may be recorded; then `leave` must be called.

        `since_s`: since when it waits, by `time.monotonic`, if it has waited elsewhere already.
        Raises: `OverloadedError`.
        """
        now = self._clock()
        if not self._is_ticking:
            self._begin_to_look(now)
        self._asked_at_s = now
        if self._line or not self._has_room():
            await self._wait(now if since_s is None else since_s)
        else:
            self._count_in()

    def leave(self) -> None:
        self._recording -= 1
        self._admit()

    def check_line(self, waited_s: float = 0.0) -> None:
        """Raises: `OverloadedError` when there is no hope to be admitted in time, after `waited_s` elsewhere."""
        expected_s = (len(self._line) + 1) / self._rate
        if waited_s + expected_s > MAX_WAIT_S:
            raise self.refuse("line", retry_after_s=min(max(expected_s, _SHORTEST_S), _LONGEST_PAUSE_S))

    def refuse(self, reason: str, retry_after_s: float = _SHORTEST_S) -> OverloadedError:
        """The error for one that is not let in; counted, and told in the server's log now and then."""
        metrics.SENDS_REFUSED.add(1, reason)
        self._refused += 1
        now = self._clock()
        if now >= self._told_at_s + _TELL_EVERY_S:
            logger.warning("sends_refused", count=self._refused, reason=reason, waiting=len(self._line))
            self._told_at_s, self._refused = now, 0
        return OverloadedError(
            "The server is busy. Nothing was sent; try again in a moment.", retry_after_s=retry_after_s
        )

    async def _wait(self, since_s: float) -> None:
        self.check_line(self._clock() - since_s)
        place = (since_s, asyncio.get_running_loop().create_future())
        self._line.append(place)
        metrics.SENDS_WAITING.add(1)
        try:
            await place[1]
        except asyncio.CancelledError:
            if place[1].cancelled():
                with contextlib.suppress(ValueError):  # its turn came, and it was passed over
                    self._line.remove(place)
            elif place[1].exception() is None:  # let in, and gone
                self.leave()
            raise
        finally:
            metrics.SENDS_WAITING.add(-1)

    def _has_room(self) -> bool:
        return self._recording < MAX_RECORDING and self._left >= 1

    def _count_in(self) -> None:
        self._recording += 1
        self._left -= 1
        self._admitted += 1

    def _admit(self) -> None:
        while self._line and self._has_room():
            _, place = self._line.popleft()
            if not place.done():
                self._count_in()
                place.set_result(None)

    def _begin_to_look(self, now: float) -> None:
        self._is_ticking = True
        self._quota = self._left = MOST
        self._late_s = 0.0
        self._rate = MOST / TICK_S
        self._look_again(now)

    def _look_again(self, now: float) -> None:
        self._tick_at_s = now + TICK_S
        (self._call_later or asyncio.get_running_loop().call_later)(TICK_S, self._tick)

    def _tick(self) -> None:
        now = self._clock()
        late_s = max(now - self._tick_at_s, 0.0)
        self._set_quota(late_s)
        self._note_rate(TICK_S + late_s)
        self._left = self._quota * (1 + late_s / TICK_S)
        self._send_away(now)
        self._admit()
        if self._line or now < self._asked_at_s + _REST_S:
            self._look_again(now)
        else:
            self._is_ticking = False

    def _set_quota(self, late_s: float) -> None:
        self._late_s += (min(late_s, _LONGEST_S) - self._late_s) * _SHARE
        if self._late_s <= _LATE_S:
            self._quota = min(self._quota + _RISE, MOST)
            self._burst = min(self._burst + _RECOVERY, BURST)
            return
        self._quota *= _FALL
        if self._quota < LEAST:
            self._burst = max(self._burst - self._admitted, 0.0)
            self._quota = max(self._quota, LEAST if self._burst else LEAST_OF_ALL)

    def _note_rate(self, passed_s: float) -> None:
        admitted, self._admitted = self._admitted, 0
        if self._line:
            weight = min(passed_s / _MEMORY_S, 1.0)
            self._rate = max(self._rate * (1 - weight) + admitted / passed_s * weight, LEAST_OF_ALL / TICK_S)
        else:
            self._rate = MOST / TICK_S

    def _send_away(self, now: float) -> None:
        """Those who have waited too long, although they were expected to come in."""
        while self._line and now >= self._line[0][0] + MAX_WAIT_S:
            _, place = self._line.popleft()
            if not place.done():
                place.set_exception(self.refuse("waited"))
