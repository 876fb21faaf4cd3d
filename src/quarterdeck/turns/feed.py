"""A user's feed: pointers to what changed, on the same log, for every tab and device."""

from __future__ import annotations

import asyncio

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import FeedEvent, encode_event
from quarterdeck.errors import LogError, StaleWriterError
from quarterdeck.log.base import Log, feed_name

logger = get_logger("quarterdeck.feed")
_TRIES = 5
_GATHER_S = 0.02  # a pointer may come a little later; the answer it points to may not


class Feed:
    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: dict[str, list[bytes]] = {}  # of each user whose events are on their way
        self._under_way: set[asyncio.Task[None]] = set()

    def tell(self, user: str, event: FeedEvent) -> None:
        """Publish without waiting; a feed that cannot be written never holds up a turn."""
        if user in self._waiting:
            self._waiting[user].append(encode_event(event))
            return
        self._waiting[user] = [encode_event(event)]
        task = asyncio.get_running_loop().create_task(self._publish(user))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Wait for what is under way (at shutdown)."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=2)

    async def _publish(self, user: str) -> None:
        """One writer for each user in this process: in order, and everything that came meanwhile together."""
        await asyncio.sleep(_GATHER_S)
        try:
            while bodies := self._waiting[user]:
                self._waiting[user] = []
                await self._append(feed_name(user), bodies)
        except LogError as error:
            logger.warning("feed_not_written", reason=error.message, detail=error.detail)
        finally:
            del self._waiting[user]

    async def _append(self, name: str, bodies: list[bytes]) -> None:
        for _ in range(_TRIES):
            status = await self._log.status(name)
            try:
                await self._log.append(name, 1 if status is None else status.last + 1, bodies)
                return
            except StaleWriterError:
                continue  # another process came first: take the next numbers
        logger.warning("feed_not_written", reason="others were always first")
