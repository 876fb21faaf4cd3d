"""What other processes append comes by one look for all that are watched; nothing is asked about the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal

import pytest
from tests.harness.waiting import wait_until_async

from quarterdeck.errors import LogError
from quarterdeck.log import tail as tail_room
from quarterdeck.log import watch as watch_room
from quarterdeck.log.backend import Addition, Look, OnBell, Seen, Verdict
from quarterdeck.log.base import Entry, LogStatus
from quarterdeck.log.tail import Tails
from quarterdeck.log.watch import Watch


class Logs:
    """A backend that another process writes to: names and how many entries each has."""

    def __init__(self) -> None:
        self.lasts: dict[str, int] = {}
        self.finished: set[str] = set()
        self.asked: list[list[str]] = []
        self.is_away = False

    async def look(self, looks: Sequence[Look]) -> list[Seen]:
        self.asked.append([look.name for look in looks])
        await asyncio.sleep(0)
        if self.is_away:
            raise LogError("away")
        return [self._seen(look) for look in looks]

    def _seen(self, look: Look) -> Seen:
        last = self.lasts.get(look.name, 0)
        entries = [Entry(seq, b"%d" % seq) for seq in range(look.after + 1, last + 1)][: look.limit]
        state: Literal["running", "finished"] = "finished" if look.name in self.finished else "running"
        return Seen(LogStatus(state, 1, last) if last else None, entries)

    async def open(self, on_bell: OnBell) -> None: ...

    async def commit(self, additions: Sequence[Addition]) -> list[Verdict]:
        raise NotImplementedError

    async def finish(self, name: str, keep_s: float) -> bool:
        raise NotImplementedError

    async def drop(self, name: str) -> None: ...

    async def expire(self) -> int:
        return 0

    async def size_bytes(self) -> int:
        return 0

    async def close(self) -> None: ...


@pytest.fixture
def logs() -> Logs:
    return Logs()


@pytest.fixture
def tails() -> Tails:
    return Tails()


@pytest.fixture
async def watch(logs: Logs, tails: Tails) -> AsyncIterator[Watch]:
    made = Watch(logs, tails)
    yield made
    await made.stop()


async def settled(watch: Watch) -> None:
    await watch.stop()


async def test_a_ring_for_many_watched_logs_is_one_look(watch: Watch, logs: Logs, tails: Tails) -> None:
    names = [f"t{number}" for number in range(20)]
    for name in names:
        logs.lasts[name] = 3
        await watch.watch(name)
    logs.asked.clear()
    logs.lasts = dict.fromkeys(names, 5)
    watch.on_bell([(name, 5) for name in names])
    watch.on_bell([(name, 5) for name in names])
    await settled(watch)
    assert sorted(logs.asked[0]) == sorted(names)
    assert len(logs.asked) == 1
    assert tails.open("t7").read(3, 10) == [Entry(4, b"4"), Entry(5, b"5")]


async def test_a_ring_for_what_nobody_watches_or_what_is_known_asks_nothing(watch: Watch, logs: Logs) -> None:
    logs.lasts["t"] = 3
    await watch.watch("t")
    logs.asked.clear()
    watch.on_bell([("t", 3), ("other", 9)])
    await settled(watch)
    assert logs.asked == []


async def test_after_the_bell_was_away_everything_watched_is_looked_at(watch: Watch, logs: Logs, tails: Tails) -> None:
    await watch.watch("t")
    logs.lasts["t"] = 2
    watch.on_bell(None)
    await settled(watch)
    assert tails.open("t").last == 2


async def test_a_lost_ring_is_made_up_for(
    watch: Watch, logs: Logs, tails: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_room, "SAFETY_LOOK_S", 0.01)
    watch.start()
    waiting = asyncio.create_task((await watch.watch("t")).wait(0, 5))
    logs.lasts["t"] = 2
    assert await waiting


async def test_a_log_that_nobody_waits_for_is_no_longer_watched(
    watch: Watch, logs: Logs, tails: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_room, "SAFETY_LOOK_S", 0.01)
    logs.lasts["t"] = 1
    tail = await watch.watch("t")
    watch.start()

    async def is_let_go() -> bool:
        return not tail.is_watched

    await wait_until_async(is_let_go, "the log to be let go")
    logs.asked.clear()
    watch.on_bell([("t", 7)])
    await settled(watch)
    assert logs.asked == []


async def test_what_another_process_wrote_is_not_kept_after_its_end(
    watch: Watch, logs: Logs, tails: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_room, "_GRACE_S", 0.0)
    await watch.watch("t")
    logs.lasts["t"] = 3
    watch.on_bell([("t", 3)])
    await settled(watch)
    assert tails.open("t").size > 0
    logs.finished.add("t")
    watch.on_bell([("t", -1)])
    await settled(watch)
    await asyncio.sleep(0)
    assert (tails.open("t").state, tails.open("t").size) == ("finished", 0)


async def test_a_log_that_went_back_wakes_who_waits(watch: Watch, logs: Logs, tails: Tails) -> None:
    logs.lasts["t"] = 9
    tail = await watch.watch("t")
    waiting = asyncio.create_task(tail.wait(9, 5))
    await asyncio.sleep(0)
    logs.lasts["t"] = 2
    watch.on_bell(None)
    assert await waiting
    assert tail.last == 2
    assert tail.has_news(9)


async def test_a_look_that_fails_tells_who_asked_and_the_next_one_works(watch: Watch, logs: Logs) -> None:
    logs.is_away = True
    with pytest.raises(LogError):
        await watch.look("t", 0, 10)
    logs.is_away = False
    logs.lasts["t"] = 1
    assert (await watch.look("t", 0, 10)).entries == [Entry(1, b"1")]
