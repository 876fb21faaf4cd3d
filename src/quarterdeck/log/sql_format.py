"""What stands in the log's file: entries in `tick` rows as they came, and in `chunk` rows where they stay.

A commit writes one tick, with what all logs append in it: a few pages of the file, however many logs grow. Later each
log's entries are put together in chunks of its own, and ticks whose entries are all in chunks are deleted. For a while
an entry may be in both. What is in ticks alone comes after what is in chunks, and is little: `ticks.py` sees to that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby, islice
from typing import NamedTuple

import msgspec

from quarterdeck.log.base import Entry, LogStatus

SEQ_BITS = 24
MAX_SEQ = (1 << SEQ_BITS) - 1
"""Chunks are keyed `(no << SEQ_BITS) + seq` of their first entry. The statements below write it out: 24, 16777215."""

CHUNK_ENTRIES = 128
CHUNK_BYTES = 64 * 1024

VERSION = 2
_READ_BYTES = 256 * 1024

Tick = list[tuple[int, int, list[bytes]]]
"""For each append: the log's number, the seq of the first body, the bodies."""

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS log (
        no INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        finished INTEGER NOT NULL DEFAULT 0,
        drop_at INTEGER  -- milliseconds since 1970
    )""",
    "CREATE INDEX IF NOT EXISTS log_drop_at ON log (drop_at) WHERE drop_at IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS tick (id INTEGER PRIMARY KEY, appends BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS chunk (key INTEGER PRIMARY KEY, count INTEGER NOT NULL, bodies BLOB NOT NULL)",
    f"PRAGMA user_version = {VERSION}",
)

_EXTENT = """
SELECT no, finished,
    (SELECT key & 16777215 FROM chunk WHERE key > no << 24 AND key <= no << 24 | 16777215 ORDER BY key LIMIT 1),
    (SELECT (key & 16777215) + count - 1 FROM chunk WHERE key > no << 24 AND key <= no << 24 | 16777215
     ORDER BY key DESC LIMIT 1)
FROM log WHERE name = ?
"""
_FIRST = "SELECT key FROM chunk WHERE key > ? AND key <= ? ORDER BY key LIMIT 1"
_LAST = "SELECT key + count - 1 FROM chunk WHERE key > ? AND key <= ? ORDER BY key DESC LIMIT 1"
_HOLDER = "SELECT key FROM chunk WHERE key > ? AND key <= ? ORDER BY key DESC LIMIT 1"
_CHUNKS = "SELECT key, bodies FROM chunk WHERE key >= ? AND key <= ? ORDER BY key"

encode = msgspec.msgpack.encode
decode_tick = msgspec.msgpack.Decoder(Tick).decode
_decode_chunk = msgspec.msgpack.Decoder(list[bytes]).decode


class Extent(NamedTuple):
    """A log by its number; `first` and `last` are of its chunks, 0 while it has none."""

    no: int
    finished: bool
    first: int
    last: int


def find_extent(connection: sqlite3.Connection, name: str) -> Extent | None:
    row = connection.execute(_EXTENT, (name,)).fetchone()
    return Extent(row[0], bool(row[1]), row[2] or 0, row[3] or 0) if row else None


def first_in_chunks(connection: sqlite3.Connection, no: int) -> int:
    base = no << SEQ_BITS
    row = connection.execute(_FIRST, (base, base | MAX_SEQ)).fetchone()
    return int(row[0]) - base if row else 0


def last_in_chunks(connection: sqlite3.Connection, no: int) -> int:
    base = no << SEQ_BITS
    row = connection.execute(_LAST, (base, base | MAX_SEQ)).fetchone()
    return int(row[0]) - base if row else 0


def write_chunks(connection: sqlite3.Connection, no: int, seq: int, bodies: Sequence[bytes]) -> None:
    """`bodies` as seq, seq + 1, …; nothing of them is in a chunk yet."""
    for part in _split(bodies):
        key = (no << SEQ_BITS) + seq
        connection.execute("INSERT INTO chunk VALUES (?, ?, ?)", (key, len(part), encode(part)))
        seq += len(part)


def select_status(reader: sqlite3.Connection, name: str) -> LogStatus | None:
    with _snapshot(reader):
        extent = find_extent(reader, name)
        if extent is None:
            return None
        _, finished, first, last = extent
        for entry in () if finished else _in_ticks(reader, extent.no, last):
            first, last = first or entry.seq, entry.seq
    return LogStatus("finished" if finished else "running", first, last)


def select_entries(reader: sqlite3.Connection, name: str, after: int, limit: int) -> list[Entry]:
    """Those after a seq, in order; at most `limit`, and fewer when they are large."""
    entries: list[Entry] = []
    size = 0
    with _snapshot(reader):
        extent = find_extent(reader, name)
        if extent is not None:
            for entry in islice(_stored(reader, extent, after), limit):
                entries.append(entry)
                size += len(entry.body)
                if size >= _READ_BYTES:  # a follower holds what it has read until its reader has taken it
                    break
    return entries


def pack_version_1(connection: sqlite3.Connection) -> None:
    """Files of version 1 had a row for each entry, in the table `entry` with keys like those of chunks."""
    with closing(connection.execute("SELECT key >> 24, key & 16777215, body FROM entry ORDER BY key")) as rows:
        for no, entries in groupby(rows, lambda row: int(row[0])):
            while part := list(islice(entries, CHUNK_ENTRIES)):  # a log may be larger than memory
                write_chunks(connection, no, part[0][1], [body for _, _, body in part])
    connection.execute("DROP TABLE entry")


@contextmanager
def _snapshot(reader: sqlite3.Connection) -> Iterator[None]:
    """Entries move from ticks to chunks meanwhile, and must be seen in one of them."""
    reader.execute("BEGIN")
    try:
        yield
    finally:
        reader.execute("ROLLBACK")


def _stored(reader: sqlite3.Connection, extent: Extent, after: int) -> Iterator[Entry]:
    base = extent.no << SEQ_BITS
    holder = reader.execute(_HOLDER, (base, base + after + 1)).fetchone()
    start: int = holder[0] if holder else base
    for key, packed in reader.execute(_CHUNKS, (start, base | MAX_SEQ)):
        yield from _after(after, key - base, _decode_chunk(packed))
    if not extent.finished:  # the end of a log moves all of it to chunks
        yield from _in_ticks(reader, extent.no, max(after, extent.last))


def _in_ticks(reader: sqlite3.Connection, no: int, after: int) -> Iterator[Entry]:
    for (packed,) in reader.execute("SELECT appends FROM tick ORDER BY id"):
        for whose, seq, bodies in decode_tick(packed):
            if whose == no:
                yield from _after(after, seq, bodies)


def _after(after: int, seq: int, bodies: list[bytes]) -> Iterator[Entry]:
    skipped = max(after + 1 - seq, 0)
    for at, body in enumerate(bodies[skipped:], seq + skipped):
        yield Entry(at, body)


def _split(bodies: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Parts that are read as a whole: not too many, not too large."""
    start = size = 0
    for at, body in enumerate(bodies):
        if at > start and (at - start == CHUNK_ENTRIES or size + len(body) > CHUNK_BYTES):
            yield bodies[start:at]
            start, size = at, 0
        size += len(body)
    yield bodies[start:]
