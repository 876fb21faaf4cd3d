"""What the log costs: microseconds of CPU and of time per event, in one process.

Run: python bench/log_append.py [--seconds 2]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from quarterdeck.domain.events import TextDelta, encode_event
from quarterdeck.log.follow import follow
from quarterdeck.log.sql import SqlLog

BODY = encode_event(TextDelta(0, "twenty characters or"))


async def append_awaited(log: SqlLog, seconds: float) -> int:
    """One turn that waits for each commit, as fast as it may."""
    end, seq = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        seq += 1
        await log.append("alone", seq, [BODY])
    return seq


async def measure_latency(log: SqlLog, seconds: float) -> int:
    """An idle log: from append to a follower's having it, every 20 ms."""
    taken_ms: list[float] = []
    seen = asyncio.Event()

    async def watch() -> None:
        async for _ in follow(log, "idle", 0):
            seen.set()

    await log.append("idle", 1, [BODY])
    watcher = asyncio.create_task(watch())
    for seq in range(2, int(seconds / 0.02) + 2):
        await asyncio.sleep(0.02)
        seen.clear()
        begun = time.perf_counter()
        appending = asyncio.create_task(log.append("idle", seq, [BODY]))
        await seen.wait()
        taken_ms.append((time.perf_counter() - begun) * 1000)
        await appending
    watcher.cancel()
    quantiles = statistics.quantiles(taken_ms, n=100)
    print(f"  append to follower, idle: p50 {quantiles[49]:.3f} ms, p99 {quantiles[98]:.3f} ms")
    return len(taken_ms)


async def stream_turns(log: SqlLog, seconds: float, turns: int, per_s: float, viewers: int) -> int:
    """`turns` at `per_s` events a second, each followed by `viewers`; every event waits for its commit."""
    events = int(seconds * per_s)
    late_ms: list[float] = []

    async def write(name: str, start: float) -> None:
        for seq in range(1, events + 1):
            await asyncio.sleep(max(0.0, start + seq / per_s - time.perf_counter()))
            begun = time.perf_counter()
            await log.append(name, seq, [BODY])
            late_ms.append((time.perf_counter() - begun) * 1000)
        await log.finish(name, 60)

    async def view(name: str) -> None:
        while await log.status(name) is None:
            await log.wait(name, 0, 1.0)
        async for _ in follow(log, name, 0):
            pass

    names = [f"{turns}-{viewers}-{index}" for index in range(turns)]
    start = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for index, name in enumerate(names):
            tasks.create_task(write(name, start + index / turns / per_s))
            for _ in range(viewers):
                tasks.create_task(view(name))
    quantiles = statistics.quantiles(late_ms, n=100)
    print(f"  an append took: p50 {quantiles[49]:.2f} ms, p99 {quantiles[98]:.2f} ms")
    return turns * events


async def append_together(log: SqlLog, seconds: float, turns: int) -> int:
    """All turns append one event at the same moment, then the next."""
    end, seq = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        seq += 1
        await asyncio.gather(*(log.append(f"together-{turn}", seq, [BODY]) for turn in range(turns)))
    return seq * turns


async def measure(title: str, run: Callable[[SqlLog], Awaitable[int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = SqlLog(Path(folder) / "log.sqlite3")
        await log.open()
        wall, cpu = time.perf_counter(), time.process_time()
        events = await run(log)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        await log.close()
    print(f"{title}: {cpu / events * 1e6:.1f} µs CPU, {wall / events * 1e6:.1f} µs per event ({events} events)")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    seconds: float = parser.parse_args().seconds
    await measure("1 turn, an event every 20 ms", lambda log: measure_latency(log, seconds))
    await measure("1 turn awaited", lambda log: append_awaited(log, seconds))
    await measure("100 turns × 40 events/s", lambda log: stream_turns(log, seconds, 100, 40, 0))
    await measure("100 turns × 40 events/s, 1 viewer each", lambda log: stream_turns(log, seconds, 100, 40, 1))
    await measure("500 turns, an event each per commit", lambda log: append_together(log, seconds, 500))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the server does
        runner.run(main())
