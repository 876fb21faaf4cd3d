"""Short reads of SQLite on the thread that asks for them, which is the event loop's.

A read of a millisecond costs as much again when it is handed to another thread, and under load it waits there for
Python's lock. One that holds up the loop for long is given up, and begun again where reads wait for nobody.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from quarterdeck.store.database import ReadConnection

T = TypeVar("T")
_Run = Callable[[Connection, Callable[[ReadConnection], Any]], Any]

_STEPS = 4_000  # of SQLite's machine between two looks at the clock: some 80 µs. Each look takes Python's lock
MOST_S = 0.010  # of the processor's time; words are sent on every 30 ms
_SHARE = 0.4  # of the time that passes: the rest is waiting, for a disk or for other threads
_PAUSES_S = (0.0, 1.0, 4.0, 16.0, 64.0, 256.0)  # after the first that took too long, the second in a row, …
_MANY = 1_000


def was_given_up(error: BaseException) -> bool:
    """Of what `fn` caught: it is not for it to make the best of, since it is about to be run again."""
    cause = error.orig if isinstance(error, DBAPIError) else error  # rows are fetched from the driver itself
    return isinstance(cause, sqlite3.Error) and str(cause) == "interrupted"


class Seen(Generic[T]):
    """What a glance has found: `is_whole` only if there was time enough."""

    def __init__(self, is_whole: bool, result: T | None = None, error: BaseException | None = None) -> None:
        self.is_whole, self.result, self.error = is_whole, result, error


class Glances:
    """With a connection of its own."""

    def __init__(self, connect: Callable[[], Connection], run: _Run) -> None:
        self._connect, self._run = connect, run
        self._connection: Connection | None = None
        self._begun = (0.0, 0.0)  # by the processor's and by the wall's clock
        self._is_over = False
        self._long: dict[str, tuple[int, float]] = {}  # for whom how many took too long, and until when none is tried

    def look(self, fn: Callable[[ReadConnection], T], who: str) -> Seen[T]:
        """Whatever stands in the way, also a busy or broken database: nothing is seen, and it is read as usual."""
        times, until = self._long.get(who, (0, 0.0))
        if until > time.monotonic():
            return Seen(False)
        seen = self._try(fn)
        if self._is_over:
            if len(self._long) >= _MANY:
                self._long.clear()
            self._long[who] = (times + 1, time.monotonic() + _PAUSES_S[min(times, len(_PAUSES_S) - 1)])
            return Seen(False)
        if times and seen.is_whole:
            del self._long[who]
        return seen

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _try(self, fn: Callable[[ReadConnection], T]) -> Seen[T]:
        self._is_over = False
        try:
            connection = self._connection or self._open()
            self._begun = (time.thread_time(), time.monotonic())
            return Seen(True, self._run(connection, fn))
        except (DBAPIError, sqlite3.Error):
            if not self._is_over:  # the connection may be in any state
                self.close()
            return Seen(False)
        except Exception as error:
            return Seen(True, error=error)

    def _open(self) -> Connection:
        self._begun = (time.thread_time(), time.monotonic())
        self._connection = connection = self._connect()
        driver: Any = connection.connection.dbapi_connection
        driver.execute("PRAGMA busy_timeout=0")
        driver.set_progress_handler(self._tell_time, _STEPS)
        return connection

    def _tell_time(self) -> bool:
        """Whether SQLite is to give up. `fn` may take what that raises for something else; the flag stays."""
        passed_s = time.monotonic() - self._begun[1]
        if passed_s >= MOST_S:  # the processor's clock is a system call, and shows no more than this one
            computed_s = time.thread_time() - self._begun[0]
            self._is_over = self._is_over or max(computed_s, passed_s * _SHARE) > MOST_S
        return self._is_over
