"""What the log's writer knows and writes: the state of each log, inside one transaction at a time.

Used by the writer's thread alone. The last seq of a log is kept in memory, which is exact as long as nobody else writes
to the file; when somebody did (`PRAGMA data_version`, asked when the transaction holds the file), everything is read
anew before anything is compared. That is the fence against a second writer.
"""

from __future__ import annotations

import sqlite3

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.log.base import FEED_KEEP, is_feed
from quarterdeck.log.refusal import refusal
from quarterdeck.log.sql_format import MAX_SEQ, SEQ_BITS, find_extent, first_in_chunks
from quarterdeck.log.ticks import Ticks

_KNOWN_MAX = 10_000
_FEED_SLACK = 250  # a feed is trimmed when it is this much longer than it need be


_log = get_logger(__name__)


def tidy(connection: sqlite3.Connection) -> None:
    """What a process that died has left in ticks goes to chunks, where readers find it sooner."""
    ledger = Ledger(connection)
    try:
        ledger.begin()
        ledger.settle_all()
        ledger.commit()
    except sqlite3.Error as error:  # a full disk: it can be read as it is
        _log.warning("log.not_tidied", reason=repr(error))
        ledger.roll_back()


class _Page:
    """One log: its number, the seqs it holds, whether it is finished."""

    __slots__ = ("finished", "first", "last", "no")

    def __init__(self, no: int, finished: bool, first: int, last: int) -> None:
        self.no, self.finished, self.first, self.last = no, finished, first, last


class Ledger:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ticks = Ticks(connection)
        self._pages: dict[str, _Page] = {}
        self._version: int | None = None
        self._is_known = False  # what the file holds

    def begin(self) -> bool:
        """Begins a transaction; True if another process has written since the last one."""
        self._connection.execute("BEGIN IMMEDIATE")
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        is_foreign = self._version not in (None, version)
        self._version = version
        if is_foreign or not self._is_known:
            self._pages.clear()
            self._ticks.load()
            self._is_known = True
        elif len(self._pages) > _KNOWN_MAX:
            self._pages.clear()
        return is_foreign

    def commit(self) -> None:
        self._ticks.write()
        self._connection.execute("COMMIT")

    def roll_back(self) -> None:
        self._is_known = False
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def settle_all(self) -> None:
        self._ticks.settle_all()

    def append(self, name: str, seq: int, bodies: list[bytes], begins: bool = False) -> int:
        """The oldest seq that the log holds afterwards.

        Raises: `StaleWriterError`, `LogLostError`, `LogError` (full); nothing is written then.
        """
        page = self._page(name)
        is_next = (begins or seq == 1) if page is None else (seq == page.last + 1 and not page.finished and not begins)
        if not is_next:
            raise refusal(name, seq, is_there=page is not None)
        if seq + len(bodies) > MAX_SEQ:
            raise LogError("This log is full.", detail=name)
        page = page or self._begin_page(name)
        self._ticks.add(page.no, seq, bodies)
        page.last = seq + len(bodies) - 1
        page.first = page.first or seq
        if is_feed(name) and page.last - page.first >= FEED_KEEP + _FEED_SLACK:
            self._trim(page, page.last - FEED_KEEP + 1)
        return page.first

    def finish(self, name: str, drop_at: int) -> bool:
        """False if there is no such log. `drop_at` in milliseconds since 1970."""
        page = self._page(name)
        if page is None:
            return False
        self._ticks.settle(page.no)
        self._connection.execute("UPDATE log SET finished = 1, drop_at = ? WHERE no = ?", (drop_at, page.no))
        page.finished = True
        return True

    def drop(self, name: str) -> None:
        page = self._page(name)
        if page is None:
            return
        self._ticks.erase(page.no)
        self._delete_chunks(page.no, MAX_SEQ)
        self._connection.execute("DELETE FROM log WHERE no = ?", (page.no,))
        del self._pages[name]

    def drop_expired(self, now: int, limit: int) -> list[str]:
        """Drops at most `limit` logs whose time has come; their names."""
        due = self._connection.execute("SELECT name FROM log WHERE drop_at <= ? LIMIT ?", (now, limit))
        names = [name for (name,) in due]
        for name in names:
            self.drop(name)
        return names

    def _page(self, name: str) -> _Page | None:
        page = self._pages.get(name)
        if page is None and (extent := find_extent(self._connection, name)):
            no, finished, first, last = extent
            if loose := self._ticks.extent(no):
                first, last = first or loose[0], loose[1]
            page = self._pages[name] = _Page(no, finished, first, last)
        return page

    def _begin_page(self, name: str) -> _Page:
        no = self._connection.execute("INSERT INTO log (name) VALUES (?)", (name,)).lastrowid
        assert no is not None  # nosec B101  # noqa: S101 (an INSERT always has one)
        page = self._pages[name] = _Page(no, False, 0, 0)
        return page

    def _trim(self, page: _Page, first: int) -> None:
        """Chunks that end before `first` go."""
        self._ticks.settle(page.no)
        self._delete_chunks(page.no, first - 1)
        page.first = first_in_chunks(self._connection, page.no)

    def _delete_chunks(self, no: int, up_to: int) -> None:
        base = no << SEQ_BITS
        self._connection.execute(
            "DELETE FROM chunk WHERE key > ? AND key <= ? AND key + count - 1 <= ?",
            (base, base + up_to, base + up_to),
        )
