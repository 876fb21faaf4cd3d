"""Vectors that no model made: around some centres for each person, as sentences about the same things are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from zlib import crc32

import asyncpg
import numpy as np

from bench.filling import Person, message_id

DIMENSIONS = 384
_CENTRES = 40
_SPREAD = 1.0  # of what is around a centre, against the centre's own length
_SOME = 20_000
_MADE_AT = 1_700_000_000_000

_random = np.random.default_rng(11)


def clustered(count: int, centres: np.ndarray) -> np.ndarray:
    """Unit vectors, each near one of the centres; `float32[count, dimensions]`."""
    made = centres[_random.integers(len(centres), size=count)] + _SPREAD * _random.standard_normal(
        (count, centres.shape[1]), dtype=np.float32
    )
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def packed(made: np.ndarray) -> np.ndarray:
    """As the product keeps them: `int8[count, dimensions]`."""
    return np.rint(made * (127 / np.abs(made).max(axis=1, keepdims=True))).astype(np.int8)


def near(person: Person) -> list[float]:
    """A question's vector: near one of the person's centres."""
    return [float(value) for value in clustered(1, _centres_of(person))[0]]


def _centres_of(person: Person) -> np.ndarray:
    own = np.random.default_rng(crc32(person.id.encode()))
    return own.standard_normal((_CENTRES, DIMENSIONS), dtype=np.float32)


def _rows(person: Person, model: str) -> Iterator[list[tuple[str, str, str, int, bytes]]]:
    centres = _centres_of(person)
    for start in range(0, person.messages, _SOME):
        numbers = range(start, min(start + _SOME, person.messages))
        vectors = packed(clustered(len(numbers), centres))
        yield [
            (message_id(person, n), model, person.id, _MADE_AT, vector.tobytes())
            for n, vector in zip(numbers, vectors, strict=True)
        ]


def fill_vectors_sqlite(path: Path, people: Sequence[Person], model: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; PRAGMA cache_size=-200000;")
        for person in people:
            for rows in _rows(person, model):
                connection.executemany(
                    "INSERT INTO vectors (key_id, model, owner_id, made_at, vector) VALUES (?, ?, ?, ?, ?)", rows
                )
                connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def fill_vectors_postgres(connection: asyncpg.Connection, people: Sequence[Person], model: str) -> None:
    names = ["key_id", "model", "owner_id", "made_at", "vector"]
    for person in people:
        for rows in _rows(person, model):
            await connection.copy_records_to_table("vectors", records=rows, columns=names)
