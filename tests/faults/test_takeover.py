"""G5, G6, G7 in a fleet: processes killed and frozen at five stages of a turn; the others go on, the frozen wake up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from tests.conftest import Report
from tests.harness.checks import Transcript
from tests.harness.deployments import (
    FLEETS,
    SUPERVISED,
    Deployment,
    kill_process,
    open_deployment,
    stop_process,
    wake_process,
)
from tests.harness.full_client import FullClient, open_full
from tests.harness.postgres import Databases
from tests.harness.stored import fetch_message
from tests.harness.takeover import (
    STAGES,
    UNCLOSED,
    UNSAVED,
    WatchedTurn,
    begin_turn,
    find_touched,
    find_wrong,
    note_fault,
    percentile,
    reach_stage,
    watch_on,
)
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_sse
from tests.harness.waiting import trials, wait_until_async

TAKEN_OVER_S = 12.0
_SOCKETS = 9
_NOTICED_S = 20.0


class Trial:
    """One process is killed and another one frozen, at the same moment; a third is left."""

    def __init__(self, deployment: Deployment, upstream: Upstream, seed: int) -> None:
        self._deployment = deployment
        self._upstream = upstream
        self._chance = random.Random(seed)
        self.turns: list[WatchedTurn] = []
        self.killed = self.frozen = 0

    @property
    def lost(self) -> list[WatchedTurn]:
        return [turn for turn in self.turns if turn.holder in (self.killed, self.frozen)]

    @property
    def left_alone(self) -> list[WatchedTurn]:
        return [turn for turn in self.turns if turn.holder not in (self.killed, self.frozen)]

    async def begin(self, clients: list[FullClient], count: int) -> None:
        """`count` turns of each stage, spread over all processes."""
        for number, stage in enumerate(stage for stage in STAGES for _ in range(count)):
            self.turns.append(await begin_turn(stage, clients[number % len(clients)], self._upstream))

    async def reach_fault(self) -> None:
        """The two processes with the most turns are lost, each turn in its stage."""
        unsaved = [turn.id for turn in self.turns if turn.stage == UNSAVED]
        unclosed = [turn.id for turn in self.turns if turn.stage == UNCLOSED]
        async with AsyncExitStack() as held:
            await held.enter_async_context(self._deployment.hold_conversations(unsaved))
            async with self._deployment.hold_conversations(unclosed):
                await asyncio.gather(*(reach_stage(turn, self._upstream, self._chance) for turn in self.turns))
                self._name_holders()
                await held.enter_async_context(self._deployment.hold_log())
            await wait_until_async(lambda: self._are_stored(unclosed), "the messages to be stored", 30)
            kill_process(self.killed)
            stop_process(self.frozen)
            note_fault(self.turns, self._upstream)

    def _name_holders(self) -> None:
        holders = self._deployment.find_holders()
        self.turns = [turn for turn in self.turns if turn.id in holders]  # a slow machine has let some end
        for turn in self.turns:
            turn.holder = holders[turn.id]
        runners = sorted(self._deployment.runners(), key=self._count_turns)
        self.killed, self.frozen = runners[-2:]
        assert self._count_turns(self.killed), "one process has all turns"

    def _count_turns(self, pid: int) -> int:
        return sum(turn.holder == pid for turn in self.turns)

    async def _are_stored(self, unclosed: list[str]) -> bool:
        statuses = await asyncio.to_thread(self._deployment.find_statuses)
        return all(statuses[turn] == "complete" for turn in unclosed)

    async def go_on(self) -> None:
        """Viewers come back where somebody answers; the frozen process wakes up while others write its turns."""
        port = self._deployment.ports_beside({self.killed, self.frozen})[0]
        async with open_full(port, self._deployment.key, open_timeout=5) as client:
            await watch_on(client, self.lost, lambda: wake_process(self.frozen))
            for turn in self.left_alone:
                await client.ask("stop", turn=turn.id)
            await watch_on(client, self.left_alone, lambda: None)

    def find_wrong(self) -> list[str]:
        wrong = []
        with self._deployment.fleet.http() as http:
            for turn in self.turns:
                stored = fetch_message(http, turn.accepted["conversation"], turn.accepted["answer"])
                requests = len(self._upstream.requests(turn.model))
                find = find_wrong if turn in self.lost else find_touched
                wrong += find(turn, stored, requests)
        return wrong

    def of_frozen(self) -> list[WatchedTurn]:
        return [turn for turn in self.turns if turn.holder == self.frozen]


def spread_clients(deployment: Deployment) -> Iterator[AbstractAsyncContextManager[FullClient]]:
    """As many sockets at each process that takes them. A supervisor's may all go to one, so the others stand still."""
    key, port = deployment.key, deployment.ports[0]
    if deployment.name == SUPERVISED:
        for pid in deployment.runners():
            with deployment.alone(pid):
                for _ in range(_SOCKETS // 3):
                    yield open_full(port, key, ping_interval=None, open_timeout=30)
        return
    for port in deployment.ports * (_SOCKETS // len(deployment.ports)):
        yield open_full(port, key, ping_interval=None, open_timeout=30)


async def find_late_writing(deployment: Deployment, turns: list[WatchedTurn]) -> list[str]:
    """After a frozen process has noticed that its turns are lost: log and database are what viewers had seen."""
    await wait_until_async(lambda: _has_noticed(deployment, turns), "the woken process to notice", _NOTICED_S)
    wrong = []
    port = deployment.ports_beside(set())[-1]
    for turn in turns:
        now: Transcript = []
        async with asyncio.timeout(10):
            await watch_by_sse(port, deployment.key, turn.id, now)
        if now != turn.transcript:
            wrong.append(f"{turn.stage}: its log was {turn.transcript[-3:]} and is {now[-3:]}")
    return wrong


async def _has_noticed(deployment: Deployment, turns: list[WatchedTurn]) -> bool:
    lost = _lost_turns(deployment)
    return all(turn.id in lost for turn in turns if turn.stage != UNCLOSED)  # whose log others may end as well


def _lost_turns(deployment: Deployment) -> set[str]:
    """Turns that a process let go of because they were another's by then."""
    lost = set()
    for process in deployment.fleet.processes:
        for line in process.log_text().splitlines():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if said.get("event") == "turn_lost":
                    lost.add(said["turn"])
    return lost


@pytest.mark.parametrize("name", FLEETS)
async def test_turns_of_killed_and_frozen_processes_go_on_in_others_and_who_wakes_up_writes_nothing(
    name: str, tmp_path: Path, postgres: Databases, upstream: Upstream, report: Report
) -> None:
    wrong: list[str] = []
    late: list[str] = []
    taken_s: list[float] = []
    frozen = tried = 0
    for seed in range(trials(1, 8)):
        with open_deployment(name, tmp_path / f"{seed}", postgres, 3, **upstream.environment) as deployment:
            trial = Trial(deployment, upstream, seed)
            async with AsyncExitStack() as sockets:
                clients = [await sockets.enter_async_context(client) for client in spread_clients(deployment)]
                await trial.begin(clients, trials(4, 20))
                await trial.reach_fault()
                await trial.go_on()
            late += await find_late_writing(deployment, trial.of_frozen())
            wrong += trial.find_wrong()
            taken_s += [turn.taken_s or math.inf for turn in trial.lost]
            frozen += len(trial.of_frozen())
            tried += len(trial.turns)
    p50, p99 = percentile(taken_s, 0.5), percentile(taken_s, 0.99)
    if p99 > TAKEN_OVER_S:
        wrong.append(f"taken over after {p99:.1f} s (p99)")
    figures = f"p50 {p50:.1f} s, p99 {p99:.1f} s, longest {max(taken_s):.1f} s of {len(taken_s)}"
    report(f"G6 written late by a process that woke up ({name})", late, frozen)
    report(f"G5, G7 taken over ({name}; {figures})", wrong, tried)
