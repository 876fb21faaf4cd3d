"""The first owner, and the settings page's endpoints."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, select
from sqlalchemy.exc import IntegrityError
from tests.unit.store.stored import Place, add_user, open_place

from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.settings import (
    EndpointRow,
    delete_endpoint,
    list_endpoints,
    read_setting,
    save_endpoint,
    save_setting,
)
from quarterdeck.store.tables import users
from quarterdeck.store.users import ensure_owner


def test_processes_that_race_for_the_first_owner_get_exactly_one(place: Place) -> None:
    barrier = threading.Barrier(6)
    found: list[str] = []

    async def claim() -> None:
        async with open_place(place, 2) as database:
            await asyncio.to_thread(barrier.wait, 5)
            found.append((await database.write(ensure_owner)).id)

    threads = [threading.Thread(target=lambda: asyncio.run(claim())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 6
    assert len(set(found)) == 1


async def test_no_second_owner_can_be_stored_whoever_tries(database: Database) -> None:
    await database.write(ensure_owner)
    with pytest.raises(IntegrityError):
        await database.write(
            lambda connection: connection.execute(insert(users).values(id="2", name="me", role="owner", created_at=0))
        )
    await database.write(lambda connection: add_user(connection, "a member"))
    roles = await database.read(lambda connection: list(connection.execute(select(users.c.role)).scalars()))
    assert sorted(roles) == ["member", "owner"]


async def test_the_owner_stays_the_same_across_restarts(place: Place) -> None:
    owners = []
    for _ in range(2):
        async with open_place(place) as database:
            owners.append(await database.write(ensure_owner))
    assert owners[0] == owners[1]


async def test_an_endpoint_saved_without_a_key_keeps_the_stored_one(database: Database) -> None:
    def save(connection: WriteConnection) -> list[EndpointRow]:
        save_endpoint(connection, EndpointRow("b", "B", "openai", "http://b", b"sealed"))
        save_endpoint(connection, EndpointRow("a", "A", "openai", "http://a", None))
        save_endpoint(connection, EndpointRow("b", "B2", "gemini", "http://b2", None))
        return list_endpoints(connection)

    assert await database.write(save) == [
        EndpointRow("a", "A", "openai", "http://a", None),
        EndpointRow("b", "B2", "gemini", "http://b2", b"sealed"),
    ]
    assert await database.write(lambda connection: delete_endpoint(connection, "b"))
    assert not await database.write(lambda connection: delete_endpoint(connection, "b"))


async def test_a_setting_is_empty_until_it_is_set_and_then_the_newest_value(database: Database) -> None:
    assert await database.read(lambda connection: read_setting(connection, "model")) == ""
    for value in ("one", "two"):
        await database.write(lambda connection, value=value: save_setting(connection, "model", value))  # type: ignore[misc]
    assert await database.read(lambda connection: read_setting(connection, "model")) == "two"


def test_the_database_itself_refuses_a_second_owner(tmp_path: Path) -> None:
    """The protection is the index: with it gone, the race would be lost."""
    path = tmp_path / "quarterdeck.sqlite3"
    migrate_sqlite(path)
    engine = create_engine(f"sqlite:///{path}")
    with closing(engine.connect()) as connection:
        connection.execute(insert(users).values(id="1", name="a", role="owner", created_at=0))
        with pytest.raises(IntegrityError):
            connection.execute(insert(users).values(id="2", name="b", role="owner", created_at=0))
        connection.rollback()
        connection.exec_driver_sql("DROP INDEX uq_users_owner")
        for number in "12":
            connection.execute(insert(users).values(id=number, name="a", role="owner", created_at=0))
    engine.dispose()
