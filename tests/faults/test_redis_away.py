"""G8: Redis is killed, hangs, is emptied, is full. Messages are taken meanwhile, answers go on, nothing is lost."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest
from tests.conftest import MakeFleet, MakeValkey, Report
from tests.fakes.script import Script, words
from tests.harness.crowd import (
    SURFACES,
    Record,
    Viewer,
    find_losses,
    find_wrong_views,
    read_answers,
    read_messages,
    running_turns,
    sending,
    text_in,
)
from tests.harness.fleet import Fleet
from tests.harness.full_client import Frame
from tests.harness.upstream import Upstream
from tests.harness.valkey import ValkeyServer
from tests.harness.waiting import is_long, trials, wait_until_async

PAUSE_S = trials(6, 30)
ACK_S = 5.0
MOVES_ON_S = 15.0
TURNS = 3
WORDS = 100
TEXT = "".join(words(WORDS))
SHORT = ["Noted", " down", "."]


async def kill(valkey: ValkeyServer) -> None:
    valkey.kill()
    await asyncio.sleep(1.5)  # how long it is away
    await asyncio.to_thread(valkey.start)


async def pause(valkey: ValkeyServer) -> None:
    valkey.pause()
    await asyncio.sleep(PAUSE_S)
    valkey.resume()


async def empty(valkey: ValkeyServer) -> None:
    for _ in range(2):
        assert valkey.ask("FLUSHALL") == "+OK"
        await asyncio.sleep(0.5)


async def fill(valkey: ValkeyServer) -> None:
    assert valkey.ask("CONFIG", "SET", "maxmemory", "1mb") == "+OK"
    assert valkey.ask("SET", "x", "y").startswith("-OOM")
    await asyncio.sleep(2)
    assert valkey.ask("CONFIG", "SET", "maxmemory", "0") == "+OK"


async def restart_empty(valkey: ValkeyServer) -> None:
    valkey.kill()
    await asyncio.sleep(1)  # long enough for an acknowledgement, on a busy machine too
    await asyncio.to_thread(lambda: valkey.restart(emptied=True))


OUTAGES = {"killed": kill, "paused": pause, "emptied": empty, "full": fill, "restarted empty": restart_empty}
FAST = {"servers": ["killed", "emptied"], "web and workers": ["full", "restarted empty", "paused"]}
EMPTIED = ("emptied", "restarted empty")


def begin_fleet(make_fleet: MakeFleet, valkey: ValkeyServer, layout: str) -> Fleet:
    fleet = make_fleet(redis_url=valkey.url)
    if layout == "servers":
        for _ in range(2):
            fleet.serve()
    else:
        fleet.serve("--workers", "0")
        for _ in range(2):
            fleet.worker()
    return fleet


@pytest.mark.parametrize("layout", list(FAST))
async def test_a_redis_that_is_away_loses_nothing(
    make_fleet: MakeFleet, make_valkey: MakeValkey, upstream: Upstream, report: Report, layout: str
) -> None:
    valkey = make_valkey()
    fleet = begin_fleet(make_fleet, valkey, layout)
    wrong: list[str] = []
    names = list(OUTAGES) * 3 if is_long() else FAST[layout]
    seen = [await go_through(fleet, upstream, valkey, name, wrong) for name in names]
    total = Figures(
        sum(figures.acked for figures in seen),
        sum(figures.acked_while_away for figures in seen),
        max(figures.slowest_ack_s for figures in seen),
        max(figures.moved_on_s for figures in seen),
    )
    report(f"G8 Redis away, {layout}", wrong, total.acked + TURNS * len(seen), str(total))


@dataclass
class Figures:
    acked: int
    acked_while_away: int
    slowest_ack_s: float
    moved_on_s: float

    def __str__(self) -> str:
        return (
            f"{self.acked} acknowledged, {self.acked_while_away} of them while it was away, the slowest after "
            f"{self.slowest_ack_s:.1f} s; turns moved on within {self.moved_on_s:.1f} s"
        )


async def go_through(fleet: Fleet, upstream: Upstream, valkey: ValkeyServer, name: str, wrong: list[str]) -> Figures:
    """One outage amid answers and new messages."""
    delay_s = 0.03 if name != "paused" else (PAUSE_S + 2) / WORDS
    long, short = upstream.model(Script(pieces=words(WORDS), delay_s=delay_s)), upstream.model(Script(pieces=SHORT))
    record = Record()
    async with running_turns(fleet, [long] * TURNS) as (turns, viewers), sending(fleet.port, fleet.key, short, record):
        await OUTAGES[name](valkey)
        back_at = time.monotonic()
        while_away = len(record.acked)
        await asyncio.sleep(0.3)  # some messages after its return
    found = find_losses(read_messages(fleet), record)
    await wait_until_async(lambda: _are_answered(fleet, record), "the new messages' answers", 2 * MOVES_ON_S)
    found += find_unanswered(fleet, record)
    found += find_wrong_views(viewers, TEXT, read_answers(fleet, turns))
    found += [] if while_away else ["no acknowledgement while it was away"]
    found += [f"an acknowledgement took {wait:.1f} s" for wait in record.waits_s if wait > ACK_S]
    moved = [viewer.first_after(back_at) or 0.0 for viewer in viewers]
    found += [f"a turn moved on after {took:.1f} s" for took in moved if took > MOVES_ON_S]
    if name in EMPTIED:
        found += await find_unloaded(fleet, valkey, turns)
    if len(upstream.requests(long)) != TURNS:
        found.append(f"{len(upstream.requests(long))} requests for {TURNS} answers")
    wrong += [f"{name}: {sentence}" for sentence in found]
    return Figures(len(record.acked), while_away, max(record.waits_s), max(moved))


async def _are_answered(fleet: Fleet, record: Record) -> bool:
    rows = read_messages(fleet)
    return not [row for row in rows if row["conversation"] in record.acked and row["status"] in ("queued", "running")]


async def find_unloaded(fleet: Fleet, valkey: ValkeyServer, turns: list[Frame]) -> list[str]:
    """Whoever comes after the logs of ended answers are gone is told so, and finds the stored ones."""
    assert valkey.ask("FLUSHALL") == "+OK"
    late = [Viewer(surface, fleet.port, fleet.key, sent) for sent in turns for surface in SURFACES]
    async with asyncio.timeout(MOVES_ON_S), asyncio.TaskGroup() as group:
        for viewer in late:
            group.create_task(viewer.watch())
    wrong = [f"a late {viewer.surface} was not told to reload" for viewer in late if not viewer.resyncs]
    return wrong + [f"a late {viewer.surface} reads {viewer.text[-40:]!r}" for viewer in late if viewer.text != TEXT]


def find_unanswered(fleet: Fleet, record: Record) -> list[str]:
    answers = [
        row for row in read_messages(fleet) if row["role"] == "assistant" and row["conversation"] in record.acked
    ]
    return [
        f"{row['conversation']} was answered {row['status']} with {text_in(row)!r}"
        for row in answers
        if (row["status"], text_in(row)) != ("complete", "".join(SHORT))
    ]
