"""The newest entries in memory, and the doorbell."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.log import tail as tail_room
from quarterdeck.log.base import Entry, LogStatus, Take
from quarterdeck.log.tail import KEEP_BYTES, KEEP_ENTRIES, Tail, Tails


def test_a_new_tail_sends_the_reader_to_the_file() -> None:
    assert Tail().read(0, 10) is None


@given(sizes=st.lists(st.lists(st.integers(0, 40_000), min_size=1, max_size=60), max_size=12))
def test_a_tail_is_bounded_and_holds_the_newest_without_holes(sizes: list[list[int]]) -> None:
    tail, everything = Tail(), list[bytes]()
    for batch in sizes:
        bodies = [b"x" * size for size in batch]
        tail.extend(len(everything) + 1, bodies, 1)
        everything += bodies
    assert len(tail.bodies) <= KEEP_ENTRIES
    assert tail.size == sum(map(len, tail.bodies)) <= KEEP_BYTES
    for after in range(len(everything)):
        entries = tail.read(after, 10)
        if after >= len(everything) - len(tail.bodies):
            assert entries == [Entry(seq + 1, everything[seq]) for seq in range(after, len(everything))][:10]
        else:
            assert entries is None


def test_a_tail_that_begins_in_the_middle_holds_only_what_it_was_told() -> None:
    tail = Tail()
    tail.extend(6, [b"six", b"seven"], 1)
    assert tail.read(4, 10) is None
    assert tail.read(5, 10) == [Entry(6, b"six"), Entry(7, b"seven")]
    assert tail.status() == LogStatus("running", 1, 7)


def test_a_hole_is_never_papered_over() -> None:
    tail = Tail()
    tail.extend(1, [b"one", b"two"], 1)
    tail.extend(5, [b"five"], 1)
    assert tail.read(1, 10) is None
    assert tail.read(4, 10) == [Entry(5, b"five")]


def test_what_the_file_says_yields_to_what_a_commit_has_told() -> None:
    tail = Tail()
    tail.extend(1, [b"one", b"two"], 1)
    tail.adopt(LogStatus("running", 1, 1))
    assert tail.status() == LogStatus("running", 1, 2)


def test_a_commit_that_the_file_has_told_already_changes_nothing() -> None:
    tail = Tail()
    tail.adopt(LogStatus("finished", 1, 4))
    tail.extend(4, [b"four"], 1)
    assert tail.status() == LogStatus("finished", 1, 4)
    assert tail.read(3, 10) is None


async def test_only_those_with_news_are_woken() -> None:
    tail = Tail()
    tail.extend(1, [b"one"], 1)
    here, ahead = (asyncio.create_task(tail.wait(after, 5)) for after in (1, 2))
    await asyncio.sleep(0)
    tail.extend(2, [b"two"], 1)
    assert await here
    assert [waiter.after for waiter in tail.waiters] == [2]
    tail.extend(3, [b"three"], 1)
    assert await ahead
    assert not tail.waiters


async def wait_taking(tail: Tail, after: int, take: Take) -> asyncio.Task[bool]:
    waiting = asyncio.create_task(tail.wait(after, 5, take))
    await asyncio.sleep(0)
    return waiting


async def test_who_takes_what_comes_is_given_it_by_the_commit_and_not_woken() -> None:
    tail, taken = Tail(), list[Entry]()

    def take(entries: list[Entry]) -> bool:
        taken.extend(entries)
        return len(taken) < 4

    tail.extend(1, [b"one"], 1)
    waiting = await wait_taking(tail, 1, take)
    tail.extend(2, [b"two"], 1)
    tail.extend(3, [b"three", b"four"], 1)
    assert taken == [Entry(2, b"two"), Entry(3, b"three"), Entry(4, b"four")]
    await asyncio.sleep(0)
    assert not waiting.done()
    tail.extend(5, [b"five"], 1)  # which is not taken
    assert await waiting
    assert not tail.waiters


async def test_what_is_not_all_in_memory_is_offered_to_nobody() -> None:
    tail = Tail()
    tail.extend(1, [b"one"], 1)
    waiting = await wait_taking(tail, 1, lambda _: pytest.fail("there is a hole"))
    tail.extend(2, [b"x" * KEEP_BYTES, b"three"], 1)
    assert await waiting


async def test_one_who_fails_to_take_hears_of_it_and_nobody_else() -> None:
    tail = Tail()
    failing = await wait_taking(tail, 0, lambda _: bool(1 / 0))
    others = [await wait_taking(tail, 0, lambda _: False) for _ in range(3)]
    tail.extend(1, [b"one"], 1)
    assert await asyncio.gather(*others) == [True] * 3
    with pytest.raises(ZeroDivisionError):
        await failing
    assert not tail.waiters


async def test_nothing_is_offered_any_more_to_one_who_has_just_been_stopped() -> None:
    tail = Tail()
    waiting = await wait_taking(tail, 0, lambda _: pytest.fail("it was stopped"))
    waiting.cancel()
    tail.extend(1, [b"one"], 1)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_gives_up_leaves_no_trace() -> None:
    tail = Tail()
    assert not await tail.wait(0, 0.001)
    waiting = asyncio.create_task(tail.wait(0, 5))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not tail.waiters


async def test_tails_nobody_needs_make_room_and_awaited_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_room, "_LOGS_MAX", 10)
    tails = Tails()
    tails.extend("awaited", 1, [b"one"], 1)
    awaited = tails.open("awaited")
    waiting = asyncio.create_task(awaited.wait(1, 5))
    await asyncio.sleep(0)
    for number in range(100):
        tails.extend(f"t{number}", 1, [b"one"], 1)
    assert tails.find("awaited") is awaited
    assert tails.find("t0") is None
    assert tails.find("t99") is not None
    tails.extend("awaited", 2, [b"two"], 1)
    assert await waiting


async def test_after_doubt_everything_is_asked_of_the_file() -> None:
    tails = Tails()
    tails.extend("t", 1, [b"one"], 1)
    waiting = asyncio.create_task(tails.open("t").wait(1, 5))
    await asyncio.sleep(0)
    tails.doubt()
    assert await waiting
    assert tails.open("t").state == "unread"
    assert tails.open("t").read(0, 10) is None
