"""The default log: one SQLite file of its own, one writer, the newest entries in memory.

One process serves a file. A second one that writes to it (a process that was taken over and woke up
late) is fenced off by `StaleWriterError`; it does not ring the first one's doorbell.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LogError
from quarterdeck.log.base import Entry, Last, LogStatus, Take, Told, awaited, tell_soon
from quarterdeck.log.ledger import tidy
from quarterdeck.log.sql_file import open_log_file, open_reader
from quarterdeck.log.sql_format import MAX_SEQ, select_entries, select_status
from quarterdeck.log.tail import Tail, Tails
from quarterdeck.log.writer import Append, Drop, Expire, Finish, Write, Writer

_READERS = 2
_EXPIRE_AT_ONCE = 20

T = TypeVar("T")


class SqlLog:
    """`open` before the first verb, `close` after the last; both in the event loop that uses it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tails = Tails()
        self._writer: Writer | None = None
        self._readers: list[sqlite3.Connection] = []  # idle ones, as many as the pool has threads
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="log-reader")

    async def open(self) -> None:
        """Raises: `LogError` when the file cannot be opened. A broken file is moved aside."""
        connection = await asyncio.to_thread(self._open_files)
        self._writer = Writer(connection, self._tails)

    async def close(self) -> None:
        """Commits what is on its way. Afterwards every verb raises `LogError`."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.hand_over()
            await asyncio.to_thread(self._close_files, writer)
            self._tails.doubt()  # wakes the followers, who find it closed

    def _open_files(self) -> sqlite3.Connection:
        connection = open_log_file(self._path)
        tidy(connection)
        self._readers = [open_reader(self._path) for _ in range(_READERS)]
        return connection

    def _close_files(self, writer: Writer) -> None:
        self._pool.shutdown()
        for reader in self._readers:
            reader.close()
        writer.close()  # the last to go: it folds the write-ahead log into the file

    def append(self, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> asyncio.Future[None]:
        done, told = awaited()
        self._put(told, turn, seq, bodies, begins)
        return done

    def append_soon(self, turn: str, seq: int, bodies: list[bytes], told: Told) -> None:
        if bodies and self._writer is not None:
            self._writer.put(Append(told, turn, seq, bodies))
        else:
            self._put(told, turn, seq, bodies, begins=False)

    def _put(self, told: Told, turn: str, seq: int, bodies: list[bytes], begins: bool) -> None:
        if bodies:
            self._write(Append(told, turn, seq, bodies, begins))
        else:
            tell_soon(told)

    async def read(self, turn: str, after: int, limit: int = 512) -> list[Entry]:
        tail = self._tails.find(turn)
        entries = tail.read(after, limit) if tail else None
        if entries is None:
            entries = await self._select(select_entries, turn, min(after, MAX_SEQ), limit)
            return self._told(turn, entries)
        return entries

    def _told(self, turn: str, entries: list[Entry]) -> list[Entry]:
        """Without those of a commit that is in the file and is told here in a moment: a reader would be ahead of us."""
        tail = self._tails.find(turn)
        if tail is None or tail.state != "running" or not entries or entries[-1].seq <= tail.last:
            return entries
        return [entry for entry in entries if entry.seq <= tail.last]

    async def wait(self, turn: str, after: int, timeout_s: float, take: Take | None = None) -> bool:
        tail = await self._find(turn)
        return tail.has_news(after) or await tail.wait(after, timeout_s, take)

    async def finish(self, turn: str, keep_s: float, last: Last | None = None) -> None:
        done, told = awaited()
        self._write(Finish(told, turn, now_ms() + int(keep_s * 1000), last))
        await done

    async def status(self, turn: str) -> LogStatus | None:
        return (await self._find(turn)).status()

    async def drop(self, turn: str) -> None:
        done, told = awaited()
        self._write(Drop(told, turn))
        await done

    async def expire(self) -> int:
        """Drops the logs whose time has come, a few per commit so that appends go on; how many they were."""
        dropped = 0
        while True:
            done, told = awaited()
            step = Expire(told, now_ms(), _EXPIRE_AT_ONCE)
            self._write(step)
            await done
            dropped += len(step.names)
            if len(step.names) < _EXPIRE_AT_ONCE:
                return dropped

    async def size_bytes(self) -> int:
        """Of the file and its write-ahead log."""
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(path.stat().st_size for path in files if path.exists())

    def _write(self, write: Write) -> None:
        if self._writer is not None:
            self._writer.put(write)
        else:
            tell_soon(write.told, _closed())

    async def _find(self, turn: str) -> Tail:
        tail = self._tails.open(turn)
        while tail.state == "unread":
            tail.adopt(await self._select(select_status, turn))
        return tail

    async def _select(self, select: Callable[..., T], *arguments: object) -> T:
        if self._writer is None:
            raise _closed()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._lend, select, *arguments)
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise LogError("The log cannot be read: check the disk.", detail=repr(error)) from error

    def _lend(self, select: Callable[..., T], *arguments: object) -> T:
        reader = self._readers.pop()
        try:
            return select(reader, *arguments)
        finally:
            self._readers.append(reader)


def _closed() -> LogError:
    return LogError("The server is shutting down.", detail="the log is closed")
