"""A user's feed, written by many processes at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.harness.waiting import wait_until_async

from quarterdeck.domain.events import FeedConversation, decode_feed_event
from quarterdeck.errors import LogError
from quarterdeck.log.base import LogStatus, feed_name
from quarterdeck.log.sql import SqlLog
from quarterdeck.turns import feed as feed_module
from quarterdeck.turns.feed import Feed

OTHERS = 12


class Crowded(SqlLog):
    """Before each of our first appends somebody else takes the number that we have just read."""

    left = OTHERS

    def append(self, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._append(turn, seq, bodies, begins))

    async def _append(self, turn: str, seq: int, bodies: list[bytes], begins: bool) -> None:
        if self.left:
            self.left -= 1
            await super().append(turn, seq, [b'{"type":"models.changed"}'], begins=begins)
        await super().append(turn, seq, bodies, begins=begins)


async def test_who_is_never_first_in_a_crowd_is_heard_all_the_same(tmp_path: Path) -> None:
    log = Crowded(tmp_path / "log.sqlite3")
    await log.open()
    feed = Feed(log)
    feed.tell("somebody", FeedConversation("c"))

    async def is_there() -> bool:
        entries = await log.read(feed_name("somebody"), OTHERS)
        return [decode_feed_event(entry.body) for entry in entries] == [FeedConversation("c")]

    await wait_until_async(is_there, "the pointer")
    await feed.settle()
    await log.close()


class AwayOnce(SqlLog):
    """The first append fails; while it is under way more is told."""

    feed: Feed | None = None

    async def status(self, turn: str) -> LogStatus | None:
        if self.feed is not None:
            feed, self.feed = self.feed, None
            for number in range(6, 9):
                feed.tell("somebody", FeedConversation(f"c{number}"))
            raise LogError("The log is away.")
        return await super().status(turn)


async def test_of_too_many_pointers_that_wait_for_the_log_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_MOST_WAITING", 5)
    log = AwayOnce(tmp_path / "log.sqlite3")
    await log.open()
    feed = log.feed = Feed(log)
    for number in range(1, 6):
        feed.tell("somebody", FeedConversation(f"c{number}"))

    async def is_there() -> bool:
        entries = await log.read(feed_name("somebody"), 0)
        return [decode_feed_event(entry.body) for entry in entries] == [
            FeedConversation(f"c{number}") for number in range(4, 9)
        ]

    await wait_until_async(is_there, "the newest pointers")
    await feed.settle()
    await log.close()
