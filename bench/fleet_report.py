"""Section `fleet` in its parts, and the arithmetic when all of them were measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bench.capacity import Costs, reckon
from bench.fleet import Runs, measure_crowd, measure_shapes
from bench.growth import measure_growth
from bench.limits import Demands, measure_limits
from bench.shapes import ONE_WORKER, open_bed
from bench.tables import median

_QUIET = 1.0  # load of the last minute
PARTS = ["shapes", "crowd", "growth", "engines"]


def measure(parts: Sequence[str], repeats: int) -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each part, and of `sizes` when `shapes` and `engines` are among them."""
    heading = _heading(os.getloadavg()[0])
    for name, text in _measure(parts, repeats):
        yield name, f"{heading}\n\n{text}"


def _heading(load: float) -> str:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load before the run {load:.1f}"
    note = "" if load < _QUIET else " **Preliminary: the machine had other work to do.**"
    return f"{datetime.now(UTC):%-d %B %Y, %H:%M}: {machine}.{note}"


def _measure(parts: Sequence[str], repeats: int) -> Iterator[tuple[str, str]]:
    if not parts:
        return
    runs: Runs = {}
    demands: Demands | None = None
    with open_bed() as bed:
        if "shapes" in parts:
            text, runs = measure_shapes(bed, repeats)
            yield "shapes", text
        if "crowd" in parts:
            yield "crowd", measure_crowd(bed, repeats)
        if "growth" in parts:
            yield "growth", measure_growth(bed, repeats)
        if "engines" in parts:
            text, demands = measure_limits(bed)
            yield "engines", text
    if runs and demands:
        yield "sizes", reckon(_costs(runs, demands))


def _costs(runs: Runs, demands: Demands) -> Costs:
    """Of a fleet with workers, the shape for many users."""
    found = runs[ONE_WORKER]
    return Costs(
        ours_us=median([run.ours_us for run in found]),
        heard_us=demands.bystander_us,
        valkey_us=median([run.cpu_us["valkey"] for run in found]),
        postgres_us=median([run.cpu_us["postgres"] for run in found]),
        log_bytes=demands.log_bytes,
        commits=demands.commits,
        row_bytes=demands.row_bytes,
    )
