"""G17: mixed load for an hour (`QUARTERDECK_TEST_SOAK_S` in the long setting), and memory that levels off."""

from __future__ import annotations

import os

import pytest
from tests.conftest import MakeFleet, MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.server import Server
from tests.harness.soak import Samples, Soak, find_growth, resident_mib, slope_per_minute
from tests.harness.upstream import Upstream
from tests.harness.waiting import is_long

DURATION_S = float(os.environ.get("QUARTERDECK_TEST_SOAK_S", "3600")) if is_long() else 20.0
LIMIT = 1.0 if is_long() else 60.0  # in some seconds nothing levels off: there, only what the clients do is looked at
LEAK = 2.0


@pytest.mark.parametrize("kind", ["one process", "fleet"] if is_long() else ["one process"])
async def test_memory_levels_off_under_mixed_load(
    make_server: MakeServer, make_fleet: MakeFleet, upstream: Upstream, report: Report, kind: str
) -> None:
    if kind == "fleet":
        fleet = make_fleet()
        servers: list[Server] = [fleet.serve(), fleet.serve(), fleet.worker()]
        port, key = fleet.port, fleet.key
    else:
        servers = [make_server().start()]
        port, key = servers[0].port, servers[0].key

    def make_model(count: int) -> str:
        return upstream.model(Script(pieces=words(count), delay_s=0.01))

    soak = Soak(port, key, make_model, pause_s=0.2)
    samples = await soak.run(DURATION_S, lambda: max(map(resident_mib, servers)))
    first, last = samples[0][1], samples[-1][1]
    settled = samples[len(samples) // 2 :]
    figures = f"{DURATION_S:.0f} s, {first:.0f} to {last:.0f} MiB, at the end {slope_per_minute(settled):+.2f} a minute"
    waits = sorted(soak.waits_s)
    figures += f"; a short answer within p99 {waits[int(0.99 * len(waits))]:.2f} s, longest {waits[-1]:.2f} s"
    for sample in samples[:: max(1, len(samples) // 60)]:
        print(f"{sample[0]:.0f} s: {sample[1]:.1f} MiB")  # noqa: T201  # shown when it fails, or with -s
    report(f"G17 soak, {kind}", soak.wrong + find_growth(samples, LIMIT), sum(soak.counts.values()), figures)


def level(seconds: int) -> Samples:
    """Memory as it is measured: it fills up, then it wavers."""
    return [(float(at), 100 + 20 * (1 - 0.99**at) + (at * 7919 % 13) / 10) for at in range(seconds)]


@pytest.mark.parametrize("seconds", [480, 3600])
def test_a_leak_would_be_seen(seconds: int) -> None:
    """The negative control."""
    samples = level(seconds)
    assert find_growth(samples, 1.0) == []
    assert find_growth([(at, held + LEAK * at / 60) for at, held in samples], 1.0)
    late = [(at, held + 2 * LEAK * max(0.0, at - seconds * 0.7) / 60) for at, held in samples]
    assert find_growth(late, 1.0)
    assert slope_per_minute([(at, LEAK * at / 60) for at, _ in samples]) == pytest.approx(LEAK)
