"""Sends that arrive at once, at several processes: one message each, one answer at a time, on either database."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.harness.postgres import Databases
from tests.unit.store.stored import Place, add_conversation, add_user, open_place

from quarterdeck.domain.ids import new_id
from quarterdeck.store.database import WriteConnection

PROCESSES = 3

PROGRAM = """
import asyncio, json, os, signal, sys
from pathlib import Path
from tests.unit.store.stored import open_place
from quarterdeck.store.clock import database_now_ms
from quarterdeck.turns.claim import Lease
from quarterdeck.turns import record

place, owner, workers, is_protected, sends = json.loads(sys.argv[1])
if not is_protected:
    record.lock_conversation = lambda connection, name: False

def tell(line):
    os.write(1, line.encode() + b"\\n")  # in one piece, beside those of the others

async def main(worker):
    async with open_place(Path(place) if place.startswith("/") else place, 4) as database:
        async def send(key, conversation):
            def write(connection):
                asked = record.Send(key=key, conversation=conversation, text=key)
                return record.record_send(connection, owner, asked, "m", Lease(worker, 10_000), lambda *_: None)
            row = (await database.write(write)).row
            return key, row.id, row.conversation_id, row.status, row.lease_owner
        await database.read(database_now_ms)
        tell("ready")
        sys.stdin.read()
        tell(json.dumps(await asyncio.gather(*(send(*each) for each in sends))))

for worker in workers:
    if not os.fork():
        asyncio.run(main(worker))
        os._exit(0)
if any(os.wait()[1] for _ in workers):
    os.killpg(0, signal.SIGKILL)
"""
"""Loaded once, then a process for each worker; all send when their input is closed. One that fails ends all."""


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return tmp_path
    return str(request.getfixturevalue("postgres").new_database())


def start(given: str) -> subprocess.Popen[str]:
    """The program and its workers, a group of their own."""
    command = [sys.executable, "-c", PROGRAM, given]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)


async def send_from_all(
    place: Place, sends: list[tuple[str, str]], *, exists: bool = False, is_protected: bool = True
) -> list[list[Any]]:
    """Each of several processes sends all of `sends` (key, conversation) at the same moment; what each was told.

    `exists`: the conversation of the first one is there already.
    """

    def prepare(connection: WriteConnection) -> str:
        owner = add_user(connection, "ann")
        if exists:
            add_conversation(connection, owner, sends[0][1])
        return owner

    async with open_place(place) as database:
        owner = await database.write(prepare)

    workers = [f"worker {number}" for number in range(PROCESSES)]
    given = json.dumps([str(place), owner, workers, is_protected, sends])
    group = start(given)
    try:
        assert group.stdout is not None
        for _ in workers:
            assert await asyncio.to_thread(group.stdout.readline) == "ready\n"
        output, _ = await asyncio.to_thread(group.communicate, timeout=30)
        assert group.returncode == 0
        return [row for told in output.splitlines() for row in json.loads(told)]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group.pid, signal.SIGKILL)
        group.wait()


async def test_the_same_message_sent_to_several_processes_at_once_is_one_message(place: Place) -> None:
    keys = [new_id() for _ in range(8)]
    told = await send_from_all(place, [(key, f"talk {number}") for number, key in enumerate(keys)])
    assert len(told) == PROCESSES * len(keys)
    assert len({(key, turn) for key, turn, *_ in told}) == len(keys)
    assert all(status == "running" for _, _, _, status, _ in told)


@pytest.mark.parametrize("exists", [False, True])
async def test_of_many_messages_to_one_conversation_one_is_answered_and_the_others_wait(
    place: Place, exists: bool
) -> None:
    keys = [new_id() for _ in range(8)]
    told = await send_from_all(place, [(key, "the same talk") for key in keys], exists=exists)
    assert len({conversation for _, _, conversation, _, _ in told}) == 1
    statuses = {turn: status for _, turn, _, status, _ in told}
    assert Counter(statuses.values()) == {"running": 1, "queued": len(keys) - 1}
    assert statuses[min(statuses)] == "running"


async def test_without_the_conversations_lock_several_would_be_answered_at_once(postgres: Databases) -> None:
    """The negative control: what the other tests see is the lock's doing."""
    for _ in range(10):
        sends = [(new_id(), "the same talk") for _ in range(12)]
        told = await send_from_all(postgres.new_database(), sends, exists=True, is_protected=False)
        if len({turn for _, turn, _, status, _ in told if status == "running"}) > 1:
            return
    pytest.fail("the lock makes no difference")
