"""Searching among a million messages: what one person's search costs alone, and beside everybody else's messages.

Both databases are filled by SQL in a folder of their own; a query is what the route runs, without HTTP.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from tests.harness.postgres import PostgresServer

from bench.filling import VOCABULARY, Person, chance, fill_postgres, fill_sqlite, make_person
from bench.tables import ms, percentile, table
from quarterdeck.conversations.searching import Order, search_messages
from quarterdeck.domain.search_query import parse_query
from quarterdeck.store.database import Database
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.migrate_postgres import migrate_postgres
from quarterdeck.store.postgres import PostgresDatabase
from quarterdeck.store.search_find import SearchFilter
from quarterdeck.store.sqlite import SqliteDatabase

MESSAGES = int(os.environ.get("BENCH_MESSAGES", "1000000"))
OWN = MESSAGES // 100
_REPEATS = 40


class Kind(Struct, frozen=True):
    name: str
    query: str
    order: Order = "newest"
    filters: dict[str, Any] = {}


KINDS = [
    Kind("a frequent word", f"{VOCABULARY[0]} "),
    Kind("a usual word", f"{VOCABULARY[200]} "),
    Kind("a rare word", f"{VOCABULARY[-1]} "),
    Kind("a word nobody has used", "qqqqqq "),
    Kind("two frequent words", f"{VOCABULARY[0]} {VOCABULARY[1]} "),
    Kind("three words, one of them rare", f"{VOCABULARY[0]} {VOCABULARY[1]} {VOCABULARY[-1]} "),
    Kind("a phrase", f'"{VOCABULARY[2]} {VOCABULARY[3]}"'),
    Kind("a beginning of three letters", VOCABULARY[50][:3]),
    Kind("one word without another", f"{VOCABULARY[4]} -{VOCABULARY[0]} "),
    Kind("a word in what was asked", f"{VOCABULARY[5]} ", "newest", {"role": "user"}),
    Kind("a frequent word, best first", f"{VOCABULARY[0]} ", "best"),
    Kind("two words, best first", f"{VOCABULARY[6]} {VOCABULARY[7]} ", "best"),
]


def measure() -> Iterator[str]:
    """One table for each database."""
    with tempfile.TemporaryDirectory() as name:
        yield asyncio.run(_measure_sqlite(Path(name)))
    server = PostgresServer(fsync=False, shared_buffers="512MB", maintenance_work_mem="256MB", max_wal_size="4GB")
    server.start()
    try:
        yield asyncio.run(_measure_postgres(server))
    finally:
        server.close()


async def _measure_sqlite(folder: Path) -> str:
    path = folder / "quarterdeck.sqlite3"
    migrate_sqlite(path)
    me = make_person(OWN)
    fill_sqlite(path, [me])
    database = SqliteDatabase(path)
    alone = await _ask_all(database, me)
    await database.close()
    begun = time.perf_counter()
    fill_sqlite(path, _others())
    taken_s = time.perf_counter() - begun
    database = SqliteDatabase(path)
    among = await _ask_all(database, me)
    await database.close()
    note = f"{path.stat().st_size / MESSAGES:.0f} bytes a message with its entry and index; filled in {taken_s:.0f} s."
    return _report("SQLite", alone, among, note)


async def _measure_postgres(server: PostgresServer) -> str:
    url = server.new_database(is_empty=True)
    await migrate_postgres(url)
    me = make_person(OWN)
    await fill_postgres(url, [me])
    database = PostgresDatabase(url, 2)
    alone = await _ask_all(database, me)
    begun = time.perf_counter()
    await fill_postgres(url, _others())
    taken_s = time.perf_counter() - begun
    among = await _ask_all(database, me)
    await database.close()
    size = int(server.ask("SELECT pg_database_size(current_database())", url))
    note = f"{size / MESSAGES:.0f} bytes a message with its entry and index; filled in {taken_s:.0f} s."
    return _report("PostgreSQL", alone, among, note)


def _others() -> list[Person]:
    """Many with few, some with many."""
    left, people = MESSAGES - OWN, []
    while left > 0:
        have = min(left, chance.choice((200, 1_000, 5_000, 20_000)) * MESSAGES // 1_000_000 or 1)
        people.append(make_person(have))
        left -= have
    return people


async def _ask_all(database: Database, person: Person) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {}
    for kind in KINDS:
        wanted = SearchFilter(owner=person.id, query=parse_query(kind.query), **kind.filters)
        taken[kind.name] = [await _ask(database, wanted, kind.order) for _ in range(_REPEATS)]
    return taken


async def _ask(database: Database, wanted: SearchFilter, order: Order) -> float:
    begun = time.perf_counter()
    await database.read(lambda connection: search_messages(connection, wanted, order=order, cursor="", limit=20))
    return time.perf_counter() - begun


def _report(name: str, alone: dict[str, list[float]], among: dict[str, list[float]], note: str) -> str:
    head = ["ms, p50 / p95", f"{OWN:,} messages, alone", f"the same among {MESSAGES:,}", "ratio of p50"]
    rows = []
    for kind in KINDS:
        first, second = alone[kind.name], among[kind.name]
        ratio = percentile(second, 0.5) / percentile(first, 0.5)
        rows.append([kind.name, _both(first), _both(second), f"{ratio:.2f}"])
    return f"### Search, {name}\n\n{table(head, rows)}\n\n{note}"


def _both(values: list[float]) -> str:
    return f"{ms(percentile(values, 0.5))} / {ms(percentile(values, 0.95))}"
