"""What only the SQLite log promises: group commits, broken files, full disks, closing."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.contract.log_stores import bodies, collect

from quarterdeck.errors import LogError
from quarterdeck.log import sql_format
from quarterdeck.log.base import LogStatus
from quarterdeck.log.follow import check_cursor
from quarterdeck.log.sql import SqlLog
from quarterdeck.log.sql_format import write_chunks

FAILING_DISK = """
import asyncio, resource, sys
from pathlib import Path
from quarterdeck.errors import LogError
from quarterdeck.log.sql import SqlLog

def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main():
    log = SqlLog(Path(sys.argv[1]))
    await log.open()
    limit_files(200_000)
    seq = 1
    try:
        while seq < 10_000:
            await log.append("t", seq, [b"x" * 5_000])
            seq += 1
    except LogError as error:
        print(type(error).__name__, error.message)
    results = await asyncio.gather(*(log.append(f"t{n}", 1, [b"x" * 50_000]) for n in range(5)), return_exceptions=True)
    print([type(result).__name__ for result in results])
    assert (await log.status("t")).last == seq - 1
    assert len(await log.read("t", 0)) == seq - 1
    limit_files(resource.RLIM_INFINITY)
    await log.append("t", seq, [b"after"])
    await log.append("t0", 1, [b"after"])
    await log.close()
    print(seq)

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite3"


async def open_log(path: Path) -> SqlLog:
    log = SqlLog(path)
    await log.open()
    return log


async def write_and_close(path: Path, count: int = 3) -> None:
    log = await open_log(path)
    await log.append("t", 1, bodies(count))
    await log.close()


async def expect_a_new_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = await open_log(path)
    assert [record.getMessage() for record in caplog.records] == ["log.broken_file_moved_aside"]
    assert await log.status("t") is None
    await log.append("t", 1, bodies(2))
    assert len(await log.read("t", 0)) == 2
    await log.close()


async def test_appends_under_load_share_commits(path: Path) -> None:
    log = await open_log(path)
    assert log._writer is not None
    statements: list[str] = []
    log._writer._connection.set_trace_callback(statements.append)
    await asyncio.gather(*(log.append(f"t{turn}", 1, bodies(1)) for turn in range(500)))
    assert 1 <= statements.count("COMMIT") < 100
    await log.close()


async def test_close_commits_what_is_on_its_way(path: Path) -> None:
    log = await open_log(path)
    appending = [asyncio.ensure_future(log.append(f"t{turn}", 1, bodies(1))) for turn in range(100)]
    await asyncio.sleep(0)
    await log.close()
    await asyncio.gather(*appending)
    assert not path.with_name(path.name + "-wal").exists()
    again = await open_log(path)
    assert [await again.status(f"t{turn}") for turn in range(100)] == [LogStatus("running", 1, 1)] * 100
    await again.close()


async def test_a_closed_log_refuses_every_verb(path: Path) -> None:
    log = await open_log(path)
    await log.append("t", 1, bodies(1))
    await log.close()
    await log.close()
    for verb in (
        log.append("t", 2, bodies(1)),
        log.finish("t", 1),
        log.drop("t"),
        log.status("t"),
        log.read("t", 0),
    ):
        with pytest.raises(LogError):
            await verb


async def test_closing_lets_no_follower_hang(path: Path) -> None:
    log = await open_log(path)
    await log.append("t", 1, bodies(1))
    following = asyncio.create_task(collect(log, "t"))
    await asyncio.sleep(0.01)
    await log.close()
    with pytest.raises(LogError, match="shutting down"):
        await following


async def test_a_cancelled_append_harms_nobody(path: Path) -> None:
    log = await open_log(path)
    appending = asyncio.ensure_future(log.append("t", 1, bodies(1)))
    await asyncio.sleep(0)
    appending.cancel()
    await asyncio.gather(appending, return_exceptions=True)
    await log.append("u", 1, bodies(1))
    status = await log.status("t")
    assert status == LogStatus("running", 1, 1)
    await log.close()


def test_only_the_owner_can_read_the_file(path: Path) -> None:
    asyncio.run(write_and_close(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_moved_aside(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(content)
    asyncio.run(expect_a_new_file(path, caplog))
    [aside] = path.parent.glob("log.sqlite3.broken-*")
    assert aside.read_bytes() == content


async def test_a_damaged_page_is_found_when_the_file_is_opened(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await write_and_close(path, 3_000)
    with path.open("r+b") as file:
        file.seek(10 * 2048)
        file.write(b"\xa5" * 2048)
    await expect_a_new_file(path, caplog)


async def test_a_broken_files_write_ahead_log_is_not_played_into_the_new_one(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = SqlLog(path.with_name("running.sqlite3"))
    await running.open()
    await running.append("t", 1, bodies(20_000))
    for suffix in ("", "-wal"):  # as after a kill
        path.with_name(path.name + suffix).write_bytes(path.with_name("running.sqlite3" + suffix).read_bytes())
    await running.close()
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    with path.open("r+b") as file:
        file.write(b"broken" * 1000)
    path.with_name(path.name + "-wal").write_bytes(damaged(path.with_name(path.name + "-wal").read_bytes()))
    await expect_a_new_file(path, caplog)


def damaged(wal: bytes) -> bytes:
    """All frames after the first few are lost."""
    return wal[: len(wal) // 50]


async def test_another_versions_file_is_moved_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await write_and_close(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    await expect_a_new_file(path, caplog)


VERSION_1 = """
CREATE TABLE log (
    no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, finished INTEGER NOT NULL DEFAULT 0, drop_at INTEGER
);
CREATE INDEX log_drop_at ON log (drop_at) WHERE drop_at IS NOT NULL;
CREATE TABLE entry (key INTEGER PRIMARY KEY, body BLOB NOT NULL);
INSERT INTO log VALUES
    (1, 'running', 0, NULL), (2, 'ended', 1, 9000000000000), (3, 'feed:ann', 0, NULL), (5, 'due', 1, 1);
PRAGMA user_version = 1;
"""


def write_version_1(path: Path) -> None:
    """What the version before wrote: a row for each entry, keyed by the log's number and the seq."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA page_size = 2048")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(VERSION_1)
        for no, first, count in ((1, 1, 700), (2, 1, 3), (3, 4_001, 900), (5, 1, 2)):
            rows = (((no << 24) + seq, bodies(1, seq)[0]) for seq in range(first, first + count))
            connection.executemany("INSERT INTO entry VALUES (?, ?)", rows)
        connection.commit()


async def test_the_version_befores_file_is_read_and_gone_on_with(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_version_1(path)
    log = await open_log(path)
    assert caplog.records == []
    assert await log.status("running") == LogStatus("running", 1, 700)
    assert await log.status("ended") == LogStatus("finished", 1, 3)
    assert await log.status("feed:ann") == LogStatus("running", 4_001, 4_900)
    assert [entry.body for entry in await log.read("running", 0, limit=1_000)] == bodies(700)
    assert (await log.read("feed:ann", 4_500))[0] == (4_501, *bodies(1, 4_501))
    await log.append("running", 701, bodies(1, 701))
    await log.append("new", 1, bodies(2))
    assert await log.expire() == 1
    await log.close()
    again = await open_log(path)
    assert [entry.body for entry in await collect(again, "ended")] == bodies(3)
    assert [entry.body for entry in await again.read("running", 0, limit=1_000)] == bodies(701)
    assert [entry.body for entry in await again.read("new", 0)] == bodies(2)
    await again.close()


def test_the_version_befores_file_stays_what_it_was_when_it_cannot_be_rewritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version_1(path)

    def write_some(connection: sqlite3.Connection, no: int, seq: int, part: list[bytes]) -> None:
        if no > 1:
            raise sqlite3.OperationalError("database or disk is full")
        write_chunks(connection, no, seq, part)

    with monkeypatch.context() as patch:
        patch.setattr(sql_format, "write_chunks", write_some)
        with pytest.raises(LogError, match="cannot be opened"):
            asyncio.run(open_log(path))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM entry").fetchone() == (1_605,)
    assert asyncio.run(read_running(path)) == bodies(700)


async def read_running(path: Path) -> list[bytes]:
    log = await open_log(path)
    entries = await log.read("running", 0, limit=1_000)
    await log.close()
    return [entry.body for entry in entries]


async def test_a_chunk_that_cannot_be_unpacked_is_one_clear_error(path: Path) -> None:
    await write_and_close(path)
    log = await open_log(path)
    assert log._writer is not None
    log._writer._connection.execute("UPDATE chunk SET bodies = x'c1'")
    with pytest.raises(LogError, match="cannot be read"):
        await log.read("t", 0)
    await log.close()


async def test_a_sound_file_is_opened_as_it_is(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await write_and_close(path)
    log = await open_log(path)
    assert caplog.records == []
    assert await log.status("t") == LogStatus("running", 1, 3)
    await log.close()


async def test_a_folder_that_is_not_there_is_one_clear_error(path: Path) -> None:
    with pytest.raises(LogError, match="data folder"):
        await SqlLog(path.parent / "nowhere" / "log.sqlite3").open()


async def test_a_body_that_cannot_be_written_fails_and_nothing_hangs(path: Path) -> None:
    log = await open_log(path)
    with pytest.raises(LogError):
        await log.append("t", 1, [object()])  # type: ignore[list-item]
    with pytest.raises(LogError):
        await log.append("\ud800", 1, bodies(1))
    await log.append("t", 1, bodies(1))
    assert len(await log.read("t", 0)) == 1
    await log.close()


async def test_a_full_disk_is_said_in_plain_words(path: Path) -> None:
    log = await open_log(path)
    await log.append("t", 1, bodies(1))
    assert log._writer is not None
    [pages] = log._writer._connection.execute("PRAGMA page_count").fetchone()
    log._writer._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(LogError, match="disk is full"):
        await log.append("t", 2, [b"x" * 100_000])
    await log.append("t", 2, bodies(1, 2))
    assert [entry.body for entry in await log.read("t", 0)] == bodies(2)
    await log.close()


def test_a_failing_disk_fails_what_does_not_fit_and_is_tried_again(path: Path) -> None:
    """A limit on the size of files makes the writes fail, in a process of its own."""
    run = subprocess.run([sys.executable, "-c", FAILING_DISK, str(path)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    error, others, seq = [line for line in run.stdout.splitlines() if "log." not in line]
    assert error.startswith("LogError The")
    assert others == str(["LogError"] * 5)

    async def check() -> None:
        log = await open_log(path)
        assert await log.status("t") == LogStatus("running", 1, int(seq))
        assert (await log.read("t", int(seq) - 1))[0].body == b"after"
        await log.close()

    asyncio.run(check())


async def test_a_reader_of_the_file_is_not_ahead_of_what_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit is in the file a moment before the event loop hears of it; who reads then goes on all the same."""
    log = SqlLog(tmp_path / "log.sqlite3")
    await log.open()
    large = b"x" * 50_000  # two of them are more than a tail keeps
    for seq in (1, 2):
        await log.append("t", seq, [large])
    untold: list[tuple[str, int, list[bytes], int]] = []
    tell = log._tails.extend
    monkeypatch.setattr(log._tails, "extend", lambda *given: untold.append(given))
    await log.append("t", 3, [b"third"])
    assert [entry.seq for entry in await log.read("t", 0)] == [1, 2]
    await check_cursor(log, "t", 2)
    assert not await log.wait("t", 2, 0.01)
    monkeypatch.undo()
    tell(*untold[0])
    assert [entry.seq for entry in await log.read("t", 0)] == [1, 2, 3]
    await log.close()
