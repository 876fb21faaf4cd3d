"""Section `idle`: sockets on which nothing happens. Memory of each, and what heartbeats and pings cost.

The clients (`bench/sockets.py`) are a process of their own, as light as they can be: they answer pings and count.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import uvloop
from msgspec import Struct

from bench.plot import Chart, Figures
from bench.processes import ROOT, Server, create_key, running, start_quarterdeck
from bench.tables import table
from quarterdeck.accounts.keys import create_api_key
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import users
from quarterdeck.web.connections import MAX_PER_USER

SOCKETS = 10_000
SECONDS = 60.0
_NOWHERE = 9  # the discard port: no provider is there
_SPARE_FILES = 200
_SETTLED_S = 3.0
_OPEN_TIMEOUT_S = 300.0


class Idle(Struct, frozen=True):
    """`busy` and `busy_alone`: parts of a core with the sockets and without any."""

    sockets: int
    kib: float
    busy: float
    busy_alone: float
    opened_per_s: float
    beats: int
    pings: int
    lost: int


class Counts(Struct):
    """What the clients have seen so far."""

    open: int = 0
    lost: int = 0
    beats: int = 0
    pings: int = 0


def measure(sockets: int = SOCKETS, seconds: float = SECONDS) -> Figures:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    found = _run(min(sockets, files - _SPARE_FILES), seconds)
    rows = [
        ["memory of each, the server's", f"{found.kib:.1f} KiB"],
        ["CPU for all, of one core", f"{100 * (found.busy - found.busy_alone):.1f} %"],
        ["the same without a socket", f"{100 * found.busy_alone:.1f} %"],
        ["opened a second", f"{found.opened_per_s:.0f}"],
        ["heartbeats, pings answered, sockets lost", f"{found.beats}, {found.pings}, {found.lost}"],
    ]
    title = f"### {found.sockets:,} idle sockets for {seconds:.0f} s"
    bars = {"with the sockets": [100 * found.busy], "without a socket": [100 * found.busy_alone]}
    chart = Chart(f"{found.sockets:,} idle sockets: the server's CPU, of one core", "%", bars, 1)
    return Figures("\n\n".join([title, table(["", ""], rows)]), (chart,))


def _run(sockets: int, seconds: float) -> Idle:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        create_key(folder / "data")  # makes the data folder
        keys = uvloop.run(_make_keys(folder / "data" / "quarterdeck.sqlite3", -(-sockets // MAX_PER_USER)))
        with running(start_quarterdeck(folder / "data", _NOWHERE), "/readyz") as server:
            time.sleep(_SETTLED_S)
            busy_alone = _busy(server, seconds / 4)
            before = server.resident_bytes()
            with _Clients(server.port, keys, sockets) as clients:
                begun_s = time.perf_counter()
                clients.wait_until_open()
                opened_s = time.perf_counter() - begun_s
                time.sleep(_SETTLED_S)
                seen = clients.count()
                kib = (server.resident_bytes() - before) / sockets / 1024
                busy = _busy(server, seconds)
                after = clients.count()
    return Idle(
        sockets,
        kib,
        busy,
        busy_alone,
        sockets / opened_s,
        after.beats - seen.beats,
        after.pings - seen.pings,
        after.lost,
    )


def _busy(server: Server, seconds: float) -> float:
    cpu_s, begun_s = server.cpu_s(), time.perf_counter()
    time.sleep(seconds)
    return (server.cpu_s() - cpu_s) / (time.perf_counter() - begun_s)


async def _make_keys(path: Path, count: int) -> list[str]:
    """Of as many users: each may have only so many sockets."""
    database = SqliteDatabase(path)
    try:
        return await database.write(lambda connection: [_make_key(connection, number) for number in range(count)])
    finally:
        await database.close()


def _make_key(connection: WriteConnection, number: int) -> str:
    name = f"idle{number}"
    row = {"id": new_id(), "name": name, "name_key": name, "role": "member", "created_at": now_ms()}
    connection.execute(users.insert().values(**row))
    return str(create_api_key(connection, user_name=name, label="bench"))


class _Clients:
    """The process of the clients: a line in is a question, the answer to it a line of JSON."""

    def __init__(self, port: int, keys: list[str], sockets: int) -> None:
        command = [sys.executable, "-m", "bench.sockets", str(port), str(sockets)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self._sockets = sockets
        self._write(" ".join(keys))

    def __enter__(self) -> _Clients:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def wait_until_open(self) -> None:
        """Raises: `RuntimeError` when a socket was refused, or not all are open in time."""
        ends_s = time.perf_counter() + _OPEN_TIMEOUT_S
        while (seen := self.count()).open < self._sockets:
            if seen.lost or time.perf_counter() > ends_s:
                raise RuntimeError(f"of {self._sockets} sockets {seen.open} were opened, {seen.lost} refused")
            time.sleep(0.05)

    def count(self) -> Counts:
        self._write("count")
        assert self._process.stdout is not None
        return msgspec.json.decode(self._process.stdout.readline(), type=Counts)

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
