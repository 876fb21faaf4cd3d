"""G10: sockets that never read are bounded and dropped, and the others notice nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from tests.conftest import Control, MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.checks import find_disorder
from tests.harness.full_client import PROTOCOL, FullClient, open_full
from tests.harness.server import Server
from tests.harness.stored import add_member
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_sse
from tests.harness.waiting import is_long, trials, wait_until_async
from websockets.asyncio.client import ClientConnection, connect

# 10 s for a send, looked at every 2 s; before that many of them take some seconds to fill the kernel's buffers
DROPPED_S = 30.0 if is_long() else 16.0
LARGE = Script(pieces=["x" * 8_192] * 1_500)  # 12 MB, more than any socket's buffers


@contextlib.asynccontextmanager
async def open_without_reading(port: int, key: str, turn: str) -> AsyncIterator[ClientConnection]:
    """A socket that follows `turn` and never takes anything off the wire; its own buffer is as small as can be."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.setblocking(False)
    await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", port))
    async with connect(
        f"ws://127.0.0.1:{port}/chat", sock=wire, subprotocols=[PROTOCOL], max_queue=1, ping_interval=None,
        compression=None, additional_headers={"Authorization": f"Bearer {key}"}, close_timeout=0.1, proxy=None,
    ) as connection:  # fmt: skip
        await connection.send(json.dumps({"type": "follow", "turn": turn, "after": 0}))
        yield connection


def count_peers(ports: set[int], server: int) -> int:
    """How many of the clients at these ports the server at its port still has an established connection with.

    The server's port is needed: another test may have a connection that uses the same port of a client.
    """
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(_port(line[1]) == server and _port(line[2]) in ports and line[3] == "01" for line in lines)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.split("VmRSS:")[1].split()[0])


async def test_sockets_that_never_read_are_dropped_while_others_go_on(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    running = make_server().start()
    count = trials(12, 200)
    wrong: list[str] = []
    quick = upstream.model(Script(pieces=words(20), delay_s=0.002))
    async with contextlib.AsyncExitStack() as stack:
        async with open_full(running.port, running.key) as sender:
            large = await sender.send(model=upstream.model(LARGE))
            await sender.until_ended(large["turn"], 30)
        other = await asyncio.to_thread(add_member, running.data_dir, "other")  # one user may have 200 sockets
        reader = await stack.enter_async_context(open_full(running.port, other))
        before = resident_bytes(running.pid)
        openings = (open_without_reading(running.port, running.key, large["turn"]) for _ in range(count))
        deaf = await asyncio.gather(*(stack.enter_async_context(opening) for opening in openings))
        ports = {connection.local_address[1] for connection in deaf}
        assert count_peers(ports, running.port) == count
        begun = time.monotonic()
        found, answered = await answer_until_dropped(reader, quick, ports, running.port)
        took_s = time.monotonic() - begun
        wrong += found
        grown = resident_bytes(running.pid) - before
        if grown > count * 1024 * 1024 + 16 * 1024 * 1024:
            wrong.append(f"{count} deaf sockets took {grown} bytes")
        if answered < 20:
            wrong.append(f"only {answered} answers beside the deaf sockets")
    said = running.log_text()
    wrong += [] if said.count("slow_socket_dropped") == count else [f"{said.count('slow_socket_dropped')} were dropped"]
    wrong += ["they end with a traceback in the log"] if "Traceback" in said else []
    report("G10 deaf sockets are dropped", wrong, count, f"the last one after {took_s:.0f} s")


async def answer_until_dropped(
    reader: FullClient, model: str, ports: set[int], server: int, within_s: float = DROPPED_S
) -> tuple[list[str], int]:
    """What is wrong, and how many answers one could read beside the deaf sockets at these ports."""
    wrong: list[str] = []
    answered = 0
    try:
        async with asyncio.timeout(within_s):
            while count_peers(ports, server):
                accepted = await reader.send(model=model)
                wrong += find_disorder(await reader.until_ended(accepted["turn"]))
                answered += 1
    except TimeoutError:
        wrong.append(f"{count_peers(ports, server)} deaf sockets were still there after {within_s} s")
    return wrong, answered


async def test_a_deaf_socket_that_is_not_dropped_would_be_seen(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    without = "dropping who does not read"
    seen = {}
    for weakened in ("long patience", f"long patience,{without}"):
        running = make_server(WITHOUT=weakened).start()
        quick = upstream.model(Script(pieces=words(20), delay_s=0.002))
        async with open_full(running.port, running.key) as reader:
            large = await reader.send(model=upstream.model(Script(pieces=LARGE.pieces[:750])))
            await reader.until_ended(large["turn"], 30)
            async with open_without_reading(running.port, running.key, large["turn"]) as deaf:
                ports = {deaf.local_address[1]}
                seen[weakened], _ = await answer_until_dropped(reader, quick, ports, running.port, 5.0)
        running.close()
    assert seen.pop("long patience") == [], "it is dropped where that is not switched off"
    [wrong] = seen.values()
    control("G10 deaf sockets are dropped", without, wrong)


async def test_a_slow_reader_that_does_read_gets_everything(make_server: MakeServer, upstream: Upstream) -> None:
    """The negative control: dropping is for who does not read at all."""
    running = make_server().start()
    async with open_full(running.port, running.key) as reader:
        large = await reader.send(model=upstream.model(LARGE))
        whole = await reader.until_ended(large["turn"], 30)
        async with open_without_reading(running.port, running.key, large["turn"]) as slow:
            seqs: list[int] = []
            while len(seqs) < len(whole):
                frame = json.loads(await slow.recv())
                if frame["type"] == "event":
                    seqs.append(frame["seq"])
                    await asyncio.sleep(0.002)
    assert seqs == [seq for seq, _ in whole]


async def test_readers_of_events_that_never_read_are_dropped_while_others_go_on(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    running = make_server().start()
    count = trials(6, 50)
    wrong: list[str] = []
    async with open_full(running.port, running.key) as reader:
        large = await reader.send(model=upstream.model(LARGE))
        whole = await reader.until_ended(large["turn"], 30)
        before = resident_bytes(running.pid)
        address = f"/api/turns/{large['turn']}/events"
        with contextlib.ExitStack() as wires:
            deaf = [wires.enter_context(ask_without_reading(running, f"GET {address} HTTP/1.1")) for _ in range(count)]
            ports = {wire.getsockname()[1] for wire in deaf}
            await wait_until_async(_are(count, ports, running.port), "all to be there")
            async with asyncio.timeout(DROPPED_S):
                while count_peers(ports, running.port):
                    accepted = await reader.send(model=upstream.model(Script()))
                    wrong += find_disorder(await reader.until_ended(accepted["turn"]))
        grown = resident_bytes(running.pid) - before
        if grown > count * 1024 * 1024 + 16 * 1024 * 1024:
            wrong.append(f"{count} deaf readers took {grown} bytes")
        transcript: list[tuple[int, dict[str, object]]] = []
        await watch_by_sse(running.port, running.key, large["turn"], transcript)
        assert len(transcript) == len(whole), "who reads gets everything"
    assert running.log_text().count("slow_stream_dropped") == count
    report("G10 deaf readers of events are dropped", wrong, count)


async def test_one_who_asks_for_an_answer_in_one_go_and_never_reads_is_dropped(
    make_server: MakeServer, upstream: Upstream
) -> None:
    running = make_server().start()
    body = json.dumps({"message": "Everything", "model": upstream.model(LARGE)})
    head = f"POST /chat_batch HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    with ask_without_reading(running, head, body) as wire:
        ports = {wire.getsockname()[1]}
        assert count_peers(ports, running.port) == 1
        await wait_until_async(_are(0, ports, running.port), "the reader to be dropped", DROPPED_S)
    assert running.log_text().count("slow_stream_dropped") == 1


@contextlib.contextmanager
def ask_without_reading(running: Server, head: str, body: str = "") -> Iterator[socket.socket]:
    """A request whose answer is never taken off the wire."""
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.connect(("127.0.0.1", running.port))
        wire.sendall(f"{head}\r\nHost: localhost\r\nAuthorization: Bearer {running.key}\r\n\r\n{body}".encode())
        yield wire


def _are(count: int, ports: set[int], server: int) -> Callable[[], Awaitable[bool]]:
    async def are_there() -> bool:
        return count_peers(ports, server) == count

    return are_there
