"""Several writers of one log, one wins; and any sequence of the verbs against a plain model of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.contract.log_stores import OpenStore, Store, bodies, collect, on_every_store

from quarterdeck.errors import CursorError, StaleWriterError
from quarterdeck.log.base import Log

pytestmark = on_every_store
T = TypeVar("T")


async def test_of_two_processes_at_the_same_entry_one_wins(store: Store) -> None:
    first, second = await store.connect(), await store.connect()
    for seq in range(1, 30):
        results = await asyncio.gather(
            first.append("t", seq, [b"first"]), second.append("t", seq, [b"second"]), return_exceptions=True
        )
        assert [type(result) for result in results if result] == [StaleWriterError]
        winner = b"first" if results[0] is None else b"second"
        assert (await (await store.connect()).read("t", seq - 1))[0].body == winner


async def test_a_process_that_wakes_up_late_cannot_write(store: Store) -> None:
    late, new = await store.connect(), await store.connect()
    await late.append("t", 1, bodies(3))
    await new.append("t", 4, bodies(2, 4))
    for seq in (4, 5):
        with pytest.raises(StaleWriterError):
            await late.append("t", seq, [b"late"])
    await new.append("t", 6, bodies(1, 6))
    await new.finish("t", 60)
    with pytest.raises(StaleWriterError):
        await late.append("t", 7, [b"late"])
    found = await collect(late, "t")
    assert [entry.body for entry in found] == bodies(6)


async def test_a_late_process_loses_only_the_turns_that_were_taken_over(store: Store) -> None:
    late, new = await store.connect(), await store.connect()
    names = [f"t{number}" for number in range(10)]
    await asyncio.gather(*(late.append(name, 1, bodies(1)) for name in names))
    await asyncio.gather(*(new.append(name, 2, [b"new"]) for name in names[:3]))
    results = await asyncio.gather(*(late.append(name, 2, [b"late"]) for name in names), return_exceptions=True)
    assert [type(result) for result in results] == [StaleWriterError] * 3 + [type(None)] * 7


async def test_a_log_finished_by_another_process_takes_no_more(store: Store) -> None:
    late, new = await store.connect(), await store.connect()
    await late.append("t", 1, bodies(1))
    await new.finish("t", 60)
    with pytest.raises(StaleWriterError):
        await late.append("t", 2, bodies(1))


async def test_a_log_dropped_by_another_process_takes_no_more(store: Store) -> None:
    late, new = await store.connect(), await store.connect()
    await late.append("t", 1, bodies(1))
    await new.drop("t")
    with pytest.raises(StaleWriterError):
        await late.append("t", 2, bodies(1))


@dataclass
class Runner:
    """A process that writes a turn: it takes it over where the log ends, and stops when it is stale."""

    log: Log
    name: bytes
    next_seq: int | None = None
    written: list[tuple[int, bytes]] = field(default_factory=list)

    async def take_over(self) -> None:
        status = await self.log.status("t")
        self.next_seq = status.last + 1 if status else 1

    async def append(self, count: int) -> None:
        if self.next_seq is None:
            return
        new = [(seq, b"%s %d" % (self.name, seq)) for seq in range(self.next_seq, self.next_seq + count)]
        try:
            await self.log.append("t", self.next_seq, [body for _, body in new])
        except StaleWriterError:
            self.next_seq = None
        else:
            self.written += new
            self.next_seq += count


runners = st.integers(0, 1)
actions = st.one_of(
    st.tuples(st.just("take over"), runners, st.just(0)),
    st.tuples(st.just("append"), runners, st.integers(1, 5)),
)


@settings(max_examples=30, deadline=None)
@given(rounds=st.lists(st.lists(actions, min_size=1, max_size=3), max_size=15))
def test_whatever_two_writers_do_the_log_is_what_was_acknowledged(
    open_store: OpenStore, rounds: list[list[tuple[str, int, int]]]
) -> None:
    async def act(runner: Runner, action: str, count: int) -> None:
        await (runner.take_over() if action == "take over" else runner.append(count))

    async def run() -> None:
        async with open_store() as store:
            pair = [Runner(await store.connect(), name) for name in (b"first", b"second")]
            for at_once in rounds:
                mine = {who: (action, count) for action, who, count in at_once}
                await asyncio.gather(*(act(pair[who], *what) for who, what in mine.items()))
            acknowledged = sorted(pair[0].written + pair[1].written)
            found = await (await store.connect()).read("t", 0)
            assert [(entry.seq, entry.body) for entry in found] == acknowledged
            assert [entry.seq for entry in found] == list(range(1, len(found) + 1))

    asyncio.run(run())


names = st.sampled_from(["a", "b", "c"])


class LogMachine(RuleBasedStateMachine):
    """Each verb on a log and on a dict of lists; a restart in between changes nothing."""

    open_store: OpenStore

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opening = self.open_store()
        self.store = self.run(self.opening.__aenter__())
        self.log = self.run(self.store.connect())
        self.model: dict[str, list[bytes]] = {}
        self.finished: set[str] = set()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    async def _append(self, name: str, seq: int, texts: list[bytes]) -> None:
        await self.log.append(name, seq, texts)

    def teardown(self) -> None:
        self.run(self.opening.__aexit__(None, None, None))
        self.runner.close()

    @rule(
        name=names,
        texts=st.lists(st.binary(max_size=40), min_size=1, max_size=300),
        off=st.sampled_from([0, 0, 0, 1, -1]),
    )
    def append(self, name: str, texts: list[bytes], off: int) -> None:
        seq = len(self.model.get(name, [])) + 1 + off
        if off or name in self.finished:
            with pytest.raises(StaleWriterError):
                self.run(self._append(name, seq, texts))
        else:
            self.run(self._append(name, seq, texts))
            self.model.setdefault(name, []).extend(texts)

    @rule(name=names)
    def finish(self, name: str) -> None:
        self.run(self.log.finish(name, 60))
        if name in self.model:
            self.finished.add(name)

    @rule(name=names)
    def drop(self, name: str) -> None:
        self.run(self.log.drop(name))
        self.model.pop(name, None)
        self.finished.discard(name)

    @rule()
    def restart(self) -> None:
        self.log = self.run(self.store.connect())

    @rule(name=names, after=st.integers(0, 400), limit=st.integers(1, 300))
    def read(self, name: str, after: int, limit: int) -> None:
        found = self.run(self.log.read(name, after, limit))
        assert [entry.body for entry in found] == self.model.get(name, [])[after : after + limit]
        assert [entry.seq for entry in found] == list(range(after + 1, after + 1 + len(found)))

    @rule(name=names, after=st.integers(0, 400))
    def follow(self, name: str, after: int) -> None:
        if name in self.finished and after <= len(self.model[name]):
            found = self.run(collect(self.log, name, after))
            assert [entry.body for entry in found] == self.model[name][after:]
        elif after > len(self.model.get(name, [])):
            with pytest.raises(CursorError):
                self.run(collect(self.log, name, after))

    @invariant()
    def status_is_the_models(self) -> None:
        for name in ("a", "b", "c"):
            status = self.run(self.log.status(name))
            if name in self.model:
                assert status is not None
                assert status.state == ("finished" if name in self.finished else "running")
                assert (status.first, status.last) == (1, len(self.model[name]))
            else:
                assert status is None


def test_any_sequence_of_verbs_does_what_a_list_would(open_store: OpenStore) -> None:
    machine = type("Machine", (LogMachine,), {"open_store": staticmethod(open_store)})
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
