"""Whole tables, row by row, the same from every database: for backups and for moving from one to another.

Rows come in the order of their primary key and have one canonical form, a line of JSON, so that two databases
with the same rows have the same checksum. Text that not every database can hold is mended: see `mend`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Connection, LargeBinary, Table, func, insert, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

CHUNK_ROWS = 500
_CHUNK_BYTES = 8 << 20  # about; of what one message weighs nobody knows

Row = tuple[Any, ...]
"""Values in the order of the table's columns."""


class TableSum(Struct, frozen=True):
    """What a table holds: how many rows, and the SHA-256 of their canonical lines in primary-key order."""

    rows: int
    sha256: str


class Summing:
    """Makes a `TableSum` of rows that come in primary-key order."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._rows += 1
            self._hash.update(line)

    def result(self) -> TableSum:
        return TableSum(self._rows, self._hash.hexdigest())


def encode_row(row: Sequence[Any]) -> bytes:
    """One line with its end. Bytes are base64; floats are the shortest text that gives them back."""
    return msgspec.json.encode(list(row)) + b"\n"


def decode_row(table: Table, line: bytes, columns: Sequence[Column[Any]] = ()) -> Row:
    """What `encode_row` made of a row of `table`, in whose order the values come unless `columns` names another one.

    Raises: `ValueError` when it is no such line.
    """
    columns = columns or list(table.columns)
    try:
        values = msgspec.json.decode(line, type=list[str | int | float | bool | None])
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    if len(values) != len(columns):
        raise ValueError(f"a row of {table.name} has {len(values)} values, not {len(columns)}")
    return tuple(
        _decode_bytes(value) if isinstance(column.type, LargeBinary) else value
        for column, value in zip(columns, values, strict=True)
    )


def _decode_bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("bytes are written as base64")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def mend(rows: list[Row]) -> tuple[list[Row], int]:
    """The rows as PostgreSQL can hold them (U+FFFD for the character NUL), and how many had to be changed."""
    mended = [_without_nul(row) for row in rows]
    return mended, sum(old is not new for old, new in zip(rows, mended, strict=True))


def _without_nul(row: Row) -> Row:
    if not any(isinstance(value, str) and "\0" in value for value in row):
        return row
    return tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row)


def count_rows(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def read_chunks(connection: Connection, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
    """All rows in primary-key order, or those behind the key `after`. In one transaction: one state of the table."""
    keys = list(table.primary_key.columns)
    places = [list(table.columns).index(key) for key in keys]
    limit = CHUNK_ROWS
    while True:
        found = select(table).order_by(*keys).limit(limit)
        if after is not None:
            found = found.where(_behind(keys, after))
        rows = [tuple(row) for row in connection.execute(found)]
        if rows:
            yield rows
        if len(rows) < limit:
            return
        after = tuple(rows[-1][place] for place in places)
        limit = _next_limit(rows)


def _next_limit(rows: list[Row]) -> int:
    """So many that a chunk of long conversations does not fill the memory."""
    weight = sum(len(value) for row in rows for value in row if isinstance(value, (str, bytes)))
    return max(1, min(CHUNK_ROWS, len(rows) * _CHUNK_BYTES // (weight + 1)))


def _behind(keys: list[Any], after: Row) -> ColumnElement[bool]:
    if len(keys) == 1:
        behind: ColumnElement[bool] = keys[0] > after[0]
        return behind
    return tuple_(*keys) > tuple_(*after)


def last_key(connection: Connection, table: Table) -> Row | None:
    """The greatest primary key; None for an empty table."""
    keys = list(table.primary_key.columns)
    found = connection.execute(select(*keys).order_by(*[key.desc() for key in keys]).limit(1)).first()
    return None if found is None else tuple(found)


def write_rows(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Raises: `IntegrityError` when one of them is there already, or belongs to a row that is not."""
    names = [column.name for column in table.columns]
    if rows:
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])


def sum_table(connection: Connection, table: Table) -> TableSum:
    summing = Summing()
    for rows in read_chunks(connection, table):
        summing.add(map(encode_row, rows))
    return summing.result()
