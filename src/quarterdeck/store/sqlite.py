"""The database file in the data folder.

SQLite has one writer thread that commits whatever is waiting together: under load hundreds of
acknowledgements share one sync. Reads run in a few threads with a connection each (WAL), short ones on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from quarterdeck.errors import QuarterdeckError
from quarterdeck.store.database import ReadConnection, StorageError, WriteConnection, closed_error
from quarterdeck.store.glances import Glances
from quarterdeck.store.prepared import execute_on, give_driver
from quarterdeck.store.refusals import cause_of, is_full
from quarterdeck.store.search_schema import merge_some

T = TypeVar("T")

_MAX_BATCH = 128
_READERS = 4
_BUSY_MS = 10_000


class _Job:
    """A function that waits for its thread, and what came of it. `is_apart`: not within a transaction."""

    __slots__ = ("error", "fn", "future", "is_apart", "result")

    def __init__(self, fn: Callable[[Any], Any], future: asyncio.Future[Any], *, is_apart: bool = False) -> None:
        self.fn, self.future, self.is_apart = fn, future, is_apart
        self.result: Any = None
        self.error: BaseException | None = None


class SqliteDatabase:
    """Open it inside a running loop; close it there, too."""

    def __init__(self, path: Path) -> None:
        self._engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        event.listen(self._engine, "connect", _prepare_connection)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers: list[threading.Thread] = []  # begun as they are needed
        self._reading = 0  # functions that wait for one of them, or run there
        self._writer = threading.Thread(target=self._write_loop, name="store-write", daemon=True)
        self._writer.start()
        self._glances = Glances(self._connect, _read_with)
        self._is_closed = False

    async def read(self, fn: Callable[[ReadConnection], T]) -> T:
        if self._is_closed:
            raise closed_error()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._reading += 1
        if self._reading > len(self._readers) and len(self._readers) < _READERS:
            self._begin_reader()
        self._reads.put(_Job(fn, future))
        return await future

    async def glance(self, fn: Callable[[ReadConnection], T], who: str) -> T:
        if self._is_closed:
            raise closed_error()
        seen = self._glances.look(fn, who)
        if not seen.is_whole:
            return await self.read(fn)
        if seen.error is not None:
            raise seen.error
        return cast("T", seen.result)

    async def write(self, fn: Callable[[WriteConnection], T]) -> T:
        if self._is_closed:
            raise closed_error()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(fn, future))
        return await future

    async def tidy(self) -> None:
        """Pages were overwritten as they were freed (`secure_delete`); older segments of the index, and the write-ahead
        log, still have what was removed.
        """
        left = await self.write(merge_some)
        while left:
            left = await self.write(merge_some)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(_empty_log, future, is_apart=True))
        await future

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        for _ in self._readers:
            self._reads.put(None)
        for reader in self._readers:
            await asyncio.to_thread(reader.join)
        self._glances.close()
        self._engine.dispose()

    def _begin_reader(self) -> None:
        name = f"store-read-{len(self._readers)}"
        reader = threading.Thread(target=self._read_loop, name=name, daemon=True)
        self._readers.append(reader)
        reader.start()

    def _read_loop(self) -> None:
        """With a connection of this thread's own. One function after the other: what each reads is one state."""
        connection: Connection | None = None
        while (job := self._reads.get()) is not None:
            try:
                if not job.future.cancelled():
                    connection = connection or self._connect()
                    job.result = _read_with(connection, job.fn)
            except BaseException as error:  # the reader must outlive any failure; the caller is told
                job.error = _error_for_reader(error)
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                job.future.get_loop().call_soon_threadsafe(self._end_read, job)
            del job  # what was read is its caller's
        if connection is not None:
            connection.close()

    def _end_read(self, job: _Job) -> None:
        self._reading -= 1
        _resolve([job])

    def _connect(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        give_driver(connection)
        return connection

    def _write_loop(self) -> None:
        connection: Connection | None = None
        is_open = True
        while is_open:
            jobs = [self._jobs.get()]
            while len(jobs) < _MAX_BATCH and not self._jobs.empty():
                jobs.append(self._jobs.get())
            is_open = None not in jobs
            batch = [job for job in jobs if job is not None]
            if batch:
                try:
                    connection = connection or self._connect()
                    _run_batch(WriteConnection(connection), batch)
                except DBAPIError as error:  # it cannot be opened: each caller is told, the next one tries again
                    _fail_all(batch, error)
                _deliver(batch)
        if connection is not None:
            connection.close()


def _prepare_connection(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    # An acknowledged message must survive a power cut; NORMAL does not promise that.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # what somebody deletes for good is not left in free pages
    cursor.close()


def _read_with(connection: Connection, fn: Callable[[ReadConnection], T]) -> T:
    driver = _driver_of(connection)
    driver.execute("BEGIN")
    try:
        return fn(ReadConnection(connection))
    finally:
        driver.execute("COMMIT")


def _run_batch(connection: WriteConnection, batch: list[_Job]) -> None:
    apart = [job for job in batch if job.is_apart]
    if together := [job for job in batch if not job.is_apart]:
        _commit_batch(connection, together)
    for job in apart:
        try:
            job.fn(connection)
        except DBAPIError as error:  # what was committed before it is
            job.error = _storage_error(error)


def _driver_of(connection: Connection) -> sqlite3.Connection:
    """What begins and ends a transaction costs less without SQLAlchemy."""
    driver: Any = connection.connection.dbapi_connection
    return cast("sqlite3.Connection", driver)


def _empty_log(connection: WriteConnection) -> None:
    """As far as nobody reads an older state; what is left goes with the next time."""
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _commit_batch(connection: WriteConnection, batch: list[_Job]) -> None:
    driver = _driver_of(connection)
    try:
        execute_on(driver, "BEGIN IMMEDIATE")
        if len(batch) == 1:  # nobody else's work could be undone with it
            batch[0].result = batch[0].fn(connection)
        elif not _run_together(connection, driver, batch):
            if driver.in_transaction:  # a full disk: SQLite has undone the whole transaction already
                execute_on(driver, "ROLLBACK")
            execute_on(driver, "BEGIN IMMEDIATE")
            for job in batch:
                _run_in_savepoint(connection, driver, job)
        execute_on(driver, "COMMIT")
    except BaseException as error:  # the writer must outlive any failure; each caller is told
        _fail_all(batch, error)
        with contextlib.suppress(DatabaseError):  # there may be no transaction to undo
            execute_on(driver, "ROLLBACK")


def _run_together(connection: WriteConnection, driver: sqlite3.Connection, batch: list[_Job]) -> bool:
    """Without savepoints, for which SQLite copies each page that a job changes. False when one has failed that had
    written something already: all are to be undone and run again, each by itself."""
    for job in batch:
        before = driver.total_changes
        try:
            job.result = job.fn(connection)
        except BaseException as error:  # belongs to this job alone and is handed to its caller
            if driver.total_changes != before or not driver.in_transaction:
                return False
            job.error = _error_for_caller(error)
    return True


def _fail_all(batch: list[_Job], error: BaseException) -> None:
    for job in batch:
        job.error = _error_for_caller(error) if len(batch) == 1 else _storage_error(error)


def _run_in_savepoint(connection: WriteConnection, driver: sqlite3.Connection, job: _Job) -> None:
    job.result = job.error = None
    execute_on(driver, "SAVEPOINT job")
    try:
        job.result = job.fn(connection)
    except BaseException as error:  # belongs to this job alone and is handed to its caller
        job.error = _error_for_caller(error)
        try:
            execute_on(driver, "ROLLBACK TO job")
        except DBAPIError as gone:  # a full disk: SQLite has undone the whole transaction already
            raise (error if isinstance(error, DBAPIError) else gone) from None
    execute_on(driver, "RELEASE job")


def _error_for_reader(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError | sqlite3.Error):
        if is_full(error):  # what reads makes a file, too, where nobody else has it open
            return StorageError("The server's disk is full. Free some space and try again.", detail=str(error))
        cause = f": {found}" if (found := cause_of(error)) else ""
        return StorageError(f"The server could not read this{cause}. Try again.", detail=str(error))
    return _as_an_error(error)


def _error_for_caller(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
        return _storage_error(error)
    return _as_an_error(error)


def _as_an_error(error: BaseException) -> BaseException:
    if not isinstance(error, Exception) or isinstance(error, StopIteration):
        return RuntimeError(f"a function of the database raised {error!r}")  # as it is, no future would take it
    return error


def _storage_error(error: BaseException) -> BaseException:
    if isinstance(error, QuarterdeckError):
        return error
    text = str(error)
    if is_full(error):
        return StorageError(
            "The server's disk is full. Nothing was changed; free some space and try again.", detail=text
        )
    if cause := cause_of(error):
        return StorageError(f"The server could not save this: {cause}. Nothing was changed; try again.", detail=text)
    return StorageError("The server could not save this. Nothing was changed; try again.", detail=text)


def _deliver(batch: list[_Job]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in batch:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
