"""Section `fleet`: one load on all shapes, one worker under a crowd, and how cost grows with what."""

from __future__ import annotations

from collections.abc import Sequence

import uvloop

from bench.load import Load, Run, cannot, run, warm_up
from bench.shapes import (
    EMBEDDED,
    ONE_WORKER,
    REDIS,
    SHAPES,
    TWO_WORKERS,
    WORKERS_ALONE,
    Bed,
    Cores,
    Shape,
    open_fleet,
)
from bench.tables import median, ms, percentile, spread, table

LOAD = Load(100)
CROWD = Load(500)
_CHATS = [20, 50, 100, 200]
_VIEWERS = [1, 2, 4, 8]

Runs = dict[Shape, list[Run]]


def measure_shapes(bed: Bed, repeats: int) -> tuple[str, Runs]:
    """All shapes in turn, so that all see the same machine."""
    runs: Runs = {shape: [] for shape in SHAPES}
    for _ in range(repeats):
        for shape in SHAPES:
            runs[shape].append(_measure(bed, shape, LOAD))
    head = ["", "Quarterdeck µs", "web", "workers", "× embedded", "Valkey µs", "PostgreSQL µs"]
    head += ["first token p50 ms", "p99 ms", "tokens lost"]
    base = median([run.ours_us for run in runs[EMBEDDED]])
    rows = [_row(shape, runs[shape], base) for shape in SHAPES]
    title = f"CPU per token. {LOAD.name}, {repeats} runs of each in turn; median (least–greatest):"
    return "\n\n".join([title, table(head, rows), _compare(runs)]), runs


def _row(shape: Shape, runs: Sequence[Run], base: float) -> list[str]:
    first = [value for run in runs for value in run.first_s]
    ours = [run.ours_us for run in runs]
    return [
        shape.name,
        spread(ours, 1),
        *(_of(runs, kind) for kind in ("web", "workers")),
        f"{median(ours) / base:.2f}",
        *(_of(runs, kind) for kind in ("valkey", "postgres")),
        ms(percentile(first, 0.5)),
        ms(percentile(first, 0.99)),
        str(sum(run.lost for run in runs)),
    ]


def _of(runs: Sequence[Run], kind: str) -> str:
    value = median([run.cpu_us[kind] for run in runs])
    return f"{value:.1f}" if value else ""


def _compare(runs: Runs) -> str:
    embedded, redis = ([run.ours_us for run in runs[shape]] for shape in (EMBEDDED, REDIS))
    one, two = ([run.cpu_us["workers"] for run in runs[shape]] for shape in (ONE_WORKER, TWO_WORKERS))
    return (
        f"Redis in the place of the embedded log: {median(redis) - median(embedded):+.1f} µs a token. A token costs "
        f"two workers {median(two) / median(one):.2f} times what it costs one, so two on a core each carry "
        f"{2 * median(one) / median(two):.2f} times as much."
    )


def measure_crowd(bed: Bed, repeats: int) -> str:
    """The worker has a core; the web process, the model, the clients and the engines share what is left."""
    rows = []
    for shape in (ONE_WORKER, TWO_WORKERS):
        runs = [_measure(bed, shape, CROWD, WORKERS_ALONE) for _ in range(repeats)]
        first = [value for run in runs for value in run.first_s]
        rows.append(
            [
                shape.name,
                str(sum(run.lost for run in runs)),
                ", ".join(sorted({cannot(run) for run in runs})),
                spread([run.lag_s for run in runs], 1),
                *(_of(runs, kind) for kind in ("workers", "web", "valkey", "postgres", "upstream")),
                ms(percentile(first, 0.5)),
                ms(percentile(first, 0.99)),
            ]
        )
    head = ["", "tokens lost", "failed", "late s", "workers µs", "web", "Valkey", "PostgreSQL", "the model"]
    head += ["first token p50 ms", "p99 ms"]
    return "\n\n".join(
        [f"{CROWD.name}, {repeats} runs; the workers on one core, all the rest on the other:", table(head, rows)]
    )


def measure_growth(bed: Bed, repeats: int) -> str:
    """More chats at a time, and more viewers of each."""
    chats = []
    for count in _CHATS:
        load = Load(count, tokens=200)
        costs = [[_measure(bed, shape, load) for _ in range(repeats)] for shape in (EMBEDDED, REDIS, ONE_WORKER)]
        chats.append([str(count), *(spread([run.ours_us for run in runs], 1) for runs in costs)])
    viewers = []
    for count in _VIEWERS:
        load = Load(25, tokens=200, viewers=count)
        costs = [[_measure(bed, shape, load) for _ in range(repeats)] for shape in (EMBEDDED, REDIS, ONE_WORKER)]
        lost = sum(run.lost for runs in costs for run in runs)
        chats_us = [spread([run.ours_us for run in runs], 1) for runs in costs]
        viewers.append([str(count), *chats_us, _of(costs[2], "workers"), str(lost)])
    return "\n\n".join(
        [
            "Quarterdeck's CPU per token of an answer, µs, by the number of turns running at a time (one viewer each):",
            table(["turns", EMBEDDED.name, REDIS.name, ONE_WORKER.name], chats),
            "The same for 25 turns, by the number of viewers of each:",
            table(
                ["viewers", EMBEDDED.name, REDIS.name, ONE_WORKER.name, "of which the worker", "tokens lost"], viewers
            ),
        ]
    )


def _measure(bed: Bed, shape: Shape, load: Load, cores: Cores | None = None) -> Run:
    with open_fleet(bed, shape, cores) if cores else open_fleet(bed, shape) as fleet:
        uvloop.run(warm_up(fleet))
        return uvloop.run(run(fleet, load))
