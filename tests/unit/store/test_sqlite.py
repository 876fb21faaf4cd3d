"""How functions of a connection are run on SQLite: one writer, commits in groups, failures that stay alone."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError
from tests.unit.store.stored import add_user, names_of_users, open_store

from quarterdeck.errors import NotFoundError
from quarterdeck.store import sqlite
from quarterdeck.store.database import AnyConnection, ReadConnection, StorageError, WriteConnection
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import users


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with open_store(tmp_path) as opened:
        yield opened


class Gate:
    """A write that keeps the writer busy, so that what comes after it is committed together."""

    def __init__(self) -> None:
        self.entered, self.released = threading.Event(), threading.Event()

    def hold(self, _connection: WriteConnection) -> None:
        self.entered.set()
        assert self.released.wait(5)

    async def until_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, 5)


async def queue_behind_gate(database: SqliteDatabase, *fns: Any) -> list[Any]:
    """What each of `fns` gave (or raised), committed in one group."""
    gate = Gate()
    held = asyncio.ensure_future(database.write(gate.hold))
    await gate.until_entered()
    waiting = [asyncio.ensure_future(database.write(fn)) for fn in fns]
    await asyncio.sleep(0)
    gate.released.set()
    await held
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_write_returns_what_its_function_returned_and_a_read_sees_it(database: SqliteDatabase) -> None:
    made = await database.write(lambda connection: add_user(connection, "ann"))
    found = await database.read(lambda connection: connection.execute(select(users.c.id)).scalar_one())
    assert found == made


async def test_in_a_group_a_failing_function_undoes_only_itself(database: SqliteDatabase) -> None:
    def fail_after_writing(connection: WriteConnection) -> None:
        add_user(connection, "undone")
        raise NotFoundError("There is no such thing.")

    results = await queue_behind_gate(
        database,
        lambda connection: add_user(connection, "before"),
        fail_after_writing,
        lambda connection: add_user(connection, "after"),
    )
    assert isinstance(results[1], NotFoundError)
    assert await database.read(names_of_users) == ["after", "before"]


async def test_a_group_needs_savepoints_only_when_one_fails_that_has_written(database: SqliteDatabase) -> None:
    seen: list[str] = []

    def watched(connection: WriteConnection) -> None:
        driver: Any = connection.connection.dbapi_connection
        driver.set_trace_callback(lambda statement: seen.append(statement.split()[0]))

    def refuse(_connection: WriteConnection) -> None:
        raise NotFoundError("There is no such thing.")

    def fail_after_writing(connection: WriteConnection) -> None:
        add_user(connection, "undone")
        raise NotFoundError("There is no such thing.")

    def add(name: str) -> Any:
        return lambda connection: add_user(connection, name)

    await database.write(watched)
    refused = await queue_behind_gate(database, add("one"), refuse, add("two"))
    assert isinstance(refused[1], NotFoundError)
    assert "SAVEPOINT" not in seen
    assert await database.read(names_of_users) == ["one", "two"]
    failed = await queue_behind_gate(database, refuse, add("three"), fail_after_writing, add("four"))
    assert [type(result) for result in failed] == [NotFoundError, str, NotFoundError, str]
    assert seen.count("SAVEPOINT") == 4
    assert await database.read(names_of_users) == ["four", "one", "three", "two"]


async def test_waiting_writes_are_committed_in_one_transaction(database: SqliteDatabase, tmp_path: Path) -> None:
    seen: list[int] = []

    def count_from_outside(connection: WriteConnection) -> None:
        add_user(connection, f"user {len(seen)}")
        with closing(sqlite3.connect(tmp_path / "quarterdeck.sqlite3")) as other:
            seen.append(other.execute("SELECT count(*) FROM users").fetchone()[0])

    await queue_behind_gate(database, *[count_from_outside] * 5)
    assert seen == [0, 0, 0, 0, 0]  # nobody sees any of them before all are committed
    assert len(await database.read(names_of_users)) == 5


@pytest.mark.parametrize(
    "error", [ValueError("odd"), StopIteration("odd"), KeyboardInterrupt(), asyncio.CancelledError()]
)
async def test_whatever_a_function_raises_its_neighbours_are_answered(
    database: SqliteDatabase, error: BaseException
) -> None:
    def fail(_connection: WriteConnection) -> None:
        raise error

    async with asyncio.timeout(5):
        results = await queue_behind_gate(database, fail, lambda connection: add_user(connection, "neighbour"))
    assert isinstance(results[0], BaseException)
    assert isinstance(results[1], str)
    assert await database.read(names_of_users) == ["neighbour"]


async def test_a_function_that_breaks_the_transaction_is_told_and_nothing_of_the_group_is_half_kept(
    database: SqliteDatabase,
) -> None:
    def roll_everything_back(connection: WriteConnection) -> None:
        connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when the disk is full

    results = await queue_behind_gate(database, lambda connection: add_user(connection, "first"), roll_everything_back)
    assert [type(result) for result in results] == [StorageError, StorageError]
    assert await database.read(names_of_users) == []
    await database.write(lambda connection: add_user(connection, "later"))
    assert await database.read(names_of_users) == ["later"]


async def test_a_cancelled_caller_stops_waiting_and_its_write_is_whole_or_not_there(database: SqliteDatabase) -> None:
    gate = Gate()
    held = asyncio.ensure_future(database.write(gate.hold))
    await gate.until_entered()
    cancelled = asyncio.ensure_future(database.write(lambda connection: add_user(connection, "cancelled")))
    await asyncio.sleep(0)
    cancelled.cancel()
    gate.released.set()
    await held
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await database.write(lambda connection: add_user(connection, "next"))
    assert await database.read(names_of_users) == ["cancelled", "next"]


async def test_closing_commits_what_was_accepted_and_refuses_what_comes_after(tmp_path: Path) -> None:
    async with open_store(tmp_path) as database:
        writes = [
            asyncio.ensure_future(database.write(lambda connection, n=n: add_user(connection, f"user {n}")))  # type: ignore[misc]
            for n in range(300)
        ]
        await asyncio.sleep(0)
        await database.close()
        assert len(await asyncio.gather(*writes)) == 300
        with pytest.raises(StorageError):
            await database.write(lambda connection: add_user(connection, "late"))
        with pytest.raises(StorageError):
            await database.read(names_of_users)
        await database.close()  # again: nothing happens
    async with open_store(tmp_path) as database:
        assert len(await database.read(names_of_users)) == 300


async def test_a_failing_statement_is_a_storage_error_in_one_sentence(database: SqliteDatabase) -> None:
    with pytest.raises(StorageError) as write_error:
        await database.write(lambda connection: connection.execute(text("INSERT INTO nowhere VALUES (1)")))
    with pytest.raises(StorageError) as read_error:
        await database.read(lambda connection: connection.execute(text("SELECT * FROM nowhere")))
    for caught in (write_error, read_error):
        assert "nowhere" not in caught.value.message
        assert "nowhere" in caught.value.detail
    await database.write(lambda connection: add_user(connection, "still works"))
    assert await database.read(names_of_users) == ["still works"]


async def test_a_database_that_cannot_be_opened_answers_instead_of_keeping_its_callers_waiting(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "no such folder" / "quarterdeck.sqlite3")
    try:
        async with asyncio.timeout(5):
            with pytest.raises(StorageError):
                await database.write(lambda connection: add_user(connection, "nobody"))
            with pytest.raises(StorageError):
                await database.read(names_of_users)
    finally:
        await database.close()


async def test_a_disk_without_space_refuses_the_write_and_takes_it_when_there_is_space_again(
    database: SqliteDatabase,
) -> None:
    def shrink(connection: WriteConnection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def write_much(connection: WriteConnection) -> None:
        connection.execute(insert(users).values(id="big", name="x" * 1_000_000, role="member", created_at=0))

    await database.write(shrink)
    with pytest.raises(StorageError, match="full"):
        await database.write(write_much)
    await database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1000000").scalar())
    await database.write(write_much)
    assert len(await database.read(names_of_users)) == 1


async def test_a_write_is_not_told_of_what_went_wrong_in_tidying_up_behind_it(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: WriteConnection) -> None:
        raise OperationalError("PRAGMA wal_checkpoint", None, sqlite3.OperationalError("disk I/O error"))

    async def merge_nothing(_fn: object) -> bool:
        return False

    gate, write = Gate(), database.write
    held = asyncio.ensure_future(write(gate.hold))
    await gate.until_entered()
    monkeypatch.setattr(sqlite, "_empty_log", fail)
    monkeypatch.setattr(database, "write", merge_nothing)
    saving = asyncio.ensure_future(write(lambda connection: add_user(connection, "ann")))
    tidying = asyncio.ensure_future(database.tidy())
    await asyncio.sleep(0)
    gate.released.set()
    await held
    with pytest.raises(StorageError, match="full"):
        await tidying
    assert await saving
    assert await database.read(names_of_users) == ["ann"]


async def test_the_file_promises_to_survive_a_power_cut(database: SqliteDatabase) -> None:
    def pragmas(connection: WriteConnection) -> list[Any]:
        return [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert await database.write(pragmas) == ["wal", 2, 1]


async def test_reads_that_nobody_waits_for_any_more_do_not_hold_up_the_next(database: SqliteDatabase) -> None:
    may_end = threading.Event()
    slow = [asyncio.ensure_future(database.read(lambda _: may_end.wait(10))) for _ in range(3)]
    await asyncio.sleep(0.05)
    for read in slow:
        read.cancel()
    await asyncio.wait(slow)
    try:
        async with asyncio.timeout(5):
            assert await database.read(names_of_users) == []
    finally:
        may_end.set()


async def test_readers_live_on_after_functions_that_fail(database: SqliteDatabase) -> None:
    def fail(connection: ReadConnection) -> None:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")

    failed = await asyncio.gather(*(database.read(fail) for _ in range(12)), return_exceptions=True)
    assert [type(error) for error in failed] == [StorageError] * 12
    assert await asyncio.gather(*(database.read(names_of_users) for _ in range(12))) == [[]] * 12


async def test_a_read_sees_one_state_of_the_database_however_often_it_looks(database: SqliteDatabase) -> None:
    looked, written = threading.Event(), threading.Event()

    def look_twice(connection: AnyConnection) -> tuple[int, int]:
        first = len(names_of_users(connection))
        looked.set()
        assert written.wait(5)
        return first, len(names_of_users(connection))

    reading = asyncio.ensure_future(database.read(look_twice))
    assert await asyncio.to_thread(looked.wait, 5)
    await database.write(lambda connection: add_user(connection, "meanwhile"))
    written.set()
    assert await reading == (0, 0)
    assert await database.read(names_of_users) == ["meanwhile"]
