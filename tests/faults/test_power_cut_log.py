"""A power cut on the SQLite log: its file is sound, and each log is what was written, from its beginning on."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Report
from tests.harness.power_cut import Choice, Record, choose_by, drop, keep, read_record, rebuild, tracing_command
from tests.harness.waiting import trials

from quarterdeck.log.sql import SqlLog

NAME = "log.sqlite3"
NAMES = [f"t{turn}" for turn in range(12)]

WRITER = """
import asyncio, sys
from pathlib import Path
from quarterdeck.log.sql import SqlLog

async def main():
    log = SqlLog(Path(sys.argv[1]))
    await log.open()
    log._writer._connection.execute("PRAGMA wal_autocheckpoint = 20")  # each checkpoint writes into the file
    for seq in range(1, 401):
        await asyncio.gather(*(log.append(name, seq, [f"{name} {seq}".encode()]) for name in sys.argv[2:]))
        if seq == 300:
            await log.finish("t0", 60)
            sys.argv.remove("t0")
    await log.close()

asyncio.run(main())
"""


async def open_and_close(path: Path) -> None:
    log = SqlLog(path)
    await log.open()
    await log.close()


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are recorded with strace, which is Linux's")
def test_the_log_is_sound_after_a_power_cut(tmp_path: Path, report: Report) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    asyncio.run(open_and_close(folder / NAME))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    command = [*tracing_command(tmp_path / "calls"), sys.executable, "-c", WRITER, str(folder / NAME), *NAMES]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    record = read_record(tmp_path / "calls", folder, before)
    assert record.files[NAME].writes, "a checkpoint has written into the file"

    cuts = list(choose_cuts(record))
    violations: list[str] = []
    entries = 0
    for number, (cut, choose) in enumerate(cuts):
        found, wrong = look_after(record, cut, choose, tmp_path / f"cut-{number}")
        violations += [f"cut at {cut}: {what}" for what in wrong]
        entries += found
    report("power cut on the SQLite log", violations, len(cuts))
    assert entries > 1_000 * len(cuts) / 2, "the cuts leave logs to look at"

    blind = 0  # the control: the same cuts, had the write-ahead log never been synced
    for number, (cut, choose) in enumerate(cuts):
        _, wrong = look_after(record, cut, choose, tmp_path / f"blind-{number}", blind_to="-wal")
        blind += bool(wrong)
    assert blind, "without syncs the same cuts must do harm"


def choose_cuts(record: Record) -> Iterator[tuple[int, Choice]]:
    dice = random.Random(7)
    for _ in range(trials(40, 1000)):
        cut = dice.randrange(record.length // 4, record.length + 1)
        for choose in (drop, keep, choose_by(dice)):
            yield cut, choose


def look_after(record: Record, cut: int, choose: Choice, folder: Path, *, blind_to: str = "") -> tuple[int, list[str]]:
    """How many entries the product finds in what the cut has left, and what is wrong with them."""
    folder.mkdir()
    for name, content in rebuild(record, cut, choose, blind_to=blind_to):
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    count, wrong = asyncio.run(read_all(folder / NAME))
    wrong += [f"{path.name} was moved aside" for path in folder.glob("*.broken-*")]
    shutil.rmtree(folder)
    return count, wrong


async def read_all(path: Path) -> tuple[int, list[str]]:
    log = SqlLog(path)
    await log.open()
    count, wrong = 0, list[str]()
    for name in NAMES:
        found = await log.read(name, 0, limit=1_000)
        status = await log.status(name)
        if found != [(seq, f"{name} {seq}".encode()) for seq in range(1, len(found) + 1)]:
            wrong.append(f"{name} has holes, or what was not written")
        if (status.last if status else 0) != len(found):
            wrong.append(f"{name} is said to end elsewhere")
        count += len(found)
    await log.close()
    return count, wrong
