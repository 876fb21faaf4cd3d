"""The log's own SQLite file: how it is opened, and what becomes of a broken one.

A file that SQLite cannot read is moved aside and a new one begun: the log is the moment, the database
is the record. What stands in it is `sql_format`'s. Pages are small, because a turn that runs alone writes
one in each commit.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.log.sql_format import SCHEMA, VERSION, pack_version_1

_READABLE = (0, 1, VERSION)  # 0 is a new file
_BUSY_TIMEOUT_S = 5.0
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_log = get_logger(__name__)


def open_log_file(path: Path) -> sqlite3.Connection:
    """The writing connection to the file at `path`, which is made when it is not there.

    Raises: `LogError` when the file cannot be opened (permissions, no folder, no space).
    """
    try:
        try:
            return _open(path)
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise
            _move_aside(path, str(error))
            return _open(path)
    except (sqlite3.Error, OSError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise LogError(
            f"The log's file {path.name} cannot be opened ({reason}): check the data folder and its disk.",
            detail=repr(error),
        ) from error


def make_tables(connection: sqlite3.Connection) -> None:
    """What is not there yet; a file of version 1 becomes one of this version, or stays what it was."""
    connection.execute("BEGIN IMMEDIATE")
    [version] = connection.execute("PRAGMA user_version").fetchone()
    for statement in SCHEMA:
        connection.execute(statement)
    if version == 1:
        pack_version_1(connection)
    connection.execute("COMMIT")


def open_reader(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA query_only = 1")
    return connection


def is_broken(error: sqlite3.Error) -> bool:
    """Is it the file's content that SQLite cannot use?"""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _BROKEN


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = _connect(path)
    try:
        connection.execute("PRAGMA page_size = 2048")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 8000")  # 16 MB: each one waits for the disk
        connection.execute("PRAGMA journal_size_limit = 16777216")
        _check(connection)
        make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Raises: `sqlite3.DatabaseError` (corrupt) for a file that is damaged or of another version."""
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [finding] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok" or version not in _READABLE:
        error = sqlite3.DatabaseError(finding if finding != "ok" else f"version {version}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _move_aside(path: Path, reason: str) -> None:
    """The write-ahead log goes along: SQLite would play it into the new file."""
    aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}")
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.rename(aside.with_name(aside.name + suffix))
    _log.warning("log.broken_file_moved_aside", file=str(path), moved_to=str(aside), reason=reason)
