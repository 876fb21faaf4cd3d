"""Negative controls of G5, G6, G12: what the tests of many processes look for, with the protection switched off."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

from tests.conftest import Control, MakeFleet
from tests.fakes.script import Script, words
from tests.faults.test_rolling_restart import GAP_S
from tests.harness.crowd import running_turns
from tests.harness.deployments import SERVERS, Deployment, kill_process, open_deployment, stop_process, wake_process
from tests.harness.full_client import open_full
from tests.harness.postgres import Databases
from tests.harness.stored import fetch_message
from tests.harness.takeover import MIDDLE, WatchedTurn, begin_turn, find_wrong, note_fault, reach_stage, watch_on
from tests.harness.upstream import Upstream

_TURNS = 2
_LONG_ENOUGH_S = 8.0  # for a lease that was shortened to 4.5 s, and for the answer


async def begin_turns(deployment: Deployment, upstream: Upstream) -> list[WatchedTurn]:
    """In the middle, in the first server; their viewers are there, too."""
    chance = random.Random(6)
    async with AsyncExitStack() as held:
        client = await held.enter_async_context(open_full(deployment.ports[0], deployment.key, ping_interval=None))
        turns = [await begin_turn(MIDDLE, client, upstream) for _ in range(_TURNS)]
        await asyncio.gather(*(reach_stage(turn, upstream, chance) for turn in turns))
        note_fault(turns, upstream)
    return turns


def find_violations(deployment: Deployment, upstream: Upstream, turns: list[WatchedTurn]) -> list[str]:
    wrong = []
    with deployment.fleet.servers[1].http(deployment.key) as http:
        for turn in turns:
            stored = fetch_message(http, turn.accepted["conversation"], turn.accepted["answer"])
            wrong += find_wrong(turn, stored, len(upstream.requests(turn.model)))
    return wrong


async def test_a_dead_workers_turn_that_nobody_claims_would_be_seen(
    tmp_path: Path, postgres: Databases, upstream: Upstream, control: Control
) -> None:
    without = "claims"
    environment = upstream.environment | {"WITHOUT": f"long leases,{without}"}
    with open_deployment(SERVERS, tmp_path, postgres, 2, **environment) as deployment:
        turns = await begin_turns(deployment, upstream)
        kill_process(deployment.runners()[0])
        async with open_full(deployment.ports[1], deployment.key) as client:
            await watch_on(client, turns, lambda: None, _LONG_ENOUGH_S)
        wrong = find_violations(deployment, upstream, turns)
    assert sum("was not taken over" in sentence for sentence in wrong) == _TURNS, wrong
    control("G5 taken over", without, wrong)


async def test_what_a_late_worker_writes_would_be_seen(
    tmp_path: Path, postgres: Databases, upstream: Upstream, control: Control
) -> None:
    without = "the lease check,the log's fence"
    environment = upstream.environment | {"WITHOUT": f"long leases,{without}"}
    with open_deployment(SERVERS, tmp_path, postgres, 2, **environment) as deployment:
        turns = await begin_turns(deployment, upstream)
        frozen = deployment.runners()[0]
        stop_process(frozen)
        async with open_full(deployment.ports[1], deployment.key) as client:
            await watch_on(client, turns, lambda: wake_process(frozen))
        wrong = find_violations(deployment, upstream, turns)
    assert all(turn.taken_s is not None for turn in turns)
    assert any(": text " in sentence for sentence in wrong), wrong
    control("G6 written late", without, wrong)


async def test_the_gap_of_turns_that_are_not_handed_over_would_be_seen(
    make_fleet: MakeFleet, upstream: Upstream, control: Control
) -> None:
    without = "hand-over"
    fleet = make_fleet(has_redis=False, WITHOUT=f"long leases,{without}")
    for _ in range(2):
        fleet.serve()
    model = upstream.model(Script(pieces=words(150), delay_s=0.04))
    async with running_turns(fleet, [model] * _TURNS) as (turns, viewers):
        leaving = fleet.holder(turns[0]["turn"])
        await asyncio.to_thread(leaving.terminate)
    gaps_s = [viewer.longest_gap_s for viewer in viewers]
    control("G12 rolling restart", without, [f"a viewer saw nothing for {gap:.1f} s" for gap in gaps_s if gap > GAP_S])
