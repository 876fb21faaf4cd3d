"""A database is brought to this version, or refused with one sentence; nothing is lost on the way."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event

from quarterdeck.errors import SetupError
from quarterdeck.store import migrate
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.refusals import cause_of
from quarterdeck.store.search_schema import is_index
from quarterdeck.store.tables import metadata

ADD_COLUMN = """
from alembic import op
import sqlalchemy as sa
revision = "9999"
down_revision = "{head}"
def upgrade():
    op.add_column("users", sa.Column("shoe_size", sa.Integer))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quarterdeck.sqlite3"


def query(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(statement).fetchall()
        connection.commit()
        return rows


def schema_of(path: Path) -> dict[str, list[str]]:
    """The words of each definition, sorted: the order of columns and constraints is no difference."""
    rows = query(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    return {name: sorted(re.findall(r"\w+|[()]", sql)) for name, sql in rows}


def run_all_migrations(path: Path) -> None:
    with migrate._one_transaction(path) as connection:
        migrate.run_migrations(connection)


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This version with one more migration; the file of that migration."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate._FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "versions" / "9999_shoe_size.py"
    file.write_text(ADD_COLUMN.format(head=migrate.HEAD))
    monkeypatch.setattr(migrate, "_FOLDER", folder)
    monkeypatch.setattr(migrate, "HEAD", "9999")
    return file


def make_older_database(path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As this version, without the one more migration, leaves it; with a user in it."""
    with monkeypatch.context() as before:
        before.setattr(migrate, "HEAD", next_version.read_text().split('down_revision = "')[1].split('"')[0])
        assert migrate_sqlite(path) is None
    query(path, "INSERT INTO users (id, name, role, created_at) VALUES ('1', 'ann', 'owner', 0)")


@contextmanager
def dying_at(statement_number: int) -> Iterator[None]:
    """The process's end, as far as the database can tell: a statement is not run, nor any after it."""
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen >= statement_number:
            raise KeyboardInterrupt

    event.listen(Engine, "before_cursor_execute", count)
    try:
        with suppress(KeyboardInterrupt):  # or it is through before that statement
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def test_the_head_in_the_code_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate._FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.HEAD


def test_a_new_database_and_a_migrated_one_have_the_same_schema(path: Path, tmp_path: Path) -> None:
    migrated = tmp_path / "migrated.sqlite3"
    migrate_sqlite(path)
    run_all_migrations(migrated)
    assert schema_of(path) == schema_of(migrated)
    assert query(path, "SELECT version_num FROM alembic_version") == [(migrate.HEAD,)]
    assert query(migrated, "SELECT version_num FROM alembic_version") == [(migrate.HEAD,)]


def is_kept(name: str | None, kind: str, _parents: object) -> bool:
    """The index of words, and the index that only SQLite has, are not among the tables."""
    return not is_index(name or "") if kind == "table" else name != "ix_search_entries_ranked"


def test_the_migrations_lead_to_the_tables_of_the_code(path: Path) -> None:
    run_all_migrations(path)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_kept})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize("makes_file", [False, True])
def test_a_new_database_needs_no_snapshot(path: Path, makes_file: bool) -> None:
    if makes_file:
        path.touch()
    assert migrate_sqlite(path) is None
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_database_that_is_new_or_up_to_date_is_opened_without_loading_alembic(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from quarterdeck.store.migrate import migrate_sqlite;"
        "migrate_sqlite(Path(sys.argv[1])); migrate_sqlite(Path(sys.argv[1]));"
        "print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "False"


def test_before_an_upgrade_a_snapshot_of_the_database_as_it_was_is_kept(
    path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older_database(path, next_version, monkeypatch)
    snapshot = migrate_sqlite(path)
    assert snapshot is not None
    assert query(snapshot, "SELECT id, name FROM users") == [("1", "ann")]
    assert query(snapshot, "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'shoe_size'") == [(0,)]
    assert snapshot.stat().st_mode & 0o777 == 0o600
    assert query(path, "SELECT name, shoe_size FROM users") == [("ann", None)]
    assert query(path, "SELECT version_num FROM alembic_version") == [("9999",)]
    assert migrate_sqlite(path) is None


def test_an_upgrade_that_fails_leaves_the_database_as_it_was_and_names_the_snapshot(
    path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older_database(path, next_version, monkeypatch)
    before = schema_of(path)
    with next_version.open("a") as file:
        file.write("    op.drop_table('nowhere')\n")
    with pytest.raises(SetupError) as caught:
        migrate_sqlite(path)
    [snapshot] = path.parent.glob("*.before-*")
    assert snapshot.name in caught.value.message
    assert "nowhere" not in caught.value.message
    assert schema_of(path) == before == schema_of(snapshot)
    assert query(path, "SELECT name FROM users") == [("ann",)]


def test_an_upgrade_that_is_tried_again_at_once_keeps_a_copy_each_time(
    path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older_database(path, next_version, monkeypatch)
    with next_version.open("a") as file:
        file.write("    op.drop_table('nowhere')\n")
    for _ in range(4):
        with pytest.raises(SetupError):
            migrate_sqlite(path)
    assert len(list(path.parent.glob("*.before-*"))) == 4


@pytest.mark.parametrize("statement", range(1, 40, 3))
def test_a_new_database_whose_making_was_broken_off_is_made_the_next_time(path: Path, statement: int) -> None:
    with dying_at(statement):
        migrate_sqlite(path)
    migrate_sqlite(path)
    assert query(path, "SELECT version_num FROM alembic_version") == [(migrate.HEAD,)]
    assert query(path, "SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize("statement", range(1, 12))
def test_an_upgrade_that_was_broken_off_is_done_the_next_time(
    path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    with next_version.open("a") as file:
        file.write("    op.add_column('users', sa.Column('hat_size', sa.Integer, server_default='7'))\n")
        file.write("    op.drop_index('ix_turns_ended')\n")
    make_older_database(path, next_version, monkeypatch)
    with dying_at(statement):
        migrate_sqlite(path)
    migrate_sqlite(path)
    assert query(path, "SELECT name, shoe_size, hat_size FROM users") == [("ann", None, 7)]
    assert query(path, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_two_processes_that_make_the_same_new_database_both_succeed(path: Path) -> None:
    barrier = threading.Barrier(4)
    errors: list[BaseException] = []

    def make() -> None:
        barrier.wait(5)
        try:
            migrate_sqlite(path)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert errors == []
    assert query(path, "SELECT version_num FROM alembic_version") == [(migrate.HEAD,)]


def test_a_database_of_a_newer_version_is_refused_and_not_touched(path: Path) -> None:
    migrate_sqlite(path)
    query(path, "UPDATE alembic_version SET version_num = '8888'")
    before = path.read_bytes()
    with pytest.raises(SetupError, match="newer Quarterdeck"):
        migrate_sqlite(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"hello\n" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused_and_not_touched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SetupError, match="not a Quarterdeck database") as caught:
        migrate_sqlite(path)
    assert path.name in caught.value.message
    assert path.read_bytes() == content


def test_somebody_elses_database_is_refused_and_keeps_its_tables(path: Path) -> None:
    query(path, "CREATE TABLE users (shopping_list TEXT)")
    before = schema_of(path)
    with pytest.raises(SetupError, match="another program"):
        migrate_sqlite(path)
    assert schema_of(path) == before


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may open everything."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_file_of_another_user_is_not_called_broken() -> None:
    """As after a command that was run with sudo."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "quarterdeck.sqlite3"
        migrate_sqlite(path)
        path.chmod(0o000)
        with as_somebody_else(), pytest.raises(SetupError, match="cannot be opened") as caught:
            migrate_sqlite(path)
        assert "Move it away" not in caught.value.message
        assert str(path) in caught.value.message


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("attempt to write a readonly database", "the database's file may not be written"),
        ("database or disk is full", "the disk is full"),
        ("no such table: users", ""),
    ],
)
def test_why_a_file_is_refused_is_said_where_it_is_known(said: str, cause: str) -> None:
    assert cause_of(sqlite3.OperationalError(said)) == cause
