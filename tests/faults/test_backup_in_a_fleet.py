"""G15: a backup of PostgreSQL while a fleet answers 50 people, restored into SQLite on another machine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
from tests.conftest import MakeFleet, MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.crowd import Record, running_turns, sending
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until_async

TURNS = 50


async def test_a_backup_amid_fifty_answers_is_restored_elsewhere_as_it_was(
    make_fleet: MakeFleet, make_server: MakeServer, upstream: Upstream, tmp_path: Path, report: Report
) -> None:
    fleet = make_fleet(has_redis=False)
    for _ in range(2):
        fleet.serve()
    done, after, short = Record(), Record(), upstream.model(Script(pieces=words(5)))
    async with sending(fleet.port, fleet.key, short, done):
        await wait_until_async(lambda: are_acked(done, 10), "the first messages", 20)
    file = tmp_path / "fleet.backup"
    slow = upstream.model(Script(pieces=words(200), delay_s=0.04))
    async with running_turns(fleet, [slow] * TURNS) as (turns, _), sending(fleet.port, fleet.key, short, after):
        said = await asyncio.to_thread(fleet.servers[0].run, "backup", str(file))
    assert said.returncode == 0, said.stderr
    elsewhere = make_server()
    restored = await asyncio.to_thread(elsewhere.run, "restore", str(file))
    assert restored.returncode == 0, restored.stderr
    await asyncio.to_thread(elsewhere.start)
    running = [sent["conversation"] for sent in turns]
    wrong = await asyncio.to_thread(
        compare, fleet.servers[0].http(), elsewhere.http(fleet.key), list(done.acked), running
    )
    report("G15 backup of a fleet amid 50 answers, restored into SQLite", wrong, len(done.acked) + TURNS)


def compare(there: Any, here: Any, finished: list[str], running: list[str]) -> list[str]:
    """Byte by byte what was finished before the backup; the question of what was being answered."""
    wrong = []
    with there as theirs, here as ours:
        pairs = [(read(theirs, chat), read(ours, chat)) for chat in finished]
        wrong += [f"{one} is {other}" for one, other in pairs if one != other]
        for chat in running:
            question, mine = fetch_messages(theirs, chat)[0], fetch_messages(ours, chat)
            if not mine or mine[0] != question or len(mine) != 2:
                wrong.append(f"{question} is {mine}")
    return wrong


def read(http: httpx2.Client, chat: str) -> str:
    return json.dumps(fetch_messages(http, chat))


async def are_acked(record: Record, count: int) -> bool:
    return len(record.acked) >= count
