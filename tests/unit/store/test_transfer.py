"""Rows have one canonical form, from which they come back as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert
from tests.harness.installation import fill

from quarterdeck.store import transfer
from quarterdeck.store.tables import conversations, endpoints, leases, metadata, turn_steps
from quarterdeck.store.transfer import decode_row, encode_row, last_key, mend, read_chunks, sum_table, write_rows

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, st.none() | st.binary(), st.integers(-(2**63), 2**63 - 1)))
def test_a_row_comes_back_from_its_line(row: tuple[Any, ...]) -> None:
    line = encode_row(row)
    assert line.count(b"\n") == 1
    assert decode_row(endpoints, line) == row


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_with_all_its_digits(number: float) -> None:
    values: list[Any] = [None] * len(conversations.columns)
    values[7] = number
    assert decode_row(conversations, encode_row(values))[7] == number


@given(st.lists(st.tuples(st.text(), st.integers())))
def test_after_mending_no_text_has_a_nul_and_the_other_rows_are_as_they_were(rows: list[tuple[Any, ...]]) -> None:
    mended, count = mend(rows)
    assert count == sum("\0" in row[0] for row in rows)
    assert mended == [(row[0].replace("\0", "\ufffd"), row[1]) for row in rows]


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]", b'["a","b","c","d","*",1]', b'["a","b","c","d",7,1]', b"\xff"])
def test_a_line_that_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        decode_row(endpoints, line)


@pytest.mark.parametrize("chunk_bytes", [1, 2_000, 1 << 20])
def test_chunks_give_every_row_once_in_the_order_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    monkeypatch.setattr(transfer, "_CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(transfer, "CHUNK_ROWS", 7)
    with create_engine(f"sqlite:///{tmp_path}/some.sqlite3").begin() as connection:
        metadata.create_all(connection)
        fill(connection, 20)
        for table in metadata.sorted_tables:
            read = [row for chunk in read_chunks(connection, table) for row in chunk]
            keys = [tuple(row[list(table.columns).index(key)] for key in table.primary_key.columns) for row in read]
            assert keys == sorted(set(keys))
            assert len(read) == transfer.count_rows(connection, table)
            assert last_key(connection, table) == (keys[-1] if keys else None)
            for cut, key in enumerate(keys):
                assert [row for chunk in read_chunks(connection, table, key) for row in chunk] == read[cut + 1 :]
        assert transfer.count_rows(connection, turn_steps) == 40


def test_a_sum_tells_every_difference(tmp_path: Path) -> None:
    with create_engine(f"sqlite:///{tmp_path}/some.sqlite3").begin() as connection:
        metadata.create_all(connection)
        empty = sum_table(connection, leases)
        write_rows(connection, leases, [("a", "b", 1, 2), ("c", "", 3, 4)])
        first = sum_table(connection, leases)
        connection.execute(leases.update().where(leases.c.name == "a").values(owner="B"))
        second = sum_table(connection, leases)
        connection.execute(insert(leases).values(name="d", owner="", until=0, done_at=0))
        third = sum_table(connection, leases)
        assert len({empty, first, second, third}) == 4
        assert (empty.rows, first.rows, third.rows) == (0, 2, 3)
