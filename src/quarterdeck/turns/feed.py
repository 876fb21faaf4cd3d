"""A user's feed: pointers to what changed, on the same log, for every tab and device."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from time import monotonic

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import FeedEvent, encode_event
from quarterdeck.errors import LogError, StaleWriterError
from quarterdeck.log.base import Log, feed_name

logger = get_logger("quarterdeck.feed")
_TRIES = 30
_LONGEST_TURN_S = 0.2  # to let others write first when many write to one feed
_GATHER_S = 0.05  # a pointer may come a little later; the answer it points to may not
_LONGEST_PAUSE_S = 1.0
_GIVE_UP_S = 600.0
_MOST_WAITING = 500  # of one user while the log is away; the oldest go
_MOST_KNOWN = 10_000
_LEAP = 1_000  # above what this process knows of a feed that was lost: others may have written since


class Feed:
    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: dict[str, deque[bytes]] = {}  # of each user whose events are on their way
        self._last_seqs: dict[str, int] = {}  # of the feeds written lately
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_settling = False

    def tell(self, user: str, event: FeedEvent) -> None:
        """Publish without waiting; a feed that cannot be written never holds up a turn."""
        if user in self._waiting:
            self._waiting[user].append(encode_event(event))
            return
        self._waiting[user] = deque([encode_event(event)], maxlen=_MOST_WAITING)
        task = asyncio.get_running_loop().create_task(self._publish(user))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Wait for what is under way (at shutdown)."""
        self._is_settling = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=2)
        for task in list(self._under_way):
            task.cancel()

    async def _publish(self, user: str) -> None:
        """One writer for each user in this process: in order, and everything that came meanwhile together."""
        await asyncio.sleep(_GATHER_S)
        give_up_at = monotonic() + _GIVE_UP_S
        pause_s = _GATHER_S
        waiting = self._waiting[user]
        try:
            while waiting:
                bodies = list(waiting)
                waiting.clear()
                try:
                    await self._append(feed_name(user), bodies)
                except LogError as error:
                    logger.warning("feed_not_written", reason=error.message, detail=error.detail)
                    if self._is_settling or monotonic() >= give_up_at:
                        return
                    room = _MOST_WAITING - len(waiting)
                    waiting.extendleft(reversed(bodies[max(len(bodies) - room, 0) :]))
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        finally:
            del self._waiting[user]

    async def _append(self, name: str, bodies: list[bytes]) -> None:
        for attempt in range(_TRIES):
            if attempt > 1:  # they all take the same number next: let chance decide who is first
                await asyncio.sleep(random.uniform(0, min(0.005 * attempt, _LONGEST_TURN_S)))  # nosec B311  # noqa: S311
            status = await self._log.status(name)
            known = self._last_seqs.get(name, 0)
            seq, begins = status.last + 1 if status else 1, False
            if status is None and known:  # it was lost: no old cursor may fit the new one
                seq, begins = known + _LEAP, True
            try:
                await self._log.append(name, seq, bodies, begins=begins)
            except StaleWriterError:
                continue  # another process came first: take the next numbers
            self._remember(name, seq + len(bodies) - 1)
            return
        logger.warning("feed_not_written", reason="others were always first")

    def _remember(self, name: str, last_seq: int) -> None:
        self._last_seqs.pop(name, None)
        self._last_seqs[name] = last_seq
        if len(self._last_seqs) > _MOST_KNOWN:
            del self._last_seqs[next(iter(self._last_seqs))]
