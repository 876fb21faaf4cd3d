"""Imports on a server: files are received into the data folder, and one process that has the folder works on each.

A process that dies is followed by another one when its lease is over, or by itself when it is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import new_id
from quarterdeck.errors import InputError, LimitError, QuarterdeckError, TooLargeError
from quarterdeck.late import Late, load
from quarterdeck.store.database import Database, StorageError, WriteConnection
from quarterdeck.store.imports import (
    ImportRow,
    count_unfinished,
    end_import,
    insert_import,
    list_kept,
    list_unfinished,
)
from quarterdeck.store.leases import claim_work, drop_work, renew_work
from quarterdeck.store.refusals import cause_of

if TYPE_CHECKING:
    from quarterdeck.exchange import importing
else:
    importing = Late("quarterdeck.exchange.importing")

logger = get_logger("quarterdeck.exchange")

_MAX_WAITING = 5  # of one person
_LOOK_S = 10.0
_LEASE_S = 15.0
_RENEW_S = 4.0
_PAUSE = 0.3  # of the time that each transaction took: others want the database, too
_SPARE_BYTES = 256 << 20  # what stays free of the disk
_STRAY_S = 24 * 3600.0  # an upload takes less
_MAX_NAME_CHARS = 200
_CRASHED = "Something in this file cannot be read. What came before it is imported; the server's log says more."


class Imports:
    """`max_bytes`: of one file."""

    def __init__(self, database: Database, data_dir: Path, max_bytes: int) -> None:
        self._database, self._max_bytes = database, max_bytes
        self._folder = data_dir / "imports"
        self._place = ""
        self._wake = asyncio.Event()

    async def receive(self, owner: str, name: str, length: int | None, chunks: AsyncIterator[bytes]) -> ImportRow:
        """Stores the file as it comes, never all of it in memory.

        Raises: `LimitError`, `TooLargeError`, `InputError`, `StorageError` when the disk takes no more.
        """
        waiting = await self._database.read(lambda connection: count_unfinished(connection, owner))
        if waiting >= _MAX_WAITING:
            raise LimitError(f"{_MAX_WAITING} imports are waiting already. Let one of them end first.")
        try:
            row = await self._receive(owner, Path(name).name.strip()[:_MAX_NAME_CHARS] or "export", length, chunks)
        except OSError as error:
            sentence = (
                f"The import could not be kept: {cause_of(error) or 'its file cannot be written'}. Try again later."
            )
            raise StorageError(sentence, detail=repr(error)) from error
        self.wake()
        return row

    async def _receive(self, owner: str, name: str, length: int | None, chunks: AsyncIterator[bytes]) -> ImportRow:
        place = await self._find_place()
        identifier = new_id()
        draft = self._folder / f"{identifier}.part"
        try:
            size = await self._store(draft, length, chunks)

            def record(connection: WriteConnection) -> ImportRow:
                return insert_import(connection, owner, name=name, place=place, total_bytes=size, identifier=identifier)

            await asyncio.to_thread(draft.replace, self.path_of(identifier))
            return await self._database.write(record)
        finally:
            await asyncio.to_thread(draft.unlink, missing_ok=True)

    async def forget(self, identifier: str) -> None:
        """Its file is not needed any more."""
        await asyncio.to_thread(self.path_of(identifier).unlink, missing_ok=True)

    def path_of(self, identifier: str) -> Path:
        return self._folder / identifier

    def wake(self) -> None:
        """Something waits, or was stopped."""
        self._wake.set()

    async def watch(self) -> None:
        """For ever: work on what waits in this data folder, one after the other."""
        while True:
            self._wake.clear()
            with contextlib.suppress(QuarterdeckError, OSError):  # the database is away: look again
                await self._work()
                await self._sweep()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_S)

    async def _work(self) -> None:
        if not await asyncio.to_thread(self._folder.is_dir):
            return
        place = await self._find_place()
        for row in await self._database.read(lambda connection: list_unfinished(connection, place)):
            try:
                await self._run(row)
            except (QuarterdeckError, OSError) as error:  # tried again soon; it must not keep the others waiting
                logger.warning("import_put_off", import_id=row.id, reason=repr(error))

    async def _run(self, row: ImportRow) -> None:
        lease, me = f"import {row.id}", secrets.token_hex(8)
        lease_ms = int(_LEASE_S * 1000)
        claimed = await self._database.write(
            lambda connection: claim_work(connection, lease, me, period_ms=0, lease_ms=lease_ms)
        )
        if not claimed:
            return
        await load("quarterdeck.exchange.importing")
        work = asyncio.ensure_future(importing.run_import(self._database, row.id, self.path_of(row.id), pause=_PAUSE))
        try:
            while not (await asyncio.wait({work}, timeout=_RENEW_S))[0]:
                if not await self._database.write(
                    lambda connection: renew_work(connection, lease, me, lease_ms=lease_ms)
                ):
                    work.cancel()
            await self._end(row, work)
            await self._database.write(lambda connection: drop_work(connection, lease, me))
            kept = await self._database.read(lambda connection: list_kept(connection, row.place))
            if row.id not in kept:
                await self.forget(row.id)
        finally:
            work.cancel()  # whoever leaves early leaves nobody behind who goes on writing
            await asyncio.wait({work})

    async def _end(self, row: ImportRow, work: asyncio.Future[None]) -> None:
        """What came of it. Raises: `QuarterdeckError`, `OSError`: then it may be run again."""
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await work
        except (QuarterdeckError, OSError):
            raise
        except Exception as caught:  # a file may hold anything: it ends its own import, and no other one's
            logger.error("import_crashed", import_id=row.id, exc_info=caught)
            await self._database.write(lambda connection: end_import(connection, row.id, "failed", _CRASHED))

    async def _sweep(self) -> None:
        """Files that no import needs any more."""
        if not self._place:
            return
        kept = await self._database.read(lambda connection: list_kept(connection, self._place))
        await asyncio.to_thread(self._remove_others, kept)

    def _remove_others(self, kept: set[str]) -> None:
        """A young one may be about to be recorded."""
        for path in self._folder.iterdir():
            if path.name in kept or path.name == "place":
                continue
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _STRAY_S:
                    path.unlink()

    async def _store(self, draft: Path, length: int | None, chunks: AsyncIterator[bytes]) -> int:
        if length is not None and length > self._max_bytes:
            raise TooLargeError(f"The file is larger than {self._max_bytes >> 20} MB.")
        free = (await asyncio.to_thread(shutil.disk_usage, self._folder)).free
        if (length or 0) + _SPARE_BYTES > free:
            raise TooLargeError("There is not enough room on the server's disk for this file.")
        size = 0
        file = await asyncio.to_thread(_open_private, draft)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > self._max_bytes:
                    raise TooLargeError(f"The file is larger than {self._max_bytes >> 20} MB.")
                await asyncio.to_thread(_write_all, file, chunk)
            await asyncio.to_thread(os.fsync, file)
        finally:
            await asyncio.to_thread(os.close, file)
        if not size:
            raise InputError("The file is empty.")
        return size

    async def _find_place(self) -> str:
        """The name of this data folder, whichever processes and machines share it."""
        if not self._place:
            self._place = await asyncio.to_thread(self._read_place)
        return self._place

    def _read_place(self) -> str:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / "place"
        with contextlib.suppress(FileExistsError):
            draft = path.with_name(f"{secrets.token_hex(8)}.part")
            with os.fdopen(_open_private(draft), "w") as file:
                file.write(secrets.token_hex(8))
            try:
                os.link(draft, path)  # whole or not at all, and the first one counts
            finally:
                draft.unlink()
        return path.read_text()


def _write_all(file: int, chunk: bytes) -> None:
    """The last piece that a disk takes may be a part of what it was given, which is no error."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(file, rest) :]


def _open_private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
