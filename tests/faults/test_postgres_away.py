"""G9: PostgreSQL is killed amid commits and started again. Nothing is lost or doubled, everybody is told in time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from tests.conftest import MakeFleet, MakePostgres, Report
from tests.fakes.script import Script, words
from tests.harness.crowd import (
    Record,
    find_losses,
    find_wrong_views,
    read_answers,
    read_messages,
    running_turns,
    send_all_again,
    sending,
)
from tests.harness.fleet import Fleet
from tests.harness.full_client import new_name
from tests.harness.postgres import PostgresServer
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until_async

REFUSED_S = 5.0
RECOVERED_S = 10.0
TURNS = 3
WORDS = 150
TEXT = "".join(words(WORDS))
KILLS: list[Callable[[PostgresServer], None]] = [PostgresServer.kill_postmaster, PostgresServer.kill]


@dataclass
class Figures:
    acked: int = 0
    probes: list[tuple[int, float]] = field(default_factory=list)  # (status, seconds) while it is away
    recovered_s: list[float] = field(default_factory=list)  # until a message was taken, until a turn moved on

    def __str__(self) -> str:
        slowest = max(took for _, took in self.probes)
        return f"{len(self.probes)} refused within {slowest:.1f} s, recovered within {max(self.recovered_s):.1f} s"


@pytest.mark.parametrize("has_redis", [False, True], ids=["alone", "with Valkey"])
async def test_a_postgres_that_is_killed_amid_commits_loses_and_doubles_nothing(
    make_fleet: MakeFleet, make_postgres: MakePostgres, upstream: Upstream, report: Report, *, has_redis: bool
) -> None:
    postgres = make_postgres()
    fleet = make_fleet(has_redis=has_redis, database_url=postgres.new_database())
    for _ in range(2):
        fleet.serve()
    chance = random.Random(9)
    wrong: list[str] = []
    figures = Figures()
    count = trials(1, 6)
    for number in range(count):
        await go_through(fleet, upstream, postgres, KILLS[(number + has_redis) % 2], chance, figures, wrong)
    wrong += [f"{status} while it was away" for status, _ in figures.probes if status != 503]
    wrong += [f"refused after {took:.1f} s" for _, took in figures.probes if took > REFUSED_S]
    wrong += [f"recovered after {took:.1f} s" for took in figures.recovered_s if took > RECOVERED_S]
    name = "with Valkey" if has_redis else "alone"
    report(f"G9 PostgreSQL killed, {name}", wrong, figures.acked + count * TURNS, str(figures))


async def go_through(
    fleet: Fleet,
    upstream: Upstream,
    postgres: PostgresServer,
    kill: Callable[[PostgresServer], None],
    chance: random.Random,
    figures: Figures,
    wrong: list[str],
) -> None:
    """One kill amid answers and new messages."""
    long, short = upstream.model(Script(pieces=words(WORDS), delay_s=0.04)), upstream.model(Script(pieces=["ok"]))
    record = Record()
    async with (
        running_turns(fleet, [long] * TURNS) as (turns, viewers),
        sending(fleet.port, fleet.key, short, record, pause_s=0.0),
    ):
        enough = chance.randint(3, 12)
        await wait_until_async(lambda: _is_enough(record, enough), "acknowledgements", 20)
        await asyncio.sleep(chance.random() / 20)  # anywhere within a commit
        await asyncio.to_thread(kill, postgres)
        figures.probes += await probe(fleet, short)
        await asyncio.to_thread(postgres.start)
        back_at, acked = time.monotonic(), len(record.acked)
        await wait_until_async(lambda: _is_enough(record, acked + 1), "a message to be taken", 3 * RECOVERED_S)
        figures.recovered_s.append(time.monotonic() - back_at)
    figures.recovered_s += [viewer.first_after(back_at) or 0.0 for viewer in viewers]
    wrong += find_losses(read_messages(fleet), record)
    await send_all_again(fleet.port, fleet.key, short, record)
    wrong += find_losses(read_messages(fleet), record)
    await wait_until_async(lambda: _are_over(fleet), "all answers", 20)
    wrong += find_wrong_views(viewers, TEXT, read_answers(fleet, turns))
    if len(upstream.requests(long)) != TURNS:
        wrong.append(f"{len(upstream.requests(long))} requests for {TURNS} answers")
    figures.acked += len(record.acked)


async def probe(fleet: Fleet, model: str) -> list[tuple[int, float]]:
    """What is said meanwhile to who asks over HTTP at each server, and after how long; two rounds."""
    found = []
    headers = {"Authorization": f"Bearer {fleet.key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for server in fleet.servers * 2:
            message = {"message": "Are you there?", "chatId": new_name("chat"), "model": model}
            begun = time.monotonic()
            async with session.post(f"{server.url}/chat_batch", json=message) as answer:
                found.append((answer.status, time.monotonic() - begun))
            begun = time.monotonic()
            async with session.get(f"{server.url}/api/conversations") as answer:
                found.append((answer.status, time.monotonic() - begun))
            await asyncio.sleep(0.3)
    return found


async def _is_enough(record: Record, enough: int) -> bool:
    return len(record.acked) >= enough


async def _are_over(fleet: Fleet) -> bool:
    return fleet.ask("SELECT count(*) FROM turns WHERE status IN ('queued', 'running')") == "0"
