"""The bells, each as a tower that several processes' bells can be opened on.

To add one: a context manager like `open_redis_tower`, and its row in `TOWERS`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from tests.contract.log_stores import empty_redis, shared_postgres, shared_redis

from quarterdeck.log.bell import Bell, LocalBell
from quarterdeck.log.postgres_bell import PostgresBell
from quarterdeck.log.redis_bell import RedisBell

Connect = Callable[[], Awaitable[Bell]]
"""One more process's bell; closed with the tower. The local one is the same for all: there is one process."""
OpenTower = Callable[[], AbstractAsyncContextManager[Connect]]


@asynccontextmanager
async def open_local_tower() -> AsyncIterator[Connect]:
    bell = LocalBell()

    async def connect() -> Bell:
        return bell

    yield connect
    await bell.close()


@asynccontextmanager
async def open_tower(make: Callable[[], RedisBell | PostgresBell]) -> AsyncIterator[Connect]:
    """Each connection is a bell of its own; all are closed at the end."""
    bells: list[RedisBell | PostgresBell] = []

    async def connect() -> Bell:
        bells.append(make())
        await bells[-1].open()
        return bells[-1]

    try:
        yield connect
    finally:
        for bell in bells:
            await bell.close()


@asynccontextmanager
async def open_redis_tower() -> AsyncIterator[Connect]:
    url = shared_redis()
    try:
        async with open_tower(lambda: RedisBell(url)) as connect:
            yield connect
    finally:
        await empty_redis(url)


@asynccontextmanager
async def open_postgres_tower() -> AsyncIterator[Connect]:
    async with open_tower(lambda: PostgresBell(shared_postgres())) as connect:
        yield connect


TOWERS: dict[str, OpenTower] = {
    "local": open_local_tower,
    "redis": open_redis_tower,
    "postgres": open_postgres_tower,
}
on_every_tower = pytest.mark.parametrize("open_tower", TOWERS.values(), ids=TOWERS)
on_every_shared_tower = pytest.mark.parametrize(
    "open_tower", [tower for name, tower in TOWERS.items() if name != "local"], ids=[n for n in TOWERS if n != "local"]
)
