"""How functions of a connection are run on PostgreSQL: limits, races, servers that go away and come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError
from tests.conftest import MakePostgres
from tests.harness.postgres import Databases, PostgresServer
from tests.harness.waiting import wait_until_async
from tests.unit.store.stored import add_conversation, add_user, open_place

from quarterdeck.errors import NotFoundError
from quarterdeck.store.clock import database_now_ms
from quarterdeck.store.conversations import find_conversation
from quarterdeck.store.database import AnyConnection, Database, ReadConnection, StorageError, WriteConnection
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.postgres import PostgresDatabase
from quarterdeck.store.tables import users

QUICK_S = 5.0
"""Whatever happens to the server, its callers have an answer by about then."""


@pytest.fixture
def url(postgres: Databases) -> Iterator[str]:
    made = postgres.new_database()
    yield made
    postgres.drop(made)


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[PostgresDatabase]:
    opened = PostgresDatabase(url, 4)
    yield opened
    await opened.close()


@pytest.fixture
def server(make_postgres: MakePostgres) -> PostgresServer:
    return make_postgres(fsync=False)


def names(connection: AnyConnection) -> list[str]:
    return [row.name for row in connection.execute(select(users).order_by(users.c.name))]


def add(name: str) -> Callable[[WriteConnection], str]:
    return lambda connection: add_user(connection, name)


def rename(name: str) -> Callable[[WriteConnection], int]:
    return lambda connection: connection.execute(update(users).values(name=name)).rowcount


async def hold(database: Database, release: asyncio.Event) -> asyncio.Task[None]:
    """A connection that is in use until `release` is set."""
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stay(connection: ReadConnection) -> None:
        loop.call_soon(started.set)
        while not release.is_set():
            connection.execute(text("SELECT pg_sleep(0.02)"))

    task = asyncio.ensure_future(database.read(stay))
    await started.wait()
    return task


async def refused(work: Awaitable[object]) -> StorageError:
    began = time.monotonic()
    with pytest.raises(StorageError) as caught:
        await work
    assert time.monotonic() - began < QUICK_S + 3.0  # this machine may be busy
    assert caught.value.status == 503
    assert "sesame" not in caught.value.message + caught.value.detail
    return caught.value


async def test_a_write_returns_what_its_function_returned_and_a_read_sees_it(database: PostgresDatabase) -> None:
    made = await database.write(add("ann"))
    assert await database.read(lambda connection: connection.execute(select(users.c.id)).scalar_one()) == made


async def test_a_failing_function_undoes_what_it_wrote_and_its_error_arrives_as_it_is(
    database: PostgresDatabase,
) -> None:
    def fail(connection: WriteConnection) -> None:
        add_user(connection, "undone")
        raise NotFoundError("There is no such thing.")

    with pytest.raises(NotFoundError):
        await database.write(fail)
    assert await database.read(names) == []


@pytest.mark.parametrize("error", [ValueError("odd"), StopIteration("odd"), KeyboardInterrupt(), OSError(28, "full")])
async def test_whatever_a_function_raises_the_next_one_is_run(database: PostgresDatabase, error: BaseException) -> None:
    def fail(_connection: WriteConnection) -> None:
        raise error

    with pytest.raises((type(error), RuntimeError)):
        await database.write(fail)
    await database.write(add("next"))
    assert await database.read(names) == ["next"]
    assert database.pool_status() == (0, 4, 0)


async def test_a_read_sees_one_state_of_the_database_and_cannot_change_it(database: PostgresDatabase) -> None:
    looked, written = asyncio.Event(), asyncio.Event()

    def look_twice(connection: ReadConnection) -> tuple[int, int]:
        first = len(names(connection))
        looked.set()
        while not written.is_set():
            connection.execute(text("SELECT pg_sleep(0.02)"))
        return first, len(names(connection))

    reading = asyncio.ensure_future(database.read(look_twice))
    await looked.wait()
    await database.write(add("meanwhile"))
    written.set()
    assert await reading == (0, 0)
    with pytest.raises(StorageError):
        await database.read(lambda connection: add_user(WriteConnection(connection), "sneaked in"))
    assert await database.read(names) == ["meanwhile"]


async def test_with_all_connections_busy_a_caller_is_told_so_and_later_ones_are_served(
    database: PostgresDatabase,
) -> None:
    release = asyncio.Event()
    busy = [await hold(database, release) for _ in range(4)]
    waiting = asyncio.ensure_future(database.write(add("late")))
    await wait_until_async(lambda: asyncio.sleep(0, database.pool_status() == (4, 4, 1)), "one that waits")
    error = await refused(waiting)
    assert "busy" in error.message
    release.set()
    await asyncio.gather(*busy)
    await database.write(add("later"))
    assert await database.read(names) == ["later"]
    assert database.pool_status() == (0, 4, 0)


async def test_more_callers_than_connections_wait_for_each_other_and_all_are_served(
    database: PostgresDatabase,
) -> None:
    await asyncio.gather(*(database.write(add(f"user {number:02d}")) for number in range(60)))
    assert len(await database.read(names)) == 60


async def test_a_cancelled_caller_does_not_undo_its_write_nor_break_its_connection(
    database: PostgresDatabase,
) -> None:
    def write_slowly(connection: WriteConnection) -> None:
        connection.execute(text("SELECT pg_sleep(0.1)"))
        add_user(connection, "cancelled")

    writing = asyncio.ensure_future(database.write(write_slowly))
    await wait_until_async(lambda: asyncio.sleep(0, database.pool_status()[0] == 1), "the write to begin")
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await wait_until_async(lambda: asyncio.sleep(0, database.pool_status()[0] == 0), "the write to end")
    assert await database.read(names) == ["cancelled"]


async def test_closing_finishes_what_was_accepted_and_refuses_what_comes_after(url: str) -> None:
    database = PostgresDatabase(url, 2)
    writes = [asyncio.ensure_future(database.write(add(f"user {number}"))) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    assert len(await asyncio.gather(*writes)) == 20
    with pytest.raises(StorageError, match="shutting down"):
        await database.read(names)
    await database.close()  # again: nothing happens
    async with open_place(url) as again:
        assert len(await again.read(names)) == 20


async def test_the_loser_of_a_race_for_a_key_is_run_again_and_finds_the_winners_row(url: str) -> None:
    runs = 0

    def find_or_make(connection: WriteConnection) -> str:
        nonlocal runs
        runs += 1
        found = connection.execute(select(users.c.id).where(users.c.role == "owner")).scalar()
        connection.execute(text("SELECT pg_sleep(0.05)"))  # so that all have looked before anybody writes
        return found or add_user(connection, "owner", "owner")

    async with open_place(url) as first, open_place(url) as second:
        found = await asyncio.gather(*(database.write(find_or_make) for database in (first, second) * 3))
    assert len(set(found)) == 1
    assert runs > 6


async def test_a_key_that_stays_taken_is_an_integrity_error_after_a_few_runs(database: PostgresDatabase) -> None:
    runs = 0

    def insert_again(connection: WriteConnection) -> None:
        nonlocal runs
        runs += 1
        connection.execute(insert(users).values(id="1", name="ann", role="member", created_at=0))

    await database.write(insert_again)
    with pytest.raises(IntegrityError):
        await database.write(insert_again)
    assert runs == 1 + 4


async def test_of_two_writers_in_a_deadlock_both_get_through(database: PostgresDatabase) -> None:
    await database.write(lambda connection: [add_user(connection, name) for name in "ab"])
    met = {name: asyncio.Event() for name in "ab"}

    def rename_both(first: str, second: str) -> Callable[[WriteConnection], None]:
        def write(connection: WriteConnection) -> None:
            connection.execute(update(users).where(users.c.name == first).values(role=first))
            met[first].set()
            while not met[second].is_set():
                connection.execute(text("SELECT pg_sleep(0.02)"))
            connection.execute(update(users).where(users.c.name == second).values(role=second))

        return write

    await asyncio.gather(database.write(rename_both("a", "b")), database.write(rename_both("b", "a")))


async def test_under_a_conversations_lock_of_many_first_writers_one_decides(url: str) -> None:
    def count_and_add(connection: WriteConnection) -> int:
        lock_conversation(connection, "c")
        before = len(names(connection))
        connection.execute(text("SELECT pg_sleep(0.005)"))
        add_user(connection, f"user {before:02d}")
        return before

    async with open_place(url) as first, open_place(url) as second:
        seen = await asyncio.gather(*(database.write(count_and_add) for database in (first, second) * 8))
    assert sorted(seen) == list(range(16))


async def test_text_with_the_character_nul_is_kept_and_found_without_it(database: PostgresDatabase) -> None:
    def write(connection: WriteConnection) -> str:
        owner = add_user(connection, "ann")
        return add_conversation(connection, owner, "na\0me", title="ti\0tle").owner_id

    owner = await database.write(write)
    row = await database.read(lambda connection: find_conversation(connection, owner, "na\0me"))
    assert row is not None
    assert row.title == "ti\ufffdtle"
    assert await database.read(lambda connection: find_conversation(connection, owner, "\0")) is None


async def test_leases_are_measured_with_the_servers_clock_also_within_a_long_transaction(
    database: PostgresDatabase,
) -> None:
    def look(connection: WriteConnection) -> tuple[int, int]:
        first = database_now_ms(connection)
        connection.execute(text("SELECT pg_sleep(0.03)"))
        return first, database_now_ms(connection)

    first, second = await database.write(look)
    assert second - first >= 30
    assert abs(first - time.time() * 1000) < 60_000


async def test_a_statement_that_takes_too_long_is_ended_and_the_pool_is_whole(url: str) -> None:
    database = PostgresDatabase(url, 1, statement_s=1)
    try:
        await refused(database.read(lambda connection: connection.execute(text("SELECT pg_sleep(60)"))))
        assert await database.read(names) == []
    finally:
        await database.close()


async def test_a_connection_that_was_cut_before_the_commit_is_replaced_and_nothing_is_doubled(url: str) -> None:
    async with open_place(url, 1) as database, open_place(url, 1) as other:
        runs = 0

        def cut_once(connection: WriteConnection) -> None:
            nonlocal runs
            runs += 1
            add_user(connection, f"run {runs}")
            if runs == 1:
                connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        await database.write(cut_once)
        assert await other.read(names) == ["run 2"]


async def test_a_server_that_takes_no_more_writes_is_left_for_the_one_that_does(url: str) -> None:
    become_standby = text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    async with open_place(url, 1) as database:
        await database.write(lambda connection: connection.execute(become_standby) and None)
        await database.write(add("ann"))
        assert await database.read(names) == ["ann"]


async def test_connections_that_died_while_nobody_used_them_are_replaced_unnoticed(url: str) -> None:
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :name"
    )
    async with open_place(url, 4) as database, open_place(url, 1) as other:
        await asyncio.gather(*(database.write(add(f"user {number}")) for number in range(8)))
        await other.read(lambda connection: connection.execute(cut, {"name": url.rpartition("/")[2]}).all())
        found = await asyncio.gather(*(database.read(names) for _ in range(8)))
        assert {len(seen) for seen in found} == {8}


async def test_a_connection_lost_at_the_commit_is_told_to_its_caller_and_not_tried_again(url: str) -> None:
    """The proxy lets the COMMIT through and keeps its answer: it was saved, and the caller must not be told no."""
    runs = 0

    async with open_place(url, 1) as direct:
        host, port = url.split("@")[1].split("/")[0].split(":")
        async with CommitCutter(host, int(port)) as proxy:
            database = PostgresDatabase(url.replace(f":{port}/", f":{proxy.port}/"), 1)

            def write(connection: WriteConnection) -> None:
                nonlocal runs
                runs += 1
                add_user(connection, "once")

            error = await refused(database.write(write))
            await database.close()
        assert "may have been saved or not" in error.message
        assert runs == 1
        assert await direct.read(names) == ["once"]


async def test_a_server_that_is_away_is_told_at_once_and_used_again_when_it_is_back(server: PostgresServer) -> None:
    database = PostgresDatabase(server.new_database(), 4)
    try:
        await database.write(add("before"))
        server.kill()
        errors = await asyncio.gather(*(refused(database.write(add("lost"))) for _ in range(20)))
        assert all("cannot be reached" in error.message for error in errors)
        server.start()
        assert await wait_until_async(lambda: succeed(database.write(add("after"))), "the server to be back", 10)
        assert await database.read(names) == ["after", "before"]
    finally:
        await database.close()


async def test_a_server_that_is_restarted_under_writers_loses_nothing_and_doubles_nothing(
    server: PostgresServer,
) -> None:
    database = PostgresDatabase(server.new_database(), 4)
    confirmed: list[str] = []
    unknown: list[str] = []
    is_over = asyncio.Event()

    async def write_on(writer: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            name = f"{writer} {number}"
            try:
                await database.write(add(name))
                confirmed.append(name)
            except StorageError as error:
                if "may have been saved" in error.message:
                    unknown.append(name)
                await asyncio.sleep(0.05)

    writers = [asyncio.create_task(write_on(writer)) for writer in range(4)]
    for end in (server.kill, server.stop, server.kill_postmaster):
        count = len(confirmed)
        await wait_until_async(lambda count=count: asyncio.sleep(0, len(confirmed) > count + 20), "writes", 20)  # type: ignore[misc]
        await asyncio.to_thread(end)
        await asyncio.to_thread(server.start)
    is_over.set()
    await asyncio.gather(*writers)
    stored = await database.read(names)
    await database.close()
    assert len(stored) == len(set(stored))
    assert set(confirmed) <= set(stored)
    assert set(stored) <= set(confirmed) | set(unknown)


async def test_a_server_that_answers_nothing_does_not_keep_its_callers_for_ever(server: PostgresServer) -> None:
    database = PostgresDatabase(server.new_database(), 2, statement_s=1)
    try:
        await database.write(add("before"))
        server.pause()
        await asyncio.gather(*(refused(database.write(add("lost"))) for _ in range(6)))
        server.resume()
        assert await wait_until_async(lambda: succeed(database.read(names)), "an answer", 10)
    finally:
        await database.close()


async def test_a_wrong_password_at_run_time_is_a_storage_error_without_the_password(postgres: Databases) -> None:
    url = postgres.url.replace("postgres@", "guarded:open%20barley@")
    if url == postgres.url:
        pytest.skip("the given server has no such user")
    database = PostgresDatabase(url, 1)
    error = await refused(database.read(names))
    assert "barley" not in error.message + error.detail
    await database.close()


async def succeed(work: Awaitable[object]) -> bool:
    try:
        await work
    except StorageError:
        return False
    return True


class CommitCutter:
    """Between a client and PostgreSQL: once a COMMIT was asked for, its answer is not brought, and the line is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> CommitCutter:
        self._server = await asyncio.start_server(self._bring, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _bring(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        is_cut = asyncio.Event()

        async def bring_back() -> None:
            while answer := await there_reader.read(65_536):
                if is_cut.is_set():
                    break  # it has been committed: the server says so
                writer.write(answer)
            writer.close()

        back = asyncio.create_task(bring_back())
        while asked := await reader.read(65_536):
            if b"COMMIT;" in asked:
                is_cut.set()
            there_writer.write(asked)
        there_writer.close()
        await back
