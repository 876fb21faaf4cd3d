"""Everything that an installation remembers, in one file, of one moment, while the server goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

from sqlalchemy import Connection, Table

from quarterdeck import __version__
from quarterdeck.errors import SetupError
from quarterdeck.operations.archive import FORMAT, FORMAT_VERSION, ArchiveWriter, Manifest, TableEntry, create_archive
from quarterdeck.operations.progress import Progress, in_silence
from quarterdeck.store.migrate import refuse_unknown
from quarterdeck.store.transfer import Summing, count_rows, encode_row, read_chunks
from quarterdeck.store.transfer_places import Place, SqlitePlace
from quarterdeck.store.transfer_schema import read_revision, tables_of


async def write_backup(
    place: Place, path: Path, *, overwrites: bool = False, secret: bytes | None = None, progress: Progress = in_silence
) -> Manifest:
    """What was written. `secret`: the key that opens the stored provider keys, if it is to be in the file.

    Raises: `InputError` when there is a file already, `SetupError`; there is no file then.
    """
    with create_archive(path, overwrites=overwrites) as archive:
        if secret is not None:
            archive.add_secret(secret)

        def write(connection: Connection) -> Manifest:
            return _write_all(connection, place, archive, secret is not None, progress)

        manifest = await place.read(write)
        archive.finish(manifest)
    return manifest


def _write_all(
    connection: Connection, place: Place, archive: ArchiveWriter, has_secret: bool, progress: Progress
) -> Manifest:
    revision = read_revision(connection)
    if revision is None:
        raise SetupError(f"There is nothing to back up: the database {place.name} is empty.")
    refuse_unknown(revision)
    begun = datetime.now(UTC)
    tables = {str(table.name): _write_table(connection, table, archive, progress) for table in tables_of(revision)}
    return Manifest(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        version=__version__,
        revision=revision,
        database=cast(Literal["sqlite", "postgresql"], place.kind),
        created_at=begun.isoformat(timespec="seconds"),
        tables=tables,
        has_secret=has_secret,
        unreadable_texts=place.unreadable if isinstance(place, SqlitePlace) else 0,
    )


def _write_table(connection: Connection, table: Table, archive: ArchiveWriter, progress: Progress) -> TableEntry:
    total, done = count_rows(connection, table), 0
    summing = Summing()
    with archive.table(table.name) as member:
        for rows in read_chunks(connection, table):
            lines = [encode_row(row) for row in rows]
            summing.add(lines)
            member.write(b"".join(lines))
            done += len(rows)
            progress(table.name, done, total)
    progress(table.name, done, done)
    result = summing.result()
    return TableEntry([str(column.name) for column in table.columns], result.rows, result.sha256)
