"""Imports of a fleet, of a process that hangs and on a full disk: all is imported once, whoever did it."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.harness.exports import chatgpt_chat
from tests.harness.waiting import wait_until_async
from tests.unit.exchange.imported import Account

from quarterdeck.exchange import importing, recognising, running
from quarterdeck.exchange.importing import run_import
from quarterdeck.exchange.opened import Opened
from quarterdeck.exchange.recognising import Plan
from quarterdeck.exchange.running import Imports
from quarterdeck.store.database import Database, StorageError, WriteConnection
from quarterdeck.store.imports import Counts, ImportRow, find_import, insert_import

T = TypeVar("T")
CHATS, QUESTIONS = 6, 10
ALL = Counts(conversations=CHATS, messages=2 * CHATS * QUESTIONS)


class Unsteady:
    """A database as one process has it: write `refused` fails as on a full disk, from write `hangs` on all wait."""

    def __init__(self, database: Database, *, refused: int = 0, hangs: int = 0) -> None:
        self._database, self._refused, self._hangs = database, refused, hangs
        self.writes = 0
        self.is_hanging, self.goes_on = asyncio.Event(), asyncio.Event()
        self.read, self.glance = database.read, database.glance
        self.tidy, self.close = database.tidy, database.close

    async def write(self, fn: Callable[[WriteConnection], T]) -> T:
        self.writes += 1
        if self.writes == self._refused:
            raise StorageError("The server's disk is full.")
        if 0 < self._hangs <= self.writes:
            self.is_hanging.set()
            await self.goes_on.wait()
        return await self._database.write(fn)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_CHUNK_MESSAGES", 7)
    for name, value in {"_LEASE_S": 0.4, "_RENEW_S": 0.1, "_LOOK_S": 0.1, "_PAUSE": 0.0, "_SPARE_BYTES": 0}.items():
        monkeypatch.setattr(running, name, value)


def export() -> bytes:
    return json.dumps([chatgpt_chat(f"c{number}", QUESTIONS) for number in range(CHATS)]).encode()


async def in_pieces() -> AsyncIterator[bytes]:
    yield export()


async def end_of(ann: Account, identifier: str) -> ImportRow:
    async def find() -> ImportRow | None:
        row = await ann.database.read(lambda connection: find_import(connection, ann.user, identifier))
        return row if row is not None and row.ended_at is not None else None

    return await wait_until_async(find, "the import's end")


async def check_all_is_there_once(ann: Account, row: ImportRow) -> None:
    assert (row.status, row.counts) == ("complete", ALL)
    sources = Counter((message["conversation_id"], message["source"]) for message in await ann.messages())
    assert (len(sources), set(sources.values())) == (ALL.messages, {1})


async def test_of_two_processes_with_one_folder_one_works_on_an_import(ann: Account, tmp_path: Path) -> None:
    processes = [Imports(ann.database, tmp_path / "data", 1 << 30) for _ in range(2)]
    watching = [asyncio.create_task(process.watch()) for process in processes]
    row = await processes[0].receive(ann.user, "conversations.json", None, in_pieces())
    for process in processes:
        process.wake()
    await check_all_is_there_once(ann, await end_of(ann, row.id))
    await stop(watching)


async def test_a_file_that_the_disk_takes_in_parts_is_kept_whole(
    ann: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system may take a part of what it is given, and says how much."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, piece: write(file, piece[:100]))
    imports = Imports(ann.database, tmp_path / "data", 1 << 30)
    row = await imports.receive(ann.user, "conversations.json", None, in_pieces())
    assert imports.path_of(row.id).read_bytes() == export()


async def test_a_process_that_hangs_is_followed_by_another_and_writes_nothing_when_it_wakes_up(
    ann: Account, tmp_path: Path
) -> None:
    slow = Unsteady(ann.database, hangs=6)
    first, second = (Imports(each, tmp_path / "data", 1 << 30) for each in (slow, ann.database))
    watching = [asyncio.create_task(first.watch())]
    row = await first.receive(ann.user, "conversations.json", None, in_pieces())
    await slow.is_hanging.wait()
    watching.append(asyncio.create_task(second.watch()))
    ended = await end_of(ann, row.id)
    slow.goes_on.set()
    await asyncio.sleep(0)
    await check_all_is_there_once(ann, ended)
    await stop(watching)
    await check_all_is_there_once(ann, await end_of(ann, row.id))


@pytest.mark.parametrize("refused", [1, 2, 3, 9, 18])
async def test_an_import_that_met_a_full_disk_goes_on_where_it_was(ann: Account, tmp_path: Path, refused: int) -> None:
    path = tmp_path / "conversations.json"
    path.write_bytes(export())
    size = len(export())
    row = await ann.database.write(
        lambda connection: insert_import(connection, ann.user, name=path.name, place="", total_bytes=size)
    )
    with pytest.raises(StorageError):
        await run_import(Unsteady(ann.database, refused=refused), row.id, path)
    await run_import(ann.database, row.id, path)
    await check_all_is_there_once(ann, await end_of(ann, row.id))


async def test_a_file_that_breaks_its_import_leaves_the_others_alone(
    ann: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recognise(opened: Opened) -> Plan:
        if opened.name == "broken.json":
            raise KeyError("what nobody has thought of")
        return recognising.recognise(opened)

    monkeypatch.setattr(importing, "recognise", recognise)
    process = Imports(ann.database, tmp_path / "data", 1 << 30)
    watching = [asyncio.create_task(process.watch())]
    broken = await process.receive(ann.user, "broken.json", None, in_pieces())
    good = await process.receive(ann.user, "conversations.json", None, in_pieces())
    assert (await end_of(ann, broken.id)).status == "failed"
    await check_all_is_there_once(ann, await end_of(ann, good.id))
    await stop(watching)


async def test_who_stops_looking_for_imports_leaves_none_running(ann: Account, tmp_path: Path) -> None:
    slow = Unsteady(ann.database, hangs=6)
    process = Imports(slow, tmp_path / "data", 1 << 30)
    watching = [asyncio.create_task(process.watch())]
    row = await process.receive(ann.user, "conversations.json", None, in_pieces())
    await slow.is_hanging.wait()
    await stop(watching)
    written = slow.writes
    slow.goes_on.set()
    await asyncio.sleep(0.1)
    assert slow.writes == written
    assert asyncio.all_tasks() == {asyncio.current_task()}
    watching = [asyncio.create_task(Imports(ann.database, tmp_path / "data", 1 << 30).watch())]
    await check_all_is_there_once(ann, await end_of(ann, row.id))
    await stop(watching)


async def stop(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
