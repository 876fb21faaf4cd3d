"""Statements that are their own words: values by name and lists as one value, on both databases the same."""

from __future__ import annotations

from functools import partial

from quarterdeck.store.database import Database
from quarterdeck.store.statements import Statement, among

WORDS = Statement(
    "SELECT CAST(:first AS varchar(9)), CAST(:second AS varchar(9)), CAST(:first AS varchar(9)) || '12:30'",
    "SELECT CAST(:first AS text), CAST(:second AS text), :first::text || '12:30'",
)
LISTED = among("SELECT value FROM {numbers} AS given WHERE value > :least ORDER BY value DESC", "bigint")


async def test_values_are_given_by_name_wherever_they_stand(database: Database) -> None:
    rows = await database.read(lambda connection: WORDS.rows(connection, {"second": "b", "first": "a'"}))
    assert [tuple(row) for row in rows] == [("a'", "b", "a'12:30")]


async def test_a_list_is_one_value_however_long_it_is(database: Database) -> None:
    for many in (0, 1, 40_000):
        rows = await database.read(partial(LISTED.rows, values={"numbers": list(range(1, many + 1)), "least": 0}))
        assert [number for (number,) in rows] == list(range(many, 0, -1))
