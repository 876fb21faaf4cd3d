"""Statements that every turn runs: compiled once for SQLite, then given to its driver as they are.

Of what a short statement takes there, SQLAlchemy takes most: it looks up what it has compiled, sorts the values, and
wraps the rows. PostgreSQL has them in its own way, and so has whoever listens to what is executed, or brings a
connection of another kind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Executable
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

Given = Mapping[str, Any]

_DRIVER: Final = "quarterdeck_driver"
_NAMED = SQLiteDialect_pysqlite(paramstyle="named")
_NOTHING: Final[Given] = {}
_PLAIN = (type(None), str, int, float, bytes)


class _Words(Struct, frozen=True):
    """`fixed`: the values that the statement has of itself, such as a limit."""

    sql: str
    fixed: dict[str, Any]


class Prepared:
    """A statement whose values are given by name; those of an `insert` or `update` are its columns, too.

    Rows are tuples in the order of its columns. It has no lists of values, and columns of plain types only: what the
    driver returns is what is meant. Errors are SQLAlchemy's on either way.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._by_names: dict[tuple[str, ...], _Words] = {}

    def all(self, connection: Connection, given: Given) -> Sequence[Any]:
        if (driver := driver_of(connection)) is None:
            return connection.execute(self._statement, given).all()
        return self._execute(driver, given).fetchall()

    def parts(self, connection: Connection, given: Given, size: int) -> Iterator[Sequence[Any]]:
        """All rows, at most so many at a time."""
        if (driver := driver_of(connection)) is None:
            yield from connection.execute(self._statement, given).partitions(size)
            return
        cursor = self._execute(driver, given)
        while rows := cursor.fetchmany(size):
            yield rows

    def first(self, connection: Connection, given: Given) -> Any | None:
        """None: there is no row."""
        if (driver := driver_of(connection)) is None:
            return connection.execute(self._statement, given).first()
        cursor = self._execute(driver, given)
        row = cursor.fetchone()
        cursor.close()  # the rest is not read, and must not hold up the end of the transaction
        return row

    def one(self, connection: Connection, given: Given) -> Any:
        """Of a statement that always has a row."""
        row = self.first(connection, given)
        assert row is not None  # nosec B101  # noqa: S101
        return row

    def scalar(self, connection: Connection, given: Given) -> Any:
        """Of the first row the first value; None: there is no row."""
        row = self.first(connection, given)
        return None if row is None else row[0]

    def run(self, connection: Connection, given: Given) -> int:
        """How many rows it has changed."""
        if (driver := driver_of(connection)) is None:
            return connection.execute(self._statement, given).rowcount
        return self._execute(driver, given).rowcount

    def run_for_each(self, connection: Connection, given: Sequence[Given]) -> None:
        """All have the same names."""
        if not given:
            return
        if (driver := driver_of(connection)) is None:
            connection.execute(self._statement, given)
            return
        words = self._words_for(given[0])
        try:
            driver.executemany(words.sql, [{**words.fixed, **values} for values in given])
        except sqlite3.Error as error:
            raise _as_sqlalchemy_says(words.sql, error) from error

    def _execute(self, driver: sqlite3.Connection, given: Given) -> sqlite3.Cursor:
        words = self._words_for(given)
        return execute_on(driver, words.sql, {**words.fixed, **given} if words.fixed else given)

    def _words_for(self, given: Given) -> _Words:
        names = tuple(given)
        return self._by_names.get(names) or self._compile(names)

    def _compile(self, names: tuple[str, ...]) -> _Words:
        assert isinstance(self._statement, ClauseElement)  # nosec B101  # noqa: S101  # all that can be executed are
        compiled = self._statement.compile(dialect=_NAMED, column_keys=list(names))
        assert isinstance(compiled, SQLCompiler)  # nosec B101  # noqa: S101  # what is compiled for a database in SQL
        asked = {name for name, value in compiled.binds.items() if value.required}.union(names)
        state = compiled.construct_expanded_state(dict.fromkeys(asked))
        fixed = {name: value for name, value in state.parameters.items() if name not in asked}
        if odd := [name for name, value in fixed.items() if not isinstance(value, _PLAIN)]:
            raise TypeError(f"a prepared statement has plain values only, and these are not: {odd}")
        words = self._by_names[names] = _Words(state.statement, fixed)
        return words


def give_driver(connection: Connection) -> None:
    """Prepared statements may take the shorter way on this connection to SQLite.

    It must leave transactions to us (`AUTOCOMMIT`), or SQLAlchemy would not know of what it is to commit.
    """
    connection.info[_DRIVER] = connection.connection.dbapi_connection


def execute_on(driver: sqlite3.Connection, sql: str, given: Given = _NOTHING) -> sqlite3.Cursor:
    """Raises: the driver's errors as SQLAlchemy's, without the values."""
    try:
        return driver.execute(sql, given)
    except sqlite3.Error as error:
        raise _as_sqlalchemy_says(sql, error) from error


def _as_sqlalchemy_says(sql: str, error: sqlite3.Error) -> BaseException:
    return DBAPIError.instance(sql, None, error, sqlite3.Error, hide_parameters=True, dialect=_NAMED)


def driver_of(connection: Connection) -> sqlite3.Connection | None:
    """None: it is to be executed by SQLAlchemy."""
    driver: sqlite3.Connection | None = connection.info.get(_DRIVER)
    if driver is None or connection.dispatch.before_cursor_execute or connection.dispatch.after_cursor_execute:
        return None
    return driver
