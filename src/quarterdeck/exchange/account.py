"""Everything that belongs to a user, as a zip: their conversations as an export that can be imported, and all rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Table

from quarterdeck import __version__
from quarterdeck.exchange.lines import write_lines
from quarterdeck.exchange.zipping import ZipStream, one_piece
from quarterdeck.store.database import Database
from quarterdeck.store.owned import list_exported, read_owned

_ROWS = 200

_README = """\
Everything that this Quarterdeck server keeps of your account.

quarterdeck.jsonl is what can be imported again, here or on another Quarterdeck: conversations with all their branches,
folders, assistants, snippets. Import this zip as it is.

The other files have all rows of the server's tables, one file for each kind of thing, one JSON object on each line:
they are for reading. Times are milliseconds since 1970 (UTC), costs are millionths of a US dollar. Secrets are not in
them: of passwords and keys the server keeps only what they can be compared with.

manifest.json has the size and the SHA-256 of every file.
"""


async def export_user(database: Database, user: str) -> AsyncIterator[bytes]:
    """The zip, piece by piece. What is written meanwhile may be in it or not."""
    stream = ZipStream()
    async for piece in stream.add("README.txt", one_piece(_README.encode())):
        yield piece
    async for piece in stream.add("quarterdeck.jsonl", write_lines(database, user)):
        yield piece
    for table in list_exported(user):
        name = "account" if table.name == "users" else table.name
        async for piece in stream.add(f"{name}.jsonl", _rows_of(database, user, table)):
            yield piece
    manifest = {
        "format": "quarterdeck account",
        "format_version": 1,
        "version": __version__,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": stream.sums,
    }
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    async for piece in stream.add("manifest.json", one_piece(content)):
        yield piece
    yield stream.finish()


async def _rows_of(database: Database, user: str, table: Table) -> AsyncIterator[bytes]:
    after: Sequence[Any] | None = None
    while True:
        read = partial(read_owned, user=user, table=table, after=after, limit=_ROWS)
        rows, after = await database.read(read)
        yield b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        if after is None:
            return


def export_name(name: str, ending: str = ".zip") -> str:
    """A file's name that every system takes."""
    plain = "".join(character if character.isascii() and character.isalnum() else "-" for character in name).strip("-")
    return f"quarterdeck-{plain or 'account'}-{datetime.now(UTC):%Y-%m-%d}{ending}"
