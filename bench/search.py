"""Searching among a million messages: what one person's search costs alone, and beside everybody else's messages.

Both databases are filled by SQL in a folder of their own; a query is what the route runs, without HTTP.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
from msgspec import Struct
from tests.harness.postgres import PostgresServer

from bench.tables import ms, percentile, table
from quarterdeck.conversations.searching import Order, search_messages
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.search_query import parse_query
from quarterdeck.postgres_url import parse_postgres_url
from quarterdeck.store.database import Database
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.migrate_postgres import migrate_postgres
from quarterdeck.store.postgres import PostgresDatabase
from quarterdeck.store.search_find import SearchFilter
from quarterdeck.store.sqlite import SqliteDatabase

MESSAGES = int(os.environ.get("BENCH_MESSAGES", "1000000"))
OWN = MESSAGES // 100
_TEXTS = 20_000
_WORDS = 60  # in a message
_REPEATS = 40
_PER_CONVERSATION = 40
_CHUNK = 50_000

_random = random.Random(5)
_SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in ("a", "e", "i", "o", "u", "an", "er")]
_VOCABULARY = sorted({"".join(_random.choices(_SYLLABLES, k=_random.randint(2, 4))) for _ in range(30_000)})
_random.shuffle(_VOCABULARY)
_WEIGHTS = [1 / (rank + 10) for rank in range(len(_VOCABULARY))]


class Kind(Struct, frozen=True):
    name: str
    query: str
    order: Order = "newest"
    filters: dict[str, Any] = {}


class _Person(Struct, frozen=True):
    id: str
    messages: int


KINDS = [
    Kind("a frequent word", f"{_VOCABULARY[0]} "),
    Kind("a usual word", f"{_VOCABULARY[200]} "),
    Kind("a rare word", f"{_VOCABULARY[-1]} "),
    Kind("a word nobody has used", "qqqqqq "),
    Kind("two frequent words", f"{_VOCABULARY[0]} {_VOCABULARY[1]} "),
    Kind("three words, one of them rare", f"{_VOCABULARY[0]} {_VOCABULARY[1]} {_VOCABULARY[-1]} "),
    Kind("a phrase", f'"{_VOCABULARY[2]} {_VOCABULARY[3]}"'),
    Kind("a beginning of three letters", _VOCABULARY[50][:3]),
    Kind("one word without another", f"{_VOCABULARY[4]} -{_VOCABULARY[0]} "),
    Kind("a word in what was asked", f"{_VOCABULARY[5]} ", "newest", {"role": "user"}),
    Kind("a frequent word, best first", f"{_VOCABULARY[0]} ", "best"),
    Kind("two words, best first", f"{_VOCABULARY[6]} {_VOCABULARY[7]} ", "best"),
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
    me = _Person(new_id(), OWN)
    _fill_sqlite(path, [me])
    database = SqliteDatabase(path)
    alone = await _ask_all(database, me)
    await database.close()
    begun = time.perf_counter()
    _fill_sqlite(path, _others())
    taken_s = time.perf_counter() - begun
    database = SqliteDatabase(path)
    among = await _ask_all(database, me)
    await database.close()
    note = f"{path.stat().st_size / MESSAGES:.0f} bytes a message with its entry and index; filled in {taken_s:.0f} s."
    return _report("SQLite", alone, among, note)


async def _measure_postgres(server: PostgresServer) -> str:
    url = server.new_database(is_empty=True)
    await migrate_postgres(url)
    me = _Person(new_id(), OWN)
    await _fill_postgres(url, [me])
    database = PostgresDatabase(url, 2)
    alone = await _ask_all(database, me)
    begun = time.perf_counter()
    await _fill_postgres(url, _others())
    taken_s = time.perf_counter() - begun
    among = await _ask_all(database, me)
    await database.close()
    size = int(server.ask("SELECT pg_database_size(current_database())", url))
    note = f"{size / MESSAGES:.0f} bytes a message with its entry and index; filled in {taken_s:.0f} s."
    return _report("PostgreSQL", alone, among, note)


def _others() -> list[_Person]:
    """Many with few, some with many."""
    left, people = MESSAGES - OWN, []
    while left > 0:
        have = min(left, _random.choice((200, 1_000, 5_000, 20_000)) * MESSAGES // 1_000_000 or 1)
        people.append(_Person(new_id(), have))
        left -= have
    return people


async def _ask_all(database: Database, person: _Person) -> dict[str, list[float]]:
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


def _texts() -> list[tuple[int, str]]:
    return [(n, " ".join(_random.choices(_VOCABULARY, _WEIGHTS, k=_WORDS))) for n in range(_TEXTS)]


def _statements(first: int, count: int, owner: str, series: str, pick: str) -> list[str]:
    """Messages number `first` and on, of `owner`; everybody's times are spread over the same years."""
    conversation = f"substr('{owner}', 9) || (n / {_PER_CONVERSATION})"
    message = f"substr('{owner}', 9) || (10000000 + n)"
    role = "CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END"
    at = f"1600000000000 + {pick} * 7919 + n"
    return [
        "INSERT INTO conversations (id, owner_id, external_id, title, model, assistant, instructions, created_at, "  # nosec B608  # noqa: S608
        f"updated_at) SELECT {conversation}, '{owner}', {conversation}, 'A talk', '', '', '', 0, n "
        f"FROM {series} WHERE n % {_PER_CONVERSATION} = 0",
        "INSERT INTO messages (id, conversation_id, owner_id, role, status, parts, model, turn_id, created_at) "  # nosec B608  # noqa: S608
        f"SELECT {message}, {conversation}, '{owner}', {role}, 'complete', "
        f"'[{{\"kind\":\"text\",\"text\":\"' || words || '\"}}]', '', '', {at} "
        f"FROM {series} JOIN texts ON texts.number = {pick} % {_TEXTS}",
        "INSERT INTO search_entries (id, message_id, owner_id, conversation_id, facets, words) "  # nosec B608  # noqa: S608
        f"SELECT (({at}) * 1048576) + {first} % 65536 * 16 + n % 16, {message}, '{owner}', {conversation}, "
        f"'§' || {role} || ' §c' || {conversation}, words "
        f"FROM {series} JOIN texts ON texts.number = {pick} % {_TEXTS}",
    ]


def _fill_sqlite(path: Path, people: list[_Person]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; PRAGMA cache_size=-200000;")
        connection.execute("CREATE TEMP TABLE texts (number INTEGER PRIMARY KEY, words TEXT)")
        connection.executemany("INSERT INTO texts VALUES (?, ?)", _texts())
        for number, person in enumerate(people):
            connection.execute(
                "INSERT INTO users (id, name, role, created_at) VALUES (?, ?, 'member', 0)", (person.id, person.id)
            )
            connection.execute("DROP TABLE IF EXISTS temp.series")
            connection.execute(
                "CREATE TEMP TABLE series AS WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s "  # noqa: S608
                f"WHERE n < {person.messages - 1}) SELECT n, abs(random() % 9973000) AS picked FROM s"
            )
            for statement in _statements(number, person.messages, person.id, "series", "picked"):
                connection.execute(statement)
            connection.commit()


async def _fill_postgres(url: str, people: list[_Person]) -> None:
    address = parse_postgres_url(url)
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://"), password=address.password)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS texts (number integer PRIMARY KEY, words text)")
        await connection.execute("TRUNCATE texts")
        await connection.copy_records_to_table("texts", records=_texts())
        for number, person in enumerate(people):
            await connection.execute(
                "INSERT INTO users (id, name, role, created_at) VALUES ($1, $1, 'member', 0)", person.id
            )
            await connection.execute("DROP TABLE IF EXISTS series")
            await connection.execute(
                "CREATE TABLE series AS SELECT n, floor(random() * 9973000)::bigint AS picked "  # noqa: S608
                f"FROM generate_series(0, {person.messages - 1}) AS n"
            )
            for statement in _statements(number, person.messages, person.id, "series", "picked"):
                await connection.execute(statement)
        await connection.execute("DROP TABLE series")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
