"""Short reads on the thread that asks: what is long, or fails, is read as others are, and nothing half is believed."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError
from tests.unit.store.stored import add_user, names_of_users, open_store

from quarterdeck.errors import NotFoundError
from quarterdeck.store import glances
from quarterdeck.store.database import ReadConnection, StorageError
from quarterdeck.store.sqlite import SqliteDatabase

LONG = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n")


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "MOST_S", 0.0)


class Counting:
    """Counts to 300,000, and notes which threads began that."""

    def __init__(self) -> None:
        self.threads: list[str] = []

    def __call__(self, connection: ReadConnection) -> int:
        self.threads.append("here" if threading.current_thread() is threading.main_thread() else "elsewhere")
        return int(connection.execute(LONG).scalar_one())


async def test_a_short_read_is_made_where_it_is_asked_for_and_sees_what_was_committed(database: SqliteDatabase) -> None:
    before = await database.glance(names_of_users, "ada")
    await database.write(lambda connection: add_user(connection, "grace"))
    threads: list[threading.Thread] = []

    def read(connection: ReadConnection) -> list[str]:
        threads.append(threading.current_thread())
        return names_of_users(connection)

    after = await database.glance(read, "ada")

    assert sorted([*before, "grace"]) == after
    assert threads == [threading.current_thread()]


@pytest.mark.usefixtures("no_time")
async def test_a_long_read_is_given_up_and_made_by_a_thread(database: SqliteDatabase) -> None:
    count = Counting()

    assert await database.glance(count, "ada") == 300_000
    assert count.threads == ["here", "elsewhere"]


@pytest.mark.usefixtures("no_time")
async def test_after_two_long_ones_in_a_row_none_is_tried_for_this_user_alone(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "_PAUSES_S", (0.0, 60.0))  # on a busy machine counting takes a second
    await database.glance(Counting(), "ada")
    second, third, other = Counting(), Counting(), Counting()
    await database.glance(second, "ada")
    await database.glance(third, "ada")
    await database.glance(other, "ben")

    assert second.threads == ["here", "elsewhere"]
    assert third.threads == ["elsewhere"]
    assert other.threads == ["here", "elsewhere"]


@pytest.mark.usefixtures("no_time")
async def test_a_short_one_between_makes_the_next_long_one_the_first_again(database: SqliteDatabase) -> None:
    await database.glance(Counting(), "ada")
    await database.glance(names_of_users, "ada")  # of too few steps to be asked for its time
    await database.glance(Counting(), "ada")
    again = Counting()
    await database.glance(again, "ada")

    assert again.threads == ["here", "elsewhere"]


@pytest.mark.usefixtures("no_time")
async def test_it_is_tried_again_when_the_pause_is_over(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await database.glance(Counting(), "ada")
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 2.0)
    later = Counting()
    await database.glance(later, "ada")

    assert later.threads == ["here", "elsewhere"]


@pytest.mark.usefixtures("no_time")
async def test_what_was_cut_short_is_not_believed_though_it_was_made_the_best_of(database: SqliteDatabase) -> None:
    def resigned(connection: ReadConnection) -> str:
        try:
            return str(connection.execute(LONG).scalar_one())
        except DBAPIError:
            return "nothing"

    assert await database.glance(resigned, "ada") == "300000"


async def test_an_error_of_the_function_is_the_callers_and_it_is_not_run_again(database: SqliteDatabase) -> None:
    runs: list[int] = []

    def refuse(_connection: ReadConnection) -> None:
        runs.append(1)
        raise NotFoundError("There is no such message.")

    with pytest.raises(NotFoundError):
        await database.glance(refuse, "ada")
    assert runs == [1]


async def test_what_the_database_refuses_is_said_as_by_any_read(database: SqliteDatabase) -> None:
    with pytest.raises(StorageError) as refused:
        await database.glance(lambda connection: connection.execute(text("SELECT * FROM nowhere")), "ada")

    assert "could not read" in refused.value.message
    assert await database.glance(names_of_users, "ada") == await database.read(names_of_users)


async def test_a_database_that_opens_no_connection_here_is_read_as_usual(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Connection:
        raise OperationalError("", {}, sqlite3.OperationalError("unable to open database file"))

    monkeypatch.setattr(database._glances, "_connect", fail)

    assert await database.glance(names_of_users, "ada") == await database.read(names_of_users)


async def test_nothing_is_seen_of_a_closed_database(tmp_path: Path) -> None:
    async with open_store(tmp_path) as database:
        await database.glance(names_of_users, "ada")
    with pytest.raises(StorageError):
        await database.glance(names_of_users, "ada")
