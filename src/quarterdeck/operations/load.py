"""Fills empty tables from a backup, checks that everything is there, and brings them to this version."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from msgspec import Struct
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import IntegrityError

from quarterdeck.errors import InputError, SetupError
from quarterdeck.operations.archive import Archive, Manifest
from quarterdeck.operations.open_turns import list_open_turns
from quarterdeck.operations.progress import Progress
from quarterdeck.store import migrate
from quarterdeck.store.transfer import CHUNK_ROWS, Row, Summing, decode_row, encode_row, mend, sum_table, write_rows
from quarterdeck.store.transfer_schema import make_tables, tables_of

_CHUNK_BYTES = 8 << 20


class Loaded(Struct, frozen=True):
    rows: int
    mended: int  # rows with a character that PostgreSQL cannot hold
    open_turns: list[str]  # answers that were being written
    sealed_keys: int  # provider keys that need secret.key


def load_archive(connection: Connection, archive: Archive, progress: Progress) -> Loaded:
    """Within the caller's transaction, into a database without tables.

    Raises: `InputError` when the file is damaged or newer than this version, `SetupError`.
    """
    manifest = archive.manifest
    tables = _tables_in(manifest, archive)
    make_tables(connection, manifest.revision)
    is_postgres = connection.dialect.name == "postgresql"
    rows = mended = 0
    for table in tables:
        total, changed = _load_table(connection, table, archive, progress, mends=is_postgres)
        rows, mended = rows + total, mended + changed
    _refuse_orphans(connection, archive)
    if manifest.revision != migrate.HEAD:
        migrate.run_migrations(connection)
    return Loaded(rows, mended, list_open_turns(connection), _sealed_keys(connection))


def _tables_in(manifest: Manifest, archive: Archive) -> list[Table]:
    try:
        tables = tables_of(manifest.revision)
    except SetupError as error:
        raise InputError(
            f"The backup was written by a newer Quarterdeck ({manifest.version}). "
            "Install that version and restore there."
        ) from error
    for table in tables:
        entry = manifest.tables.get(table.name)
        if entry is None or sorted(entry.columns) != sorted(column.name for column in table.columns):
            raise archive.damage(f"the table {table.name} is not as it should be")
    return tables


def _load_table(
    connection: Connection, table: Table, archive: Archive, progress: Progress, *, mends: bool
) -> tuple[int, int]:
    """Rows, and how many of them were mended."""
    entry = archive.manifest.tables[table.name]
    as_written, as_loaded = Summing(), Summing()
    done = mended = 0
    for lines in _chunks(archive.lines(table.name)):
        as_written.add(lines)
        rows = _decode(table, lines, archive)
        if mends:
            rows, changed = mend(rows)
            mended += changed
        as_loaded.add(map(encode_row, rows))
        try:
            write_rows(connection, table, rows)
        except IntegrityError as error:
            raise archive.damage(f"the rows of {table.name} do not belong together") from error
        done += len(rows)
        progress(table.name, done, entry.rows)
    found = as_written.result()
    if (found.rows, found.sha256) != (entry.rows, entry.sha256):
        raise archive.damage(f"the rows of {table.name} are not those that were written")
    if sum_table(connection, table) != as_loaded.result():
        raise SetupError(f"The database did not keep the rows of {table.name} as they are. Nothing was changed.")
    progress(table.name, done, done)
    return done, mended


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while chunk := list(islice(_up_to(lines), CHUNK_ROWS)):
        yield chunk


def _up_to(lines: Iterator[bytes]) -> Iterator[bytes]:
    weight = 0
    for line in lines:
        yield line
        weight += len(line)
        if weight > _CHUNK_BYTES:
            return


def _decode(table: Table, lines: list[bytes], archive: Archive) -> list[Row]:
    """In the order of the table's columns, which is another one where it was migrated than where it was made new."""
    written = archive.manifest.tables[table.name].columns
    columns = [table.columns[name] for name in written]
    places = [written.index(column.name) for column in table.columns]
    try:
        rows = [decode_row(table, line, columns) for line in lines]
        return rows if places == sorted(places) else [tuple(row[place] for place in places) for row in rows]
    except ValueError as error:
        raise archive.damage(str(error)) from error


def _refuse_orphans(connection: Connection, archive: Archive) -> None:
    """PostgreSQL has refused them by itself."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if found is not None:
            raise archive.damage(f"a row of {found[0]} belongs to one that is not there")


def _sealed_keys(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM endpoints WHERE key_sealed IS NOT NULL")).scalar_one())
