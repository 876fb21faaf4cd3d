"""The writer's book, on a database in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.errors import LogError, StaleWriterError
from quarterdeck.log.ledger import Ledger
from quarterdeck.log.sql_file import ENTRIES, MAX_SEQ, SEQ_BITS, make_tables


def open_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    make_tables(connection)
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = open_memory()
    yield connection
    connection.close()


def bodies_of(connection: sqlite3.Connection, name: str) -> list[bytes]:
    return [body for _, body in connection.execute(ENTRIES, (0, name, MAX_SEQ))]


@given(count=st.integers(1, 2_000))
def test_any_number_of_rows_is_written_in_a_few_statements(count: int) -> None:
    connection = open_memory()
    statements: list[str] = []
    ledger = Ledger(connection)
    ledger.begin()
    ledger.append("t", 1, [b"%d" % number for number in range(count)])
    connection.set_trace_callback(statements.append)
    ledger.commit()
    assert len(statements) <= count // 256 + 14
    assert bodies_of(connection, "t") == [b"%d" % number for number in range(count)]
    connection.close()


def test_the_row_itself_refuses_a_second_writer(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    ledger.begin()
    ledger.append("t", 1, [b"one"])
    ledger.commit()
    [no] = connection.execute("SELECT no FROM log").fetchone()
    connection.execute("INSERT INTO entry VALUES (?, ?)", ((no << SEQ_BITS) + 2, b"unseen"))
    ledger.begin()
    ledger.append("t", 2, [b"two"])
    with pytest.raises(sqlite3.IntegrityError):
        ledger.commit()
    ledger.roll_back()
    ledger.begin()
    with pytest.raises(StaleWriterError):
        ledger.append("t", 2, [b"two"])
    ledger.append("t", 3, [b"three"])
    ledger.commit()
    assert bodies_of(connection, "t") == [b"one", b"unseen", b"three"]


def test_what_was_rolled_back_is_forgotten(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    ledger.begin()
    ledger.append("t", 1, [b"lost"])
    ledger.roll_back()
    ledger.begin()
    ledger.append("t", 1, [b"kept"])
    ledger.commit()
    assert bodies_of(connection, "t") == [b"kept"]


def test_a_log_dropped_in_the_commit_that_wrote_it_leaves_no_rows(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    ledger.begin()
    ledger.append("t", 1, [b"one", b"two"])
    ledger.drop("t")
    ledger.append("t", 1, [b"again"])
    ledger.commit()
    assert connection.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    assert bodies_of(connection, "t") == [b"again"]


def test_a_log_cannot_grow_into_the_next_ones_rows(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    ledger.begin()
    ledger.append("t", 1, [b"one"])
    ledger.append("next", 1, [b"one"])
    ledger.commit()
    connection.execute("UPDATE entry SET key = ? WHERE key = ?", ((1 << SEQ_BITS) + MAX_SEQ - 1, (1 << SEQ_BITS) + 1))
    ledger.roll_back()
    ledger.begin()
    with pytest.raises(LogError, match="full"):
        ledger.append("t", MAX_SEQ, [b"a", b"b"])
    ledger.commit()
    assert bodies_of(connection, "next") == [b"one"]
