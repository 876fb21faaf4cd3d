"""A database full of messages that nobody wrote: invented words, as frequent and as rare as those of a language.

A message is an entry of the search index, too. Its owner's times are spread over the same years as everybody's.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import accumulate
from pathlib import Path

import asyncpg
from msgspec import Struct

from quarterdeck.domain.ids import new_id
from quarterdeck.domain.indexed import index_words
from quarterdeck.domain.stop_words import count_said
from quarterdeck.postgres_url import parse_postgres_url
from quarterdeck.store.standing import SAYS

WORDS_IN_A_MESSAGE = 60
TEXTS = 20_000
_PER_CONVERSATION = 40
_PICKED = 9_973_000
_MOST_WORDS_BYTES = 100_000

chance = random.Random(5)
_SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in ("a", "e", "i", "o", "u", "an", "er")]
VOCABULARY = sorted({"".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) for _ in range(30_000)})
chance.shuffle(VOCABULARY)
_WEIGHTS = list(accumulate(1 / (rank + 10) for rank in range(len(VOCABULARY))))


class Person(Struct, frozen=True):
    id: str
    messages: int


def make_person(messages: int) -> Person:
    return Person(new_id(), messages)


def say(words: int) -> str:
    return " ".join(chance.choices(VOCABULARY, cum_weights=_WEIGHTS, k=words))


def message_id(person: Person, number: int) -> str:
    """Of the message with this number, from 0."""
    return f"{person.id[8:]}{10_000_000 + number}"


def _texts() -> list[tuple[int, str, str, int]]:
    """With the words of the entry, and how many count."""
    said = [say(WORDS_IN_A_MESSAGE) for _ in range(TEXTS)]
    indexed = [index_words(text, _MOST_WORDS_BYTES) for text in said]
    return [
        (number, text, words, count_said(words)) for number, (text, words) in enumerate(zip(said, indexed, strict=True))
    ]


def _statements(first: int, owner: str, series: str, pick: str) -> list[str]:
    """Messages of `owner`, who is number `first`."""
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
        f"'[{{\"kind\":\"text\",\"text\":\"' || said || '\"}}]', '', '', {at} "
        f"FROM {series} JOIN texts ON texts.number = {pick} % {TEXTS}",
        "INSERT INTO search_entries (id, message_id, owner_id, conversation_id, facets, words, length, standing) "  # nosec B608  # noqa: S608
        f"SELECT (({at}) * 1048576) + {first} % 65536 * 16 + n % 16, {message}, '{owner}', {conversation}, "
        f"'§' || {role} || ' §c' || {conversation}, words, length, {SAYS} "
        f"FROM {series} JOIN texts ON texts.number = {pick} % {TEXTS} ORDER BY 1",  # FTS5 begins anew at each lesser id
    ]


def fill_sqlite(path: Path, people: Sequence[Person]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; PRAGMA cache_size=-200000;")
        connection.execute(
            "CREATE TEMP TABLE texts (number INTEGER PRIMARY KEY, said TEXT, words TEXT, length INTEGER)"
        )
        connection.executemany("INSERT INTO texts VALUES (?, ?, ?, ?)", _texts())
        for number, person in enumerate(people):
            connection.execute(
                "INSERT INTO users (id, name, role, created_at) VALUES (?, ?, 'member', 0)", (person.id, person.id)
            )
            connection.execute("DROP TABLE IF EXISTS temp.series")
            connection.execute(
                "CREATE TEMP TABLE series AS WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s "  # noqa: S608
                f"WHERE n < {person.messages - 1}) SELECT n, abs(random() % {_PICKED}) AS picked FROM s"
            )
            for statement in _statements(number, person.id, "series", "picked"):
                connection.execute(statement)
            connection.commit()


async def connect_postgres(url: str) -> asyncpg.Connection:
    address = parse_postgres_url(url)
    bare = url.replace("postgresql+asyncpg://", "postgresql://")
    return await asyncpg.connect(bare, password=address.password)


async def fill_postgres(url: str, people: Sequence[Person]) -> None:
    connection = await connect_postgres(url)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS texts (number integer PRIMARY KEY, said text, words text, length integer)"
        )
        await connection.execute("TRUNCATE texts")
        await connection.copy_records_to_table("texts", records=_texts())
        for number, person in enumerate(people):
            await connection.execute(
                "INSERT INTO users (id, name, role, created_at) VALUES ($1, $1, 'member', 0)", person.id
            )
            await connection.execute("DROP TABLE IF EXISTS series")
            await connection.execute(
                f"CREATE TABLE series AS SELECT n, floor(random() * {_PICKED})::bigint AS picked "  # noqa: S608
                f"FROM generate_series(0, {person.messages - 1}) AS n"
            )
            for statement in _statements(number, person.id, "series", "picked"):
                await connection.execute(statement)
        await connection.execute("DROP TABLE series")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
