"""The log in a store that other processes write to as well (Redis, PostgreSQL).

Appends of this process are committed together (`additions`) and go straight into its tails, so its own followers never
ask the store. What others append is brought by the `watch`: the store's bell, then one look for all. So there is one
connection that listens per process, never one per viewer.
"""

from __future__ import annotations

import asyncio

from quarterdeck.errors import LogError
from quarterdeck.log.additions import Additions
from quarterdeck.log.backend import Addition, AnswerLostError, Backend
from quarterdeck.log.base import Entry, Last, LogStatus, Take, Told, awaited, tell_soon
from quarterdeck.log.tail import Tails
from quarterdeck.log.watch import Watch

_MAX_AFTER = 2**53  # beyond any seq, and exact in every store


class SharedLog:
    """`open` before the first verb, `close` after the last; both in the event loop that uses it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._tails = Tails()
        self._watch = Watch(backend, self._tails)
        self._additions = Additions(backend, self._on_committed)
        self._is_open = False

    async def open(self) -> None:
        """Raises: `SetupError` when the store cannot be used."""
        try:
            await self._backend.open(self._watch.on_bell)
        except BaseException:
            await self._backend.close()
            raise
        self._is_open = True
        self._watch.start()

    async def close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        await self._additions.settle()
        await self._watch.stop()
        await self._backend.close()
        self._tails.doubt()  # wakes the followers, who find it closed

    def append(self, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> asyncio.Future[None]:
        done, told = awaited()
        self._put(told, Addition(turn, seq, bodies, begins))
        return done

    def append_soon(self, turn: str, seq: int, bodies: list[bytes], told: Told) -> None:
        self._put(told, Addition(turn, seq, bodies))

    def _put(self, told: Told, addition: Addition) -> None:
        if not self._is_open:
            tell_soon(told, _closed())
        elif addition.bodies:
            self._additions.add(addition, told)
        else:
            tell_soon(told)

    async def read(self, turn: str, after: int, limit: int = 512) -> list[Entry]:
        self._check_open()
        tail = self._tails.find(turn)
        if tail is not None and (entries := tail.read(after, limit)) is not None and (entries or tail.is_watched):
            return entries
        return (await self._watch.look(turn, min(after, _MAX_AFTER), limit)).entries

    async def wait(self, turn: str, after: int, timeout_s: float, take: Take | None = None) -> bool:
        self._check_open()
        tail = self._tails.find(turn)
        if tail is not None and tail.last > after:
            return True
        end_s = asyncio.get_running_loop().time() + timeout_s
        tail = await self._watch.watch(turn)
        if tail.has_news(after):
            return True
        return await tail.wait(after, max(0.0, end_s - asyncio.get_running_loop().time()), take)

    async def finish(self, turn: str, keep_s: float, last: Last | None = None) -> None:
        self._check_open()
        if last is not None:
            await self.append(turn, *last)
        try:
            is_there = await self._backend.finish(turn, keep_s)
        except AnswerLostError:
            is_there = await self._backend.finish(turn, keep_s)
        if is_there:
            self._tails.finish(turn)

    async def status(self, turn: str) -> LogStatus | None:
        self._check_open()
        return (await self._watch.look(turn, 0, 0)).status

    async def drop(self, turn: str) -> None:
        self._check_open()
        try:
            await self._backend.drop(turn)
        except AnswerLostError:
            await self._backend.drop(turn)
        self._tails.drop(turn)

    async def expire(self) -> int:
        self._check_open()
        return await self._backend.expire()

    async def size_bytes(self) -> int:
        self._check_open()
        return await self._backend.size_bytes()

    def _on_committed(self, addition: Addition) -> None:
        name, seq, bodies, _ = addition
        self._tails.extend(name, seq, bodies, 0)

    def _check_open(self) -> None:
        if not self._is_open:
            raise _closed()


def _closed() -> LogError:
    return LogError("The server is shutting down.", detail="the log is closed")
