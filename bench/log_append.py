"""What the log costs: microseconds of this process's CPU and of time per event, on each backend.

Run: python bench/log_append.py [--seconds 2] [--backends sql,redis,postgres]

What this process writes, in bytes and calls, is said beside it where /proc tells; for SQLite that is the file. The
servers are made for the occasion, unless `QUARTERDECK_TEST_REDIS_URL` and `…_DATABASE_URL` name some; their own CPU
is not in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import uvloop
from tests.harness.postgres import open_postgres
from tests.harness.valkey import open_redis

from quarterdeck.domain.events import TextDelta, encode_event
from quarterdeck.log.base import Log
from quarterdeck.log.follow import follow
from quarterdeck.log.postgres_backend import PostgresBackend
from quarterdeck.log.redis_backend import RedisBackend
from quarterdeck.log.shared import SharedLog
from quarterdeck.log.sql import SqlLog

TICK_S = 0.03
BODY = encode_event(TextDelta(0, "twenty characters or"))


async def append_awaited(log: Log, seconds: float) -> int:
    """One turn that waits for each commit, as fast as it may."""
    end, seq = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        seq += 1
        await log.append("alone", seq, [BODY])
    return seq


async def measure_latency(log: Log, seconds: float) -> int:
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
        appending: asyncio.Future[None] = asyncio.ensure_future(log.append("idle", seq, [BODY]))
        await seen.wait()
        taken_ms.append((time.perf_counter() - begun) * 1000)
        await appending
    watcher.cancel()
    quantiles = statistics.quantiles(taken_ms, n=100)
    print(f"  append to follower, idle: p50 {quantiles[49]:.3f} ms, p99 {quantiles[98]:.3f} ms")
    return len(taken_ms)


async def stream_turns(log: Log, seconds: float, turns: int, per_s: float, viewers: int) -> int:
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


async def append_by_ticks(log: Log, seconds: float, turns: int) -> int:
    """As the server's turns do while they stream: each appends an event at a common tick, and nobody waits."""
    ticks = int(seconds / TICK_S)
    appending: list[asyncio.Future[None]] = []
    for seq in range(1, ticks + 1):
        appending += [asyncio.ensure_future(log.append(f"tick-{turn}", seq, [BODY])) for turn in range(turns)]
        await asyncio.sleep(TICK_S)
    await asyncio.gather(*appending)
    return ticks * turns


async def append_together(log: Log, seconds: float, turns: int) -> int:
    """All turns append one event at the same moment, then the next."""
    end, seq = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        seq += 1
        await asyncio.gather(*(log.append(f"together-{turn}", seq, [BODY]) for turn in range(turns)))
    return seq * turns


OpenLog = Callable[[], AbstractAsyncContextManager[Log]]


@asynccontextmanager
async def open_sql() -> AsyncIterator[Log]:
    with tempfile.TemporaryDirectory() as folder:
        log = SqlLog(Path(folder) / "log.sqlite3")
        await log.open()
        yield log
        await log.close()


@asynccontextmanager
async def open_on_redis() -> AsyncIterator[Log]:
    with open_redis() as server:
        log = SharedLog(RedisBackend(server.url))
        await log.open()
        yield log
        await log.close()


@asynccontextmanager
async def open_on_postgres() -> AsyncIterator[Log]:
    with open_postgres() as server:
        log = SharedLog(PostgresBackend(server.new_database(is_empty=True)))
        await log.open()
        yield log
        await log.close()


BACKENDS: dict[str, OpenLog] = {"sql": open_sql, "redis": open_on_redis, "postgres": open_on_postgres}


async def measure(title: str, open_log: OpenLog, run: Callable[[Log], Awaitable[int]]) -> float:
    """Microseconds of CPU per event."""
    async with open_log() as log:
        wall, cpu, written = time.perf_counter(), time.process_time(), read_written()
        events = await run(log)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        sizes = [(after - before) / events for before, after in zip(written, read_written(), strict=True)]
    print(f"{title}: {cpu / events * 1e6:.1f} µs CPU, {wall / events * 1e6:.1f} µs per event ({events} events)")
    if sizes:
        print(f"  written for each: {sizes[0]:.0f} bytes in {sizes[1]:.2f} calls")
    return cpu / events * 1e6


def read_written() -> list[int]:
    """Bytes and calls that this process has written so far; nothing where that is not told."""
    io = Path("/proc/self/io")
    if not io.exists():
        return []
    told = dict(line.split(": ") for line in io.read_text().splitlines())
    return [int(told["wchar"]), int(told["syscw"])]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--backends", default="sql,redis,postgres")
    asked = parser.parse_args()
    seconds: float = asked.seconds
    runs: dict[str, Callable[[Log], Awaitable[int]]] = {
        "1 turn, an event every 20 ms": lambda log: measure_latency(log, seconds),
        "100 turns, an event each per tick": lambda log: append_by_ticks(log, seconds, 100),
        "500 turns, an event each per tick": lambda log: append_by_ticks(log, seconds, 500),
        "1 turn awaited": lambda log: append_awaited(log, seconds),
        "100 turns × 40 events/s": lambda log: stream_turns(log, seconds, 100, 40, 0),
        "100 turns × 40 events/s, 1 viewer each": lambda log: stream_turns(log, seconds, 100, 40, 1),
        "500 turns × 50 events/s": lambda log: stream_turns(log, seconds, 500, 50, 0),
        "500 turns, an event each per commit": lambda log: append_together(log, seconds, 500),
    }
    for title, run in runs.items():
        costs = {
            backend: await measure(f"{title}, {backend}", BACKENDS[backend], run)
            for backend in asked.backends.split(",")
        }
        if "sql" in costs:
            print(
                *(
                    f"  {name}: {cost - costs['sql']:+.1f} µs, × {cost / costs['sql']:.2f}"
                    for name, cost in costs.items()
                )
            )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the server does
        runner.run(main())
