"""G12: processes of a fleet are replaced while answers stream: quickly, without a loss, and viewers hardly notice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from tests.conftest import MakeFleet, Report
from tests.fakes.script import Script, words
from tests.harness.checks import find_disorder
from tests.harness.crowd import (
    Record,
    find_losses,
    find_wrong_views,
    read_answers,
    read_messages,
    running_turns,
    sending,
)
from tests.harness.fleet import Fleet
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import is_long, wait_until, wait_until_async

pytestmark = pytest.mark.alone

EXIT_S = 10.0
GAP_S = 3.0
TURNS = 4
WORDS = 2_500  # of which a model says the rest at once when all processes have been replaced
DELAY_S = 0.04


@dataclass
class Figures:
    exits: list[tuple[int, float]] = field(default_factory=list)  # (status, seconds) of each process told to go
    gaps_s: list[float] = field(default_factory=list)  # the longest of each viewer
    requests: int = 0

    def __str__(self) -> str:
        return (
            f"{len(self.exits)} exits within {max(took for _, took in self.exits):.1f} s, "
            f"longest gap {max(self.gaps_s):.1f} s, at most {self.requests} requests for an answer"
        )


async def roll_workers(fleet: Fleet, figures: Figures) -> None:
    """One after the other; the others have its turns meanwhile."""
    await roll_these(fleet.workers, figures)


async def roll_servers(fleet: Fleet, figures: Figures) -> None:
    await roll_these(fleet.servers, figures)


async def roll_these(processes: Sequence[Server], figures: Figures) -> None:
    for process in processes:
        figures.exits.append(await asyncio.to_thread(process.terminate))
        await asyncio.to_thread(process.restart)


async def roll_children(fleet: Fleet, figures: Figures) -> None:
    """SIGHUP for `serve --workers 2`."""
    [server] = fleet.servers
    before = set(server.children())
    os.kill(server.pid, signal.SIGHUP)

    async def are_replaced() -> bool:
        now = set(server.children())
        return len(now) == len(before) and not now & before

    await wait_until_async(are_replaced, "both servers to be replaced", 90)
    wait_until(lambda: before <= {pid for pid, _, _ in leavings(server)}, "the supervisor to say so")
    figures.exits += [(status, took) for pid, status, took in leavings(server) if pid in before]


def leavings(server: Server) -> list[tuple[int, int, float]]:
    """(process, exit status, seconds) of all servers that the supervisor has told to go, from its log."""
    said = [json.loads(line) for line in server.log_text().splitlines() if '"server_left"' in line]
    return [(line["server"], line["status"], line["seconds"]) for line in said]


def begin_servers(fleet: Fleet) -> None:
    for _ in range(2):
        fleet.serve()


def begin_children(fleet: Fleet) -> None:
    fleet.serve("--workers", "2")


def begin_workers(fleet: Fleet) -> None:
    fleet.serve("--workers", "0")
    for _ in range(2):
        fleet.worker()


Layout = tuple[bool, Callable[[Fleet], None], Callable[[Fleet, Figures], Awaitable[None]]]
LAYOUTS: dict[str, Layout] = {
    "serve --workers 2": (False, begin_children, roll_children),
    "servers, PostgreSQL": (False, begin_servers, roll_servers),
    "servers, Valkey": (True, begin_servers, roll_servers),
    "web and workers": (True, begin_workers, roll_workers),
}
FAST = ["serve --workers 2", "web and workers"]
ROLLS = [1, 1, 2, 2]  # within one answer


@pytest.mark.parametrize("layout", list(LAYOUTS) if is_long() else FAST)
async def test_processes_are_replaced_while_answers_stream(
    make_fleet: MakeFleet, upstream: Upstream, report: Report, layout: str
) -> None:
    has_redis, begin, roll = LAYOUTS[layout]
    fleet = make_fleet(has_redis=has_redis)
    begin(fleet)
    wrong: list[str] = []
    figures = Figures()
    trial_count = 0
    for rolls in ROLLS if is_long() else [2 - has_redis]:
        trial_count += await go_through(fleet, upstream, roll, rolls, figures, wrong)
    wrong += [f"exit {status} after {took:.1f} s" for status, took in figures.exits if status or took > EXIT_S]
    wrong += [f"a viewer saw nothing for {gap:.1f} s" for gap in figures.gaps_s if gap > GAP_S]
    wrong += [] if figures.requests > 1 else ["no answer was handed over"]
    report(f"G12 rolling restart, {layout}", wrong, trial_count, str(figures))


async def go_through(
    fleet: Fleet,
    upstream: Upstream,
    roll: Callable[[Fleet, Figures], Awaitable[None]],
    rolls: int,
    figures: Figures,
    wrong: list[str],
) -> int:
    """All processes replaced `rolls` times within one answer. Returns how many messages and answers there were."""
    models = [upstream.model(Script(pieces=words(WORDS), delay_s=DELAY_S)) for _ in range(TURNS)]
    short = upstream.model(Script(pieces=["ok"]))
    text = "".join(words(WORDS))
    record = Record()
    async with running_turns(fleet, models) as (turns, viewers), sending(fleet.port, fleet.key, short, record):
        for _ in range(rolls):
            await roll(fleet, figures)
        for model in models:
            upstream.hurry(model)
    wrong += find_losses(read_messages(fleet), record)
    wrong += find_wrong_views(viewers, text, read_answers(fleet, turns))
    wrong += [f"{viewer.surface}: {found}" for viewer in viewers for found in find_disorder(viewer.transcript)]
    figures.gaps_s += [viewer.longest_gap_s for viewer in viewers]
    figures.requests = max(figures.requests, *(len(upstream.requests(model)) for model in models))
    return len(record.acked) + TURNS
