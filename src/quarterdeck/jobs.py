"""Scheduled work: each process looks now and then whether something is due; in a fleet one of them does it."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable

from msgspec import Struct

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import QuarterdeckError
from quarterdeck.store import search_missing, search_outdated
from quarterdeck.store.database import Database, StorageError, WriteConnection
from quarterdeck.store.leases import claim_work, finish_work, give_up_work
from quarterdeck.store.memory_history import erase_forgotten
from quarterdeck.store.private import remove_private
from quarterdeck.store.purge import purge
from quarterdeck.store.search_later import index_changed
from quarterdeck.store.standing import bring_up_to_date
from quarterdeck.store.usage import settle_abandoned

logger = get_logger("quarterdeck.jobs")

_LEARN_EVERY_S = 60.0
_ERASE_EVERY_S = 60.0
_PRIVATE_EVERY_S = 600.0
_PURGE_EVERY_S = 3600.0
_SETTLE_EVERY_S = 120.0
_INDEX_EVERY_S = 60.0
_STANDING_EVERY_S, _STANDING_LEASE_S = 600.0, 3_600.0  # once, after an upgrade, there are all of them
_OUTDATED_EVERY_S, _OUTDATED_LEASE_S = 86_400.0, 7_200.0  # the first time all messages are looked through
_CHANGES_EVERY_S = 30.0
_REBUILD_EVERY_S = 30.0
_TURN_MS = 60_000  # how long after its end somebody may still be about to settle something of a turn
_CALL_MS = 15 * 60_000  # longer than any call takes
_PURGE_PAUSE_S = 0.2  # a few conversations at a time, so that nobody waits behind them


class Job(Struct, frozen=True):
    """`work` does all that is due and may be broken off anywhere: it is when it takes longer than `lease_s`.

    A process that dies in it is replaced when the lease is over. `look_s`: how often each process looks.
    """

    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]
    lease_s: float = 60.0
    look_s: float = 60.0


def usual_jobs(
    database: Database, rebuild_summaries: Callable[[], Awaitable[None]], learn: Callable[[], Awaitable[None]]
) -> list[Job]:
    return [
        Job("summaries", _REBUILD_EVERY_S, rebuild_summaries, lease_s=300.0, look_s=_REBUILD_EVERY_S),
        Job("memories", _LEARN_EVERY_S, learn, lease_s=600.0),
        Job("forgotten", _ERASE_EVERY_S, lambda: _remove(database, erase_forgotten)),
        Job("private", _PRIVATE_EVERY_S, lambda: _remove(database, remove_private)),
        Job("purge", _PURGE_EVERY_S, lambda: _purge(database)),
        Job("changed", _CHANGES_EVERY_S, lambda: index_changed(database), look_s=_CHANGES_EVERY_S),
        Job(search_missing.WORK, _INDEX_EVERY_S, lambda: _index_missing(database), lease_s=300.0),
        Job("standing", _STANDING_EVERY_S, lambda: bring_up_to_date(database), lease_s=_STANDING_LEASE_S),
        Job(search_outdated.WORK, _OUTDATED_EVERY_S, lambda: _index_outdated(database), lease_s=_OUTDATED_LEASE_S),
        Job("settle", _SETTLE_EVERY_S, lambda: _settle_all(database)),
    ]


async def run_forever(database: Database, job: Job, worker: str) -> None:
    """Look, do what is due, wait; the wait is uneven, so that a fleet that started together does not look together."""
    while True:
        try:
            await run_if_due(database, job, worker)
        except StorageError as error:
            logger.warning("job_not_looked_at", job=job.name, reason=error.message, detail=error.detail)
        await asyncio.sleep(job.look_s * random.uniform(0.5, 1.0))  # nosec B311  # noqa: S311  # nothing secret about it


async def run_if_due(database: Database, job: Job, worker: str) -> bool:
    """True when the work was done here and now. Raises: `StorageError`."""
    owner = f"{worker}:{secrets.token_hex(4)}"
    period_ms, lease_ms = int(job.every_s * 1000), int(job.lease_s * 1000)
    claimed = await database.write(
        lambda connection: claim_work(connection, job.name, owner, period_ms=period_ms, lease_ms=lease_ms)
    )
    if not claimed:
        return False
    is_done = await _try(job)
    if is_done:
        is_done = await database.write(lambda connection: finish_work(connection, job.name, owner))
    else:
        await database.write(lambda connection: give_up_work(connection, job.name, owner, pause_ms=lease_ms))
    metrics.JOB_RUNS.add(1, job.name, "done" if is_done else "failed")
    return is_done


async def _try(job: Job) -> bool:
    try:
        async with asyncio.timeout(job.lease_s * 0.9):  # before the lease lets somebody else begin
            await job.work()
    except (QuarterdeckError, TimeoutError) as error:
        logger.warning("job_failed", job=job.name, reason=str(error) or "it took too long")
        return False
    except Exception as error:  # what nobody thought of must not end the work for as long as the server runs
        logger.error("job_crashed", job=job.name, exc_info=error)
        return False
    return True


async def _remove(database: Database, remove_some: Callable[[WriteConnection], int]) -> None:
    await _repeat(database, remove_some)


async def _purge(database: Database) -> None:
    if await _repeat(database, purge):
        await database.tidy()


async def _repeat(database: Database, remove_some: Callable[[WriteConnection], int]) -> int:
    """Until nothing is left to be removed; how much was."""
    total = 0
    while removed := await database.write(remove_some):
        total += removed
        await asyncio.sleep(_PURGE_PAUSE_S)
    return total


async def _index_missing(database: Database) -> None:
    await search_missing.index_missing(database)


async def _index_outdated(database: Database) -> None:
    await search_outdated.index_outdated(database)


async def _settle_all(database: Database) -> None:
    """What was reserved for requests that nobody will settle any more."""
    now = now_ms()
    await database.write(
        lambda connection: settle_abandoned(connection, turns_before=now - _TURN_MS, calls_before=now - _CALL_MS)
    )
