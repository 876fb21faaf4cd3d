"""Negative controls of G8 and G9: what the tests of stores that are away look for, with the protection switched off."""

from __future__ import annotations

import asyncio

import pytest
from tests.conftest import Control, MakeFleet, MakePostgres, MakeValkey
from tests.fakes.script import Script
from tests.faults.test_redis_away import go_through
from tests.harness.crowd import Record, find_losses, read_messages, send_all_again, sending
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until_async


@pytest.mark.parametrize(
    ("without", "outage", "sentence"),
    [
        ("keeping what waits", "killed", " characters: "),
        ("acknowledging without the log", "paused", "an acknowledgement took "),
    ],
)
async def test_what_is_lost_or_late_while_redis_is_away_would_be_seen(
    make_fleet: MakeFleet,
    make_valkey: MakeValkey,
    upstream: Upstream,
    control: Control,
    without: str,
    outage: str,
    sentence: str,
) -> None:
    valkey = make_valkey()
    fleet = make_fleet(redis_url=valkey.url, WITHOUT=without)
    fleet.serve()
    wrong: list[str] = []
    await go_through(fleet, upstream, valkey, outage, wrong)
    assert any(sentence in found for found in wrong), wrong
    control(f"G8 Redis {outage}", without, wrong)


async def test_what_is_lost_or_doubled_when_postgres_is_killed_would_be_seen(
    make_fleet: MakeFleet, make_postgres: MakePostgres, upstream: Upstream, control: Control
) -> None:
    # what nobody waits for stays in the memory that dies with it
    late = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB", "wal_buffers": "16MB"}
    postgres = make_postgres(**late, full_page_writes="off", autovacuum="off")
    loose, forgetful = "synchronous commits", "ids of messages"
    fleet = make_fleet(database_url=postgres.new_database(), WITHOUT=f"{loose},{forgetful}")
    fleet.serve()
    model, record = upstream.model(Script(pieces=["ok"])), Record()
    async with sending(fleet.port, fleet.key, model, record):
        await wait_until_async(lambda: _is_enough(record), "acknowledgements", 20)
        await asyncio.to_thread(postgres.kill)
        await asyncio.to_thread(postgres.start)
    control("G9 PostgreSQL killed", loose, find_losses(read_messages(fleet), record))
    await send_all_again(fleet.port, fleet.key, model, record)
    control("G9 PostgreSQL killed", forgetful, record.second_turns)


async def _is_enough(record: Record) -> bool:
    return len(record.acked) >= 12
