"""What other processes append, brought into this one's tails: one look for all logs that somebody here waits for.

A log is *watched* from its first waiter on until nobody has waited for a while. A ring names logs and their last seq;
those that are watched and not that far are looked at, all of them in one round trip. A ring may be lost, so watched
logs are also looked at every few seconds, and after the bell was away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.log.backend import Backend, Look, Rings, Seen
from quarterdeck.log.base import LogStatus
from quarterdeck.log.gather import Gatherer
from quarterdeck.log.tail import Tail, Tails

SAFETY_LOOK_S = 5.0
_LOOKS_AT_ONCE = 128
_NEWS_LIMIT = 512

_log = get_logger(__name__)


class _Asked:
    """A look, what its tail knew when it was sent, and who waits for the answer (nobody, after a ring)."""

    __slots__ = ("answer", "known", "look")

    def __init__(self, look: Look, answer: asyncio.Future[Seen] | None) -> None:
        self.look, self.answer, self.known = look, answer, 0


class Watch:
    """All looks of a process go through here, and each one's answer also corrects the log's tail."""

    def __init__(self, backend: Backend, tails: Tails) -> None:
        self._backend, self._tails = backend, tails
        self._watched: dict[str, Tail] = {}
        self._rung: set[str] = set()  # their look waits to be sent
        self._idle: set[str] = set()  # nobody waited for these the last time
        self._gatherer = Gatherer(self._carry, _take_some)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SAFETY_LOOK_S, self._look_to_be_safe)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._gatherer.settle()

    async def look(self, name: str, after: int, limit: int) -> Seen:
        """Raises: `LogError`."""
        answer: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
        self._gatherer.put(_Asked(Look(name, after, limit), answer))
        return await answer

    async def watch(self, name: str) -> Tail:
        """The log's tail, kept up to date from now on. Raises: `LogError`."""
        tail = self._watched.get(name)
        if tail is not None and tail.state != "unread":
            return tail
        tail = self._watched[name] = self._tails.open(name)
        tail.is_watched = True  # before the look: what is appended after it rings
        await self.look(name, tail.last, 0)
        return tail

    def on_bell(self, rings: Rings | None) -> None:
        if rings is None:
            for name in self._watched:
                self._ring(name)
            return
        watched = self._watched
        for name, last in rings:
            tail = watched.get(name)
            if tail is not None and (last < 0 or last > tail.last):
                self._ring(name)

    def _ring(self, name: str) -> None:
        if name not in self._rung:
            self._rung.add(name)
            self._gatherer.put(_Asked(Look(name, 0, 0), None))

    def _look_to_be_safe(self) -> None:
        self.start()
        idle = {name for name, tail in self._watched.items() if not tail.waiters}
        for name in idle & self._idle:
            self._watched.pop(name).is_watched = False
            self._tails.forget_unread(name)
        self._idle = idle
        self.on_bell(None)

    async def _carry(self, batch: list[_Asked]) -> None:
        for asked in batch:
            self._prepare(asked)
        try:
            found = await self._backend.look([asked.look for asked in batch])
        except Exception as error:  # whatever it was: nobody may wait for ever
            failure = error if isinstance(error, LogError) else _unexpected(error)
            _log.warning("log.look_failed", looks=len(batch), reason=failure.message, detail=failure.detail)
            _fail(batch, failure)
            return
        for asked, seen in zip(batch, found, strict=True):
            self._absorb(asked, seen)
            if asked.answer is not None and not asked.answer.done():
                asked.answer.set_result(seen)

    def _prepare(self, asked: _Asked) -> None:
        """As late as possible: from here on a ring asks again."""
        name = asked.look.name
        tail = self._tails.find(name)
        if tail is not None:
            asked.known = tail.last
        if asked.answer is None:
            self._rung.discard(name)
            asked.look = Look(name, asked.known, _NEWS_LIMIT)

    def _absorb(self, asked: _Asked, seen: Seen) -> None:
        tail = self._tails.find(asked.look.name)
        if tail is None:
            return
        status = seen.status
        if status is None:
            if tail.last == asked.known:  # or it has begun since
                _reset(tail, None)
            return
        if status.last < asked.known:
            _reset(tail, status)
        elif status.last > tail.last or tail.state in ("unread", "missing"):
            _move_on(tail, status, seen)
        if status.state == "finished" and tail.last == status.last and tail.state != "finished":
            tail.end()


def _move_on(tail: Tail, status: LogStatus, seen: Seen) -> None:
    """The entries go along if they reach from the tail's end to the log's; else followers read for themselves."""
    news = [entry.body for entry in seen.entries if entry.seq > tail.last]
    is_whole = bool(news) and status.last - len(news) == tail.last and tail.state != "unread"
    if is_whole:
        tail.extend(tail.last + 1, news, status.first)
        return
    tail.state, tail.first, tail.last = "running", status.first, status.last
    tail.forget_bodies()
    tail.wake()


def _reset(tail: Tail, status: LogStatus | None) -> None:
    """The log went back: it is gone, or was lost and begun again."""
    was_there = tail.last > 0
    tail.state = "running" if status else "missing"
    tail.first, tail.last = (status.first, status.last) if status else (0, 0)
    tail.forget_bodies()
    if was_there:
        tail.wake(everybody=True)


def _fail(batch: Sequence[_Asked], failure: LogError) -> None:
    for asked in batch:
        if asked.answer is not None and not asked.answer.done():
            asked.answer.set_exception(failure)


def _take_some(queue: deque[_Asked]) -> list[_Asked]:
    return [queue.popleft() for _ in range(min(len(queue), _LOOKS_AT_ONCE))]


def _unexpected(error: Exception) -> LogError:
    return LogError("The log cannot be read.", detail=repr(error))
