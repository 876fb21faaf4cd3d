"""From the SQLite file of a data folder to an empty PostgreSQL database, so that it can be killed and go on.

Each chunk of rows is one transaction, in primary-key order, so the greatest key that is there says where to go on
and no row can come twice. Until everything is there and compared, the target's revision is `copying`, and no
server starts on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, structs
from sqlalchemy import Connection, Table, text

from quarterdeck.config import Settings
from quarterdeck.errors import InputError, SetupError
from quarterdeck.operations.open_turns import copy_logs, list_open_turns
from quarterdeck.operations.progress import Progress, in_silence
from quarterdeck.store.migrate import COPYING, HEAD, migrate_sqlite
from quarterdeck.store.tables import metadata
from quarterdeck.store.transfer import (
    Row,
    Summing,
    TableSum,
    count_rows,
    encode_row,
    last_key,
    mend,
    read_chunks,
    sum_table,
    write_rows,
)
from quarterdeck.store.transfer_places import PostgresPlace, SqlitePlace
from quarterdeck.store.transfer_schema import (
    empty_tables,
    find_filled,
    foreign_tables,
    make_tables,
    read_revision,
    write_revision,
)

_ONE_AT_A_TIME = text("SELECT pg_try_advisory_lock(hashtextextended('quarterdeck copy', 0))")


class Copied(Struct, frozen=True):
    tables: dict[str, TableSum]  # the same on both sides
    mended: int  # rows whose text PostgreSQL could not hold as it was
    unreadable: int  # texts that were no UTF-8
    resumed: int  # rows that an earlier run had brought over
    seconds: float  # for copying, without the comparison
    answers: int = 0  # that were being written; their logs came along


async def copy_database(source: Path, url: str, settings: Settings, progress: Progress = in_silence) -> Copied:
    """The caller holds the lock of the data folder that `source` is in.

    `settings` say where the log will be: on Redis if they name one, else at `url`, too. Raises: `InputError` when
    the target holds something else, `SetupError`, `LogError`. What was brought over stays; the next run goes on.
    """
    target = PostgresPlace(url)
    _bring_to_this_version(source)
    place = SqlitePlace(source)

    def copy_from(origin: Connection) -> Callable[[Connection], Copied]:
        return lambda connection: _copy(origin, connection, target.name, progress)

    # Both connections stay open and are used in turn: one snapshot of the source, many transactions at the target.
    with place.open() as origin:
        copied = await target.write(copy_from(origin))
        turns = list_open_turns(origin)
    there = settings.model_copy(update={"database_url": url})
    answers = await copy_logs(turns, source.with_name("log.sqlite3"), there)
    await target.write(lambda connection: write_revision(connection, HEAD))
    return structs.replace(copied, unreadable=place.unreadable, answers=answers)


def _bring_to_this_version(source: Path) -> None:
    if not source.exists():
        raise SetupError(f"There is no database at {source}.")
    migrate_sqlite(source)


def _copy(origin: Connection, target: Connection, name: str, progress: Progress) -> Copied:
    if not target.execute(_ONE_AT_A_TIME).scalar_one():
        raise SetupError(f"Another copy into {name} is running. Wait for it, or stop it.")
    tables = list(metadata.sorted_tables)
    is_resumed = _prepare(target, name, tables)
    begun = time.monotonic()
    resumed = sum(count_rows(target, table) for table in tables) if is_resumed else 0
    if is_resumed and not _can_go_on(origin, target, tables):
        # A server has worked on the source since the first run: what was brought over is old.
        empty_tables(target, tables)
        target.commit()
        resumed = 0
    wanted, mended = _copy_all(origin, target, tables, progress)
    seconds = time.monotonic() - begun
    if different := _find_difference(target, tables, wanted, progress):
        raise SetupError(
            f"The copy of {different} is not the same as the original. The target is not used; run it again."
        )
    return Copied(wanted, mended, 0, resumed, seconds)


def _prepare(target: Connection, name: str, tables: list[Table]) -> bool:
    """Empty tables marked as being filled; True when an earlier run has begun to fill them."""
    revision = read_revision(target)
    if revision == COPYING:
        return True
    if revision is None:
        if foreign := foreign_tables(target):
            raise InputError(f"The database {name} belongs to another program: it has a table {foreign[0]}.")
        make_tables(target, HEAD)
    elif revision != HEAD:
        raise InputError(f"The database {name} was made by another version of Quarterdeck. Give it an empty one.")
    elif filled := find_filled(target, tables):
        raise InputError(f"The database {name} holds data already (there are {filled}). Give it an empty one.")
    write_revision(target, COPYING)
    target.commit()
    return False


def _can_go_on(origin: Connection, target: Connection, tables: list[Table]) -> bool:
    """Whether what was brought over is still the beginning of each table."""
    for table in tables:
        there = sum_table(target, table)
        summing = Summing()
        left = there.rows
        for chunk in read_chunks(origin, table):
            summing.add(map(encode_row, mend(chunk[:left])[0]))
            left -= min(left, len(chunk))
            if not left:
                break
        if summing.result() != there:
            return False
    return True


def _copy_all(
    origin: Connection, target: Connection, tables: list[Table], progress: Progress
) -> tuple[dict[str, TableSum], int]:
    """What the target should hold now, and how many rows were mended for it."""
    wanted: dict[str, TableSum] = {}
    mended = 0
    for table in tables:
        wanted[table.name], changed = _copy_table(origin, target, table, progress)
        mended += changed
    return wanted, mended


def _copy_table(origin: Connection, target: Connection, table: Table, progress: Progress) -> tuple[TableSum, int]:
    """Rows up to the target's greatest key are there already and only counted."""
    total, done, mended = count_rows(origin, table), 0, 0
    newest = last_key(target, table)
    summing = Summing()
    for chunk in read_chunks(origin, table):
        rows, changed = mend(chunk)
        summing.add(map(encode_row, rows))
        write_rows(target, table, [row for row in rows if newest is None or _key(table, row) > newest])
        target.commit()
        mended += changed
        done += len(rows)
        progress(table.name, done, total)
    progress(table.name, done, done)
    return summing.result(), mended


def _key(table: Table, row: Row) -> Row:
    """Compared as both databases compare it: text by its bytes."""
    columns = list(table.columns)
    return tuple(row[columns.index(key)] for key in table.primary_key.columns)


def _find_difference(target: Connection, tables: list[Table], wanted: dict[str, TableSum], progress: Progress) -> str:
    """The name of a table that is not as it should be; empty when all are."""
    for table in tables:
        rows = wanted[table.name].rows
        progress(f"{table.name}, compared", 0, rows)
        if sum_table(target, table) != wanted[table.name]:
            return table.name
        progress(f"{table.name}, compared", rows, rows)
    return ""
