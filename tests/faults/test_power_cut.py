"""G1: a power cut on SQLite. What was acknowledged is there, whatever the disk had not yet been told to keep."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.conftest import MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name, open_full
from tests.harness.power_cut import Choice, Record, choose_by, drop, keep, read_record, rebuild, tracing_command
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until

from quarterdeck.app.data import open_database
from quarterdeck.config import Settings
from quarterdeck.store.tables import messages

DATABASE = "quarterdeck.sqlite3"
ACCEPTED = re.compile(rb'"type":"accepted".*?"message":"(\w+)"')
_SENDS = 12


async def talk(port: int, key: str, model: str) -> None:
    async with open_full(port, key) as client:
        for number in range(_SENDS):
            sent = await client.send(f"keep {number}", conversation=new_name("chat"), model=model)
            await client.until_ended(sent["turn"])


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are recorded with strace, which is Linux's")
async def test_what_was_acknowledged_survives_a_power_cut(
    make_server: MakeServer, upstream: Upstream, tmp_path: Path, report: Report
) -> None:
    running = make_server()
    key = running.key  # by a process of its own, so before the record begins
    before = {path.name: path.read_bytes() for path in running.data_dir.iterdir() if path.is_file()}
    running.under = tracing_command(tmp_path / "calls")
    running.start()
    await talk(running.port, key, upstream.model(Script(pieces=words(12))))
    running.terminate()
    wait_until(lambda: running.log_text().count('"stopping"') == 1, "the server to have stopped")
    record = read_record(tmp_path / "calls", running.data_dir, before)
    kept = [(line, match[1].decode()) for line, said in record.said for match in ACCEPTED.finditer(said)]
    assert len(kept) == _SENDS, "the record shows each acknowledgement"

    cuts = list(choose_cuts(record, [line for line, _ in kept]))
    violations: list[str] = []
    for number, (cut, choose) in enumerate(cuts):
        found = await read_after(record, cut, choose, tmp_path / f"cut-{number}")
        violations += [f"cut at {cut}: {lost} is lost" for line, lost in kept if line < cut and lost not in found]
    report("G1 power cut on SQLite", violations, len(cuts))

    blind = 0  # the control: the same cuts, had the write-ahead log never been synced
    for number, (cut, choose) in enumerate(cuts):
        try:
            found = await read_after(record, cut, choose, tmp_path / f"blind-{number}", blind_to="-wal")
        except (AssertionError, sqlite3.DatabaseError):
            blind += 1
            continue
        blind += any(line < cut and lost not in found for line, lost in kept)
    assert blind > len(cuts) / 4, "without syncs the same cuts must lose messages"


def choose_cuts(record: Record, acknowledged: list[int]) -> Iterator[tuple[int, Choice]]:
    """Right behind each acknowledgement, and anywhere after the first one."""
    dice = random.Random(7)
    for line in acknowledged:
        for choose in (drop, keep, choose_by(dice)):
            yield line + 1, choose
    for _ in range(trials(150, 3000)):
        yield dice.randrange(acknowledged[0] + 1, record.length + 1), choose_by(dice)


async def read_after(record: Record, cut: int, choose: Choice, folder: Path, *, blind_to: str = "") -> set[str]:
    """The ids of the messages that the product finds when it opens what the cut has left."""
    put_back(folder, rebuild(record, cut, choose, blind_to=blind_to))
    database = await open_database(Settings(data_dir=folder))
    try:
        found = await database.read(lambda connection: {row.id for row in connection.execute(select(messages.c.id))})
    finally:
        await database.close()
        shutil.rmtree(folder)
    return found


def put_back(folder: Path, files: Iterator[tuple[str, bytes]]) -> None:
    """The database alone; it must be sound."""
    folder.mkdir()
    for name, content in files:
        if name.startswith(DATABASE) and not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
