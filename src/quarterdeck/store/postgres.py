"""PostgreSQL: a pool of connections, one transaction for each function.

Loaded only where it is used. What goes wrong is told apart by when: a connection that was lost before the
COMMIT was sent has changed nothing, so the function is run again on a fresh one; at the COMMIT nobody knows,
and the caller is told. Writers here are not one after the other as they are on SQLite: who loses a race
(a unique key, a deadlock) is run again, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from quarterdeck.diagnostics import get_logger
from quarterdeck.postgres_url import PostgresUrl, parse_postgres_url
from quarterdeck.store.database import ReadConnection, StorageError, WriteConnection, closed_error
from quarterdeck.store.postgres_driver import (
    UnreachableError,
    clean_parameters,
    connect,
    is_lost,
    is_silent,
    lost_race,
    mark_lost,
)

T = TypeVar("T")

logger = get_logger("quarterdeck.store")

_WAIT_S = 5.0  # for a free connection
_STATEMENT_S = 10.0
_RACES = 3  # how often the loser of a race is run again
_CLOSE_S = 5.0


class PostgresDatabase:
    """Open and close it inside one running loop. `statement_s`: longer for what reads everything."""

    def __init__(self, url: str, pool_size: int = 10, *, statement_s: float = _STATEMENT_S) -> None:
        self._address = parse_postgres_url(url)
        self._writes = make_engine(self._address, pool_size, statement_s)
        # The same connections: the transaction is READ COMMITTED there, and one unchanging state here.
        self._reads = self._writes.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._size = pool_size
        self._free = asyncio.Semaphore(pool_size)
        self._in_use = self._waiting = 0
        self._failed_at = 0.0  # the last time that the server could not be reached
        self._running: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def pool_status(self) -> tuple[int, int, int]:
        """Connections in use, at most, and callers waiting for one."""
        return self._in_use, self._size, self._waiting

    async def read(self, fn: Callable[[ReadConnection], T]) -> T:
        return await self._apart(self._insist(self._reads, lambda raw: fn(ReadConnection(raw))))

    async def glance(self, fn: Callable[[ReadConnection], T], who: str) -> T:
        return await self.read(fn)

    async def write(self, fn: Callable[[WriteConnection], T]) -> T:
        return await self._apart(self._insist(self._writes, lambda raw: fn(WriteConnection(raw))))

    async def tidy(self) -> None:
        """PostgreSQL reuses what was removed when it vacuums, by itself."""

    async def build(self, statement: str) -> None:
        """Outside of a transaction and however long it takes: an index, while others write. Raises: `StorageError`."""
        engine = make_engine(self._address, 1, 0)
        try:
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.exec_driver_sql(statement)
        except UnreachableError as error:
            raise _unreachable(error) from error
        except DBAPIError as error:
            raise _for_caller(error) from error
        finally:
            await engine.dispose()

    async def close(self) -> None:
        """What was accepted is done first."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._running:
            await asyncio.wait(self._running, timeout=_CLOSE_S)
        await self._writes.dispose()

    async def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        """In a task of its own: a caller that is cancelled leaves neither a torn write nor a torn connection."""
        if self._is_closed:
            work.close()
            raise closed_error()
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # it has been told, or nobody waits any more

    async def _insist(self, engine: AsyncEngine, fn: Callable[[Connection], T]) -> T:
        races, is_second_connection = 0, False
        while True:
            attempt = _Attempt(fn)
            try:
                async with self._lend():
                    return await attempt.run(engine)
            except UnreachableError as error:
                if error.__cause__ is not None:  # it was tried
                    self._failed_at = time.monotonic()
                raise _unreachable(error) from error
            except DBAPIError as error:
                if is_lost(error):
                    if attempt.is_committing:
                        raise _unknown(error) from error
                    if is_second_connection or is_silent(error):
                        self._failed_at = time.monotonic()
                        raise _unreachable(error) from error
                    is_second_connection = True
                    logger.info("database_connection_lost", detail=str(error.orig))
                elif lost_race(error) and races < _RACES:
                    races += 1
                    await asyncio.sleep(random.uniform(0.0, 0.01) * races)  # nosec B311  # noqa: S311 - keeps rivals apart, no secret
                else:
                    raise _for_caller(error) from error

    @contextlib.asynccontextmanager
    async def _lend(self) -> AsyncIterator[None]:
        """A place at the pool, whose connections are then free without waiting."""
        asked_at = time.monotonic()
        self._waiting += 1
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._free.acquire()
        except TimeoutError:
            raise StorageError(
                "All connections to the database are busy. Nothing was changed; try again in a moment.",
                retry_after_s=1.0,
            ) from None
        finally:
            self._waiting -= 1
        self._in_use += 1
        try:
            if self._failed_at > asked_at:  # those who waited behind it need not find out one after the other
                raise UnreachableError("it could not be reached while this waited")
            yield
        finally:
            self._in_use -= 1
            self._free.release()


class _Attempt(Generic[T]):
    """One run of a function in one transaction."""

    def __init__(self, fn: Callable[[Connection], T]) -> None:
        self._fn = fn
        self.is_committing = False

    async def run(self, engine: AsyncEngine) -> T:
        async with engine.connect() as connection:
            try:
                result = await connection.run_sync(self._call)
                self.is_committing = True
                await connection.commit()
            except DBAPIError as error:
                if is_lost(error):
                    await _discard(connection)
                raise
            return result

    def _call(self, connection: Connection) -> T:
        try:
            return self._fn(connection)
        except (KeyboardInterrupt, SystemExit, StopIteration) as error:  # as they are, they would end more than this
            raise RuntimeError(f"a function of the database raised {error!r}") from error


def make_engine(address: PostgresUrl, pool_size: int, statement_s: float) -> AsyncEngine:
    async def open_connection() -> Any:
        return await connect(address, statement_s)

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=open_connection, pool_size=pool_size, max_overflow=0,
        pool_timeout=_WAIT_S, pool_use_lifo=True, hide_parameters=True,
    )  # fmt: skip
    event.listen(engine.sync_engine, "handle_error", mark_lost)
    event.listen(engine.sync_engine, "before_cursor_execute", clean_parameters, retval=True)
    return engine


async def _discard(connection: AsyncConnection) -> None:
    if not connection.invalidated:
        await connection.invalidate()


def _for_caller(error: DBAPIError) -> Exception:
    """As on SQLite: an integrity error says something to its caller, anything else says nothing to anybody."""
    if isinstance(error, IntegrityError):
        return error
    return StorageError("The database refused this. Nothing was changed; try again.", detail=_detail(error))


def _unreachable(error: Exception) -> StorageError:
    return StorageError(
        "The database cannot be reached. Nothing was changed; try again in a moment.",
        detail=_detail(error), retry_after_s=1.0,
    )  # fmt: skip


def _unknown(error: DBAPIError) -> StorageError:
    return StorageError(
        "The database went away while it was saving this: it may have been saved or not. Try again in a moment.",
        detail=_detail(error), retry_after_s=1.0,
    )  # fmt: skip


def _detail(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error)
