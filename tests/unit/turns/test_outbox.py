"""Events on their way into the log: deltas joined, nothing lost, folded as they are committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.waiting import trials
from tests.unit.turns.rig import tell, until

from quarterdeck.domain.events import (
    Event,
    FeedModels,
    FeedTurnStarted,
    PartEnded,
    PartStarted,
    StepStarted,
    TextDelta,
    TurnEnded,
    TurnStarted,
    decode_event,
    decode_feed_event,
)
from quarterdeck.domain.fold import Fold, fold
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import ReasoningChunk, TextChunk
from quarterdeck.errors import LogError, LogLostError, StaleWriterError
from quarterdeck.log.base import Entry, Last, Log, LogStatus, Take, Told, feed_name
from quarterdeck.log.sql import SqlLog
from quarterdeck.turns.claim import Claim, Lease, elapsed_s
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.outbox import MAX_DELTA_CHARS, Outbox
from quarterdeck.turns.parts import PartWriter
from quarterdeck.turns.ticker import COALESCE_S, Ticker, pause_s


@pytest_asyncio.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqlLog]:
    opened = SqlLog(tmp_path / "log.sqlite3")
    await opened.open()
    yield opened
    await opened.close()


class ListLog:
    """A log in a list, whose appends can be made to fail; nothing is written then."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.failures = 0
        self.is_finished = self.is_not_to_be_finished = False

    async def expire(self) -> int:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def append(self, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> None:
        if self.failures:
            self.failures -= 1
            raise LogError("The disk is full.")
        if seq != len(self.bodies) + 1:
            raise StaleWriterError("Another writer.")
        self.bodies += bodies

    def append_soon(self, turn: str, seq: int, bodies: list[bytes], told: Told) -> None:
        tell(self.append(turn, seq, bodies), told)

    async def read(self, turn: str, after: int, limit: int = 512) -> list[Entry]:
        return [Entry(seq, body) for seq, body in enumerate(self.bodies[after:], after + 1)]

    async def wait(self, turn: str, after: int, timeout_s: float, take: Take | None = None) -> bool:
        return True

    async def finish(self, turn: str, keep_s: float, last: Last | None = None) -> None:
        if last is not None:
            await self.append(turn, *last)
        if self.is_not_to_be_finished:
            raise LogError("The disk is full.")
        self.is_finished = True

    async def status(self, turn: str) -> LogStatus | None:
        return LogStatus("running", 1, len(self.bodies))

    async def drop(self, turn: str) -> None: ...

    def events(self) -> list[Event]:
        return [decode_event(body) for body in self.bodies]


class LosingLog(ListLog):
    """Loses what it has, once. Asked a second time, it says so only when it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_lost = self.has_said = False
        self.is_asked, self.goes_on = asyncio.Event(), asyncio.Event()
        self.first = 1

    async def append(self, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> None:
        if self.is_lost and begins:
            self.is_lost, self.bodies, self.first = False, [], seq
        elif self.is_lost:
            if self.has_said:
                self.is_asked.set()
                await self.goes_on.wait()
            self.has_said = True
            raise LogLostError("This answer's log is no longer there.")
        await super().append(turn, seq - self.first + 1, bodies)


STARTED = TurnStarted("t", "c", "m", "r", "fake/model", 1)


def open_outbox(log: Log) -> Outbox:
    claim = Claim(NoDatabase(), "t", Lease("w"), elapsed_s())
    return Outbox(log, claim, STARTED, last_seq=0, fold=Fold())


class NoDatabase:
    """Nothing asks it while the lease is certain."""

    async def read(self, fn: object) -> NoReturn:
        raise NotImplementedError

    async def glance(self, fn: object, who: str) -> NoReturn:
        raise AssertionError("a lease is not asked for so")

    async def write(self, fn: object) -> NoReturn:
        raise NotImplementedError

    async def tidy(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class KeptClaim(Claim):
    """The turn is still this worker's, whoever asks."""

    async def confirm_anew(self) -> None: ...


async def test_deltas_of_one_part_that_wait_together_become_one_event() -> None:
    log = ListLog()
    outbox = open_outbox(log)
    outbox.put([StepStarted(1, "m", 0), PartStarted(0, "text"), TextDelta(0, "a")])
    outbox.put([TextDelta(0, "b"), TextDelta(0, "c"), PartEnded(0), PartStarted(1, "text"), TextDelta(1, "d")])
    await outbox.flush()
    assert log.events() == [
        StepStarted(1, "m", 0), PartStarted(0, "text"), TextDelta(0, "abc"), PartEnded(0), PartStarted(1, "text"),
        TextDelta(1, "d"),
    ]  # fmt: skip


async def test_what_has_waited_long_is_told_in_events_of_a_bounded_size() -> None:
    log = ListLog()
    outbox = open_outbox(log)
    outbox.put([StepStarted(1, "m", 0), PartStarted(0, "text")])
    outbox.put([TextDelta(0, "x" * 10_000)] * 10)
    await outbox.flush()
    texts = [event.text for event in log.events() if isinstance(event, TextDelta)]
    assert "".join(texts) == "x" * 100_000
    assert max(map(len, texts)) == MAX_DELTA_CHARS


async def test_what_waits_goes_with_the_end_and_the_finish() -> None:
    log = ListLog()
    outbox = open_outbox(log)
    outbox.put([StepStarted(1, "m", 0)])
    outbox.put([TurnEnded("complete", 1)])
    assert await outbox.end(60)
    assert log.events() == [StepStarted(1, "m", 0), TurnEnded("complete", 1)]
    assert log.is_finished
    assert outbox.fold.turn().status == "complete"


async def test_an_end_that_the_log_refuses_waits_on() -> None:
    log = ListLog()
    log.failures = 1
    outbox = open_outbox(log)
    outbox.put([TurnEnded("complete", 1)])
    assert not await outbox.end(60)
    assert log.events() == []
    assert await outbox.catch_up(1.0)
    assert log.events() == [TurnEnded("complete", 1)]


async def test_an_end_that_was_appended_and_could_not_be_finished_is_not_appended_again() -> None:
    log = ListLog()
    log.is_not_to_be_finished = True
    outbox = open_outbox(log)
    outbox.put([TurnEnded("complete", 1)])
    assert not await outbox.end(60)
    assert await outbox.catch_up(1.0)
    assert log.events() == [TurnEnded("complete", 1)]


async def test_text_can_wait_for_more_and_everything_else_cannot() -> None:
    outbox = open_outbox(ListLog())
    outbox.put([PartStarted(0, "text")])
    assert outbox.is_urgent
    await outbox.flush()
    outbox.put([TextDelta(0, "a")])
    assert not outbox.is_urgent
    outbox.put([PartEnded(0)])
    assert outbox.is_urgent


@settings(max_examples=trials(20, 60), deadline=None)
@given(
    spoken=st.lists(st.tuples(st.booleans(), st.text(min_size=1, max_size=8)), max_size=12),
    flushes=st.sets(st.integers(0, 12)),
    failures=st.sets(st.integers(0, 12)),
)
def test_the_fold_kept_is_the_fold_of_the_log_whatever_is_flushed_when_and_whatever_fails(
    spoken: list[tuple[bool, str]], flushes: set[int], failures: set[int]
) -> None:
    async def run() -> None:
        log = ListLog()
        outbox, writer = open_outbox(log), PartWriter([], None, "plain")
        whole: list[Event] = []
        for number, (is_text, text) in enumerate(spoken):
            events = writer.write(TextChunk(text) if is_text else ReasoningChunk(text))
            whole += events
            outbox.put(events)
            if number in flushes:
                log.failures = number in failures
                try:
                    await outbox.flush()
                except LogError:
                    assert number in failures
                assert outbox.fold.turn() == fold(log.events())
        log.failures = 0
        outbox.put(writer.close())
        await outbox.flush()
        assert outbox.fold.turn() == fold(log.events())
        assert fold(log.events()).parts == fold([*whole, *writer.close()]).parts

    asyncio.run(run())


@pytest.mark.parametrize("failures", [0, 1, 3])
async def test_what_is_passed_on_is_committed_in_order_whatever_is_put_meanwhile(failures: int) -> None:
    log = ListLog()
    outbox = open_outbox(log)
    log.failures = failures
    outbox.put([StepStarted(1, "m", 0), PartStarted(0, "text")])
    outbox.pass_on()
    for letter in "abc":
        outbox.put([TextDelta(0, letter)])
        outbox.pass_on()
        await asyncio.sleep(0)
    assert await outbox.catch_up(5)
    assert outbox.fold.turn() == fold(log.events())
    assert outbox.fold.turn().parts == [TextPart("abc")]


async def test_what_was_passed_on_when_the_turn_is_another_workers_is_said_to_the_next(log: SqlLog) -> None:
    first, second = open_outbox(log), open_outbox(log)
    lost: list[str] = []
    second.on_lost = lambda: lost.append("lost")
    first.put([StepStarted(1, "m", 0)])
    await first.flush()
    second.put([StepStarted(2, "m", 0)])
    second.pass_on()
    with pytest.raises(StaleWriterError):
        await second.catch_up(5)
    assert lost == ["lost"]
    assert len(await log.read("t", 0)) == 1


async def test_what_is_given_up_while_it_is_on_its_way_is_not_written_again(log: SqlLog) -> None:
    outbox = open_outbox(log)
    outbox.put([StepStarted(1, "m", 0)])
    outbox.pass_on()
    outbox.put([PartStarted(0, "text")])
    outbox.pass_on()
    outbox.abandon()
    await log.append("other", 1, [b"{}"])  # by now the first is committed
    assert len(await log.read("t", 0)) == 1


async def test_what_is_given_up_and_then_fails_is_not_tried_again() -> None:
    log = ListLog()
    outbox = open_outbox(log)
    log.failures = 1
    outbox.put([StepStarted(1, "m", 0)])
    outbox.pass_on()
    outbox.abandon()
    for _ in range(10):
        await asyncio.sleep(0)
    assert log.failures == 0, "the append came to its end"
    assert log.bodies == []


async def test_a_second_writer_is_refused_and_what_it_wrote_is_nowhere(log: SqlLog) -> None:
    first, second = open_outbox(log), open_outbox(log)
    first.put([StepStarted(1, "m", 0)])
    await first.flush()
    second.put([StepStarted(2, "m", 0)])
    with pytest.raises(StaleWriterError):
        await second.flush()
    assert second.fold.turn().steps == 0
    assert len(await log.read("t", 0)) == 1


async def test_what_is_folded_while_a_lost_log_is_written_anew_stands_in_it_once() -> None:
    """Redis is emptied while an append is on its way, and the step ends meanwhile."""
    log = LosingLog()
    outbox = Outbox(log, KeptClaim(NoDatabase(), "t", Lease("w"), elapsed_s()), STARTED, last_seq=0, fold=Fold())
    outbox.put([STARTED, StepStarted(1, "m", 0), PartStarted(0, "text"), TextDelta(0, "One, ")])
    await outbox.flush()
    outbox.put([TextDelta(0, "two, ")])
    log.is_lost = True
    outbox.pass_on()
    await asyncio.wait_for(log.is_asked.wait(), 5)
    outbox.put([TextDelta(0, "three."), PartEnded(0)])
    folded = outbox.fold_all()
    log.goes_on.set()
    assert await outbox.catch_up(5)
    assert fold(log.events()).parts == folded.parts == [TextPart("One, two, three.")]
    assert not outbox._waiting_chars


async def test_whoever_waits_for_the_same_tick_goes_on_together() -> None:
    ticker = Ticker(0.001)
    order: list[str] = []

    async def wait(name: str) -> None:
        await ticker.wait()
        order.append(name)

    async with asyncio.timeout(5):
        await asyncio.gather(*(wait(name) for name in "abc"))
        assert order == ["a", "b", "c"]
        await wait("again")


async def test_whoever_comes_right_after_a_tick_is_told_so_and_later_is_not() -> None:
    ticker = Ticker(0.001)
    assert not ticker.has_just_rung
    await ticker.wait()
    assert ticker.has_just_rung
    await asyncio.sleep(0.02)
    assert not ticker.has_just_rung


async def test_one_who_is_cancelled_while_waiting_does_not_take_the_others_along() -> None:
    ticker = Ticker(0.005)
    tasks = [asyncio.ensure_future(_wait(ticker)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    async with asyncio.timeout(5):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [str, asyncio.CancelledError, str]


async def test_what_the_clock_drives_is_called_at_each_tick_until_it_says_no() -> None:
    ticker = Ticker(0.001)
    calls: list[str] = []

    def go_on(name: str, times: int) -> bool:
        calls.append(name)
        return calls.count(name) < times

    def fail() -> bool:
        raise LogError("The disk is full.")

    async with asyncio.timeout(5):
        ends = [ticker.drive(lambda: go_on("a", 3)), ticker.drive(fail), ticker.drive(lambda: go_on("b", 5))]
        left = ticker.drive(lambda: go_on("left", 1_000))
        results = await asyncio.gather(*ends, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), LogError, type(None)]
        assert [name for name in calls if name != "left"] == ["a", "b", "a", "b", "a", "b", "b", "b"]
        left.cancel()
        so_far = calls.count("left")
        await ticker.wait()
    assert calls.count("left") == so_far


async def _wait(ticker: Ticker) -> str:
    await ticker.wait()
    return "went on"


async def test_a_feed_tells_everything_once_and_in_order_however_much_comes_at_once(log: SqlLog) -> None:
    feed = Feed(log)
    for number in range(300):
        feed.tell("ann", FeedTurnStarted("c", str(number)))
        feed.tell("bob", FeedModels())
    await feed.settle()
    told: list[Entry] = []
    while entries := await log.read(feed_name("ann"), len(told)):
        told += entries
    events = [decode_feed_event(entry.body) for entry in told]
    assert events == [FeedTurnStarted("c", str(number)) for number in range(300)]
    status = await log.status(feed_name("bob"))
    assert status is not None
    assert status.last == 300


async def test_a_feed_takes_the_next_number_when_another_process_was_first(log: SqlLog) -> None:
    feed, other = Feed(log), Feed(log)
    for number in range(20):
        feed.tell("ann", FeedTurnStarted("a", str(number)))
        other.tell("ann", FeedTurnStarted("b", str(number)))
    await asyncio.gather(feed.settle(), other.settle())
    told = [decode_feed_event(entry.body) for entry in await log.read(feed_name("ann"), 0)]
    assert len(told) == 40


async def test_a_feed_that_cannot_be_written_holds_nobody_up_and_works_again_later() -> None:
    log = ListLog()
    log.failures = 3
    feed = Feed(log)
    feed.tell("ann", FeedModels())
    feed.tell("ann", FeedTurnStarted("c", "1"))
    assert log.bodies == []

    async def is_told() -> bool:
        return len(log.bodies) == 2

    await until(is_told)
    assert [decode_feed_event(body) for body in log.bodies] == [FeedModels(), FeedTurnStarted("c", "1")]


def test_with_many_turns_a_tick_comes_a_little_later_and_with_very_many_no_later_than_that() -> None:
    pauses_ms = [round(pause_s(COALESCE_S, driven) * 1000, 1) for driven in (0, 1, 10, 100, 150, 1_000)]
    assert pauses_ms == [30, 30.1, 31, 40, 45, 45]


async def test_ticks_are_set_by_how_many_turns_they_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, ticker, pauses = asyncio.get_running_loop(), Ticker(0.001), list[float]()
    set_timer = loop.call_later
    left = [3] * 40

    def note(pause: float, *rest: Any) -> asyncio.TimerHandle:
        pauses.append(pause)
        return set_timer(pause, *rest)

    monkeypatch.setattr(loop, "call_later", note)

    def go_on(number: int) -> bool:
        left[number] -= 1
        return left[number] > 0

    ends = [ticker.drive(partial(go_on, number)) for number in range(40)]
    async with asyncio.timeout(5):
        await asyncio.gather(*ends)
    assert [pause for pause in pauses if pause < 1] == [0.001, pause_s(0.001, 40), pause_s(0.001, 40)]
