"""`python bench/memory/scale.py`: what recall costs somebody among a thousand people who have said a million things.

A database is filled with invented messages, each with a vector of 384 dimensions (in clusters, as those of sentences
are). Three of the people ask: one has said a thousandth of all, one a hundredth, one a tenth. Their questions are made
of words as frequent as they are in the messages, and asked by words alone and with a vector that was made beforehand,
as `GET /api/memories/search` does it, without HTTP. The first one, which reads the vectors, is told apart; it and some
more are no part of the other figures.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.harness.postgres import PostgresServer  # noqa: E402

from bench.filling import (  # noqa: E402
    Person,
    connect_postgres,
    fill_postgres,
    fill_sqlite,
    make_person,
    say,
)
from bench.memory.filling import DIMENSIONS, fill_vectors_postgres, fill_vectors_sqlite, near  # noqa: E402
from bench.processes import tree_cpu_s  # noqa: E402
from bench.tables import ms, percentile, table  # noqa: E402
from quarterdeck.domain.ids import now_ms  # noqa: E402
from quarterdeck.memory.embedding import Embedding  # noqa: E402
from quarterdeck.memory.query import Query  # noqa: E402
from quarterdeck.memory.recall import Recall  # noqa: E402
from quarterdeck.store.database import Database  # noqa: E402
from quarterdeck.store.migrate import migrate_sqlite  # noqa: E402
from quarterdeck.store.migrate_postgres import migrate_postgres  # noqa: E402
from quarterdeck.store.postgres import PostgresDatabase  # noqa: E402
from quarterdeck.store.sqlite import SqliteDatabase  # noqa: E402

_PEOPLE = 1_000
_SHARES = (1_000, 100, 10)
_WORDS_OF_A_QUESTION = 6
_WARM_UP = 30
_ADDITIONS = 1_000_000
_MODEL = "local/invented"
_WANTED_MS = {"words": 10.0, "hybrid": 15.0}


class Guess(Embedding):
    """Its vectors were made beforehand."""

    def __init__(self) -> None:
        self.model = _MODEL
        self.error = ""
        self.vector: list[float] = []

    async def embed_query(self, text: str, model: str) -> list[float]:
        return self.vector


class Measured(Struct, frozen=True):
    """In seconds; `cpu_s`: of this process and the database's, for each question."""

    taken: list[float]
    first_s: float
    cpu_s: float
    found: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[100_000, 1_000_000], help="in all")
    parser.add_argument("--questions", type=int, default=200, help="of each person, in each way")
    parser.add_argument("--database", choices=("sqlite", "postgres"), nargs="+", default=["sqlite"])
    parser.add_argument("--folder", type=Path, help="the SQLite databases are kept there, and taken from there")
    options = parser.parse_args()
    gc.freeze()  # as the server does it
    gc.set_threshold(10_000, 50, 50)
    cores = f"{os.cpu_count()} cores, {platform.machine()}"
    load = f"load {os.getloadavg()[0]:.1f} before, a loop of {_ADDITIONS:,} additions takes {_loop_ms():.0f} ms of CPU"
    print(f"Python {platform.python_version()}, {cores}, {load}")
    for name in options.database:
        for messages in options.messages:
            measure = _measure_sqlite if name == "sqlite" else _measure_postgres
            print(f"\n### {name}, {messages:,} messages in all\n\n{measure(messages, options)}", flush=True)


def _loop_ms() -> float:
    """How fast this machine is just now."""
    begun, total = time.process_time(), 0
    for number in range(_ADDITIONS):
        total += number
    return (time.process_time() - begun) * 1000


def _people(messages: int) -> tuple[list[Person], list[Person]]:
    """Those who ask, and everybody."""
    asking = [make_person(messages // share) for share in _SHARES]
    left = messages - sum(person.messages for person in asking)
    others = [make_person(left // (_PEOPLE - len(asking))) for _ in range(_PEOPLE - len(asking))]
    return asking, [*others[: _PEOPLE // 2], *asking, *others[_PEOPLE // 2 :]]


def _measure_sqlite(messages: int, options: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(options.folder or temporary) / f"{messages}.sqlite3"
        if path.exists():
            asking = _find_asking(path, messages)
        else:
            asking, everybody = _people(messages)
            migrate_sqlite(path)
            fill_sqlite(path, everybody)
            fill_vectors_sqlite(path, everybody, _MODEL)
        with closing(sqlite3.connect(path)) as connection:
            sized = "SELECT sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name) WHERE tbl_name = 'vectors'"
            size = int(connection.execute(sized).fetchone()[0])
        rows = asyncio.run(_ask_all(lambda: SqliteDatabase(path), asking, options.questions, time.process_time))
    return f"{rows}\n\n{_told(size, messages)}"


def _find_asking(path: Path, messages: int) -> list[Person]:
    with closing(sqlite3.connect(path)) as connection:
        counted = connection.execute("SELECT owner_id, count(*) FROM vectors GROUP BY owner_id").fetchall()
    owners = {count: owner for owner, count in counted}
    return [Person(owners[messages // share], messages // share) for share in _SHARES]


def _measure_postgres(messages: int, options: argparse.Namespace) -> str:
    asking, everybody = _people(messages)
    server = PostgresServer(fsync=False, shared_buffers="512MB", maintenance_work_mem="256MB", max_wal_size="4GB")
    with ExitStack() as stack:
        stack.callback(server.close)
        server.start()
        url = server.new_database(is_empty=True)
        asyncio.run(_fill_postgres(url, everybody))
        size = int(server.ask("SELECT pg_total_relation_size('vectors')", url))
        cpu_s: Callable[[], float] = lambda: time.process_time() + tree_cpu_s(server.pid)  # noqa: E731
        rows = asyncio.run(_ask_all(lambda: PostgresDatabase(url, 2), asking, options.questions, cpu_s))
    return f"{rows}\n\n{_told(size, messages)}"


async def _fill_postgres(url: str, everybody: Sequence[Person]) -> None:
    await migrate_postgres(url)
    await fill_postgres(url, everybody)
    connection = await connect_postgres(url)
    try:
        await fill_vectors_postgres(connection, everybody, _MODEL)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _told(size: int, messages: int) -> str:
    return f"A vector of {DIMENSIONS} dimensions takes {size / messages:.0f} bytes on the disk, with its indexes."


async def _ask_all(
    open_database: Callable[[], Database], asking: Sequence[Person], questions: int, cpu_s: Callable[[], float]
) -> str:
    rows = []
    for person in asking:
        for way in _WANTED_MS:
            database = open_database()
            measured = await _ask(database, person, questions, is_hybrid=way == "hybrid", cpu_s=cpu_s)
            await database.close()
            rows.append(_row(person, way, measured))
    head = ["own messages", "by", "p50 ms", "p95 ms", "wanted p50", "CPU ms", "the first, ms", "found"]
    return table(head, rows)


async def _ask(
    database: Database, person: Person, questions: int, *, is_hybrid: bool, cpu_s: Callable[[], float]
) -> Measured:
    guess = Guess()
    recall = Recall(database, guess if is_hybrid else None)
    asked = [(say(_WORDS_OF_A_QUESTION), near(person)) for _ in range(_WARM_UP + questions)]
    taken: list[float] = []
    found, cpu_before = 0, 0.0
    for number, (text, guess.vector) in enumerate(asked):
        if number == _WARM_UP:
            cpu_before = cpu_s()
        begun = time.perf_counter()
        hits = await recall.find(Query(owner=person.id, text=text, now=now_ms()))
        taken.append(time.perf_counter() - begun)
        found += bool(hits) and number >= _WARM_UP
    return Measured(taken[_WARM_UP:], taken[0], (cpu_s() - cpu_before) / questions, found)


def _row(person: Person, way: str, measured: Measured) -> list[str]:
    p50, p95 = percentile(measured.taken, 0.5), percentile(measured.taken, 0.95)
    share = f"{measured.found} of {len(measured.taken)}"
    return [
        f"{person.messages:,}", way, ms(p50), ms(p95), f"{_WANTED_MS[way]:.0f}", ms(measured.cpu_s),
        ms(measured.first_s), share,
    ]  # fmt: skip


if __name__ == "__main__":
    main()
