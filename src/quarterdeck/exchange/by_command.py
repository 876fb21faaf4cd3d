"""Import and export of files where they lie, by somebody on the server's own machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from msgspec import Struct

from quarterdeck.errors import InputError, NotFoundError, SetupError
from quarterdeck.exchange.account import export_user
from quarterdeck.exchange.exporting import ExportFormat, export_conversations
from quarterdeck.exchange.importing import Progress, run_import
from quarterdeck.store.database import Database
from quarterdeck.store.exporting import count_unfinished, find_exported
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


class WantedExport(Struct, frozen=True):
    """`kind`: an `ExportFormat`, or `account`; `conversation`: empty for everything."""

    path: Path
    kind: str
    conversation: str
    overwrites: bool


class ExportedFile(Struct, frozen=True):
    """`unfinished`: answers that were still being written when it was begun, and are not in it."""

    bytes: int
    unfinished: int


async def export_file(
    database: Database, owner: str, wanted: WantedExport, progress: Callable[[int], None]
) -> ExportedFile:
    """The file appears under its name when it is whole, or not at all.

    Raises: `InputError`, `NotFoundError`, `SetupError`.
    """
    if await asyncio.to_thread(wanted.path.exists) and not wanted.overwrites:
        raise InputError(f"The file {wanted.path} exists already. Choose another name, or overwrite it with --force.")
    content = await _content_of(database, owner, wanted)
    unfinished = await database.read(lambda connection: count_unfinished(connection, owner, wanted.conversation))
    draft = wanted.path.with_name(f".{wanted.path.name}.{secrets.token_hex(4)}.part")
    try:
        size = await _write(draft, content, progress)
        await asyncio.to_thread(draft.replace, wanted.path)
    except OSError as error:
        reason = error.strerror or error
        raise SetupError(f"The file {wanted.path} cannot be written ({reason}).") from error
    finally:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(draft.unlink, missing_ok=True)
    return ExportedFile(size, unfinished)


async def _content_of(database: Database, owner: str, wanted: WantedExport) -> AsyncIterator[bytes]:
    if wanted.kind == "account":
        if wanted.conversation:
            raise InputError("An account is exported as a whole. Leave --conversation out, or choose another format.")
        return export_user(database, owner)
    row = None
    if wanted.conversation:
        row = await database.read(lambda connection: find_exported(connection, owner, wanted.conversation))
        if row is None:
            raise NotFoundError(f"There is no conversation {wanted.conversation!r} of this user.")
    kind: ExportFormat = "markdown" if wanted.kind == "markdown" else "html" if wanted.kind == "html" else "jsonl"
    return export_conversations(database, owner, kind, "", row).content


async def _write(path: Path, content: AsyncIterator[bytes], progress: Callable[[int], None]) -> int:
    size = 0
    opened = await asyncio.to_thread(os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as file:
        async for piece in content:
            await asyncio.to_thread(file.write, piece)
            size += len(piece)
            progress(size)
        await asyncio.to_thread(file.flush)
        await asyncio.to_thread(os.fsync, file.fileno())
    return size
