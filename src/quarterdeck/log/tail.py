"""The newest entries of each log in memory, and the doorbell: live followers never touch the file.

Belongs to the event loop. What is here has been committed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Literal

from quarterdeck.log.base import Entry, LogStatus, Take

KEEP_ENTRIES = 256
KEEP_BYTES = 65_536
_LOGS_MAX = 4_096
_GRACE_S = 5.0  # followers that are a little behind read the end of a finished log from here

TailState = Literal["unread", "missing", "running", "finished"]


class Waiter:
    """Who waits for something after the seq `after`; `take` is offered it first."""

    __slots__ = ("after", "news", "take")

    def __init__(self, after: int, take: Take | None) -> None:
        self.after, self.take = after, take
        self.news: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Tail:
    """`bodies` end with the entry `last`; `unread` means that the file has to be asked first."""

    __slots__ = ("bodies", "first", "is_watched", "last", "size", "state", "waiters")

    def __init__(self) -> None:
        self.state: TailState = "unread"
        self.first = self.last = 0
        self.bodies: list[bytes] = []
        self.size = 0  # bytes
        self.waiters: set[Waiter] = set()
        self.is_watched = False  # what other processes append to it is told here, too

    @property
    def is_busy(self) -> bool:
        return bool(self.waiters) or self.is_watched or self.state == "unread"

    def status(self) -> LogStatus | None:
        if self.state in ("running", "finished"):
            return LogStatus("finished" if self.state == "finished" else "running", self.first, self.last)
        return None

    def adopt(self, status: LogStatus | None) -> None:
        """What the file says, unless a commit has told more meanwhile."""
        if self.state == "unread":
            self.state = status.state if status else "missing"
            self.first, self.last = (status.first, status.last) if status else (0, 0)
            self.forget_bodies()

    def extend(self, seq: int, bodies: list[bytes], first: int) -> None:
        last = seq + len(bodies) - 1
        if self.state != "unread" and last <= self.last:  # the file was read after that commit
            return
        if seq != self.last + 1:
            self.forget_bodies()
        self.state = "running"
        self.first, self.last = first, last
        self.bodies += bodies
        for body in bodies:
            self.size += len(body)
        while len(self.bodies) > KEEP_ENTRIES or self.size > KEEP_BYTES:
            self.size -= len(self.bodies.pop(0))
        if self.waiters:
            self.wake()

    def end(self) -> None:
        """The log is finished."""
        self.state = "finished"
        self.wake(everybody=True)
        asyncio.get_running_loop().call_later(_GRACE_S, self.forget_bodies)

    def forget_bodies(self) -> None:
        self.bodies, self.size = [], 0

    def read(self, after: int, limit: int) -> list[Entry] | None:
        """None when the file has to be asked."""
        start = after - (self.last - len(self.bodies))
        if self.state == "unread" or start < 0:
            return None
        return [Entry(seq, body) for seq, body in enumerate(self.bodies[start : start + limit], after + 1)]

    def has_news(self, after: int) -> bool:
        """Need nobody wait at `after`: more is there, or nothing will come (finished, gone, begun again)?"""
        if self.state == "missing":
            return after > 0
        return self.last != after or self.state == "finished"

    async def wait(self, after: int, timeout_s: float, take: Take | None = None) -> bool:
        waiter = Waiter(after, take)
        timer = asyncio.get_running_loop().call_later(timeout_s, _resolve, waiter.news, False)
        self.waiters.add(waiter)
        try:
            return await waiter.news
        finally:
            timer.cancel()
            self.waiters.discard(waiter)

    def wake(self, *, everybody: bool = False) -> None:
        for waiter in list(self.waiters):
            if everybody or (self.last > waiter.after and not self._is_taken_by(waiter)):
                self.waiters.discard(waiter)
                _resolve(waiter.news, True)

    def _is_taken_by(self, waiter: Waiter) -> bool:
        """What it lacks is offered to it, unless it has gone meanwhile or it is not all here."""
        if waiter.take is None or waiter.news.done():
            return False
        start = waiter.after - (self.last - len(self.bodies))
        if start < 0:
            return False
        bodies = self.bodies[start:]
        if len(bodies) == 1:  # nearly always
            entries = [Entry(self.last, bodies[0])]
        else:
            entries = [Entry(seq, body) for seq, body in enumerate(bodies, waiter.after + 1)]
        try:
            is_taken = waiter.take(entries)
        except Exception as error:  # whose it is hears of it; the other waiters must not
            waiter.news.set_exception(error)
            return False
        if is_taken:
            waiter.after = self.last
        return is_taken


def _resolve(waiter: asyncio.Future[bool], value: bool) -> None:
    if not waiter.done():
        waiter.set_result(value)


class Tails:
    """The tails of the logs used last; a log that is not here is asked of the file."""

    def __init__(self) -> None:
        self._tails: OrderedDict[str, Tail] = OrderedDict()

    def find(self, name: str) -> Tail | None:
        return self._tails.get(name)

    def open(self, name: str) -> Tail:
        tail = self._tails.get(name)
        if tail is None:
            tail = self._tails[name] = Tail()
            self._evict()
        return tail

    def extend(self, name: str, seq: int, bodies: list[bytes], first: int) -> None:
        tail = self._tails.get(name) or self.open(name)
        tail.extend(seq, bodies, first)
        self._tails.move_to_end(name)

    def finish(self, name: str) -> None:
        tail = self._tails.get(name)
        if tail is not None and tail.state == "running":
            tail.end()

    def drop(self, name: str) -> None:
        tail = self._tails.get(name)
        if tail is not None:
            tail.state, tail.first, tail.last = "missing", 0, 0
            tail.forget_bodies()
            tail.wake(everybody=True)

    def forget_unread(self, name: str) -> None:
        """Nothing was learned of this one (the store was away), and it would stay for ever."""
        if name in self._tails and self._tails[name].state == "unread":
            del self._tails[name]

    def doubt(self) -> None:
        """Somebody else has written to the file: what is known here may be wrong."""
        for tail in self._tails.values():
            tail.state = "unread"
            tail.forget_bodies()
            tail.wake(everybody=True)

    def _evict(self) -> None:
        """One step: the tail used longest ago goes, or to the end of the queue if somebody needs it."""
        if len(self._tails) > _LOGS_MAX:
            name, tail = next(iter(self._tails.items()))
            if tail.is_busy:
                self._tails.move_to_end(name)
            else:
                del self._tails[name]
