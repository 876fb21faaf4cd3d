"""Part `growth` of the fleet: what more turns, more viewers, longer conversations and open pages cost."""

from __future__ import annotations

import uvloop

from bench.driver import SocketClient, close_all, open_all
from bench.load import SHORT, Load, Run, cannot, run, run_turns, warm_up
from bench.shapes import EMBEDDED, ONE_WORKER, REDIS, Bed, Fleet, open_fleet
from bench.tables import median, spread, table

_SHAPES = [EMBEDDED, REDIS, ONE_WORKER]
_AT_ONCE = [Load(25, tokens=200), Load(100, tokens=200), Load(200, tokens=200)]
_VIEWED = [Load(25, tokens=200, viewers=viewers) for viewers in (1, 4, 8)]
_CONVERSATIONS, _TURNS, _PARTS = 10, 60, 3
_PAGES = 150


def measure_growth(bed: Bed, repeats: int) -> str:
    at_once, viewed, turns, pages = [], [], [], []
    for shape in _SHAPES:
        with open_fleet(bed, shape) as fleet:
            uvloop.run(warm_up(fleet))
            pages.append(uvloop.run(_measure_pages(fleet)))
            at_once.append([_repeat(fleet, load, repeats) for load in _AT_ONCE])
            viewed.append([_repeat(fleet, load, repeats) for load in _VIEWED])
            turns.append(uvloop.run(run_turns(fleet, _CONVERSATIONS, _TURNS, _PARTS)))
    all_runs = [run for found in (*at_once, *viewed) for runs in found for run in runs]
    lost = sum(run.lost for run in all_runs)
    refused = ", ".join(sorted({cannot(run) for run in all_runs if run.failed})) or "none"
    loads, viewers = [str(load.chats) for load in _AT_ONCE], [str(load.viewers) for load in _VIEWED]
    step = _TURNS // _PARTS
    ages = [f"{part * step + 1} to {(part + 1) * step}" for part in range(_PARTS)]
    return "\n\n".join(
        [
            "µs of Quarterdeck's CPU for a token of an answer, by turns running at a time:",
            _table("turns at a time", loads, [[_told(runs) for runs in found] for found in at_once]),
            "The same for 25 turns, by the viewers of each:",
            _table("viewers of a turn", viewers, [[_told(runs) for runs in found] for found in viewed]),
            f"ms of Quarterdeck's CPU for a whole turn of {SHORT} tokens, by its place in its conversation:",
            _table("turn", ages, [[f"{cost:.1f}" for cost in costs] for costs in turns]),
            f"Of all these answers, {lost} tokens were lost; questions refused or answers failed: {refused}.",
            f"Memory of an open page (a socket that follows its user's feed): {median(pages) / 1024:.0f} KiB.",
        ]
    )


def _repeat(fleet: Fleet, load: Load, repeats: int) -> list[Run]:
    return [uvloop.run(run(fleet, load)) for _ in range(repeats)]


def _told(runs: list[Run]) -> str:
    return spread([run.ours_us for run in runs], 1)


def _table(what: str, names: list[str], columns: list[list[str]]) -> str:
    """A column for each shape."""
    head = [what, *(shape.name for shape in _SHAPES)]
    return table(head, [[name, *(column[row] for column in columns)] for row, name in enumerate(names)])


async def _measure_pages(fleet: Fleet) -> float:
    """Bytes of the web process for each."""
    before = fleet.web.resident_bytes()
    clients = [SocketClient(fleet.port, fleet.key) for _ in range(_PAGES)]
    for start in range(0, _PAGES, 100):
        await open_all(clients[start : start + 100])
    for client in clients:
        await client.follow_feed()
    await clients[-1].ask("tokens-1-at-0")  # what it is told comes after the others have their feed
    used = fleet.web.resident_bytes() - before
    await close_all(clients)
    return used / _PAGES
