"""A restore: into an empty folder, or in the place of what is there, which is kept."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.harness.installation import change, database_of, make_installation, sums_in

from quarterdeck.config import Settings
from quarterdeck.errors import InputError, SetupError
from quarterdeck.log.sql import SqlLog
from quarterdeck.operations.backup import write_backup
from quarterdeck.operations.restore import Restored, restore
from quarterdeck.store.migrate import HEAD, migrate_sqlite
from quarterdeck.store.transfer_places import SqlitePlace
from quarterdeck.store.transfer_schema import make_tables

KEY = bytes(range(32))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_installation(tmp_path / "source")


def back_up(folder: Path, name: str = "all.backup", secret: bytes | None = None) -> Path:
    file = folder.parent / name
    asyncio.run(write_backup(SqlitePlace(database_of(folder)), file, secret=secret))
    return file


def bring_back(file: Path, folder: Path, *, replaces: bool = False) -> Restored:
    folder.mkdir(exist_ok=True)
    return asyncio.run(restore(file, Settings(data_dir=folder), replaces=replaces))


def test_a_database_with_something_in_it_is_refused_unless_it_is_to_be_replaced(source: Path, tmp_path: Path) -> None:
    file, mine = back_up(source), make_installation(tmp_path / "mine", 2)
    before = sums_in(mine)
    with pytest.raises(InputError, match="not empty"):
        bring_back(file, mine)
    assert sums_in(mine) == before
    restored = bring_back(file, mine, replaces=True)
    assert sums_in(mine) == sums_in(source)
    assert restored.kept is not None
    assert restored.kept.stat().st_mode & 0o777 == 0o600
    (tmp_path / "old").mkdir()
    restored.kept.rename(database_of(tmp_path / "old"))
    assert sums_in(tmp_path / "old") == before


def test_a_database_with_tables_and_nothing_in_them_is_empty(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    migrate_sqlite(database_of(folder))
    assert bring_back(back_up(source), folder).kept is None
    assert sums_in(folder) == sums_in(source)


def test_what_the_journal_of_the_old_database_holds_is_kept_and_not_taken_for_the_new_ones(
    source: Path, tmp_path: Path
) -> None:
    mine = make_installation(tmp_path / "mine", 2)
    with closing(sqlite3.connect(database_of(mine), isolation_level=None)) as killed:  # as a killed server leaves it
        killed.execute("PRAGMA journal_mode=WAL")
        killed.execute("UPDATE conversations SET title = 'in the journal'")
        left = {file.name: file.read_bytes() for file in mine.iterdir()}
    for name, body in left.items():
        (mine / name).write_bytes(body)
    assert "quarterdeck.sqlite3-wal" in left
    restored = bring_back(back_up(source), mine, replaces=True)
    assert sums_in(mine) == sums_in(source)
    assert restored.kept is not None
    with closing(sqlite3.connect(restored.kept)) as kept:
        assert kept.execute("SELECT DISTINCT title FROM conversations").fetchall() == [("in the journal",)]


def test_a_database_that_is_damaged_can_be_replaced_and_is_kept_as_it_is(source: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    database_of(mine).write_bytes(b"these bytes are no database" * 100)
    with pytest.raises(SetupError):
        bring_back(back_up(source), mine)
    restored = bring_back(tmp_path / "all.backup", mine, replaces=True)
    assert restored.kept is not None
    assert restored.kept.read_bytes().startswith(b"these bytes")
    assert sums_in(mine) == sums_in(source)


def test_while_another_program_writes_to_the_old_database_it_is_not_replaced(source: Path, tmp_path: Path) -> None:
    mine = make_installation(tmp_path / "mine", 2)
    file = back_up(source)
    with closing(sqlite3.connect(database_of(mine), isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE conversations SET title = ''")
        with pytest.raises(SetupError, match="Another program"):
            bring_back(file, mine, replaces=True)
        other.execute("COMMIT")
    assert sums_in(mine)["conversations"].rows == 2


def test_a_backup_of_an_older_version_is_brought_to_this_one(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    asyncio.run(SqlitePlace(database_of(old)).write(lambda connection: make_tables(connection, "0001")))
    change(database_of(old), "INSERT INTO users VALUES ('1', 'ann', 'owner', 5, NULL)")
    restored = bring_back(back_up(old), tmp_path / "new")
    assert restored.manifest.revision == "0001"
    with closing(sqlite3.connect(database_of(tmp_path / "new"))) as new:
        assert new.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
        assert new.execute("SELECT id, name FROM users").fetchall() == [("1", "ann")]
        assert new.execute("SELECT count(*) FROM leases").fetchall() == [(0,)]


def test_secret_key_comes_along_only_when_asked_and_the_old_one_is_kept(source: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    assert not bring_back(back_up(source), mine).has_secret
    assert not (mine / "secret.key").exists()
    (mine / "secret.key").write_bytes(b"another")
    restored = bring_back(back_up(source, "with.backup", KEY), mine, replaces=True)
    assert restored.has_secret
    assert (mine / "secret.key").read_bytes() == KEY
    assert (mine / "secret.key").stat().st_mode & 0o777 == 0o600
    [kept] = mine.glob("secret.key.before-restore-*")
    assert kept.read_bytes() == b"another"


async def test_the_log_of_an_answer_that_was_being_written_is_forgotten(tmp_path: Path) -> None:
    """What was said after the backup must not come back in the middle of what is said now."""
    source = await asyncio.to_thread(make_installation, tmp_path / "source", 1)
    change(database_of(source), "UPDATE turns SET id = 'open', status = 'running' WHERE rowid = 1")
    change(database_of(source), "UPDATE turn_steps SET turn_id = 'open'")
    file = await asyncio.to_thread(back_up, source)
    log = SqlLog(source / "log.sqlite3")
    await log.open()
    for turn in ("open", "ended"):
        await log.append(turn, 1, [b"{}"])
    await log.close()
    await restore(file, Settings(data_dir=source), replaces=True)
    await (log := SqlLog(source / "log.sqlite3")).open()
    assert await log.status("open") is None
    assert await log.status("ended") is not None
    await log.close()
