"""The ways of running Quarterdeck, each as processes on cores of their own choice."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from bench.engines import Postgres, Valkey, open_postgres, open_valkey
from bench.processes import (
    Server,
    create_key,
    free_port,
    on_cores,
    quarterdeck_command,
    quarterdeck_environment,
    running,
    start_upstream,
)

_ALL = sorted(os.sched_getaffinity(0))
FIRST = {_ALL[0]}
OTHERS = set(_ALL[1:]) or FIRST


_SETTLE_S = 20.0
_IDLE_S = 0.02


class Shape(Struct, frozen=True):
    """`serve`: the words after `serve` for its one web process, or for a supervisor."""

    name: str
    serve: tuple[str, ...] = ()
    workers: int = 0
    has_postgres: bool = True
    has_redis: bool = True


EMBEDDED = Shape("one process, SQLite", has_postgres=False, has_redis=False)
SQLITE_REDIS = Shape("one process, SQLite and Valkey", has_postgres=False)
POSTGRES = Shape("one process, PostgreSQL alone", has_redis=False)
REDIS = Shape("one process, PostgreSQL and Valkey")
ONE_WORKER = Shape("web + 1 worker", ("--workers", "0"), 1)
TWO_WORKERS = Shape("web + 2 workers", ("--workers", "0"), 2)
TWO_PROCESSES = Shape("`serve --workers 2`", ("--workers", "2"))
SHAPES = [EMBEDDED, SQLITE_REDIS, POSTGRES, REDIS, ONE_WORKER, TWO_WORKERS, TWO_PROCESSES]


class Cores(Struct, frozen=True):
    """Where the kinds of processes run; everything else of a run is on `OTHERS`."""

    web: set[int]
    workers: set[int]


TOGETHER = Cores(FIRST, FIRST)
WORKERS_ALONE = Cores(OTHERS, FIRST)


class Bed(Struct):
    """What all shapes of a run share: the fake provider and PostgreSQL's server."""

    folder: Path
    upstream: Server
    postgres: Postgres


class Fleet(Struct):
    """A shape, running. `valkey` and `database` (a URL) when it has them."""

    shape: Shape
    port: int
    key: str
    web: Server
    workers: list[Server]
    bed: Bed
    valkey: Valkey | None
    database: str

    def cpu_s(self) -> dict[str, float]:
        """Of each kind of process, so far."""
        return {
            "web": self.web.cpu_s(),
            "workers": sum(worker.cpu_s() for worker in self.workers),
            "valkey": self.valkey.cpu_s() if self.valkey else 0.0,
            "postgres": self.bed.postgres.cpu_s() if self.database else 0.0,
            "upstream": self.bed.upstream.cpu_s(),
        }


@contextmanager
def open_bed() -> Iterator[Bed]:
    """The driver, which is this process, moves to `OTHERS` as well."""
    with on_cores(OTHERS), tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        upstream = opened.enter_context(running(start_upstream(folder), "/v1/models"))
        yield Bed(folder, upstream, opened.enter_context(open_postgres(OTHERS)))


@contextmanager
def open_fleet(bed: Bed, shape: Shape, cores: Cores = TOGETHER) -> Iterator[Fleet]:
    """With a database, a log and a data folder of its own."""
    with tempfile.TemporaryDirectory(dir=bed.folder) as name, ExitStack() as opened:
        folder = Path(name)
        environment = quarterdeck_environment(bed.upstream.port)
        environment["QUARTERDECK_SECRET_KEY"] = "A" * 43 + "="
        database, valkey = "", None
        if shape.has_postgres:
            database = environment["QUARTERDECK_DATABASE_URL"] = bed.postgres.new_database()
        if shape.has_redis:
            valkey = opened.enter_context(open_valkey(folder / "valkey", OTHERS))
            environment["QUARTERDECK_REDIS_URL"] = valkey.url
        key = create_key(folder / "web", environment)
        web = _start(folder, "web", ["serve", "--no-browser", *shape.serve], "--port", environment, cores.web)
        opened.enter_context(running(web, "/readyz"))
        workers = [
            _start(folder, f"worker-{number}", ["worker"], "--health-port", environment, cores.workers)
            for number in range(shape.workers)
        ]
        for worker in workers:
            opened.enter_context(running(worker, "/readyz"))
        _settle(web)
        yield Fleet(shape, web.port, key, web, workers, bed, valkey, database)


def _settle(web: Server) -> None:
    """A supervisor's first process answers before its others have started: wait until none is busy starting."""
    give_up_s = time.monotonic() + _SETTLE_S
    spent_s = -1.0
    while time.monotonic() < give_up_s and (now_s := web.cpu_s()) - spent_s > _IDLE_S:
        spent_s = now_s
        time.sleep(0.5)


def _start(
    folder: Path, name: str, words: list[str], port_option: str, environment: dict[str, str], cores: set[int]
) -> Server:
    port = free_port()
    command = quarterdeck_command(*words, port_option, str(port), "--data-dir", str(folder / name))
    return Server(command, port, environment, folder / f"{name}.txt", cores)
