"""A turn's log as a viewer reads it: from a cursor, live, and on through a log that was lost and written anew."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from quarterdeck.domain.events import is_restoration, is_turn_end
from quarterdeck.errors import CursorError
from quarterdeck.log.base import Entry, Log, Take
from quarterdeck.log.follow import check_cursor

_SLICE_S = 5.0
"""How soon it is noticed that a turn whose log is not there has ended, and what a lost bell costs at most."""


class TurnReader:
    """`cursor` is the last seq that was read; `is_open` says whether the turn is still to be answered.

    The log of an open turn that is not there will come: nobody has begun it yet, or it was lost. When it begins
    with `turn.restored`, that is read next, whatever seq it has.
    """

    def __init__(self, log: Log, turn: str, after: int, is_open: Callable[[], Awaitable[bool]]) -> None:
        self._log = log
        self._turn = turn
        self._is_open = is_open
        self._is_missing = False
        self.cursor = after
        self.is_over = False

    async def check(self) -> None:
        """Can the turn be read from here? Raises: `CursorError` with the reason; `LogError`."""
        self._is_missing = False
        try:
            await check_cursor(self._log, self._turn, self.cursor)
        except CursorError as error:
            if error.reason == "unknown" and await self._is_open():
                self._is_missing = True
            elif error.reason != "expired" or not await self._skip_to_restoration():
                raise

    async def next(self, timeout_s: float, take: Take | None = None) -> list[Entry]:
        """The entries after the cursor; empty when there are none in that time, or none at all (`is_over`).

        What comes while it waits is offered to `take`; the turn's end is not.

        Raises: `CursorError`, `LogError`.
        """
        if self._is_missing:
            await self._log.wait(self._turn, 0, timeout_s)
            await self.check()
            return []
        passing_on = None if take is None else partial(self._pass_on, take)
        if not await self._log.wait(self._turn, self.cursor, timeout_s, passing_on):
            return []
        entries = await self._log.read(self._turn, self.cursor)
        if not entries or entries[0].seq != self.cursor + 1:
            await self._look_again()
            return []
        self.cursor = entries[-1].seq
        self.is_over = is_turn_end(entries[-1].body)
        return entries

    async def follow(self, take: Take | None = None) -> AsyncIterator[list[Entry]]:
        """All that comes and is not taken by `take`, until the turn's end. Raises: as `next`."""
        await self.check()
        while not self.is_over:
            if entries := await self.next(_SLICE_S, take):
                yield entries

    def _pass_on(self, take: Take, entries: list[Entry]) -> bool:
        if is_turn_end(entries[-1].body) or not take(entries):
            return False
        self.cursor = entries[-1].seq
        return True

    async def _look_again(self) -> None:
        status = await self._log.status(self._turn)
        if status is not None and status.state == "finished" and self.cursor == status.last:
            self.is_over = True
        else:
            await self.check()

    async def _skip_to_restoration(self) -> bool:
        status = await self._log.status(self._turn)
        if status is None or status.first == 0:
            return False
        entries = await self._log.read(self._turn, status.first - 1, limit=1)
        if not entries or not is_restoration(entries[0].body):
            return False
        self.cursor = entries[0].seq - 1
        return True
