"""`python bench/memory/on_server.py`: an owner's vectors compared by PostgreSQL with pgvector, and here by numpy.

People of several sizes have vectors of 384 dimensions in clusters. For each the nearest 150 are asked for, as recall
does it: with numpy, the first time (all are read) and again; with pgvector, exactly and by the index. CPU time is of
this process and the database's together; what the index finds is held against what numpy finds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.harness.postgres import PostgresServer  # noqa: E402

from bench.filling import Person, connect_postgres, make_person  # noqa: E402
from bench.memory.filling import fill_vectors_postgres, near  # noqa: E402
from bench.processes import tree_cpu_s  # noqa: E402
from bench.tables import median, table  # noqa: E402
from quarterdeck.memory.meaning import OnServer, Shelf  # noqa: E402
from quarterdeck.store import pgvector  # noqa: E402
from quarterdeck.store.database import ReadConnection  # noqa: E402
from quarterdeck.store.pgvector_upkeep import keep_up  # noqa: E402
from quarterdeck.store.postgres import PostgresDatabase  # noqa: E402

_MODEL = "local/invented"
_MOST = 150
_HEAD = ["own vectors", "by", "p50, ms", "CPU, ms", "found of 150"]


class Timing:
    """Of one owner: asks, and says how long it took and what it cost."""

    def __init__(self, database: PostgresDatabase, server: PostgresServer, person: Person) -> None:
        self._database = database
        self._server = server
        self._person = person
        self._shelf = Shelf()

    async def numpy(self, query: list[float]) -> list[str]:
        return await self._ask(lambda connection: self._shelf.read(connection, self._person.id, _MODEL), query)

    async def pgvector(self, query: list[float]) -> list[str]:
        return await self._ask(lambda connection: OnServer(connection, self._person.id, _MODEL), query)

    async def _ask(self, of: Callable[[ReadConnection], object], query: list[float]) -> list[str]:
        return await self._database.read(lambda connection: list(of(connection).find(query, _MOST)))  # type: ignore[attr-defined]

    async def row(self, by: str, questions: int) -> list[str]:
        ask = self.numpy if by.startswith("numpy") else self.pgvector
        taken, shares, cpu = [], [], 0.0
        for _ in range(questions):
            query = near(self._person)
            before, begun = self._cpu_s(), time.perf_counter()
            found = await ask(query)
            taken.append((time.perf_counter() - begun) * 1000)
            cpu += self._cpu_s() - before
            if by.startswith("pgvector"):
                shares.append(len(set(found) & set(await self.numpy(query))) / len(found))
        share = f"{sum(shares) / len(shares):.3f}" if shares else ""
        return [f"{self._person.messages:,}", by, f"{median(taken):.1f}", f"{cpu * 1000 / questions:.1f}", share]

    def _cpu_s(self) -> float:
        return time.process_time() + tree_cpu_s(self._server.pid)


async def _measure(sizes: list[int], questions: int) -> list[list[str]]:
    server = PostgresServer(fsync=False, shared_buffers="512MB", maintenance_work_mem="512MB").start()
    rows = []
    try:
        url = server.new_database()
        people = [make_person(size) for size in sizes]
        connection = await connect_postgres(url)
        await fill_vectors_postgres(connection, people, _MODEL)
        await connection.execute("ANALYZE vectors")
        await connection.close()
        database = PostgresDatabase(url, statement_s=600)
        most, pgvector.MOST_EXACT = pgvector.MOST_EXACT, 1 << 40
        begun = time.perf_counter()
        await keep_up(database)
        print(f"the column: {time.perf_counter() - begun:.1f} s", flush=True)
        timings = [Timing(database, server, person) for person in people]
        for timing in timings:
            rows += [await timing.row("numpy, first", 1), await timing.row("numpy", questions)]
            rows.append(await timing.row("pgvector, exactly", questions))
            print(rows[-3:], flush=True)
        pgvector.MOST_EXACT = most
        begun = time.perf_counter()
        await keep_up(database)
        print(f"indexes: {time.perf_counter() - begun:.1f} s", flush=True)
        rows += [
            await timing.row("pgvector, HNSW", questions)
            for timing, size in zip(timings, sizes, strict=True)
            if size > most
        ]
        await database.close()
    finally:
        server.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--own", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--questions", type=int, default=20)
    options = parser.parse_args()
    print(table(_HEAD, asyncio.run(_measure(options.own, options.questions))))


if __name__ == "__main__":
    main()
