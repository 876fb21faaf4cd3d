"""Servers of shared logs that a test may kill, pause and cut off, and a writer and a viewer that do not give up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from tests.contract.log_stores import bodies
from tests.harness.postgres import PostgresServer
from tests.harness.valkey import ValkeyServer

from quarterdeck.errors import LogError, StaleWriterError
from quarterdeck.log.base import Entry, Log
from quarterdeck.log.follow import follow
from quarterdeck.log.postgres_backend import PostgresBackend
from quarterdeck.log.redis_backend import RedisBackend
from quarterdeck.log.shared import SharedLog


async def open_on(stack: AsyncExitStack, server: ValkeyServer | PostgresServer, port: int | None = None) -> SharedLog:
    """One more process's log, by way of `port` if given (a proxy's); closed with `stack`."""
    url = server.url if port is None else server.url.replace(str(server.port), str(port))
    log = SharedLog(RedisBackend(url) if isinstance(server, ValkeyServer) else PostgresBackend(url))
    await log.open()
    stack.push_async_callback(log.close)
    return log


async def write_stubbornly(log: Log, name: str, count: int, until: Callable[[], bool] = lambda: True) -> int:
    """Entries 1 to `count` (more until `until`), as a turn's writer does: what failed is sent again, with what came
    since. Returns how many there are. Raises: `StaleWriterError`."""
    seq, waiting = 1, 0
    while seq <= count or waiting or not until():
        if seq + waiting <= count or not until():
            waiting += 1 + seq % 3
        try:
            await log.append(name, seq, bodies(waiting, seq))
        except StaleWriterError:
            raise
        except LogError:
            await asyncio.sleep(0.02)
        else:
            seq, waiting = seq + waiting, 0
            await asyncio.sleep(0)
    return seq - 1


async def follow_stubbornly(log: Log, name: str) -> list[Entry]:
    """To the end of the log, as a viewer does that comes again with its cursor whenever it was cut off."""
    found: list[Entry] = []
    while True:
        try:
            async for entries in follow(log, name, len(found)):
                found += entries
            return found
        except LogError:
            await asyncio.sleep(0.02)
