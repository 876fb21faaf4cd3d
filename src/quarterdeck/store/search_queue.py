"""What turns have said waits here for the search index: many messages are written to it in one transaction, which costs
a part of what they would cost one by one, and no turn waits for it.

What waits when a process dies has no entry: `search_missing` finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError
from quarterdeck.store.database import Database
from quarterdeck.store.recall_waiting import Waiting
from quarterdeck.store.search import NewEntry, index_said

logger = get_logger("quarterdeck.store")

WITHIN_S = 1.0
_AT_ONCE = 50  # messages in one transaction: nobody waits long behind it
_MANY = 200  # so many do not wait for the second to be over
_MOST = 2_000  # while the database is away; what comes after them is found later as if the process had died
_LONGEST_PAUSE_S = 30.0
_LOOKED_THROUGH = 20  # of one owner, the newest
_LEAVE_S = 2.0
_SHORT_CHARS = 4_000  # their words are found in half a millisecond


class IndexQueue:
    """One per process; `put` what is committed, `settle` before somebody's messages are searched. Recall for a turn
    takes what waits as it is instead."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Waiting] = []  # the oldest first; those that are being written, too
        self._lock = asyncio.Lock()  # of who writes them
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._pause_s = 0.0  # after a failure
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, entry: NewEntry) -> None:
        """It is written within a second or so."""
        if self._is_closed or len(self._waiting) >= _MOST:
            return
        self._waiting.append(Waiting(entry))
        if self._timer is None:
            self._set_timer(WITHIN_S)
        elif len(self._waiting) == _MANY and not self._pause_s:
            self._timer.cancel()
            self._begin()

    async def settle(self, owner: str) -> None:
        """Returns when what was put in of this owner can be found, or when the database would not have it just now."""
        if any(one.owner == owner for one in self._waiting):
            async with self._lock:
                self._waiting.sort(key=lambda one: one.owner != owner)
                while self._waiting and self._waiting[0].owner == owner and await self._write_some():
                    pass

    async def waiting_elsewhere(self, owner: str, conversation: str) -> list[Waiting]:
        """The newest of other conversations of this owner, the oldest of them first. Never fails."""
        own = (one for one in reversed(self._waiting) if one.owner == owner and one.conversation != conversation)
        found = list(islice(own, _LOOKED_THROUGH))[::-1]
        if not _is_short(found):
            try:
                await asyncio.to_thread(_made_rows, found)
            except Exception as error:  # an answer is worth more than what is recalled for it
                logger.error("waiting_messages_not_read", exc_info=error)
                return []
        return found

    async def close(self) -> None:
        """When nobody puts in anything any more. What cannot be written now is found when the server starts again."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await self._write_all()

    def _set_timer(self, within_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(within_s, self._begin)

    def _begin(self) -> None:
        self._writing = asyncio.create_task(self._write_all())
        self._writing.add_done_callback(self._go_on)

    def _go_on(self, _: object) -> None:
        self._timer = None
        if self._waiting and not self._is_closed:
            self._set_timer(self._pause_s or WITHIN_S)

    async def _write_all(self) -> None:
        async with self._lock:
            while self._waiting and await self._write_some():
                pass

    async def _write_some(self) -> bool:
        """The first of them. False: the database would not have them; they wait on."""
        some = self._waiting[:_AT_ONCE]
        try:
            rows = _made_rows(some) if _is_short(some) else await asyncio.to_thread(_made_rows, some)
            await self._database.write(partial(index_said, rows=rows))
        except QuarterdeckError as error:
            if not self._pause_s:
                logger.warning("search_entries_wait", reason=error.message, detail=error.detail, waiting=len(self))
            self._pause_s = min(max(2 * self._pause_s, WITHIN_S), _LONGEST_PAUSE_S)
            return False
        except Exception as error:  # what nobody thought of must not keep out what comes after it
            logger.error("search_entries_lost", exc_info=error)
        else:
            self._pause_s = 0.0
        del self._waiting[: len(some)]
        return True


def _made_rows(waiting: Sequence[Waiting]) -> list[dict[str, Any]]:
    """What cannot be found by anything has none."""
    return [one.row for one in waiting if one.row is not None]


def _is_short(waiting: Sequence[Waiting]) -> bool:
    """So that a thread would cost more, and nobody notices that the loop does nothing else meanwhile."""
    return sum(one.unread_chars for one in waiting) < _SHORT_CHARS
