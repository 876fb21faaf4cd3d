"""Following a log, on every backend: replay that catches up and goes on live."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.log_stores import OpenStore, Store, bodies, collect, on_every_store

from quarterdeck.domain.events import (
    Event,
    PartEnded,
    PartStarted,
    TextDelta,
    TurnContinued,
    TurnEnded,
    TurnStarted,
    decode_event,
    encode_event,
)
from quarterdeck.domain.fold import fold
from quarterdeck.errors import CursorError
from quarterdeck.log.base import FEED_KEEP, Entry, Log, feed_name
from quarterdeck.log.follow import check_cursor, follow

pytestmark = on_every_store


async def write_slowly(log: Log, name: str, count: int, start: int = 1) -> None:
    for seq in range(start, count + 1):
        await log.append(name, seq, bodies(1, seq))
        if seq % 7 == 0:
            await asyncio.sleep(0.001)
    await log.finish(name, 60)


async def test_every_follower_sees_each_entry_once_in_order(log: Log) -> None:
    await log.append("t", 1, bodies(1))
    writing = asyncio.create_task(write_slowly(log, "t", 300, start=2))
    followers = await asyncio.gather(*(collect(log, "t") for _ in range(20)))
    await writing
    for found in followers:
        assert [entry.seq for entry in found] == list(range(1, 301))
        assert [entry.body for entry in found] == bodies(300)


async def test_followers_that_come_at_any_time_see_the_rest_of_it(log: Log) -> None:
    await log.append("t", 1, bodies(1))
    writing = asyncio.create_task(write_slowly(log, "t", 300, start=2))
    followers: list[tuple[int, asyncio.Task[list[Entry]]]] = []
    while not writing.done() and len(followers) < 30:  # the slower the machine, the more would come, and slow it down
        status = await log.status("t")
        assert status is not None
        followers.append((status.last, asyncio.create_task(collect(log, "t", status.last))))
        await asyncio.sleep(0.01)
    assert len(followers) > 1
    for after, follower in followers:
        assert [entry.seq for entry in await follower] == list(range(after + 1, 301))


async def test_a_finished_log_is_followed_to_its_end_from_every_cursor(log: Log) -> None:
    await log.append("t", 1, bodies(30))
    await log.finish("t", 60)
    for after in range(31):
        assert [entry.seq for entry in await collect(log, "t", after)] == list(range(after + 1, 31))


async def test_a_log_longer_than_memory_keeps_is_followed_whole(store: Store, log: Log) -> None:
    await log.append("t", 1, bodies(3_000))
    await log.append("t", 3_001, [b"x" * 100_000, b"y"])
    await log.finish("t", 60)
    for reader in (log, await store.connect()):
        found = await collect(reader, "t")
        assert [entry.seq for entry in found] == list(range(1, 3_003))
        assert found[-2].body == b"x" * 100_000


@pytest.mark.parametrize(
    ("name", "after", "reason"),
    [("nobody", 0, "unknown"), ("nobody", 3, "unknown"), ("t", 4, "ahead"), ("t", -1, "expired")],
)
async def test_a_cursor_that_does_not_fit_is_told_so(log: Log, name: str, after: int, reason: str) -> None:
    await log.append("t", 1, bodies(3))
    for refused in (check_cursor(log, name, after), collect(log, name, after)):
        with pytest.raises(CursorError) as caught:
            await refused
        assert caught.value.reason == reason


async def test_the_newest_entry_is_a_good_cursor(log: Log) -> None:
    await log.append("t", 1, bodies(3))
    await check_cursor(log, "t", 3)


async def test_a_cursor_before_what_a_feed_still_has_is_expired(log: Log) -> None:
    feed = feed_name("ann")
    await log.append(feed, 1, bodies(2 * FEED_KEEP))
    status = await log.status(feed)
    assert status is not None
    for refused in (check_cursor(log, feed, status.first - 2), collect(log, feed, status.first - 2)):
        with pytest.raises(CursorError) as caught:
            await refused
        assert caught.value.reason == "expired"
    await check_cursor(log, feed, status.first - 1)
    found = await collect(log, feed, status.first - 1, until=status.last)
    assert [entry.seq for entry in found] == list(range(status.first, status.last + 1))


async def test_a_feed_can_be_followed_before_anything_is_in_it(log: Log) -> None:
    feed = feed_name("ann")
    following = asyncio.create_task(collect(log, feed, 0, until=2))
    await asyncio.sleep(0.01)
    await log.append(feed, 1, bodies(2))
    assert [entry.seq for entry in await following] == [1, 2]


async def test_a_feeds_cursor_from_another_time_is_unknown(log: Log) -> None:
    with pytest.raises(CursorError) as caught:
        await collect(log, feed_name("ann"), 7)
    assert caught.value.reason == "unknown"


async def test_a_follower_of_a_dropped_log_is_told_at_once(log: Log) -> None:
    await log.append("t", 1, bodies(3))
    following = follow(log, "t", 0)
    assert len(await anext(following)) == 3
    coming = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0.01)
    await log.drop("t")
    async with asyncio.timeout(30):
        with pytest.raises(CursorError) as caught:
            await coming
    assert caught.value.reason == "expired"


async def test_a_follower_that_a_feed_has_overtaken_is_told(log: Log) -> None:
    feed = feed_name("ann")
    await log.append(feed, 1, bodies(3))
    following = follow(log, feed, 0)
    assert [entry.seq for entry in await anext(following)] == [1, 2, 3]
    await log.append(feed, 4, bodies(3 * FEED_KEEP))
    with pytest.raises(CursorError) as caught:
        await anext(following)
    assert caught.value.reason == "expired"


async def test_a_follower_at_the_end_goes_on_when_the_log_is_written_anew_and_one_behind_is_told(log: Log) -> None:
    await log.append("t", 1, bodies(100))
    following = follow(log, "t", 99)
    assert [entry.seq for entry in await anext(following)] == [100]
    await log.drop("t")
    await log.append("t", 101, bodies(2, 101), begins=True)
    assert [entry.seq for entry in await anext(following)] == [101, 102]
    with pytest.raises(CursorError) as caught:
        await collect(log, "t", 50)
    assert caught.value.reason == "expired"


async def test_a_follower_of_a_feed_that_was_lost_and_begun_again_is_told(log: Log) -> None:
    feed = feed_name("ann")
    await log.append(feed, 1, bodies(30))
    following = follow(log, feed, 0)
    assert len(await anext(following)) == 30
    await log.drop(feed)
    await log.append(feed, 1, bodies(3))
    with pytest.raises(CursorError) as caught:
        await anext(following)
    assert caught.value.reason == "expired"


async def test_a_follower_that_is_cancelled_leaves_the_others(log: Log) -> None:
    await log.append("t", 1, bodies(1))
    leaving, staying = (asyncio.create_task(collect(log, "t")) for _ in range(2))
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await log.append("t", 2, bodies(1, 2))
    await log.finish("t", 60)
    assert [entry.seq for entry in await staying] == [1, 2]


@st.composite
def turns(draw: st.DrawFn) -> list[Event]:
    """The events of one whole turn."""
    events: list[Event] = [TurnStarted("t", "c", "m", "r", "builtin/log-reader", 1)]
    for part in range(draw(st.integers(0, 3))):
        events.append(PartStarted(part, draw(st.sampled_from(["text", "reasoning", "idea"]))))
        for text in draw(st.lists(st.text(min_size=1), max_size=8)):
            events.append(TextDelta(part, text))
            if draw(st.integers(0, 9)) == 0:
                events.append(TurnContinued(5))
        events.append(PartEnded(part))
    return [*events, TurnEnded(draw(st.sampled_from(["complete", "stopped", "failed"])), 9)]


@settings(max_examples=25, deadline=None)
@given(events=turns(), drawn=st.data(), is_restarted=st.booleans())
def test_a_log_folds_to_what_its_events_fold_to_resumed_at_any_cut(
    open_store: OpenStore, events: list[Event], drawn: st.DataObject, is_restarted: bool
) -> None:
    cut = drawn.draw(st.integers(1, len(events)), label="cut")
    step = drawn.draw(st.integers(1, 5), label="events per append")
    raw = [encode_event(event) for event in events]

    async def write(log: Log) -> None:
        for start in range(1, len(raw), step):
            await log.append("t", start + 1, raw[start : start + step])
        await log.finish("t", 60)

    async def run() -> None:
        async with open_store() as store:
            log = await store.connect()
            await log.append("t", 1, raw[:1])
            writing = asyncio.create_task(write(log))
            found = (await collect(log, "t", 0, until=cut))[:cut]
            if is_restarted:
                await writing
                log = await store.connect()
            found += await collect(log, "t", cut)
            await writing
            assert fold(decode_event(entry.body) for entry in found) == fold(events)

    asyncio.run(run())
