"""PostgreSQL and Valkey for a run, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from tests.harness.postgres import PostgresServer
from tests.harness.valkey import ValkeyServer

from bench.processes import on_cores, tree_cpu_s


class ValkeyState(Struct):
    """Counted since the server's start; sizes in bytes."""

    cpu_s: float
    calls: int  # orders of its clients; a script is one
    commands: int  # those within scripts, too
    memory: int
    written: int  # to the append-only file


class PostgresState(Struct):
    """Counted since the server's start; sizes in bytes."""

    cpu_s: float
    commits: int
    wal: int
    size: int
    connections: int
    busy: int  # connections within a transaction just now


class Valkey:
    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self.url = server.url

    def cpu_s(self) -> float:
        return tree_cpu_s(self._server.pid)

    def state(self) -> ValkeyState:
        facts = dict(line.split(":", 1) for line in self._server.ask("INFO", "all").splitlines() if ":" in line)
        calls = {
            name: int(said.split(",")[0].removeprefix("calls="))
            for name, said in facts.items()
            if name.startswith("cmdstat_")
        }
        scripts = calls.get("cmdstat_evalsha", 0) + calls.get("cmdstat_eval", 0)
        return ValkeyState(
            cpu_s=self.cpu_s(),
            calls=scripts,
            commands=sum(calls.values()) - scripts,
            memory=int(facts["used_memory"]),
            written=int(facts["aof_current_size"]),
        )


class Postgres:
    def __init__(self, server: PostgresServer, cores: set[int]) -> None:
        self._server = server
        self._cores = cores

    def new_database(self) -> str:
        with on_cores(self._cores):
            return self._server.new_database()

    def cpu_s(self) -> float:
        return tree_cpu_s(self._server.pid)

    def state(self, database: str) -> PostgresState:
        with on_cores(self._cores):
            said = self._server.ask(
                "SELECT (SELECT sum(xact_commit) FROM pg_stat_database),"
                " pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, pg_database_size(current_database()),"
                " count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity"
                " WHERE datname = current_database()"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
                database,
            )
        commits, wal, size, connections, busy = map(int, said.split("|"))
        return PostgresState(self.cpu_s(), commits, wal, size, connections, busy)

    def ask(self, statement: str, database: str) -> str:
        return self._server.ask(statement, database)


@contextmanager
def open_valkey(folder: Path, cores: set[int]) -> Iterator[Valkey]:
    """Empty, with its append-only file written every second."""
    with on_cores(cores):
        server = ValkeyServer(folder).start()
    try:
        yield Valkey(server)
    finally:
        server.close()


@contextmanager
def open_postgres(cores: set[int]) -> Iterator[Postgres]:
    """One that waits for its disk, with room in memory for what is measured here."""
    with on_cores(cores):
        server = PostgresServer(shared_buffers="256MB", max_wal_size="1GB").start()
    try:
        yield Postgres(server, cores)
    finally:
        server.close()
