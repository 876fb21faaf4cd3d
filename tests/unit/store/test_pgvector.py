"""With pgvector the database compares vectors, and what is found is what numpy finds."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert, text, update
from tests.harness.postgres import Databases
from tests.unit.store.stored import open_place

from quarterdeck.store import pgvector
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.migrate import HEAD
from quarterdeck.store.pgvector import is_ready, list_missing_indexes, make_column, read_status
from quarterdeck.store.tables import vectors
from quarterdeck.store.transfer_schema import drop_tables, make_tables

pytest.importorskip("numpy")
import numpy

from quarterdeck.memory.meaning import OnServer, Shelf, Vectors, pack
from quarterdeck.store.pgvector_upkeep import keep_up

MODEL = "fake/one"
WIDTH = 24


@pytest_asyncio.fixture
async def database(postgres: Databases) -> AsyncIterator[Database]:
    if not postgres.ask("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("the server that was given has no pgvector")
    url = postgres.new_database()
    async with open_place(url) as opened:
        yield opened
    postgres.drop(url)


def made(count: int, seed: int) -> list[list[float]]:
    dice = numpy.random.default_rng(seed)
    centres = dice.standard_normal((8, WIDTH)) + dice.standard_normal(WIDTH)
    found: list[list[float]] = (
        centres[dice.integers(8, size=count)] + 0.7 * dice.standard_normal((count, WIDTH))
    ).tolist()
    return found


async def put(database: Database, owner: str, some: list[list[float]], model: str = MODEL) -> None:
    rows = [
        {"key_id": f"{owner}{at:05}", "model": model, "owner_id": owner, "made_at": at, "vector": pack(vector)}
        for at, vector in enumerate(some)
    ]
    await database.write(lambda connection: connection.execute(insert(vectors), rows))


async def found_here(database: Database, owner: str, query: list[float], most: int) -> dict[str, float]:
    return await database.read(lambda connection: Shelf().read(connection, owner, MODEL).find(query, most))


async def found_there(database: Database, owner: str, query: list[float], most: int) -> dict[str, float]:
    def find(connection: ReadConnection) -> dict[str, float]:
        kept = Shelf().of(connection, owner, MODEL)
        assert isinstance(kept, OnServer)
        return kept.find(query, most)

    return await database.read(find)


async def test_what_the_database_finds_is_what_numpy_finds_in_its_order(database: Database) -> None:
    await put(database, "ann", made(400, 1))
    await put(database, "ben", made(50, 2))
    assert not await database.read(is_ready)
    assert isinstance(await database.read(lambda connection: Shelf().of(connection, "ann", MODEL)), Vectors)
    await keep_up(database)
    assert await database.read(is_ready)
    await put(database, "cid", made(60, 3))  # after the column was there
    for owner in ("ann", "ben", "cid"):
        for query in made(5, 4):
            here, there = [await found(database, owner, query, 30) for found in (found_here, found_there)]
            assert list(there) == list(here)
            assert there == pytest.approx(here)
    asked = ["ann00001", "ben00001", "ann00399", "nobody", "ann00001"]
    query = made(1, 5)[0]
    ours, theirs = await database.read(
        lambda connection: (
            Shelf().read(connection, "ann", MODEL).scores_of(query, asked),
            OnServer(connection, "ann", MODEL).scores_of(query, asked),
        )
    )
    assert theirs == pytest.approx(ours)
    assert theirs[1] == theirs[3] == 0.0 != theirs[0]


async def test_how_alike_most_are_is_about_the_same_here_and_there(database: Database) -> None:
    await put(database, "ann", made(400, 1))
    await put(database, "ben", made(63, 2))

    def look(connection: ReadConnection, owner: str) -> tuple[float | None, float | None]:
        here, there = Shelf().read(connection, owner, MODEL), OnServer(connection, owner, MODEL)
        return here.usual(query), there.usual(query)

    query = made(1, 4)[0]
    ours, theirs = await database.read(lambda connection: look(connection, "ann"))
    assert ours is not None
    assert theirs == pytest.approx(ours, abs=0.05)
    assert await database.read(lambda connection: look(connection, "ben")) == (None, None)


async def test_vectors_without_direction_of_another_length_or_another_model_are_not_in_the_way(
    database: Database,
) -> None:
    await keep_up(database)
    await put(database, "ann", [[1.0, 0.0], [0.0, 0.0], [0.5, 0.5], [1.0, 0.0, 0.0]])
    await put(database, "ann", [[1.0, 0.1]], "fake/two")
    assert await database.read(is_ready)
    assert await found_there(database, "ann", [0.0, 2.0], 9) == pytest.approx(
        {"ann00002": 0.70710, "ann00000": 0.0}, abs=1e-4
    )
    assert await found_there(database, "ann", [0.0, 0.0], 9) == {}
    assert await found_there(database, "ben", [0.0, 1.0], 9) == {}


async def test_a_vector_that_is_made_anew_or_deleted_is_so_for_the_database_at_once(database: Database) -> None:
    await keep_up(database)
    await put(database, "ann", [[1.0, 0.0], [0.0, 1.0]])

    def change(connection: WriteConnection) -> None:
        connection.execute(update(vectors).where(vectors.c.key_id == "ann00000").values(vector=pack([0.0, -1.0])))
        connection.execute(delete(vectors).where(vectors.c.key_id == "ann00001"))

    await database.write(change)
    assert await found_there(database, "ann", [0.0, 1.0], 9) == pytest.approx({"ann00000": -1.0})


async def test_a_database_that_is_restored_over_gets_the_column_anew(database: Database) -> None:
    await keep_up(database)
    await put(database, "ann", [[1.0, 0.0]])

    def make_anew(connection: WriteConnection) -> None:
        drop_tables(connection, HEAD)
        make_tables(connection, HEAD)

    await database.write(make_anew)
    assert not await database.read(is_ready)
    await put(database, "ann", [[0.0, 1.0]])
    await keep_up(database)
    assert await found_there(database, "ann", [0.0, 1.0], 9) == pytest.approx({"ann00000": 1.0})


async def test_of_very_many_an_index_gives_nearly_all_of_the_nearest_and_nobody_elses(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "MOST_EXACT", 500)
    for owner, count in (("ann", 700), ("ben", 400), ("cid", 2_000)):
        await put(database, owner, made(count, count))
    await keep_up(database)
    assert await database.read(list_missing_indexes) == []
    status = await database.read(read_status)
    assert status is not None
    assert (status.is_used, status.indexes) == (True, 1)
    shares = []
    for query in made(10, 700):
        here, there = [list(await found(database, "ann", query, 20)) for found in (found_here, found_there)]
        assert all(key.startswith("ann") for key in there)
        assert there[0] == here[0]
        shares.append(len(set(here) & set(there)) / len(here))
    assert sum(shares) / len(shares) >= 0.95

    def plan(connection: ReadConnection) -> str:
        connection.execute(pgvector._FOR_INDEX, {"looked_at": "400"})
        given = {"owner": "ann", "model": MODEL, "most": 20, "wanted": str(made(1, 1)[0])}
        lines: Any = connection.execute(text("EXPLAIN " + pgvector._NEARLY.format(size=WIDTH)), given).scalars()
        return "\n".join(lines)

    assert f"ix_vectors_point_{WIDTH}" in await database.read(plan)


async def test_an_index_that_was_broken_off_is_not_used_and_made_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "MOST_EXACT", 50)
    await put(database, "ann", made(80, 1))
    await keep_up(database)
    spoil = text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(:name)")
    name = f"ix_vectors_point_{WIDTH}"
    await database.write(lambda connection: connection.execute(spoil, {"name": name}))
    assert await database.read(list_missing_indexes) == [WIDTH]
    query = made(1, 2)[0]
    assert list(await found_there(database, "ann", query, 9)) == list(await found_here(database, "ann", query, 9))
    await keep_up(database)
    assert await database.read(list_missing_indexes) == []


async def test_who_may_not_make_the_extension_goes_on_with_numpy(database: Database) -> None:
    role = f"weak_{secrets.token_hex(4)}"

    def attempt(connection: WriteConnection) -> bool:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
        done = make_column(connection)
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql(f"DROP ROLE {role}")
        return done

    assert not await database.write(attempt)
    status = await database.read(read_status)
    assert status is not None
    assert (status.version, status.is_used) == ("", False)
    assert status.available


async def test_a_server_without_the_extension_or_with_an_old_one_goes_on_with_numpy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer in ("SELECT '0.7.4'", "SELECT NULL"):
        monkeypatch.setattr(pgvector, "_AVAILABLE", text(answer))
        await keep_up(database)
        assert not await database.read(is_ready)
