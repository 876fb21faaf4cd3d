"""The line before the record: who is admitted when, and who is refused at once."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable

import pytest

from quarterdeck.errors import OverloadedError
from quarterdeck.turns import admission as admission_module
from quarterdeck.turns.admission import BURST, LEAST, LEAST_OF_ALL, MAX_RECORDING, MAX_WAIT_S, MOST, TICK_S, Admission

LATE_S = 0.3


class Time:
    """A clock that goes on when it is told to, and rings its timers; late by as much as it is told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.late_s = 0.0
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def clock(self) -> float:
        return self.now

    def call_later(self, delay_s: float, ring: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self.timers, (self.now + delay_s, self._count, ring))

    async def pass_by(self, seconds: float) -> None:
        until = self.now + seconds
        while self.timers and self.timers[0][0] + self.late_s <= until:
            at, _, ring = heapq.heappop(self.timers)
            self.now = max(at + self.late_s, self.now)
            ring()
            await settle()
        self.now = until


class Crowd:
    """Sends that record for as long as nobody calls `leave_all`, unless `is_quick`."""

    def __init__(self, gate: Admission, *, is_quick: bool = False) -> None:
        self._gate, self._is_quick = gate, is_quick
        self._tasks: list[asyncio.Task[None]] = []
        self.admitted: list[int] = []
        self.refused: list[OverloadedError] = []
        self._inside = 0

    async def come(self, count: int) -> None:
        begin = len(self._tasks)
        self._tasks += [asyncio.create_task(self._send(begin + number)) for number in range(count)]
        await settle()

    async def _send(self, number: int) -> None:
        try:
            await self._gate.enter()
        except OverloadedError as error:
            self.refused.append(error)
            return
        self.admitted.append(number)
        self._inside += 1
        if self._is_quick:
            self._leave()

    async def leave_all(self) -> None:
        while self._inside:
            self._leave()
        await settle()

    async def give_up(self, number: int) -> None:
        self._tasks[number].cancel()
        await settle()

    async def go_home(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _leave(self) -> None:
        self._inside -= 1
        self._gate.leave()


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def gate(time: Time) -> Admission:
    return Admission(time.clock, time.call_later)


@pytest.fixture
async def slow(gate: Admission) -> AsyncIterator[Crowd]:
    crowd = Crowd(gate)
    yield crowd
    await crowd.go_home()


@pytest.fixture
async def quick(gate: Admission) -> AsyncIterator[Crowd]:
    crowd = Crowd(gate, is_quick=True)
    yield crowd
    await crowd.go_home()


async def test_who_comes_alone_is_admitted_without_waiting(gate: Admission, time: Time) -> None:
    with pytest.raises(StopIteration):
        gate.enter().send(None)
    assert not gate.is_busy
    assert len(time.timers) == 1, "one look at the loop, whoever sends"
    gate.leave()


async def test_nobody_looks_at_the_loop_while_nobody_sends(time: Time, quick: Crowd) -> None:
    assert not time.timers
    await quick.come(1)
    assert time.timers
    await time.pass_by(2)
    assert not time.timers


async def test_only_some_are_recorded_at_a_time(time: Time, slow: Crowd) -> None:
    for _ in range(20):
        await slow.come(5)
        await time.pass_by(TICK_S)
    assert len(slow.admitted) == MAX_RECORDING
    await slow.leave_all()
    await time.pass_by(10 * TICK_S)
    assert len(slow.admitted) > MAX_RECORDING
    assert slow.refused == []


async def test_the_line_keeps_its_order(time: Time, quick: Crowd) -> None:
    await quick.come(200)
    await time.pass_by(5)
    assert quick.admitted == list(range(200))


@pytest.mark.parametrize(("count", "within_s"), [(500, 2.0), (2_000, 10.0)])
async def test_a_burst_waits_and_nobody_is_refused(time: Time, quick: Crowd, count: int, within_s: float) -> None:
    for _ in range(100):
        await quick.come(count // 100)
        await time.pass_by(within_s / 100)
    await time.pass_by(MAX_WAIT_S)
    assert (len(quick.admitted), quick.refused) == (count, [])


@pytest.mark.parametrize(("count", "within_s"), [(500, 2.0), (2_000, 10.0)])
async def test_a_burst_on_a_late_loop_is_not_refused_either(
    time: Time, quick: Crowd, count: int, within_s: float
) -> None:
    time.late_s = 0.05
    for _ in range(100):
        await quick.come(count // 100)
        await time.pass_by(within_s / 100)
    await time.pass_by(MAX_WAIT_S + 1)
    assert (len(quick.admitted), quick.refused) == (count, [])


async def admitted_a_second(time: Time, crowd: Crowd) -> float:
    before = len(crowd.admitted)
    await time.pass_by(2)
    return (len(crowd.admitted) - before) / 2


async def test_a_late_loop_admits_fewer(time: Time, quick: Crowd) -> None:
    await quick.come(5_000)
    time.late_s = LATE_S
    await time.pass_by(8)
    assert await admitted_a_second(time, quick) == pytest.approx(LEAST / TICK_S, rel=0.2)


async def test_a_loop_that_stays_late_admits_few_and_never_none(
    time: Time, quick: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission_module, "MAX_WAIT_S", 1_000.0)
    await quick.come(BURST + 6_000)
    time.late_s = LATE_S
    await time.pass_by(2 * BURST / LEAST * TICK_S)
    assert await admitted_a_second(time, quick) == pytest.approx(LEAST_OF_ALL / TICK_S, rel=0.2)


async def test_a_loop_in_time_again_admits_as_many_as_before(time: Time, quick: Crowd) -> None:
    await quick.come(1)
    time.late_s = LATE_S
    for _ in range(20):
        await quick.come(1)
        await time.pass_by(0.4)
    time.late_s = 0.0
    for _ in range(200):
        await quick.come(1)
        await time.pass_by(TICK_S)
    before = len(quick.admitted)
    await quick.come(1_000)
    await time.pass_by(1)
    assert len(quick.admitted) - before >= 0.9 * MOST / TICK_S


async def test_one_long_moment_is_not_overload(time: Time, quick: Crowd) -> None:
    await quick.come(50)
    time.late_s = LATE_S
    await time.pass_by(TICK_S + LATE_S)
    time.late_s = 0.0
    before = len(quick.admitted)
    await quick.come(1_000)
    await time.pass_by(1)
    assert len(quick.admitted) - before >= 0.9 * MOST / TICK_S


async def test_who_would_wait_too_long_is_refused_at_once(time: Time, slow: Crowd) -> None:
    await slow.come(200)
    await time.pass_by(5)
    await slow.come(10_000)
    assert slow.refused
    first = slow.refused[0]
    assert (first.code, first.status, first.retryable) == ("overloaded", 503, True)
    assert 2 <= (first.retry_after_s or 0) <= 30
    assert len(slow.refused) > 10_000 - MAX_WAIT_S * MOST / TICK_S


async def test_who_waited_in_vain_is_refused_in_time(time: Time, slow: Crowd) -> None:
    await slow.come(MAX_RECORDING + 10)
    await time.pass_by(MAX_WAIT_S - 1)
    assert slow.refused == []
    await time.pass_by(1 + 2 * TICK_S)
    assert len(slow.refused) == 10
    assert len(slow.admitted) == MAX_RECORDING


async def test_a_cancelled_one_leaves_the_line(gate: Admission, time: Time, slow: Crowd) -> None:
    await slow.come(MAX_RECORDING + 2)
    await time.pass_by(1)
    await slow.give_up(MAX_RECORDING)
    await slow.leave_all()
    await time.pass_by(1)
    assert slow.admitted == [*range(MAX_RECORDING), MAX_RECORDING + 1]
    assert not gate.is_busy


async def test_one_cancelled_as_it_is_let_in_makes_room(gate: Admission, time: Time, slow: Crowd) -> None:
    await slow.come(MAX_RECORDING)
    await time.pass_by(1)
    await slow.come(2)
    gate.leave()  # lets the first one in, which cannot run before it is cancelled
    slow._tasks[MAX_RECORDING].cancel()
    await settle()
    assert slow.admitted[-1] == MAX_RECORDING + 1
    assert MAX_RECORDING not in slow.admitted


async def test_what_waited_elsewhere_counts(gate: Admission, time: Time, slow: Crowd) -> None:
    await slow.come(MAX_RECORDING)
    await time.pass_by(1)
    with pytest.raises(OverloadedError):
        await gate.enter(time.now - MAX_WAIT_S)
    await slow.leave_all()
    await gate.enter(time.now - MAX_WAIT_S)  # there is room: how long it waited does not matter
    gate.leave()


async def test_the_servers_log_is_told_now_and_then(
    gate: Admission, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(admission_module.logger, "warning", lambda _event, **fields: told.append(fields["count"]))
    for _ in range(100):
        gate.refuse("full")
    time.now += 11
    gate.refuse("full")
    assert told == [1, 100]
