"""What the log's writer knows and writes: the state of each log, inside one transaction at a time.

Used by the writer's thread alone. The last seq of a log is kept in memory, which is exact as long as
nobody else writes to the file; when somebody did (`PRAGMA data_version`), everything is read anew.
"""

from __future__ import annotations

import sqlite3

from quarterdeck.errors import LogError
from quarterdeck.log.base import FEED_KEEP, is_feed
from quarterdeck.log.refusal import refusal
from quarterdeck.log.sql_file import MAX_SEQ, SEQ_BITS, STATUS

_KNOWN_MAX = 10_000
_FEED_SLACK = 250  # a feed is trimmed when it is this much longer than it need be
_INSERTS = {rows: "INSERT INTO entry VALUES (?,?)" + ", (?,?)" * (rows - 1) for rows in (256, 64, 16, 4, 1)}  # nosec B608  # question marks only


class _Page:
    """One log: its number, the seqs it holds, whether it is finished."""

    __slots__ = ("finished", "first", "last", "no")

    def __init__(self, no: int, finished: bool, first: int, last: int) -> None:
        self.no, self.finished, self.first, self.last = no, finished, first, last


class Ledger:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pages: dict[str, _Page] = {}
        self._rows: list[int | bytes] = []  # key, body, key, body, …
        self._version: int | None = None

    def begin(self) -> bool:
        """Begins a transaction; True if another process has written since the last one."""
        self._connection.execute("BEGIN IMMEDIATE")
        [version] = self._connection.execute("PRAGMA data_version").fetchone()
        is_foreign = self._version not in (None, version)
        self._version = version
        if is_foreign or len(self._pages) > _KNOWN_MAX:
            self._pages.clear()
        return is_foreign

    def commit(self) -> None:
        self._insert_rows()
        self._connection.execute("COMMIT")

    def roll_back(self) -> None:
        self._pages.clear()
        self._rows.clear()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

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
        key = (page.no << SEQ_BITS) + seq
        for body in bodies:
            self._rows += (key, body)
            key += 1
        page.last = seq + len(bodies) - 1
        page.first = page.first or seq
        if is_feed(name) and page.last - page.first >= FEED_KEEP + _FEED_SLACK:
            self._trim(page, page.last - FEED_KEEP + 1)
        return page.first

    def finish(self, name: str, drop_at: int) -> bool:
        """False if there is no such log. `drop_at` in milliseconds since 1970."""
        changed = self._connection.execute("UPDATE log SET finished = 1, drop_at = ? WHERE name = ?", (drop_at, name))
        self._pages.pop(name, None)
        return changed.rowcount > 0

    def drop(self, name: str) -> None:
        page = self._page(name)
        if page is None:
            return
        self._insert_rows()
        self._delete_entries(page.no, MAX_SEQ)
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
        if page is None and (row := self._connection.execute(STATUS, (name,)).fetchone()):
            no, finished, first, last = row
            page = self._pages[name] = _Page(no, bool(finished), first or 0, last or 0)
        return page

    def _begin_page(self, name: str) -> _Page:
        no = self._connection.execute("INSERT INTO log (name) VALUES (?)", (name,)).lastrowid
        assert no is not None  # nosec B101  # noqa: S101 (an INSERT always has one)
        page = self._pages[name] = _Page(no, False, 0, 0)
        return page

    def _trim(self, page: _Page, first: int) -> None:
        self._insert_rows()
        self._delete_entries(page.no, first - 1)
        page.first = first

    def _delete_entries(self, no: int, up_to: int) -> None:
        base = no << SEQ_BITS
        self._connection.execute("DELETE FROM entry WHERE key > ? AND key <= ?", (base, base + up_to))

    def _insert_rows(self) -> None:
        """Many rows to a statement: each statement gives up the interpreter's lock and waits for it again."""
        rows, start = self._rows, 0
        for size, statement in _INSERTS.items():
            while len(rows) - start >= 2 * size:
                self._connection.execute(statement, rows[start : start + 2 * size])
                start += 2 * size
        rows.clear()
