"""The one writer: a thread that commits what all turns have to write, together.

An idle writer commits at once (the first token must not wait). Commits may come in a short burst;
beyond it they are spaced, and everything that arrived meanwhile goes into the next one. The event loop
is called once per commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from queue import SimpleQueue

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.log.base import Last, Told
from quarterdeck.log.ledger import Ledger
from quarterdeck.log.tail import Tails

_COMMIT_EVERY_S = 0.001
_BURST_S = 0.040  # an idle writer may make this many seconds' worth of commits without a pause

_log = get_logger(__name__)


class Write:
    """One thing to write: `apply` runs in the writer's thread, `publish` in the event loop after the commit."""

    __slots__ = ("error", "told")

    def __init__(self, told: Told) -> None:
        self.told = told
        self.error: LogError | None = None

    def apply(self, ledger: Ledger) -> None:
        """Raises: `LogError` having written nothing; the other writes of the commit go on."""
        raise NotImplementedError

    def publish(self, tails: Tails) -> None:
        raise NotImplementedError


class Append(Write):
    __slots__ = ("begins", "bodies", "first", "name", "seq")

    def __init__(self, told: Told, name: str, seq: int, bodies: list[bytes], begins: bool = False) -> None:
        self.told = told
        self.error: LogError | None = None
        self.name, self.seq, self.bodies, self.begins, self.first = name, seq, bodies, begins, 0

    def apply(self, ledger: Ledger) -> None:
        self.first = ledger.append(self.name, self.seq, self.bodies, self.begins)

    def publish(self, tails: Tails) -> None:
        tails.extend(self.name, self.seq, self.bodies, self.first)


class Finish(Write):
    __slots__ = ("drop_at", "first", "found", "last", "name")

    def __init__(self, told: Told, name: str, drop_at: int, last: Last | None) -> None:
        super().__init__(told)
        self.name, self.drop_at, self.last, self.first, self.found = name, drop_at, last, 0, False

    def apply(self, ledger: Ledger) -> None:
        if self.last is not None:
            self.first = ledger.append(self.name, *self.last)
        self.found = ledger.finish(self.name, self.drop_at)

    def publish(self, tails: Tails) -> None:
        if self.last is not None:
            tails.extend(self.name, *self.last, self.first)
        if self.found:
            tails.finish(self.name)


class Drop(Write):
    __slots__ = ("name",)

    def __init__(self, told: Told, name: str) -> None:
        super().__init__(told)
        self.name = name

    def apply(self, ledger: Ledger) -> None:
        ledger.drop(self.name)

    def publish(self, tails: Tails) -> None:
        tails.drop(self.name)


class Expire(Write):
    """Drops at most `limit` logs whose time has come; `names` are those."""

    __slots__ = ("limit", "names", "now")

    def __init__(self, told: Told, now: int, limit: int) -> None:
        super().__init__(told)
        self.now, self.limit, self.names = now, limit, list[str]()

    def apply(self, ledger: Ledger) -> None:
        self.names = ledger.drop_expired(self.now, self.limit)

    def publish(self, tails: Tails) -> None:
        for name in self.names:
            tails.drop(name)


class Writer:
    """Begins its thread when made, in the event loop whose `tails` it reports to."""

    def __init__(self, connection: sqlite3.Connection, tails: Tails) -> None:
        self._connection, self._tails = connection, tails
        self._ledger = Ledger(connection)
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[list[Write] | None] = SimpleQueue()  # None: no more will come
        self._fresh: list[Write] = []  # of this turn of the event loop: waking the thread costs more than a write
        self._next_commit_s = 0.0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, write: Write) -> None:
        """`write` is told when it is committed, or what it raised; a `LogError` when the file failed."""
        if not self._fresh:
            self._loop.call_soon(self.hand_over)
        self._fresh.append(write)

    def hand_over(self) -> None:
        """What was written in this turn of the event loop goes to the thread together."""
        if self._fresh:
            self._queue.put(self._fresh)
            self._fresh = []

    def close(self) -> None:
        """Commits what was handed over and closes the file. Blocks; call it outside the event loop."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch = [self._queue.get()]
            self._pause()
            batch += [self._queue.get() for _ in range(self._queue.qsize())]
            is_open = None not in batch
            writes = [write for together in batch if together is not None for write in together]
            is_foreign = self._commit(writes)
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody is waiting
                self._loop.call_soon_threadsafe(self._settle, writes, is_foreign)

    def _pause(self) -> None:
        now = time.monotonic()
        due = max(self._next_commit_s, now - _BURST_S)
        if due > now:
            time.sleep(due - now)
        self._next_commit_s = due + _COMMIT_EVERY_S

    def _commit(self, writes: list[Write]) -> bool:
        """All of `writes` in one transaction; True if another process has written to the file meanwhile."""
        begun_s = time.perf_counter()
        try:
            is_foreign = self._ledger.begin()
            for write in writes:
                try:
                    write.apply(self._ledger)
                except LogError as error:
                    write.error = error
            self._ledger.commit()
            metrics.LOG_COMMITS.observe(time.perf_counter() - begun_s)
            metrics.LOG_WRITES.add(len(writes))
        except Exception as error:  # whatever it was: nobody may wait for ever, and this thread must live
            failure = _as_log_error(error)
            metrics.LOG_ERRORS.add()
            _log.error("log.commit_failed", writes=len(writes), reason=failure.detail)
            for write in writes:
                write.error = failure
            self._roll_back()
            return False
        return is_foreign

    def _roll_back(self) -> None:
        try:
            self._ledger.roll_back()
        except sqlite3.Error as error:
            _log.error("log.roll_back_failed", reason=repr(error))

    def _settle(self, writes: list[Write], is_foreign: bool) -> None:
        if is_foreign:
            self._tails.doubt()
        tails = self._tails
        for write in writes:
            try:
                if write.error is None:
                    write.publish(tails)
                write.told(write.error)
            except Exception as error:  # whose it is; the others must hear of theirs
                _log.error("log.not_told", exc_info=error)


def _as_log_error(error: Exception) -> LogError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return LogError("The disk is full: the answer cannot be written.", detail=repr(error))
    return LogError("The log cannot be written: check the disk.", detail=repr(error))
