"""Databases as administration meets them: perhaps not there, perhaps old, perhaps damaged; without limits of time.

`read` shows one state of everything, however long it takes and whatever is written meanwhile; `write` is one
transaction. (What serves requests goes through `database.py`.)
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from quarterdeck.errors import SetupError
from quarterdeck.postgres_url import parse_postgres_url
from quarterdeck.store.refusals import is_full

T = TypeVar("T")
_BUSY_S = 10.0


class Place(Protocol):
    kind: str  # sqlite | postgresql
    name: str  # for messages, without a password

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Raises: what `fn` raised, `SetupError` when there is nothing that can be read."""
        ...

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Commits when `fn` returns; `fn` may commit what it has done so far by itself. Raises: as `read`."""
        ...


class SqlitePlace:
    """A file, made by the first write. Text that is no UTF-8 is read with U+FFFD in it, and counted in `unreadable`."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.unreadable = 0

    async def read(self, fn: Callable[[Connection], T]) -> T:
        if not self.path.exists():
            raise SetupError(f"There is no database at {self.path}.")
        with self.open() as connection:
            return fn(connection)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        with self.open("BEGIN IMMEDIATE") as connection:
            result = fn(connection)
            connection.commit()
            return result

    @contextmanager
    def open(self, begin: str = "BEGIN") -> Iterator[Connection]:
        """One state of everything for as long as it is open. Raises: `SetupError`."""
        engine = self._make_engine(begin)
        try:
            with engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise self._refusal(error) from error
        finally:
            engine.dispose()

    def _make_engine(self, begin: str) -> Engine:
        engine = create_engine("sqlite://", creator=self._open, poolclass=NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    def _open(self) -> sqlite3.Connection:
        # Without foreign keys: a migration makes tables anew, and dropping the old one must take no children along.
        address = f"{self.path.absolute().as_uri()}{'?immutable=1' if self._is_at_rest() else ''}"
        opened = sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        opened.text_factory = self._decode
        return opened

    def _is_at_rest(self) -> bool:
        """On a disk that was made read-only, as after errors of the disk, and left by its server: SQLite would want to
        make its `-shm` beside it. Where there is a `-wal`, what it holds counts, and it can be read as it is.
        """
        if sys.platform == "win32" or self.path.with_name(f"{self.name}-wal").exists():
            return False
        return self.path.exists() and bool(os.statvfs(self.path).f_flag & os.ST_RDONLY)

    def _decode(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.unreadable += 1
            return raw.decode("utf-8", "replace")

    def _refusal(self, error: DBAPIError) -> SetupError:
        reason = str(error.orig)
        if is_full(error):
            return SetupError(f"The disk with {self.path.parent} is full. Free some space and try again.")
        return SetupError(f"The database {self.path.name} cannot be used ({reason}).", detail=repr(error))


class PostgresPlace:
    kind = "postgresql"

    def __init__(self, url: str) -> None:
        """Raises: `SetupError` for a URL that is none."""
        self._address = parse_postgres_url(url)
        self.name = self._address.place

    async def read(self, fn: Callable[[Connection], T]) -> T:
        async with self._connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            result: T = await connection.run_sync(fn)
            return result

    async def write(self, fn: Callable[[Connection], T]) -> T:
        async with self._connect() as connection:
            result: T = await connection.run_sync(fn)
            await connection.commit()
            return result

    def _connect(self) -> Any:
        # Its driver is loaded only where there is a PostgreSQL.
        return import_module("quarterdeck.store.migrate_postgres").open_connection(self._address)


def place_of(database_url: str, data_dir: Path) -> Place:
    """The database that the settings name."""
    return PostgresPlace(database_url) if database_url else SqlitePlace(data_dir / "quarterdeck.sqlite3")
