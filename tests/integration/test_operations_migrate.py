"""`migrate`: a copy first, then all or nothing, whenever it is killed."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from tests.conftest import Control, Report
from tests.harness.installation import change, database_of, run_dying
from tests.harness.postgres import Databases
from tests.harness.server import clean_environment, run_command
from tests.harness.waiting import trials

from quarterdeck.operations.archive import open_archive
from quarterdeck.store.migrate import HEAD
from quarterdeck.store.transfer_places import Place, PostgresPlace, SqlitePlace
from quarterdeck.store.transfer_schema import make_tables

OLD = "0001"


def make_old(place: Place) -> None:
    """A database as the first version left it, with somebody in it."""

    def make(connection: Connection) -> None:
        make_tables(connection, OLD)
        connection.execute(text("INSERT INTO users (id, name, role, created_at) VALUES ('1', 'ann', 'owner', 5)"))

    asyncio.run(place.write(make))


def migrate(folder: Path, *options: str, url: str = "") -> subprocess.CompletedProcess[str]:
    return run_command("migrate", *options, folder=folder.parent, environment=environment_of(folder, url))


def environment_of(folder: Path, url: str = "") -> dict[str, str]:
    return clean_environment(folder.parent, QUARTERDECK_DATA_DIR=str(folder), QUARTERDECK_DATABASE_URL=url)


def look_at(place: Place) -> tuple[str, str, bool]:
    """The revision, who is in it, and whether it has what the new version brings."""

    def look(connection: Connection) -> tuple[str, str, bool]:
        has_new = True
        revision = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
        name = str(connection.execute(text("SELECT name FROM users")).scalar_one())
        try:
            connection.execute(text("SELECT handovers FROM turns")).all()
            connection.execute(text("SELECT name FROM leases")).all()
        except Exception:
            has_new = False
        return revision, name, has_new

    return asyncio.run(place.read(look))


def is_kept(folder: Path) -> bool:
    """Whether every copy that was taken is whole and of the old revision, and there is one."""
    copies = [file for file in folder.iterdir() if "before-" in file.name and not file.name.endswith(".part")]
    for copy in copies:
        if copy.suffix == ".backup":
            with open_archive(copy) as archive:
                if archive.manifest.revision != OLD or len(list(archive.lines("users"))) != 1:
                    return False
        else:
            with closing(sqlite3.connect(copy)) as connection:
                if connection.execute("SELECT version_num FROM alembic_version").fetchall() != [(OLD,)]:
                    return False
    return bool(copies)


@pytest.mark.parametrize("kind", ["file", "server"])
def test_an_old_database_is_kept_and_brought_to_this_version(tmp_path: Path, postgres: Databases, kind: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    url = postgres.new_database(is_empty=True) if kind == "server" else ""
    place: Place = PostgresPlace(url) if url else SqlitePlace(database_of(folder))
    make_old(place)
    done = migrate(folder, "--check", url=url)
    assert (done.returncode, done.stdout) == (1, f"The database has tables {OLD}, this version needs {HEAD}.\n")
    assert look_at(place) == (OLD, "ann", False)
    done = migrate(folder, url=url)
    assert done.returncode == 0, done.stderr
    assert f"({OLD} → {HEAD})" in done.stdout
    assert look_at(place) == (HEAD, "ann", True)
    assert is_kept(folder)
    done = migrate(folder, "--check", url=url)
    assert (done.returncode, done.stdout) == (0, f"The database is up to date (tables {HEAD}).\n")
    assert "up to date" in migrate(folder, url=url).stdout


def test_one_goes_back_to_the_copy_of_a_file_as_restore_says(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    place = SqlitePlace(database_of(folder))
    make_old(place)
    assert migrate(folder).returncode == 0
    (copy,) = folder.glob("quarterdeck.sqlite3.before-*")
    refused = run_command("restore", str(copy), "--replace", folder=tmp_path, environment=environment_of(folder))
    assert refused.returncode == 1
    assert "stop the server, move quarterdeck.sqlite3 with its -wal and -shm away" in refused.stderr
    assert look_at(place) == (HEAD, "ann", True)
    for file in folder.glob("quarterdeck.sqlite3*"):
        if file != copy:
            file.rename(tmp_path / file.name)
    copy.rename(database_of(folder))
    assert look_at(place) == (OLD, "ann", False)


@pytest.mark.parametrize("kind", ["file", "server"])
def test_a_migration_that_is_killed_leaves_the_old_or_the_new_and_a_copy(
    tmp_path: Path, postgres: Databases, report: Report, kind: str
) -> None:
    def make(name: str) -> tuple[Path, str, Place]:
        folder = tmp_path / name
        folder.mkdir()
        url = postgres.new_database(is_empty=True) if kind == "server" else ""
        place: Place = PostgresPlace(url) if url else SqlitePlace(database_of(folder))
        make_old(place)
        return folder, url, place

    def run(at: int, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
        return run_dying(at, "migrate", folder=tmp_path, environment=environment_of(folder, url))

    folder, url, _ = make("all")
    words = int(run(0, folder, url).stderr.split("words: ")[1])
    count = min(trials(3, words), words)
    points = sorted({1 + words * number // count for number in range(count)} | {words - 3, words - 1, words})
    wrong, was_old, was_kept = [], 0, 0
    for at in points:
        folder, url, place = make(f"killed-{at}")
        done = run(at, folder, url)
        wrong += [] if done.returncode < 0 else [f"at {at}: not killed, {done.stderr}"]
        found = look_at(place)
        if found == (OLD, "ann", False):
            was_old += 1
        elif found != (HEAD, "ann", True):
            wrong.append(f"at {at}: {found}")
        elif not is_kept(folder):
            wrong.append(f"at {at}: changed without a copy")
        was_kept += is_kept(folder)
        done = migrate(folder, url=url)
        if done.returncode or look_at(place) != (HEAD, "ann", True) or not is_kept(folder):
            wrong.append(f"at {at}: the next run says {done.stderr}, {look_at(place)}")
    assert was_old, "none was killed before the end"
    assert was_kept, "none was killed after the copy"
    report(f"G13 migration killed on the {kind}, {words} words", wrong, len(points))


def test_a_migration_that_is_no_transaction_would_be_seen(tmp_path: Path, control: Control) -> None:
    without, wrong = "one transaction", []
    for at in (20, 40, 60):
        folder = tmp_path / f"killed-{at}"
        folder.mkdir()
        place = SqlitePlace(database_of(folder))
        make_old(place)
        done = run_dying(at, "migrate", folder=tmp_path, environment=environment_of(folder) | {"WITHOUT": without})
        assert done.returncode < 0, done.stderr
        if (found := look_at(place)) not in ((OLD, "ann", False), (HEAD, "ann", True)):
            wrong.append(f"at {at}: {found}")
    control("G13 migration killed on the file", without, wrong)


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    make_old(SqlitePlace(database_of(folder)))
    change(database_of(folder), "UPDATE alembic_version SET version_num = '9999'")
    for options in ([], ["--check"]):
        done = migrate(folder, *options)
        assert done.returncode == 1
        assert "was written by a newer Quarterdeck" in done.stderr
    assert [file.name for file in folder.iterdir()] == ["quarterdeck.sqlite3"]


def test_without_room_for_the_copy_nothing_is_changed(tmp_path: Path, postgres: Databases) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    url = postgres.new_database(is_empty=True)
    make_old(PostgresPlace(url))
    environment = environment_of(folder, url)
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 1; exec "$@"', "sh", sys.executable, "-m", "quarterdeck", "migrate"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert look_at(PostgresPlace(url)) == (OLD, "ann", False)
    assert list(folder.iterdir()) == []


def test_check_makes_nothing(tmp_path: Path) -> None:
    done = migrate(tmp_path / "data", "--check")
    assert (done.returncode, done.stdout) == (1, f"The database has no tables, this version needs {HEAD}.\n")
    assert not (tmp_path / "data").exists()
    assert migrate(tmp_path / "data").returncode == 0
    assert migrate(tmp_path / "data", "--check").returncode == 0
