"""Who is looked after now and then: many sockets by one timer, a few of them at a time.

A timer for each, and another for what it waits for, cost more than what is done for an idle socket.
"""

from __future__ import annotations

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

from quarterdeck.diagnostics import get_logger

logger = get_logger("quarterdeck.sockets")

EVERY_S = 20.0
_PARTS = 80  # so that even thousands take a few milliseconds at a time


class Kept(Protocol):
    def look_after(self) -> None:
        """Called every `EVERY_S` seconds. Does not wait."""
        ...


class Rounds:
    """Of one event loop. There is no timer while nobody takes part."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, every_s: float = EVERY_S) -> None:
        self._loop = loop
        self._pause_s = every_s / _PARTS
        self._parts: list[dict[Kept, None]] = [{} for _ in range(_PARTS)]
        self._part_of: dict[Kept, int] = {}
        self._next = 0
        self._is_going = False

    def join(self, kept: Kept) -> None:
        """It is looked after for the first time when a round has passed. Again is no error."""
        if kept in self._part_of:
            return
        part = (self._next - 1) % _PARTS
        self._part_of[kept] = part
        self._parts[part][kept] = None
        if not self._is_going:
            self._is_going = True
            self._loop.call_later(self._pause_s, self._go_on)

    def leave(self, kept: Kept) -> None:
        part = self._part_of.pop(kept, None)
        if part is not None:
            del self._parts[part][kept]

    def _go_on(self) -> None:
        if not self._part_of:
            self._is_going = False
            return
        self._loop.call_later(self._pause_s, self._go_on)
        part, self._next = self._parts[self._next], (self._next + 1) % _PARTS
        for kept in list(part):
            if kept in part:  # one may be the end of another
                _look_after(kept)


def _look_after(kept: Kept) -> None:
    try:
        kept.look_after()
    except Exception as error:  # whose it is: those behind it are looked after all the same
        logger.error("not_looked_after", exc_info=error)


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds] = WeakKeyDictionary()


def rounds_of(loop: asyncio.AbstractEventLoop) -> Rounds:
    found = _by_loop.get(loop)
    if found is None:
        found = _by_loop[loop] = Rounds(loop)
    return found
