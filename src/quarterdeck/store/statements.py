"""Statements that are their own words, for both databases: those that run often, where building and compiling one would
cost more than running it.

A value is `:name` in the words. Lists are one value (`among` reads it), so that the words are the same however much is
asked for, and the driver has them prepared already.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, CursorResult

from quarterdeck.store.prepared import driver_of, execute_on

_NAME = re.compile(r"(?<!:):([a-z_]+\d*)")


class Statement:
    """`on_postgresql`: where it has other words there."""

    def __init__(self, words: str, on_postgresql: str = "") -> None:
        self._on_sqlite = words
        self._names: list[str] = []
        self._on_postgresql = _NAME.sub(self._number, on_postgresql or words)

    def _number(self, found: re.Match[str]) -> str:
        """As the driver for PostgreSQL wants it: `$1`."""
        if found[1] not in self._names:
            self._names.append(found[1])
        return f"${self._names.index(found[1]) + 1}"

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """All rows, as tuples in the order of the columns. A list among the values is for `among`."""
        result = self._execute(connection, values)
        return result.fetchall() if isinstance(result, sqlite3.Cursor) else result.all()

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Of one that has no rows."""
        self._execute(connection, values)

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> sqlite3.Cursor | CursorResult[Any]:
        if connection.dialect.name == "sqlite":
            given = {name: _as_json(value) if isinstance(value, list) else value for name, value in values.items()}
            if (driver := driver_of(connection)) is not None:
                return execute_on(driver, self._on_sqlite, given)
            return connection.exec_driver_sql(self._on_sqlite, given)
        return connection.exec_driver_sql(self._on_postgresql, tuple(values[name] for name in self._names))


def among(words: str, kind: str = "varchar", on_postgresql: str = "") -> Statement:
    """`{name}` in the words is a table with the column `value`: what is in the list of that name, of this type, or of
    another: `{name:varchar}`."""
    return Statement(
        _LISTED.sub(r"(SELECT value FROM json_each(:\1))", words),
        _LISTED.sub(
            lambda found: f"(SELECT unnest(CAST(:{found[1]} AS {found[2] or kind}[])) AS value)", on_postgresql or words
        ),
    )


def from_rows(words: str, columns: Mapping[str, str]) -> Statement:
    """`{rows}` in the words is a table with these columns, by their types: the value `rows`, which `as_rows` makes.

    One statement for many rows: on SQLite each that a trigger adds something to has what the full-text index gathers in
    memory written out first.
    """
    read = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return Statement(
        words.replace("{rows}", f"(SELECT {read} FROM json_each(:rows))"),  # nosec B608  # noqa: S608
        words.replace("{rows}", f"(SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS listed({typed}))"),  # nosec B608  # noqa: S608
    )


def as_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a value of a statement, by the names of their columns."""
    return _as_json(rows)


_LISTED = re.compile(r"\{([a-z_]+)(?::([a-z]+))?\}")


def _as_json(values: Iterable[Any]) -> str:
    return msgspec.json.encode(values).decode()
