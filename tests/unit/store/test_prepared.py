"""Prepared statements: the same rows, errors and counts by the driver as by SQLAlchemy; who listens hears them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from tests.unit.store.stored import open_store

from quarterdeck.store import prepared
from quarterdeck.store.database import ReadConnection, WriteConnection
from quarterdeck.store.prepared import Given, Prepared
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import users

INSERT = Prepared(insert(users))
RENAME = Prepared(update(users).where(users.c.id == bindparam("user")))
FIND = Prepared(
    select(users.c.name, users.c.about)
    .where(users.c.created_at >= bindparam("since"), users.c.role.in_(("member", "guest")))
    .order_by(users.c.name)
    .limit(2)
)
EVERYBODY = Prepared(select(users.c.name).where(users.c.role == bindparam("role")).order_by(users.c.name))
COUNT = Prepared(text("SELECT count(*) FROM users WHERE role = :role"))


def person(name: str) -> dict[str, object]:
    return {"id": f"id-{name}", "name": name, "role": "member", "created_at": 5}


@pytest.fixture(params=["driver", "listened to"])
async def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SqliteDatabase]:
    """By the driver, and by SQLAlchemy because somebody listens."""
    taken: list[str] = []
    execute_on = prepared.execute_on

    def note(driver: sqlite3.Connection, sql: str, given: Given) -> sqlite3.Cursor:
        taken.append(sql)
        return execute_on(driver, sql, given)

    monkeypatch.setattr(prepared, "execute_on", note)
    heard: list[str] = []
    async with open_store(tmp_path) as opened:
        if request.param == "listened to":
            event.listen(opened._engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
        yield opened
    assert (bool(taken), bool(heard)) == ((True, False) if request.param == "driver" else (False, True))


async def test_what_was_written_is_found_in_the_order_of_the_columns(database: SqliteDatabase) -> None:
    def fill(connection: WriteConnection) -> None:
        assert INSERT.run(connection, person("bo")) == 1
        INSERT.run_for_each(connection, [person("al"), person("cy")])
        INSERT.run_for_each(connection, [])

    await database.write(fill)
    found = await database.read(lambda connection: FIND.all(connection, {"since": 5}))
    assert [tuple(row) for row in found] == [("al", ""), ("bo", "")]
    assert await database.read(lambda connection: FIND.first(connection, {"since": 6})) is None
    assert await database.read(lambda connection: FIND.scalar(connection, {"since": 1})) == "al"
    assert await database.read(lambda connection: COUNT.one(connection, {"role": "member"})[0]) == 3


async def test_a_statement_changes_the_columns_that_are_given_each_time(database: SqliteDatabase) -> None:
    await database.write(lambda connection: INSERT.run(connection, person("al")))

    def change(connection: WriteConnection) -> list[int]:
        changes = ({"name": "ab"}, {"about": "Al"}, {"name": "ac", "about": "B"})
        return [RENAME.run(connection, {**given, "user": "id-al"}) for given in changes]

    assert await database.write(change) == [1, 1, 1]
    assert await database.write(lambda connection: RENAME.run(connection, {"name": "x", "user": "nobody"})) == 0
    assert tuple(await database.read(lambda connection: FIND.one(connection, {"since": 1}))) == ("ac", "B")


async def test_what_the_database_refuses_is_told_as_sqlalchemy_tells_it_and_undone(database: SqliteDatabase) -> None:
    def twice(connection: WriteConnection) -> None:
        INSERT.run(connection, person("al"))
        INSERT.run(connection, person("al"))

    with pytest.raises(IntegrityError):
        await database.write(twice)
    with pytest.raises(IntegrityError):
        await database.write(lambda connection: INSERT.run_for_each(connection, [person("bo"), person("bo")]))
    assert await database.read(lambda connection: COUNT.scalar(connection, {"role": "member"})) == 0


async def test_the_drivers_errors_do_not_say_what_was_to_be_written(tmp_path: Path) -> None:
    def twice(connection: Connection) -> None:
        for _ in range(2):
            INSERT.run(connection, person("secretive"))

    async with open_store(tmp_path) as database:
        with pytest.raises(IntegrityError) as refused:
            await database.write(twice)
    assert "secretive" not in str(refused.value)


def test_a_list_is_no_value_of_a_prepared_statement() -> None:
    odd = Prepared(select(users.c.id).where(users.c.role == bindparam("role", value=["member"])))
    with pytest.raises(TypeError, match="plain values"):
        odd._compile(())


async def test_many_rows_come_some_at_a_time(database: SqliteDatabase) -> None:
    names = [f"n{number}" for number in range(5)]
    await database.write(lambda connection: INSERT.run_for_each(connection, [person(name) for name in names]))

    def read(connection: ReadConnection) -> list[list[str]]:
        return [[name for (name,) in some] for some in EVERYBODY.parts(connection, {"role": "member"}, 2)]

    assert await database.read(read) == [["n0", "n1"], ["n2", "n3"], ["n4"]]
    assert await database.read(lambda connection: list(EVERYBODY.parts(connection, {"role": "none"}, 2))) == []
