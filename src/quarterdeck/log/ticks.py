"""The writer's ticks: one for each commit, and what is in them alone moved to chunks, a little with each commit.

Entries that are in no chunk yet are *loose*. They are kept in memory as well, and are few: a log's loose entries become
a chunk when they are enough for one, when the log has ended, when its oldest one has been loose for many ticks, or when
all logs together have too many. A tick goes when nothing in it is loose any more.
"""

from __future__ import annotations

import sqlite3

from quarterdeck.log.sql_format import (
    CHUNK_BYTES,
    CHUNK_ENTRIES,
    Tick,
    decode_tick,
    encode,
    last_in_chunks,
    write_chunks,
)

LOOSE_TICKS = 1_024
LOOSE_BYTES = 2 * 1024 * 1024
_LOOSE_ENTRIES = 4_096
_LOOSE_ENTRIES_EACH = 32  # with many logs a chunk shall still be worth a row
_LOOSE_ENTRIES_MAX = 16_384
_TICKS_SLACK = 32  # so many are deleted at a time


class _Loose:
    """A log's entries from `seq` on that are in no chunk; the first of them is in the tick `since`."""

    __slots__ = ("bodies", "seq", "since", "size")

    def __init__(self, seq: int, since: int) -> None:
        self.seq, self.since = seq, since
        self.bodies: list[bytes] = []
        self.size = 0  # bytes


class Ticks:
    """Belongs to the writer's thread, and is exact as long as nobody else writes to the file; else `load` again."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._forget()

    def _forget(self) -> None:
        self._loose: dict[int, _Loose] = {}  # by the log's number, the one that has been loose longest first
        self._newest: dict[int, int] = {}  # of each log with entries in ticks: the tick of the newest
        self._tick: Tick = []  # of this transaction
        self._count = self._size = 0  # loose entries, their bytes
        self._oldest = self._next = 1  # the file has ticks from `_oldest` on, before `_next`

    def load(self) -> None:
        """What the file says, inside a transaction."""
        self._forget()
        in_chunks: dict[int, int] = {}
        for tick, packed in self._connection.execute("SELECT id, appends FROM tick ORDER BY id"):
            self._oldest = min(self._oldest, tick) if self._newest else tick
            self._next = tick
            for no, seq, bodies in decode_tick(packed):
                if no not in in_chunks:
                    in_chunks[no] = last_in_chunks(self._connection, no)
                skipped = max(in_chunks[no] + 1 - seq, 0)
                self._note(no, seq + skipped, bodies[skipped:])
            self._next = tick + 1

    def extent(self, no: int) -> tuple[int, int] | None:
        """The first and last seq of a log's loose entries."""
        loose = self._loose.get(no)
        return (loose.seq, loose.seq + len(loose.bodies) - 1) if loose else None

    def add(self, no: int, seq: int, bodies: list[bytes]) -> None:
        """To this transaction's tick."""
        self._tick.append((no, seq, bodies))
        self._note(no, seq, bodies)
        loose = self._loose[no]
        if len(loose.bodies) >= CHUNK_ENTRIES or loose.size >= CHUNK_BYTES:
            self.settle(no)

    def settle(self, no: int) -> None:
        """A log's loose entries become chunks."""
        loose = self._take(no)
        if loose is not None:
            write_chunks(self._connection, no, loose.seq, loose.bodies)

    def settle_all(self) -> None:
        """No tick is left in the file."""
        for no in list(self._loose):
            self.settle(no)
        self._connection.execute("DELETE FROM tick")
        self._oldest = self._next

    def erase(self, no: int) -> None:
        """No tick holds anything of this log any more: neither its text nor its number, which is given out again."""
        self._take(no)
        self._tick = [appended for appended in self._tick if appended[0] != no]
        if self._newest.pop(no, 0) >= self._oldest and self._oldest < self._next:
            self.settle_all()

    def write(self) -> None:
        """This transaction's tick; and what has been loose long enough is settled."""
        while self._loose and self._is_too_much():
            self.settle(next(iter(self._loose)))
        if self._tick:
            self._connection.execute("INSERT INTO tick VALUES (?, ?)", (self._next, encode(self._tick)))
            self._tick = []
            self._next += 1
        self._prune()

    def _note(self, no: int, seq: int, bodies: list[bytes]) -> None:
        self._newest[no] = self._next
        if not bodies:
            return
        loose = self._loose.get(no)
        if loose is None:
            loose = self._loose[no] = _Loose(seq, self._next)
        size = sum(map(len, bodies))
        loose.bodies += bodies
        loose.size += size
        self._count += len(bodies)
        self._size += size

    def _take(self, no: int) -> _Loose | None:
        loose = self._loose.pop(no, None)
        if loose is not None:
            self._count -= len(loose.bodies)
            self._size -= loose.size
        return loose

    def _is_too_much(self) -> bool:
        allowed = min(max(_LOOSE_ENTRIES, _LOOSE_ENTRIES_EACH * len(self._loose)), _LOOSE_ENTRIES_MAX)
        longest = next(iter(self._loose.values()))
        return self._count > allowed or self._size > LOOSE_BYTES or self._next - longest.since >= LOOSE_TICKS

    def _prune(self) -> None:
        needed = next(iter(self._loose.values())).since if self._loose else self._next
        if needed - self._oldest >= _TICKS_SLACK:
            self._connection.execute("DELETE FROM tick WHERE id < ?", (needed,))
            self._oldest = needed
            self._newest = {no: tick for no, tick in self._newest.items() if tick >= needed}
