"""Scheduled work in a fleet: one runner, once in a period, replaced when it dies; on each kind of database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from sqlalchemy import update
from tests.unit.store.stored import Place, open_place

from quarterdeck.errors import QuarterdeckError
from quarterdeck.jobs import Job, run_forever, run_if_due
from quarterdeck.store.clock import database_now_ms
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.leases import claim_work, finish_work, give_up_work
from quarterdeck.store.tables import leases

HOUR_MS = 3_600_000
LEASE_MS = 60_000


async def claim(database: Database, owner: str, *, lease_ms: int = LEASE_MS, period_ms: int = HOUR_MS) -> bool:
    return await database.write(
        lambda connection: claim_work(connection, "purge", owner, period_ms=period_ms, lease_ms=lease_ms)
    )


async def finish(database: Database, owner: str) -> bool:
    return await database.write(lambda connection: finish_work(connection, "purge", owner))


async def let_pass(database: Database, ms: int) -> None:
    """As if `ms` had gone by since everything that is stored."""

    def shift(connection: WriteConnection) -> None:
        connection.execute(update(leases).values(until=leases.c.until - ms, done_at=leases.c.done_at - ms))

    await database.write(shift)


async def test_work_is_claimed_by_one_and_done_once_in_a_period(database: Database) -> None:
    assert await claim(database, "one")
    assert not await claim(database, "two")
    assert await finish(database, "one")
    assert not await claim(database, "two")
    await let_pass(database, HOUR_MS - 5_000)
    assert not await claim(database, "two")
    await let_pass(database, 6_000)
    assert await claim(database, "two")


async def test_of_many_that_look_at_once_one_gets_the_work(place: Place) -> None:
    async with AsyncExitStack() as stack:
        fleet = [await stack.enter_async_context(open_place(place, 4)) for _ in range(3)]
        claims = [claim(database, f"{n}-{k}") for n, database in enumerate(fleet) for k in range(8)]
        assert sum(await asyncio.gather(*claims)) == 1


async def test_a_runner_that_dies_is_replaced_after_its_lease(database: Database) -> None:
    assert await claim(database, "dead")
    await let_pass(database, LEASE_MS - 5_000)
    assert not await claim(database, "next")
    await let_pass(database, 6_000)
    assert await claim(database, "next")


async def test_who_comes_late_cannot_mark_the_work_as_done(database: Database) -> None:
    assert await claim(database, "zombie")
    await let_pass(database, LEASE_MS + 1_000)
    assert await claim(database, "next")
    assert not await finish(database, "zombie")
    assert not await database.write(lambda connection: give_up_work(connection, "purge", "zombie", pause_ms=0))
    assert not await claim(database, "third")
    assert await finish(database, "next")
    assert not await finish(database, "zombie")


async def test_a_clock_that_was_far_ahead_and_is_set_right_stops_no_work_for_good(database: Database) -> None:
    assert await claim(database, "one")
    assert await finish(database, "one")
    await let_pass(database, -24 * HOUR_MS)
    assert await claim(database, "two"), "done in a day from now"
    await let_pass(database, -24 * HOUR_MS)
    assert await claim(database, "three"), "leased until a day from now"
    assert not await claim(database, "four")


async def test_work_that_fails_as_nobody_thought_of_is_tried_again(database: Database) -> None:
    tries = asyncio.Semaphore(0)

    async def fail() -> None:
        tries.release()
        raise LookupError("nobody thought of it")

    job = Job("purge", 0.0, fail, lease_s=0.02, look_s=0.05)
    running = asyncio.create_task(run_forever(database, job, "one"))
    for _ in range(2):
        await asyncio.wait_for(tries.acquire(), 5)
    running.cancel()


async def test_failed_work_is_tried_again_after_a_pause_by_anybody(place: Place) -> None:
    tried: list[str] = []

    async def fail() -> None:
        tried.append("failed")
        raise QuarterdeckError("not today")

    async def succeed() -> None:
        tried.append("done")

    async with open_place(place) as first, open_place(place) as second:
        assert not await run_if_due(first, Job("purge", 3600, fail), "one")
        assert not await run_if_due(second, Job("purge", 3600, succeed), "two")
        await let_pass(first, LEASE_MS + 1_000)
        assert await run_if_due(second, Job("purge", 3600, succeed), "two")
        assert not await run_if_due(first, Job("purge", 3600, fail), "one")
    assert tried == ["failed", "done"]


async def test_work_that_outlasts_its_lease_is_broken_off_before_another_may_begin(database: Database) -> None:
    begun, ended = [], []

    async def endless() -> None:
        begun.append(await database.read(database_now_ms))
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(await database.read(database_now_ms))

    assert not await run_if_due(database, Job("purge", 3600, endless, lease_s=0.3), "slow")
    assert ended[0] - begun[0] < 5_000


async def test_different_work_has_leases_of_its_own(database: Database) -> None:
    assert await claim(database, "one")
    assert await database.write(
        lambda connection: claim_work(connection, "other", "two", period_ms=HOUR_MS, lease_ms=LEASE_MS)
    )


async def test_a_clock_that_was_set_back_a_little_begins_nothing_twice(database: Database) -> None:
    assert await claim(database, "one")
    await let_pass(database, -LEASE_MS)
    assert not await claim(database, "two")
    assert await finish(database, "one")
    await let_pass(database, -LEASE_MS // 2)
    assert not await claim(database, "two")
