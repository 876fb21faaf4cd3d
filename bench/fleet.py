"""Section `fleet`: one load on all shapes, and one worker under a crowd."""

from __future__ import annotations

from collections.abc import Sequence

import uvloop

from bench.load import Load, Run, cannot, run, warm_up
from bench.shapes import (
    EMBEDDED,
    ONE_WORKER,
    REDIS,
    SHAPES,
    SQLITE_REDIS,
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
ALONE, DOUBLED = Load(50), Load(100)

Runs = dict[Shape, list[Run]]


def measure_shapes(bed: Bed, repeats: int) -> tuple[str, Runs]:
    """All shapes in turn, so that all see the same machine."""
    runs: Runs = {shape: [] for shape in SHAPES}
    for _ in range(repeats):
        for shape in SHAPES:
            runs[shape].append(_measure(bed, shape, LOAD))
    head = ["", "Quarterdeck µs", "web", "workers", "× embedded", "Valkey µs", "PostgreSQL µs"]
    head += ["first token p50 ms", "p99 ms", "tokens lost", "failed"]
    base = median([run.ours_us for run in runs[EMBEDDED]])
    rows = [_row(shape, runs[shape], base) for shape in SHAPES]
    title = f"CPU per token. {LOAD.name}, {repeats} of each in turn; median (least–greatest):"
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
        ", ".join(sorted({cannot(run) for run in runs})),
    ]


def _of(runs: Sequence[Run], kind: str) -> str:
    value = median([run.cpu_us[kind] for run in runs])
    return f"{value:.1f}" if value else ""


def _compare(runs: Runs) -> str:
    embedded, redis = ([run.ours_us for run in runs[shape]] for shape in (EMBEDDED, REDIS))
    log = [run.ours_us for run in runs[SQLITE_REDIS]]
    return (
        f"Redis in the place of the embedded log: {median(log) - median(embedded):+.1f} µs a token; PostgreSQL in the "
        f"place of SQLite as well: {median(redis) - median(embedded):+.1f} µs."
    )


def measure_crowd(bed: Bed, repeats: int) -> str:
    """The worker has a core; the web process, the model, the clients and the engines share what is left."""
    runs = [_measure(bed, ONE_WORKER, CROWD, WORKERS_ALONE) for _ in range(repeats)]
    first = [value for run in runs for value in run.first_s]
    rows = [
        ["tokens lost", str(sum(run.lost for run in runs))],
        ["questions refused, answers failed", ", ".join(sorted({cannot(run) for run in runs}))],
        ["late, beyond the model's own pace, s", spread([run.lag_s for run in runs], 1)],
        ["the worker's CPU per token, µs", spread([run.cpu_us["workers"] for run in runs], 1)],
        ["the web process's", _of(runs, "web")],
        ["Valkey's, PostgreSQL's", f"{_of(runs, 'valkey')}, {_of(runs, 'postgres')}"],
        ["first token p50, p99, ms", f"{ms(percentile(first, 0.5))}, {ms(percentile(first, 0.99))}"],
    ]
    title = f"{CROWD.name}, run {repeats} times; the worker on one core, all the rest on the other"
    return "\n\n".join([table([title, ""], rows), _measure_pair(bed, repeats)])


def _measure_pair(bed: Bed, repeats: int) -> str:
    """One worker, and two with twice the chats, in turn."""
    one, two = [], []
    for _ in range(repeats):
        one.append(_measure(bed, ONE_WORKER, ALONE, WORKERS_ALONE).cpu_us["workers"])
        two.append(_measure(bed, TWO_WORKERS, DOUBLED, WORKERS_ALONE).cpu_us["workers"])
    return (
        f"One worker with {ALONE.chats} chats takes {spread(one, 1)} µs a token, two with {DOUBLED.chats} take "
        f"{spread(two, 1)}: two on a core each carry {2 * median(one) / median(two):.2f} times what one does."
    )


def _measure(bed: Bed, shape: Shape, load: Load, cores: Cores | None = None) -> Run:
    with open_fleet(bed, shape, cores) if cores else open_fleet(bed, shape) as fleet:
        uvloop.run(warm_up(fleet))
        return uvloop.run(run(fleet, load))
