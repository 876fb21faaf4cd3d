"""Following a log: replay from a cursor that catches up and goes on live. The only reader there is."""

from __future__ import annotations

from collections.abc import AsyncIterator

from quarterdeck import metrics
from quarterdeck.errors import CursorError
from quarterdeck.log.base import Entry, Log, is_feed

_FAR_BEHIND = 64  # entries: about two seconds of a fast answer
_SLICE_S = 15.0
"""A bell that was lost costs at most this long."""


async def check_cursor(log: Log, name: str, after: int) -> None:
    """Can `name` be followed from `after`? A feed can from its beginning, before anything is in it.

    Raises: `CursorError` with the reason `unknown` (no such log), `ahead` (of its last entry) or
    `expired` (what comes after the cursor is gone).
    """
    status = await log.status(name)
    if status is None:
        if not (is_feed(name) and after == 0):
            raise CursorError("This answer's log is not here.", reason="unknown")
    elif after > status.last:
        raise CursorError("The cursor is ahead of the log.", reason="ahead")
    elif after < 0 or after + 1 < status.first:
        raise _expired()


async def follow(log: Log, name: str, after: int) -> AsyncIterator[list[Entry]]:
    """Entries with seq > `after`, in order, without holes, until the log is finished and all are yielded.

    Raises: `CursorError` as `check_cursor` does; `expired` also when the log is dropped or trimmed
    faster than it is read.
    """
    await check_cursor(log, name, after)
    cursor = after
    is_behind = True  # until it has read all there was
    while True:
        await log.wait(name, cursor, _SLICE_S)
        entries = await log.read(name, cursor)
        if entries:
            if entries[0].seq != cursor + 1:
                raise _expired()
            cursor = entries[-1].seq
            was_behind, is_behind = is_behind, len(entries) >= _FAR_BEHIND
            if is_behind and not was_behind:
                metrics.FOLLOWERS_BEHIND.add()
            yield entries
        elif await _is_over(log, name, cursor):
            return


async def _is_over(log: Log, name: str, cursor: int) -> bool:
    status = await log.status(name)
    if status is not None:
        if cursor > status.last:  # lost, and begun again with numbers that mean something else
            raise _expired()
        return status.state == "finished" and cursor >= status.last
    if is_feed(name) and cursor == 0:
        return False
    raise _expired()


def _expired() -> CursorError:
    return CursorError("This answer's log is no longer here.", reason="expired")
