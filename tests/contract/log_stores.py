"""The backends of the log, each as a store that several processes' logs can be opened on.

To add one: a context manager like `open_sql_store`, and its row in `STORES`.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import pytest
from tests.harness.postgres import open_postgres
from tests.harness.valkey import open_redis

from quarterdeck.log.base import Entry, Log
from quarterdeck.log.follow import follow
from quarterdeck.log.postgres_backend import PostgresBackend
from quarterdeck.log.postgres_link import PostgresLink
from quarterdeck.log.redis_backend import RedisBackend
from quarterdeck.log.redis_link import Link
from quarterdeck.log.shared import SharedLog
from quarterdeck.log.sql import SqlLog


class Store(Protocol):
    async def connect(self) -> Log:
        """The log as one more process would open it; closed with the store."""
        ...

    async def sweep(self, log: Log) -> None:
        """Let what has expired be dropped now."""
        ...


OpenStore = Callable[[], AbstractAsyncContextManager[Store]]


class SqlStore:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs: list[SqlLog] = []

    async def connect(self) -> SqlLog:
        log = SqlLog(self.path)
        await log.open()
        self.logs.append(log)
        return log

    async def sweep(self, log: Log) -> None:
        assert isinstance(log, SqlLog)
        await log.expire()


@asynccontextmanager
async def open_sql_store() -> AsyncIterator[SqlStore]:
    with TemporaryDirectory() as folder:
        store = SqlStore(Path(folder) / "log.sqlite3")
        try:
            yield store
        finally:
            for log in store.logs:
                await log.close()


class RedisStore:
    """A database of its own in a server that the tests share."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.logs: list[SharedLog] = []

    async def connect(self) -> SharedLog:
        log = SharedLog(RedisBackend(self.url))
        await log.open()
        self.logs.append(log)
        return log

    async def sweep(self, log: Log) -> None:
        """Redis drops by itself, a second from the end of a log at the earliest."""
        await asyncio.sleep(1.05)


@asynccontextmanager
async def open_redis_store() -> AsyncIterator[RedisStore]:
    store = RedisStore(shared_redis())
    try:
        yield store
    finally:
        for log in store.logs:
            await log.close()
        await empty_redis(store.url)


async def empty_redis(url: str) -> None:
    link = Link(url)
    await link.ask("FLUSHDB")
    await link.close()


@cache
def shared_redis() -> str:
    """The URL of one server for all tests of this process, until it ends."""
    opening = open_redis()
    server = opening.__enter__()
    atexit.register(opening.__exit__, None, None, None)
    return server.url


class PostgresStore:
    """The log's tables in a database that the tests of this process share, emptied at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.logs: list[SharedLog] = []

    async def connect(self) -> SharedLog:
        log = SharedLog(PostgresBackend(self.url))
        await log.open()
        self.logs.append(log)
        return log

    async def sweep(self, log: Log) -> None:
        await log.expire()


@asynccontextmanager
async def open_postgres_store() -> AsyncIterator[PostgresStore]:
    store = PostgresStore(shared_postgres())
    try:
        yield store
    finally:
        for log in store.logs:
            await log.close()
        link = PostgresLink(store.url)
        await link.rows("DELETE FROM log_heads")
        await link.rows("DELETE FROM log_entries")
        await link.close()


@cache
def shared_postgres() -> str:
    """The URL of one database for all tests of this process, until it ends."""
    opening = open_postgres()
    server = opening.__enter__()
    atexit.register(opening.__exit__, None, None, None)
    return server.new_database(is_empty=True)


STORES: dict[str, OpenStore] = {"sql": open_sql_store, "redis": open_redis_store, "postgres": open_postgres_store}
on_every_store = pytest.mark.parametrize("open_store", STORES.values(), ids=STORES)


def bodies(count: int, start: int = 1) -> list[bytes]:
    return [f'{{"n":{number}}}'.encode() for number in range(start, start + count)]


async def collect(log: Log, name: str, after: int = 0, until: int | None = None) -> list[Entry]:
    """All that `follow` yields, to the end of the log or to the entry `until`.

    Raises: `TimeoutError` when nothing has come for 5 s; how long the whole takes is its writer's affair.
    """
    found: list[Entry] = []
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5) as silence:
        async for entries in follow(log, name, after):
            silence.reschedule(loop.time() + 5)
            found += entries
            if until is not None and found[-1].seq >= until:
                break
    return found
