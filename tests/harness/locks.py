"""Named fail points from outside: a file of the data folder that nobody else can write for a while."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def hold(file: Path) -> Iterator[None]:
    """While it is held, the server can read this SQLite file and commit nothing to it."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=5)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()


def select(file: Path, statement: str, *values: object) -> list[Any]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()
