"""Everything that belongs to a user, as a zip of JSON Lines: made while it is sent, so that it may be large."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Table

from quarterdeck.store.database import Database
from quarterdeck.store.owned import list_exported, read_owned

_ROWS = 200

_README = """\
Everything that this Quarterdeck server keeps of your account. One file for each kind of thing, one JSON object on each
line. Times are milliseconds since 1970 (UTC), costs are millionths of a US dollar. Secrets are not in it: of passwords
and keys the server keeps only what they can be compared with.
"""


class _Outlet:
    """A file that cannot be read or sought: what was written to it is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None: ...

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


async def export_user(database: Database, user: str) -> AsyncIterator[bytes]:
    """The zip, piece by piece. What is written meanwhile may be in it or not."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]  # only written
        archive.writestr("README.txt", _README)
        for table in list_exported(user):
            name = "account" if table.name == "users" else table.name
            with archive.open(f"{name}.jsonl", "w", force_zip64=True) as file:
                async for rows in _pages(database, user, table):
                    await asyncio.to_thread(_write, file, rows)
                    if piece := outlet.take():
                        yield piece
    yield outlet.take()


async def _pages(database: Database, user: str, table: Table) -> AsyncIterator[list[dict[str, Any]]]:
    after: Sequence[Any] | None = None
    while True:
        read = partial(read_owned, user=user, table=table, after=after, limit=_ROWS)
        rows, after = await database.read(read)
        yield rows
        if after is None:
            return


def export_name(name: str) -> str:
    """A file's name that every system takes."""
    plain = "".join(character if character.isascii() and character.isalnum() else "-" for character in name).strip("-")
    return f"quarterdeck-{plain or 'account'}-{datetime.now(UTC):%Y-%m-%d}.zip"


def _write(file: Any, rows: list[dict[str, Any]]) -> None:
    """In a thread: packing takes time."""
    file.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
