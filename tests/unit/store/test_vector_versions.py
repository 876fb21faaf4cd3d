"""A model that becomes another one under its name makes all vectors anew; the old ones serve as long as they can."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import cast

import pytest
from tests.unit.store.stored import add_user
from tests.unit.store.test_recall import hold_talk
from tests.unit.store.test_vectors import Thesaurus, indexed, settled

from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database
from quarterdeck.store.embedding_choice import read_fault
from quarterdeck.store.leases import claim_work
from quarterdeck.store.vectors import count_vectors_by_model, find_serving_model

pytest.importorskip("tokenizers")
from tests.unit.memory.sentence_models import write_bert_folder

from quarterdeck.memory import indexing
from quarterdeck.memory.local_model import LocalModel


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_LOOK_S", "_VERSION_LOOK_S", "_BROKEN_LOOK_S", "_FIRST_PAUSE_S"):
        monkeypatch.setattr(indexing, name, 0.02)


class Grown(Thesaurus):
    """Gives longer vectors from now on."""

    async def embed(self, texts: list[str], space: str) -> list[list[float]]:
        return [[*vector, 0.0] for vector in await super().embed(texts, space)]


async def spaces(database: Database) -> dict[str, int]:
    return await database.read(count_vectors_by_model)


async def until_spaces(database: Database, count: int, *, without: set[str]) -> str:
    """The one space that everything has its vectors in, when it is none of those."""
    for _ in range(400):
        made = await spaces(database)
        if len(made) == 1 and set(made.values()) == {count} and not without & set(made):
            return next(iter(made))
        await asyncio.sleep(0.02)
    raise AssertionError(f"{made}")


async def until_fault(database: Database, model: str, *, is_told: bool) -> None:
    for _ in range(400):
        if bool(await database.read(lambda connection: read_fault(connection, model))) == is_told:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"it is not so that a fault is told: {is_told}")


async def test_a_local_model_whose_file_is_replaced_makes_all_anew_and_the_old_one_serves_until_then(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    write_bert_folder(tmp_path / "small")
    embedding = Embedding(cast("Registry", None), "local/small", tmp_path)
    query = Query(owner=owner, text="my mother likes soup", now=now_ms())
    may_go_on = threading.Event()
    compute = LocalModel.embed

    def embed(model: LocalModel, texts: list[str]) -> list[list[float]]:
        if len(texts) > 2:  # neither a query nor a trial
            may_go_on.wait(10)
        return compute(model, texts)

    async with indexed(database, embedding):
        first = await until_spaces(database, len(said), without=set())
        monkeypatch.setattr(LocalModel, "embed", embed)
        (tmp_path / "small" / "model.safetensors").write_bytes(b"half a file")
        await until_fault(database, "local/small", is_told=True)
        assert await database.read(embedding.space) == first
        write_bert_folder(tmp_path / "small")
        await until_fault(database, "local/small", is_told=False)
        assert set(await spaces(database)) == {first}
        write_bert_folder(tmp_path / "small", seed=2)
        for _ in range(400):
            second = await database.read(embedding.space)
            if second != first:
                break
            await asyncio.sleep(0.02)
        assert second != first
        assert await database.read(lambda connection: find_serving_model(connection, owner, second)) == first
        assert embedding.can_serve(first, second)
        found = await Recall(database, embedding).find(query)
        assert any("meaning" in one.signals for one in found)
        may_go_on.set()
        assert await until_spaces(database, len(said), without={first}) == second
        found = await Recall(database, embedding).find(query)
        assert any("meaning" in one.signals for one in found)


async def make_by_first_files(database: Database, folder: Path) -> tuple[str, dict[str, str], str]:
    """Somebody, what they have said, and the space of the vectors that a local model has made of it."""
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    write_bert_folder(folder / "small")
    async with indexed(database, Embedding(cast("Registry", None), "local/small", folder)):
        first = await until_spaces(database, len(said), without=set())
    return owner, said, first


async def test_after_a_restart_with_another_file_questions_are_not_put_to_vectors_that_nobody_can_read(
    database: Database, tmp_path: Path
) -> None:
    _, said, first = await make_by_first_files(database, tmp_path)
    write_bert_folder(tmp_path / "small", seed=2)
    later = Embedding(cast("Registry", None), "local/small", tmp_path)
    second = await later.find_space("local/small")
    assert not later.can_serve(first, second)
    async with indexed(database, later):
        assert await until_spaces(database, len(said), without={first}) == second


async def test_a_start_with_files_that_are_no_model_says_so_and_gives_nothing_up(
    database: Database, tmp_path: Path
) -> None:
    owner, said, first = await make_by_first_files(database, tmp_path)
    (tmp_path / "small" / "model.safetensors").write_bytes(b"half a file")
    later = Embedding(cast("Registry", None), "local/small", tmp_path)
    await database.write(lambda connection: hold_talk(connection, owner))
    async with indexed(database, later):
        await until_fault(database, "local/small", is_told=True)
        await asyncio.sleep(0.1)
        fault = await database.read(lambda connection: read_fault(connection, "local/small"))
    assert "The embedding model small cannot be used" in fault
    assert await spaces(database) == {first: len(said)}


async def test_a_provider_that_gives_vectors_of_another_length_makes_all_anew(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    async with indexed(database, Thesaurus("fake/one")):
        await settled(database, owner, "fake/one", len(said))
    grown = Grown("fake/one")
    more = await database.write(lambda connection: hold_talk(connection, owner))
    async with indexed(database, grown):
        assert await until_spaces(database, len(said) + len(more), without={"fake/one"}) == "fake/one#4d"
        found = await Recall(database, grown).find(Query(owner=owner, text="timber?", now=now_ms()))
        assert found[0].signals["meaning"] > 0
    async with indexed(database, grown):  # and stays
        await asyncio.sleep(0.2)
        assert await spaces(database) == {"fake/one#4d": len(said) + len(more)}


async def test_a_batch_that_takes_longer_than_the_lease_keeps_it_and_a_dead_process_loses_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_LEASE_S", 0.6)
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    # Somebody who was killed with the lease in hand.
    assert await database.write(
        lambda connection: claim_work(connection, "vectors", "killed", period_ms=0, lease_ms=600)
    )
    slow = Slow("fake/one")
    async with indexed(database, slow):
        await asyncio.sleep(0.2)
        assert not slow.was_asked.is_set()
        await asyncio.wait_for(slow.was_asked.wait(), 5)
        for _ in range(8):  # three leases long
            await asyncio.sleep(0.2)
            assert not await database.write(
                lambda connection: claim_work(connection, "vectors", "rival", period_ms=0, lease_ms=600)
            )
        slow.may_go_on.set()
        await settled(database, owner, "fake/one", len(said))


class Slow(Thesaurus):
    """Gives vectors when it is told to."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.may_go_on = asyncio.Event()

    async def embed(self, texts: list[str], space: str) -> list[list[float]]:
        made = await super().embed(texts, space)
        await self.may_go_on.wait()
        return made
