"""A writer killed at a random moment: what it had been told is written is there."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from quarterdeck.log.sql import SqlLog

WRITER = """
import asyncio, sys
from pathlib import Path
from quarterdeck.log.sql import SqlLog

async def write(log, name):
    status = await log.status(name)
    seq = status.last + 1 if status else 1
    while True:
        count = seq % 4 + 1
        await log.append(name, seq, [f"{name} {number}".encode() for number in range(seq, seq + count)])
        seq += count
        print(name, seq - 1, flush=True)

async def main():
    log = SqlLog(Path(sys.argv[1]))
    await log.open()
    await asyncio.gather(*(write(log, f"t{turn}") for turn in range(5)))

asyncio.run(main())
"""


def write_until_killed(path: Path, lines: int) -> dict[str, int]:
    """The last acknowledged seq of each log; the writer is killed after about so many acknowledgements."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged: dict[str, int] = {}
    for number, line in enumerate(writer.stdout, 1):
        if not line.endswith("\n"):
            break
        name, seq = line.split()
        acknowledged[name] = int(seq)
        if number == lines:
            os.kill(writer.pid, signal.SIGKILL)
    assert writer.wait(5) == -signal.SIGKILL
    writer.stdout.close()
    return acknowledged


async def read_bodies(path: Path, name: str) -> list[bytes]:
    log = SqlLog(path)
    await log.open()
    entries = await log.read(name, 0, limit=1_000_000)
    await log.close()
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    return [entry.body for entry in entries]


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    """Twice on the same file: the second writer goes on where the first one's log ends."""
    chance, path = random.Random(seed), tmp_path / "log.sqlite3"
    for _ in range(2):
        acknowledged = write_until_killed(path, chance.randint(5, 400))
        assert acknowledged
        for name, seq in acknowledged.items():
            found = asyncio.run(read_bodies(path, name))
            assert len(found) >= seq
            assert found == [f"{name} {number}".encode() for number in range(1, len(found) + 1)]
