"""Bring the database file to this version's tables, or refuse to start (`migrate_postgres.py`: the same there).

A database that is new or up to date is served without loading Alembic (which costs a third of a second at
start). Before an existing one is changed, a snapshot is put beside it.
"""

from __future__ import annotations

import importlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event

from quarterdeck.errors import SetupError
from quarterdeck.store.refusals import cause_of

HEAD = "0013"
COPYING = "copying"
"""Stands where the revision does while `quarterdeck copy-database` fills the tables."""

_FOLDER = Path(__file__).parent / "migrations"
_SCHEMA = Path(__file__).with_name("schema.sql")
"""Today's tables as statements with an empty line between them, by scripts/generate: to put `tables.py` and its index
into SQL takes five times as long as to make them.
"""


def migrate_sqlite(path: Path) -> Path | None:
    """Returns the snapshot's path when an existing database was changed.

    Raises: `SetupError`; the database is then as it was.
    """
    current = _current_revision(path)
    if current == HEAD:
        return None
    snapshot = None if current is None else _take_snapshot(path, current)
    try:
        with _one_transaction(path) as connection:
            if current is None:
                _create(connection, path)
            else:
                run_migrations(connection)
    except SetupError:
        raise
    except Exception as error:
        kept = f" A copy of it is in {snapshot.name}." if snapshot else ""
        raise SetupError(_cannot(current, error) + kept, detail=repr(error)) from error
    return snapshot


def _cannot(current: str | None, error: Exception) -> str:
    cause = f" ({found})" if (found := cause_of(error)) else ""
    if current is None:
        return f"The database could not be made{cause}; Quarterdeck does not start."
    return (
        f"The database could not be brought to this version{cause} and is as it was; Quarterdeck does not start on it."
    )


@contextmanager
def _one_transaction(path: Path) -> Iterator[Connection]:
    """All or nothing, tables included, and one process after the other: who dies leaves the file as it was."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _take_snapshot(path: Path, current: str) -> Path:
    """A copy beside the database. Raises: `SetupError` for a newer database, and when there is no room for a copy."""
    refuse_unknown(current)
    snapshot = path.with_name(f"{path.name}.before-{HEAD}-{time.time_ns() // 1_000_000}")
    draft = snapshot.with_name(f"{snapshot.name}.part")  # half a copy must not look like one
    try:
        draft.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target)
        return draft.replace(snapshot)
    except (sqlite3.Error, OSError) as error:
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            left.unlink(missing_ok=True)
        raise SetupError(
            f"No copy of the database could be made ({cause_of(error) or error}), "
            "so it was not brought to this version.",
            detail=repr(error),
        ) from error


def _current_revision(path: Path) -> str | None:
    """None for a new or empty file. Raises: `SetupError` when the file is no database."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "alembic_version" not in tables:
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return "unfinished" if row is None else str(row[0])
    except sqlite3.OperationalError as error:  # its rights, its disk, who has it open: not what is in it
        raise SetupError(
            f"The file {path} cannot be opened ({cause_of(error) or error}). See whose it is and who may write it: "
            f"`ls -l {path.parent}`.",
            detail=repr(error),
        ) from error
    except sqlite3.DatabaseError as error:
        raise SetupError(
            f"The file {path.name} in the data folder is not a Quarterdeck database ({error}). "
            "Move it away or restore a backup."
        ) from error


def _create(connection: Connection, path: Path) -> None:
    """A new database gets today's tables in one step: the same ones that the migrations lead to (a test compares)."""
    tables = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
    if "alembic_version" in tables:
        return  # another process has just made it
    if tables:
        raise SetupError(
            f"The file {path.name} in the data folder belongs to another program. "
            "Move it away or choose another folder."
        )
    for statement in _SCHEMA.read_text(encoding="utf-8").split("\n\n"):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version "
        "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def refuse_unknown(current: str) -> None:
    """Raises: `SetupError` for tables that this version does not know."""
    if current == COPYING:
        raise SetupError(
            "A copy into this database was begun and is not finished. "
            "Run the same `quarterdeck copy-database` again: it goes on where it was."
        )
    known = {file.name.split("_", 1)[0] for file in (_FOLDER / "versions").glob("[0-9]*.py")}
    if current not in known:
        raise SetupError(
            f"The database was written by a newer Quarterdeck (tables {current}, this version knows {HEAD}). "
            "Install that version again, or restore the snapshot made before its upgrade."
        )


def run_migrations(connection: Connection, revision: str = "head") -> None:
    """Up to `revision`, within the transaction of `connection`, which the caller commits."""
    # Alembic is loaded only when there is something to migrate: it takes as long as the rest of the start.
    command: Any = importlib.import_module("alembic.command")
    config_class: Any = importlib.import_module("alembic.config").Config
    config = config_class()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
