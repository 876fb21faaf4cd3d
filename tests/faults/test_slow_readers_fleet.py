"""G10 in a fleet: readers that take nothing, of a turn that another process runs, are bounded and dropped."""

from __future__ import annotations

import asyncio
import contextlib

from tests.conftest import MakeFleet, Report
from tests.fakes.script import Script
from tests.faults.test_slow_readers import (
    DROPPED_S,
    LARGE,
    ask_without_reading,
    count_peers,
    open_without_reading,
    resident_bytes,
)
from tests.harness.checks import find_disorder
from tests.harness.full_client import open_full
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until_async

MIB = 1024 * 1024


async def test_deaf_readers_at_another_server_are_dropped_while_others_go_on(
    make_fleet: MakeFleet, upstream: Upstream, report: Report
) -> None:
    fleet = make_fleet()
    here, there = fleet.serve(), fleet.serve()
    count = trials(4, 50)
    wrong: list[str] = []
    quick = upstream.model(Script())
    async with contextlib.AsyncExitStack() as stack:
        sender = await stack.enter_async_context(open_full(here.port, fleet.key))
        reader = await stack.enter_async_context(open_full(there.port, fleet.key))
        large = await sender.send(model=upstream.model(LARGE))
        await sender.until_ended(large["turn"], 60)
        await reader.ask("follow", turn=large["turn"], after=0)
        await reader.until_ended(large["turn"], 60)  # what one good reader costs is not counted
        before = resident_bytes(there.pid)
        there._key = fleet.key
        openings = (open_without_reading(there.port, fleet.key, large["turn"]) for _ in range(count))
        sockets = await asyncio.gather(*(stack.enter_async_context(opening) for opening in openings))
        line = f"GET /api/turns/{large['turn']}/events HTTP/1.1"
        wires = [stack.enter_context(ask_without_reading(there, line)) for _ in range(count)]
        ports = {socket.local_address[1] for socket in sockets} | {wire.getsockname()[1] for wire in wires}

        async def are_there() -> bool:
            return count_peers(ports, there.port) == 2 * count

        await wait_until_async(are_there, "all to be there")
        async with asyncio.timeout(2 * DROPPED_S):
            while count_peers(ports, there.port):
                accepted = await reader.send(model=quick)
                wrong += find_disorder(await reader.until_ended(accepted["turn"], 10))
        grown = resident_bytes(there.pid) - before
    if grown > 2 * count * MIB + 16 * MIB:
        wrong.append(f"{2 * count} deaf readers took {grown} bytes")
    said = there.log_text()
    dropped = said.count("slow_socket_dropped") + said.count("slow_stream_dropped")
    wrong += [] if dropped == 2 * count else [f"{dropped} of {2 * count} were dropped by the server"]
    report("G10 deaf readers in a fleet", wrong, 2 * count, f"{grown / MIB:.0f} MiB for all of them")
