"""Many Quarterdeck processes on one database: servers, supervised servers, workers, and one address for all of them.

fleet = make_fleet()                        # `has_redis=False`: PostgreSQL alone
one, other = fleet.serve(), fleet.serve("--workers", "2")
web, worker = fleet.serve("--workers", "0"), fleet.worker()
open_full(fleet.port, fleet.key)            # by the balancer; one.port for this very server
fleet.holder(turn).kill()                   # also pause, resume, terminate, then restart
os.kill(fleet.holder_pid(turn), SIGKILL)    # of a supervised one
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from tests.harness.balancer import Balancer
from tests.harness.postgres import Databases
from tests.harness.server import Server, children_of
from tests.harness.valkey import free_port
from tests.harness.waiting import wait_until


class WorkerProcess(Server):
    """`quarterdeck worker`: killed and started again like a server; its port answers probes only."""

    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(folder, **environment)
        self.port = free_port()

    def launch(self, *options: str) -> None:
        place = ["--data-dir", str(self.data_dir), "--health-port", str(self.port)]
        self._launch("worker", *place, *self.options, *options)

    def _hear(self, said: str) -> bool:
        return "Quarterdeck worker is ready" in said


class Fleet:
    """`serve` and `worker` add processes; `port` is the address of all servers that live."""

    def __init__(self, folder: Path, database_url: str, redis_url: str = "", **environment: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.environment = environment | {"QUARTERDECK_DATABASE_URL": database_url}
        if redis_url:
            self.environment["QUARTERDECK_REDIS_URL"] = redis_url
        # one key for all: each process has a data folder of its own, as on several machines
        self.environment["QUARTERDECK_SECRET_KEY"] = "A" * 43 + "="
        self.servers: list[Server] = []
        self.workers: list[WorkerProcess] = []
        self._balancer = Balancer(lambda: [server.port for server in self.servers if server.is_running()])

    @property
    def port(self) -> int:
        return self._balancer.port

    @property
    def key(self) -> str:
        """An API key of the owner."""
        return self.servers[0].key

    @property
    def processes(self) -> list[Server]:
        return [*self.servers, *self.workers]

    def serve(self, *options: str) -> Server:
        """One more server, ready. `options`: `--workers`, `2`, for one with a supervisor."""
        return self.add_server(*options).start()

    def add_server(self, *options: str) -> Server:
        """Not started yet."""
        server = Server(self.folder / f"server-{len(self.servers)}", **self.environment)
        server.options = list(options)
        self.servers.append(server)
        return server

    def worker(self) -> WorkerProcess:
        """One more worker, ready."""
        worker = WorkerProcess(self.folder / f"worker-{len(self.workers)}", **self.environment)
        self.workers.append(worker.start())
        return worker

    @contextmanager
    def http(self, **options: Any) -> Iterator[httpx2.Client]:
        """The owner, by way of the balancer."""
        headers = {"authorization": f"Bearer {self.key}"}
        with httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=10, **options) as client:
            yield client

    def ask(self, statement: str) -> str:
        """What the database answers: rows of values parted by `|`."""
        return Databases(self.database_url).ask(statement)

    def holder(self, turn: str) -> Server:
        """The process that has the turn's lease, or its supervisor; waits until one has it."""

        def find() -> Server | None:
            pid = self.holder_pid(turn)
            return next((process for process in self.processes if pid in pids_of(process)), None)

        return wait_until(find, f"a process that runs {turn}")

    def holder_pid(self, turn: str) -> int | None:
        """None when nobody has the lease just now."""
        name = self.ask(f"SELECT lease_owner FROM turns WHERE id = '{turn}'")  # noqa: S608  # an id of our own
        supervised = {worker: pid for server in self.servers for worker, pid in named_children(server)}
        return supervised.get(name, int(name.rsplit("-", 2)[1])) if name else None

    def close(self) -> None:
        for process in self.processes:
            process.close()


def pids_of(process: Server) -> list[int]:
    return [process.pid, *children_of(process.pid)] if process.is_running() else []


def named_children(server: Server) -> list[tuple[str, int]]:
    """(worker's name, process) of all that a supervisor has started: it gives the names, and says so in its log."""
    found = []
    for line in server.log_text().splitlines():
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if said.get("event") == "server_started":
                found.append((said["worker"], said["server"]))
    return found


@contextmanager
def open_fleet(folder: Path, database_url: str, redis_url: str = "", **environment: str) -> Iterator[Fleet]:
    fleet = Fleet(folder, database_url, redis_url, **environment)
    with fleet._balancer.in_thread():
        try:
            yield fleet
        finally:
            fleet.close()
