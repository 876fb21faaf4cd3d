"""An import of a file where it lies, by somebody on the server's own machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from quarterdeck.exchange.importing import Progress, run_import
from quarterdeck.store.database import Database
from quarterdeck.store.imports import ImportRow, NoteRow, end_import, find_import, insert_import, list_notes

_NOTES = 100


async def import_file(
    database: Database, owner: str, path: Path, progress: Progress
) -> tuple[ImportRow, list[NoteRow]]:
    """How it ended, and the beginning of the report."""
    size = (await asyncio.to_thread(path.stat)).st_size
    row = await database.write(
        lambda connection: insert_import(connection, owner, name=path.name, place="", total_bytes=size)
    )
    try:
        await run_import(database, row.id, path, progress=progress)
    except BaseException:
        await database.write(lambda connection: end_import(connection, row.id, "stopped"))
        raise
    ended = await database.read(lambda connection: find_import(connection, owner, row.id))
    notes = await database.read(lambda connection: list_notes(connection, row.id, after=-1, limit=_NOTES))
    return ended or row, notes
