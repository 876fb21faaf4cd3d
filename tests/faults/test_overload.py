"""G11: more messages than can be answered are refused, and whoever was told yes is not forgotten."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import aiohttp
from tests.conftest import MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.full_client import PROTOCOL, new_name
from tests.harness.locks import select
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import is_long, trials, wait_until_async
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

TIMES = 5
LOAD_S = trials(5, 60)
SOCKETS = 30
LAG_S = 0.1
PROBE = """
import http.client, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
while True:
    begun = time.monotonic()
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    print(time.monotonic() - begun, flush=True)
    time.sleep(0.02)
"""


@contextmanager
def probing(port: int, latencies: list[float]) -> Iterator[None]:
    """How long the smallest request takes, asked by a process of its own: the lag of the loop, and a little."""
    process = subprocess.Popen([sys.executable, "-c", PROBE, str(port)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield
    finally:
        process.kill()
        latencies += [float(line) for line in process.stdout.read().splitlines()[:-1]]
        process.wait()
        process.stdout.close()


class Crowd:
    """Sends without waiting for anybody, at a rate of its own."""

    def __init__(self, server: Server, model: str) -> None:
        self._server, self._model = server, model
        self.acked: dict[str, str] = {}  # message's name: turn
        self.refused: list[dict[str, object]] = []
        self.sent = 0
        self._heard: dict[int, int] = {}  # answers by socket
        self.statuses: list[tuple[int, str]] = []  # of messages over HTTP, with `Retry-After`

    async def send_at(self, rate: float, for_s: float) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(SOCKETS):
                group.create_task(self._send(rate / SOCKETS, for_s))
            group.create_task(self._ask_over_http(for_s))

    async def send_as_fast_as_answered(self, for_s: float) -> float:
        """Acknowledged messages a second when everybody sends the next one at the end of an answer."""
        everybody = asyncio.Barrier(2 * SOCKETS)
        async with asyncio.TaskGroup() as group:
            begun = [group.create_task(self._ask_in_turn(everybody, for_s)) for _ in range(2 * SOCKETS)]
        return len(self.acked) / (time.monotonic() - min(task.result() for task in begun))

    async def _ask_in_turn(self, everybody: asyncio.Barrier, for_s: float) -> float:
        async with self._open() as socket:
            await everybody.wait()
            begun = time.monotonic()
            while time.monotonic() < begun + for_s:
                await socket.send(self._frame(follow=True))
                async for text in socket:
                    self._hear(json.loads(text))
                    if '"turn.ended"' in str(text):
                        break
        return begun

    async def _send(self, rate: float, for_s: float) -> None:
        async with self._open() as socket:
            hearing = asyncio.create_task(self._listen(socket))
            begun = time.monotonic()
            count = 0
            while (now := time.monotonic() - begun) < for_s:
                while count < now * rate:
                    await socket.send(self._frame(follow=False))
                    count += 1
                await asyncio.sleep(0.02)
            await wait_until_async(lambda: self._is_answered(count, socket), "an answer to every message", 60)
            hearing.cancel()

    async def _is_answered(self, count: int, socket: ClientConnection) -> bool:
        return self._heard.get(id(socket), 0) >= count

    def _open(self) -> connect:
        return connect(
            f"ws://127.0.0.1:{self._server.port}/chat", subprotocols=[PROTOCOL], max_size=None, compression=None,
            additional_headers={"Authorization": f"Bearer {self._server.key}"}, proxy=None, ping_interval=None,
        )  # fmt: skip

    def _frame(self, *, follow: bool) -> str:
        name = new_name("m")
        self.sent += 1
        frame = {"type": "send", "ref": name, "id": name, "conversation": name, "text": name, "model": self._model}
        return json.dumps(frame | {"follow": follow})

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                if self._hear(json.loads(text)):
                    self._heard[id(socket)] = self._heard.get(id(socket), 0) + 1
        except ConnectionClosed:
            return

    def _hear(self, frame: dict[str, object]) -> bool:
        if frame["type"] == "accepted":
            self.acked[str(frame["id"])] = str(frame["turn"])
        elif frame["type"] == "error":
            self.refused.append(frame)
        return frame["type"] in ("accepted", "error")

    async def _ask_over_http(self, for_s: float) -> None:
        headers = {"Authorization": f"Bearer {self._server.key}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            begun = time.monotonic()
            while time.monotonic() - begun < for_s:
                body = {"message": "Hello", "model": self._model}
                async with session.post(f"{self._server.url}/chat_batch", json=body) as answer:
                    self.statuses.append((answer.status, answer.headers.get("Retry-After", "")))
                    await answer.read()


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=1000)[int(share * 1000) - 1]


async def test_five_times_what_it_can_do_is_refused_and_nothing_is_forgotten(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    server = make_server().start()
    model = upstream.model(Script(pieces=words(10)))
    calm, storm = Crowd(server, model), Crowd(server, model)
    idle = make_server().start()  # beside it: how late the machine itself is, with all that runs on it
    usual: list[float] = []
    latencies: list[float] = []
    machine: list[float] = []
    with probing(server.port, usual):
        rate = await calm.send_as_fast_as_answered(3)
    with probing(server.port, latencies), probing(idle.port, machine):
        await storm.send_at(TIMES * rate, LOAD_S)
    wrong = await find_forgotten(server, calm.acked | storm.acked)
    p99, p99_idle = percentile(latencies, 0.99), percentile(machine, 0.99)
    if is_long() and p99 > LAG_S + p99_idle:  # in some seconds, beside other tests, it says little
        wrong.append(f"the loop's lag was {p99 * 1000:.0f} ms")
    wrong += [f"refused with {frame}" for frame in storm.refused if not frame.get("retryable")]
    if is_long() and not storm.refused:
        wrong.append("nothing was refused")
    wrong += [f"{status}, Retry-After {after!r}" for status, after in storm.statuses if status != 200 and not after]
    figures = (
        f"{rate:.0f} a second sustained, {storm.sent / LOAD_S:.0f} sent, {len(storm.acked)} taken, "
        f"{len(storm.refused)} refused; over HTTP {sorted({status for status, _ in storm.statuses})}; "
        f"lag p99 {p99 * 1000:.0f} ms, at the sustained rate {percentile(usual, 0.99) * 1000:.0f} ms, "
        f"of an idle server {p99_idle * 1000:.0f} ms"
    )
    report("G11 overload", wrong, len(storm.acked) + len(storm.refused), figures)


def test_a_forgotten_message_would_be_seen() -> None:
    """The negative control."""
    acked = {"a": "turn-a", "b": "turn-b"}
    assert find_missing([("a", "complete"), ("b", "complete")], acked) == []
    for rows in ([("a", "complete")], [("a", "complete"), ("b", "failed")], [("a", "complete"), ("b", "queued")]):
        assert find_missing(rows, acked)
    assert find_missing([("a", "complete"), ("b", "complete"), ("b", "complete")], acked)


async def find_forgotten(server: Server, acked: dict[str, str]) -> list[str]:
    """Acknowledged messages that are not there once, or are never answered."""
    database = server.data_dir / "quarterdeck.sqlite3"

    async def is_done() -> bool:
        return select(database, "SELECT count(*) FROM turns WHERE status IN ('queued', 'running')") == [(0,)]

    await wait_until_async(is_done, "all answers", 60)
    return find_missing(select(database, "SELECT send_key, status FROM turns"), acked)


def find_missing(rows: Sequence[Sequence[str]], acked: dict[str, str]) -> list[str]:
    stored: dict[str, list[str]] = {}
    for key, status in rows:
        stored.setdefault(key, []).append(status)
    return [f"{name} is {stored.get(name)}" for name in acked if stored.get(name) != ["complete"]]
