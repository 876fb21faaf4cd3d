"""A process that leaves its turns to workers looks at how many of them nobody runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from quarterdeck.store.database import StorageError
from quarterdeck.store.queue import Queue
from quarterdeck.turns.unclaimed import MAX_AGE_S, MAX_UNCLAIMED, Unclaimed


class Measured:
    """A database of which only the queue is asked."""

    def __init__(self) -> None:
        self.queue = Queue(0, 0.0)
        self.looks = 0
        self.is_away = False

    async def read(self, _fn: Callable[[Any], Any]) -> Any:
        self.looks += 1
        if self.is_away:
            raise StorageError("The database is away.")
        return self.queue

    async def glance(self, _fn: Callable[[Any], Any], who: str) -> Any:
        raise AssertionError("the queue is no short read of one user")

    async def write(self, fn: Callable[[Any], Any]) -> Any:
        raise NotImplementedError

    async def tidy(self) -> None: ...

    async def close(self) -> None: ...


class Sender:
    """Asks before each message, ten a second."""

    def __init__(self, database: Measured) -> None:
        self.now = 100.0
        self.unclaimed = Unclaimed(database, lambda: self.now)

    async def send_for(self, seconds: float) -> bool:
        """Whether the last one was refused."""
        is_refused = False
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            is_refused = self.unclaimed.are_too_many()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return is_refused


@pytest.fixture
def database() -> Measured:
    return Measured()


@pytest.fixture
def sender(database: Measured) -> Sender:
    return Sender(database)


async def test_it_looks_once_a_second_however_many_are_sent(database: Measured, sender: Sender) -> None:
    assert not await sender.send_for(10)
    assert 9 <= database.looks <= 11


async def test_a_long_queue_is_refused_until_it_is_shorter(database: Measured, sender: Sender) -> None:
    database.queue = Queue(MAX_UNCLAIMED, 3.0)
    assert await sender.send_for(2)
    database.queue = Queue(MAX_UNCLAIMED - 1, 3.0)
    assert not await sender.send_for(2)


async def test_turns_that_nobody_takes_for_long_are_refused(database: Measured, sender: Sender) -> None:
    database.queue = Queue(1, MAX_AGE_S + 1)
    assert not await sender.send_for(9), "a dead worker's turns may be old, and are taken over within seconds"
    assert await sender.send_for(3)
    database.queue = Queue(1, 0.5)
    assert not await sender.send_for(2)


async def test_an_old_look_says_nothing(database: Measured, sender: Sender) -> None:
    database.queue = Queue(MAX_UNCLAIMED, 3.0)
    assert await sender.send_for(2)
    sender.now += 60
    assert not sender.unclaimed.are_too_many()


async def test_a_database_that_is_away_refuses_nobody_here(database: Measured, sender: Sender) -> None:
    database.is_away = True
    assert not await sender.send_for(3)
    assert database.looks >= 2
