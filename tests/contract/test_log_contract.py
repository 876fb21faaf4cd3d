"""The six verbs of the log, on every backend."""

from __future__ import annotations

import asyncio

import pytest
from tests.contract.log_stores import Store, bodies, collect, on_every_store

from quarterdeck.errors import LogLostError, StaleWriterError
from quarterdeck.log.base import FEED_KEEP, Entry, Last, Log, LogStatus, feed_name

pytestmark = on_every_store


async def read_all(log: Log, name: str) -> list[bytes]:
    found: list[Entry] = []
    while entries := await log.read(name, len(found)):
        found += entries
    assert [entry.seq for entry in found] == list(range(1, len(found) + 1))
    return [entry.body for entry in found]


async def test_what_was_appended_is_read_in_order_without_holes(log: Log) -> None:
    await log.append("t", 1, bodies(1))
    await log.append("t", 2, bodies(3, 2))
    await log.append("t", 5, bodies(1, 5))
    assert await read_all(log, "t") == bodies(5)
    assert await log.status("t") == LogStatus("running", 1, 5)


async def test_read_begins_after_the_cursor_and_keeps_to_the_limit(log: Log) -> None:
    await log.append("t", 1, bodies(10))
    assert [entry.seq for entry in await log.read("t", 4)] == [5, 6, 7, 8, 9, 10]
    assert [entry.seq for entry in await log.read("t", 4, limit=2)] == [5, 6]
    assert await log.read("t", 10) == []
    assert await log.read("t", 2**70) == []


async def test_a_log_that_never_was_is_empty_and_has_no_status(log: Log) -> None:
    assert await log.status("nobody") is None
    assert await log.read("nobody", 0) == []
    await log.drop("nobody")
    await log.finish("nobody", 1)
    assert await log.status("nobody") is None


async def test_appending_nothing_changes_nothing(log: Log) -> None:
    await log.append("t", 1, [])
    assert await log.status("t") is None


@pytest.mark.parametrize("seq", [1, 2, 4, 40])
async def test_an_append_that_is_not_the_next_is_refused_whole(log: Log, seq: int) -> None:
    await log.append("t", 1, bodies(2))
    with pytest.raises(StaleWriterError):
        await log.append("t", seq, bodies(5, 90))
    assert await read_all(log, "t") == bodies(2)


async def test_a_log_begins_with_one(log: Log) -> None:
    with pytest.raises(StaleWriterError):
        await log.append("t", 2, bodies(1))
    assert await log.status("t") is None


async def test_going_on_with_a_log_that_is_not_there_says_that_it_is_lost(log: Log) -> None:
    await log.append("t", 1, bodies(3))
    with pytest.raises(LogLostError):
        await log.append("other", 4, bodies(1))
    with pytest.raises(StaleWriterError) as caught:
        await log.append("t", 9, bodies(1))
    assert not isinstance(caught.value, LogLostError)
    await log.drop("t")
    with pytest.raises(LogLostError):
        await log.append("t", 4, bodies(1))


async def test_a_log_written_anew_begins_where_its_writer_says_and_goes_on_from_there(store: Store, log: Log) -> None:
    await log.append("t", 101, bodies(3, 101), begins=True)
    await log.append("t", 104, bodies(2, 104))
    for reader in (log, await store.connect()):
        assert await reader.status("t") == LogStatus("running", 101, 105)
        assert [entry.seq for entry in await reader.read("t", 0)] == [101, 102, 103, 104, 105]
        assert [entry.body for entry in await reader.read("t", 102)] == bodies(3, 103)
        assert await reader.wait("t", 100, 0)


async def test_a_log_that_is_there_cannot_be_begun_again(log: Log) -> None:
    await log.append("t", 1, bodies(2))
    for seq in (1, 3, 50):
        with pytest.raises(StaleWriterError):
            await log.append("t", seq, bodies(1), begins=True)
    await log.finish("t", 60)
    with pytest.raises(StaleWriterError):
        await log.append("t", 3, bodies(1), begins=True)
    assert await read_all(log, "t") == bodies(2)


async def test_a_stale_append_fails_alone_among_many_at_once(log: Log) -> None:
    await asyncio.gather(*(log.append(f"t{turn}", 1, bodies(1)) for turn in range(20)))
    results = await asyncio.gather(
        *(log.append(f"t{turn}", 7 if turn == 5 else 2, bodies(1, 2)) for turn in range(20)),
        return_exceptions=True,
    )
    assert [turn for turn, result in enumerate(results) if isinstance(result, StaleWriterError)] == [5]
    assert [turn for turn, result in enumerate(results) if result is not None] == [5]
    assert [len(await read_all(log, f"t{turn}")) for turn in range(20)] == [1 if turn == 5 else 2 for turn in range(20)]


async def test_appends_sent_without_waiting_keep_their_order(log: Log) -> None:
    await asyncio.gather(*(log.append("t", seq, bodies(1, seq)) for seq in range(1, 301)))
    assert await read_all(log, "t") == bodies(300)


async def test_after_a_stale_append_the_same_writers_next_ones_fail_too(log: Log) -> None:
    await log.append("t", 1, bodies(3))
    results = await asyncio.gather(*(log.append("t", seq, bodies(1)) for seq in (3, 5, 6)), return_exceptions=True)
    assert all(isinstance(result, StaleWriterError) for result in results)
    assert await read_all(log, "t") == bodies(3)


async def test_any_text_and_any_size_comes_back_as_it_was(log: Log) -> None:
    odd = ["", "é", "日本語", "👩‍👩‍👧‍👦", "\x00\n\r", "‮", "'\";--", "x" * 300_000]
    await log.append("🚢 turn", 1, [text.encode() for text in odd])
    assert [body.decode() for body in await read_all(log, "🚢 turn")] == odd


async def test_ten_thousand_entries_are_read_page_by_page(log: Log) -> None:
    for start in range(1, 10_001, 500):
        await log.append("t", start, bodies(500, start))
    assert await read_all(log, "t") == bodies(10_000)
    assert [entry.seq for entry in await log.read("t", 9_998)] == [9_999, 10_000]


async def test_many_logs_at_once_do_not_mix(log: Log) -> None:
    async def write(turn: int) -> None:
        for seq in range(1, 11):
            await log.append(f"t{turn}", seq, [f"{turn}/{seq}".encode()])

    await asyncio.gather(*map(write, range(60)))
    for turn in range(60):
        assert await read_all(log, f"t{turn}") == [f"{turn}/{seq}".encode() for seq in range(1, 11)]


async def test_nothing_is_seen_before_its_append_is_committed_and_all_of_it_after(log: Log) -> None:
    for seq in range(1, 40, 3):
        appending = asyncio.ensure_future(log.append("t", seq, bodies(3, seq)))
        while not appending.done():
            seen = await log.read("t", 0)
            assert len(seen) in (seq - 1, seq + 2)
            await asyncio.sleep(0)
        assert len(await log.read("t", 0)) == seq + 2


async def test_what_was_acknowledged_is_there_for_another_process(store: Store, log: Log) -> None:
    await log.append("t", 1, bodies(4))
    await log.finish("t", 60)
    other = await store.connect()
    assert await read_all(other, "t") == bodies(4)
    assert await other.status("t") == LogStatus("finished", 1, 4)


async def test_wait_returns_at_once_when_something_is_there(log: Log) -> None:
    await log.append("t", 1, bodies(2))
    assert await log.wait("t", 0, 0)
    assert await log.wait("t", 1, 0)


async def test_wait_says_no_when_nothing_came(log: Log) -> None:
    await log.append("t", 1, bodies(2))
    assert not await log.wait("t", 2, 0.01)
    assert not await log.wait("not begun", 0, 0.01)


@pytest.mark.parametrize("begun", [True, False])
async def test_an_append_wakes_all_who_wait(log: Log, begun: bool) -> None:
    after = 2 if begun else 0
    await log.append("t", 1, bodies(after))
    waiting = [asyncio.create_task(log.wait("t", after, 5)) for _ in range(50)]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in waiting)
    await log.append("t", after + 1, bodies(1))
    assert all(await asyncio.gather(*waiting))


async def test_another_logs_append_wakes_nobody(log: Log) -> None:
    await log.append("t", 1, bodies(1))
    waiting = asyncio.create_task(log.wait("t", 1, 0.05))
    await log.append("other", 1, bodies(1))
    assert not await waiting


async def test_finishing_wakes_and_from_then_on_nobody_waits(log: Log) -> None:
    await log.append("t", 1, bodies(1))
    waiting = asyncio.create_task(log.wait("t", 1, 5))
    await asyncio.sleep(0.01)
    await log.finish("t", 60)
    assert await waiting
    assert await log.wait("t", 1, 0)
    assert await log.status("t") == LogStatus("finished", 1, 1)


async def test_a_finished_log_takes_no_more(log: Log) -> None:
    await log.append("t", 1, bodies(1))
    await log.finish("t", 60)
    with pytest.raises(StaleWriterError):
        await log.append("t", 2, bodies(1))
    assert await read_all(log, "t") == bodies(1)


async def test_the_last_entries_come_with_the_finish(log: Log) -> None:
    await log.append("t", 1, bodies(2))
    waiting = asyncio.create_task(log.wait("t", 2, 5))
    await asyncio.sleep(0.01)
    await log.finish("t", 60, Last(3, bodies(4)[2:]))
    assert await waiting
    assert await read_all(log, "t") == bodies(4)
    assert await log.status("t") == LogStatus("finished", 1, 4)


async def test_a_finish_whose_last_entries_are_another_writers_finishes_nothing(log: Log) -> None:
    await log.append("t", 1, bodies(2))
    with pytest.raises(StaleWriterError):
        await log.finish("t", 60, Last(2, bodies(1)))
    assert await log.status("t") == LogStatus("running", 1, 2)
    assert await read_all(log, "t") == bodies(2)


async def test_finish_keeps_the_log_for_its_time_and_no_longer(store: Store, log: Log) -> None:
    for name, keep_s in (("short", 0.0), ("long", 60.0)):
        await log.append(name, 1, bodies(3))
        await log.finish(name, keep_s)
    await log.append("running", 1, bodies(3))
    async with asyncio.timeout(5):
        while await log.status("short"):
            await store.sweep(log)
            await asyncio.sleep(0.005)
    assert await log.read("short", 0) == []
    assert await read_all(log, "long") == bodies(3)
    assert await read_all(log, "running") == bodies(3)


async def test_many_logs_expire_in_one_sweep(store: Store, log: Log) -> None:
    names = [f"t{number}" for number in range(70)]
    await asyncio.gather(*(log.append(name, 1, bodies(2)) for name in names))
    await asyncio.gather(*(log.finish(name, 0) for name in names))
    await store.sweep(log)
    assert [name for name in names if await log.status(name)] == []


async def test_finishing_again_moves_the_moment(store: Store, log: Log) -> None:
    await log.append("t", 1, bodies(1))
    await log.finish("t", 0)
    await log.finish("t", 60)
    await store.sweep(log)
    assert await log.status("t") == LogStatus("finished", 1, 1)


async def test_a_dropped_log_is_gone_and_its_name_can_begin_again(log: Log) -> None:
    await log.append("t", 1, bodies(5))
    await log.drop("t")
    assert await log.status("t") is None
    assert await log.read("t", 0) == []
    with pytest.raises(StaleWriterError):
        await log.append("t", 6, bodies(1))
    await log.append("t", 1, bodies(1, 50))
    assert await read_all(log, "t") == bodies(1, 50)


async def test_dropping_wakes_who_waits_for_more(log: Log) -> None:
    await log.append("t", 1, bodies(1))
    waiting = asyncio.create_task(log.wait("t", 1, 5))
    await asyncio.sleep(0.01)
    await log.drop("t")
    assert await waiting
    assert await log.wait("t", 1, 0)


async def test_dropping_one_log_leaves_its_neighbours(log: Log) -> None:
    for name in ("a", "b", "c"):
        await log.append(name, 1, bodies(3))
    await log.drop("b")
    assert await read_all(log, "a") == await read_all(log, "c") == bodies(3)


async def test_a_feed_keeps_its_newest_entries_and_goes_on_counting(log: Log) -> None:
    feed, count = feed_name("ann"), 3 * FEED_KEEP
    for start in range(1, count, 100):
        await log.append(feed, start, bodies(100, start))
    status = await log.status(feed)
    assert status is not None
    assert status.last == count
    assert 1 < status.first <= count - FEED_KEEP + 1
    kept = await log.read(feed, status.first - 1, limit=count)
    assert [entry.body for entry in kept] == bodies(count - status.first + 1, status.first)
    assert (await log.read(feed, 0))[0].seq == status.first


async def test_a_running_turn_is_never_trimmed(log: Log) -> None:
    for start in range(1, 3 * FEED_KEEP, 500):
        await log.append("t", start, bodies(500, start))
    assert await log.status("t") == LogStatus("running", 1, 3 * FEED_KEEP)


async def test_reading_goes_on_while_writing(log: Log) -> None:
    async def write() -> None:
        for start in range(11, 2_001, 10):
            await log.append("t", start, bodies(10, start))
        await log.finish("t", 60)

    await log.append("t", 1, bodies(10))
    found, _ = await asyncio.gather(collect(log, "t"), write())
    assert [entry.body for entry in found] == bodies(2_000)
