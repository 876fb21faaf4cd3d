"""Reading a turn's log on every backend: also before it begins, and after it was lost and written anew."""

from __future__ import annotations

import asyncio

import pytest
from tests.contract.log_stores import on_every_store

from quarterdeck.domain.events import (
    Event,
    PartStarted,
    TextDelta,
    TurnEnded,
    TurnRestored,
    TurnStarted,
    decode_event,
    encode_event,
)
from quarterdeck.domain.fold import Fold
from quarterdeck.domain.parts import TextPart
from quarterdeck.errors import CursorError
from quarterdeck.log.base import Entry, Log
from quarterdeck.views.turn_reader import TurnReader

pytestmark = on_every_store

BEGINNING: list[Event] = [TurnStarted("t", "c", "m", "r", "openai/x", 0), PartStarted(0, "text"), TextDelta(0, "One ")]
RESTORED = TurnRestored("t", "c", "m", "r", "openai/x", 0, parts=[TextPart("One two ")], open=0, steps=1, attempts=1)
REST: list[Event] = [TextDelta(0, "three"), TurnEnded("complete", 1)]


async def write(log: Log, seq: int, events: list[Event], *, begins: bool = False) -> None:
    await log.append("t", seq, [encode_event(event) for event in events], begins=begins)
    if isinstance(events[-1], TurnEnded):
        await log.finish("t", 60)


def reader(log: Log, after: int = 0, *, is_open: bool = True) -> TurnReader:
    async def answer() -> bool:
        return is_open

    return TurnReader(log, "t", after, answer)


async def read_all(viewer: TurnReader) -> list[tuple[int, Event]]:
    async with asyncio.timeout(10):
        return [(entry.seq, decode_event(entry.body)) async for entries in viewer.follow() for entry in entries]


def text_of(read: list[tuple[int, Event]]) -> str:
    fold = Fold()
    for _, event in read:
        fold.apply(event)
    return "".join(part.text for part in fold.turn().parts if isinstance(part, TextPart))


async def until_reading(viewer: TurnReader, seq: int) -> list[tuple[int, Event]]:
    """What there is until the cursor is at `seq`."""
    read: list[tuple[int, Event]] = []
    async with asyncio.timeout(10):
        await viewer.check()
        while viewer.cursor < seq:
            read += [(entry.seq, decode_event(entry.body)) for entry in await viewer.next(1.0)]
    return read


async def test_a_log_that_has_not_begun_is_waited_for_while_its_turn_is_open(log: Log) -> None:
    reading = asyncio.create_task(read_all(reader(log)))
    await asyncio.sleep(0)
    await write(log, 1, [*BEGINNING, *REST])
    assert [seq for seq, _ in await reading] == [1, 2, 3, 4, 5]


async def test_a_log_that_is_gone_with_its_turn_is_unknown(log: Log) -> None:
    with pytest.raises(CursorError) as caught:
        await reader(log, is_open=False).check()
    assert caught.value.reason == "unknown"


async def test_a_viewer_who_follows_while_the_log_is_lost_goes_on_in_the_new_one(log: Log) -> None:
    await write(log, 1, BEGINNING)
    viewer = reader(log)
    before = await until_reading(viewer, 3)
    reading = asyncio.create_task(read_all(viewer))
    await log.drop("t")
    await write(log, 40, [RESTORED, *REST], begins=True)
    after = await reading
    assert [seq for seq, _ in after] == [40, 41, 42]
    assert text_of(before + after) == "One two three"


@pytest.mark.parametrize("cursor", [0, 2, 3, 38, 39, 40])
async def test_a_cursor_of_the_old_log_is_good_for_the_new_one(log: Log, cursor: int) -> None:
    await write(log, 40, [RESTORED, *REST], begins=True)
    read = await read_all(reader(log, cursor))
    assert [seq for seq, _ in read] == ([41, 42] if cursor == 40 else [40, 41, 42])


async def test_a_cursor_that_the_new_log_cannot_know_is_ahead(log: Log) -> None:
    await write(log, 40, [RESTORED, *REST], begins=True)
    with pytest.raises(CursorError) as caught:
        await reader(log, 43).check()
    assert caught.value.reason == "ahead"


async def test_an_ended_turn_is_over_at_its_last_entry(log: Log) -> None:
    await write(log, 1, [*BEGINNING, *REST])
    assert await read_all(reader(log, 5)) == []


async def test_who_follows_a_lost_log_is_told_when_its_turn_has_ended(log: Log) -> None:
    await write(log, 1, BEGINNING)
    answers = iter([True, True, False])

    async def is_open() -> bool:
        return next(answers)

    viewer = TurnReader(log, "t", 3, is_open)
    await log.drop("t")
    assert await viewer.next(0.05) == []
    assert await viewer.next(0.05) == []
    with pytest.raises(CursorError):
        await viewer.next(0.05)


@pytest.mark.parametrize("refused", [set(), {1}, {1, 2, 3}, {2, 5}])
async def test_what_is_taken_as_it_is_committed_and_what_is_read_are_the_whole_in_order(
    log: Log, refused: set[int]
) -> None:
    """A reader who falls behind (`refused`: the offers that find them so) reads from the log and keeps up again."""
    read, offers, has_caught_up = list[tuple[int, bool]](), 0, asyncio.Event()

    def take(entries: list[Entry]) -> bool:
        nonlocal offers
        offers += 1
        if offers not in refused:
            read.extend((entry.seq, True) for entry in entries)
        return offers not in refused

    async def follow() -> None:
        async for entries in reader(log).follow(take):
            read.extend((entry.seq, False) for entry in entries)
            has_caught_up.set()

    await write(log, 1, BEGINNING)
    reading = asyncio.create_task(follow())
    async with asyncio.timeout(10):
        await has_caught_up.wait()
        for seq in range(4, 20):
            await write(log, seq, [TextDelta(0, "two ")])
            await asyncio.sleep(0)
        await write(log, 20, REST)
        await reading
    assert [seq for seq, _ in read] == list(range(1, 22))
    assert any(is_taken for _, is_taken in read)
    assert read[-1] == (21, False)  # the end is read, not taken
