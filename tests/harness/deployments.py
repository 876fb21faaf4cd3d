"""The ways in which several processes are run, each ready for the same faults.

deployment = make_deployment("servers", runners=3)   # three processes that run turns, ready
open_full(deployment.ports[0], deployment.key)       # `deployment.fleet.port` for a balancer before all of them
holders = deployment.find_holders()                  # turn to process
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from tests.harness.fleet import Fleet, named_children, open_fleet
from tests.harness.postgres import Databases
from tests.harness.server import Server, children_of
from tests.harness.valkey import ValkeyServer
from tests.harness.waiting import wait_until

SUPERVISED, SERVERS, WORKERS = "supervised servers", "servers", "web and workers"
FLEETS = [SUPERVISED, SERVERS, WORKERS]


class Deployment:
    """`SUPERVISED` and `SERVERS` have their log on PostgreSQL, `WORKERS` on Valkey."""

    def __init__(self, name: str, fleet: Fleet, valkey: ValkeyServer | None, runners: int) -> None:
        self.name = name
        self.fleet = fleet
        self._valkey = valkey
        match name:
            case "supervised servers":
                fleet.serve("--workers", str(runners))
            case "servers":
                for _ in range(runners):
                    fleet.serve()
            case "web and workers":
                fleet.serve("--workers", "0")
                for _ in range(runners):
                    fleet.worker()

    @property
    def key(self) -> str:
        return self.fleet.key

    @property
    def ports(self) -> list[int]:
        """Where messages can be sent, one for each server."""
        return [server.port for server in self.fleet.servers]

    def runners(self) -> list[int]:
        """The processes that run turns."""
        match self.name:
            case "supervised servers":
                return [pid for pid in children_of(self.fleet.servers[0].pid) if not is_dead(pid)]
            case "servers":
                return [server.pid for server in self.fleet.servers if server.is_running()]
        return [worker.pid for worker in self.fleet.workers if worker.is_running()]

    @contextmanager
    def alone(self, pid: int) -> Iterator[None]:
        """The other servers of its supervisor stand still: who connects meanwhile is this one's."""
        others = [other for other in self.runners() if other != pid]
        for other in others:
            stop_process(other)
        try:
            yield
        finally:
            for other in others:
                wake_process(other)

    def ports_beside(self, pids: set[int]) -> list[int]:
        """Where somebody answers who is none of these."""
        return [server.port for server in self.fleet.servers if server.is_running() and server.pid not in pids]

    def find_holders(self) -> dict[str, int]:
        """Which process has which turn's lease."""
        rows = self.fleet.ask("SELECT id, lease_owner FROM turns WHERE lease_owner IS NOT NULL").splitlines()
        supervised = {worker: pid for server in self.fleet.servers for worker, pid in named_children(server)}
        named = (row.split("|") for row in rows)
        return {turn: supervised.get(worker, int(worker.rsplit("-", 2)[1])) for turn, worker in named}

    def find_statuses(self) -> dict[str, str]:
        rows = self.fleet.ask("SELECT id, status FROM turns").splitlines()
        return {turn: status for turn, _, status in (row.partition("|") for row in rows)}

    def wait_dead(self, pid: int) -> None:
        for process in self.fleet.processes:
            if process.pid == pid:
                process.wait()
        wait_until(lambda: is_dead(pid), "a killed process to be dead")

    def replace(self, process: Server) -> None:
        """Start a killed one again, on its port; a supervisor's once its servers have ended as well."""
        if process.is_running():
            return
        wait_until(lambda: not _listens(process.port), "the port to be free", 15)
        process.restart()

    @contextlib.asynccontextmanager
    async def hold_conversations(self, turns: list[str]) -> AsyncIterator[None]:
        """A fail point: meanwhile no answer of these turns can be saved."""
        connection = await asyncpg.connect(self.fleet.database_url)
        try:
            for turn in turns:
                await connection.execute(
                    "SELECT pg_advisory_lock(hashtextextended('conversation ' || conversation_id, 0))"
                    " FROM turns WHERE id = $1",
                    turn,
                )
            yield
        finally:
            await connection.close()

    @contextlib.asynccontextmanager
    async def hold_log(self) -> AsyncIterator[None]:
        """A fail point: meanwhile nothing is written to any log, and what waited for it then is never written."""
        if self._valkey is not None:
            self._valkey.ask("CLIENT", "PAUSE", "60000", "WRITE")
            try:
                yield
            finally:
                self._valkey.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                self._valkey.ask("CLIENT", "UNPAUSE")
            return
        connection = await asyncpg.connect(self.fleet.database_url)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE log_heads IN EXCLUSIVE MODE")
                yield
                await connection.execute(_CUT_WHO_WAITS)
        finally:
            await connection.close()


_CUT_WHO_WAITS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%log_append%'
"""


def _listens(port: int) -> bool:
    wanted = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(wanted) and line.split()[3] == "0A" for line in lines)


def kill_process(pid: int) -> None:
    """`kill -9`."""
    os.kill(pid, signal.SIGKILL)


def is_dead(pid: int) -> bool:
    """Also while nobody has asked for its status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def stop_process(pid: int) -> None:
    """It stands still until `wake_process`."""
    os.kill(pid, signal.SIGSTOP)


def wake_process(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@contextmanager
def open_deployment(
    name: str, folder: Path, postgres: Databases, runners: int, **environment: str
) -> Iterator[Deployment]:
    with contextlib.ExitStack() as stack:
        valkey = None
        if name == WORKERS:
            valkey = ValkeyServer(folder / "valkey").start()
            stack.callback(valkey.close)
        redis_url = "" if valkey is None else valkey.url
        fleet = stack.enter_context(open_fleet(folder, postgres.new_database(), redis_url, **environment))
        yield Deployment(name, fleet, valkey, runners)
