"""What is said gets a vector in the background and is found by its meaning; on both databases the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar, cast

import pytest
from sqlalchemy import delete, insert
from tests.unit.store.stored import add_conversation, add_message, add_user
from tests.unit.store.test_recall import hold_talk

from quarterdeck import lasting
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.errors import ProviderError
from quarterdeck.lasting import keep_going
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database, ReadConnection, StorageError, WriteConnection
from quarterdeck.store.embedding_choice import read_fault
from quarterdeck.store.recall_waiting import Waiting
from quarterdeck.store.search import NewEntry, index_messages
from quarterdeck.store.tables import vectors
from quarterdeck.store.vectors import count_due, count_vectors, find_serving_model, marking

pytest.importorskip("numpy")
from quarterdeck.memory import indexing, meaning
from quarterdeck.memory.meaning import Vectors, pack
from quarterdeck.store.vectors import VectorRow

T = TypeVar("T")
TRADES = ("carpenter", "timber")
PLACES = ("lisbon", "porto", "portugal")


class Thesaurus(Embedding):
    """Words of one group mean the same: a model of two dimensions, and one for all the rest."""

    def __init__(self, model: str) -> None:
        super().__init__(cast("Registry", None), "")
        self.model = self.default = model
        marking.is_on = True
        self.is_away = False
        self.was_asked = asyncio.Event()

    async def embed(self, texts: list[str], space: str) -> list[list[float]]:
        self.was_asked.set()
        if self.is_away:
            raise ProviderError("The provider is away.")
        return [[_has(text, TRADES), _has(text, PLACES), 0.2] for text in texts]

    async def embed_query(self, text: str, space: str) -> list[float]:
        return (await self.embed([text], space))[0]


class AwayOnce:
    """A database that does not answer one of its calls."""

    def __init__(self, database: Database, call: int) -> None:
        self._database, self._call = database, call
        self.calls = 0

    def _answer(self) -> None:
        self.calls += 1
        if self.calls == self._call + 1:
            raise StorageError("The database is away.")

    async def read(self, fn: Callable[[ReadConnection], T]) -> T:
        self._answer()
        return await self._database.read(fn)

    async def glance(self, fn: Callable[[ReadConnection], T], who: str) -> T:
        self._answer()
        return await self._database.glance(fn, who)

    async def write(self, fn: Callable[[WriteConnection], T]) -> T:
        self._answer()
        return await self._database.write(fn)

    async def tidy(self) -> None: ...

    async def close(self) -> None: ...


def _has(text: str, words: tuple[str, ...]) -> float:
    return float(any(word in text.lower() for word in words))


@asynccontextmanager
async def indexed(database: Database, embedding: Embedding) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_going("vectors", indexing.Indexing(database, embedding, "test").watch))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        marking.is_on = False


async def settled(database: Database, owner: str, model: str, count: int) -> None:
    for _ in range(200):
        made = await database.read(lambda connection: count_vectors(connection, owner, model))
        if made == count and not await database.read(count_due):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{made} vectors, not {count}")


async def until_fault(database: Database, wanted: str) -> None:
    for _ in range(200):
        told = await database.read(lambda connection: read_fault(connection, "fake/one"))
        if told == wanted:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{told}, not {wanted}")


class AllAlike(Thesaurus):
    """A model with which any two sentences are much alike, as E5 is."""

    async def embed(self, texts: list[str], space: str) -> list[list[float]]:
        return [[*vector, 1.5] for vector in await super().embed(texts, space)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_LOOK_S", 0.02)
    monkeypatch.setattr(indexing, "_FIRST_PAUSE_S", 0.02)


async def test_what_no_word_says_is_found_by_its_meaning_and_a_provider_that_was_away_loses_nothing(
    database: Database,
) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    before = await database.write(lambda connection: hold_talk(connection, owner))
    model = Thesaurus("fake/one")
    model.is_away = True
    query = Query(owner=owner, text="Who knows about timber?", now=now_ms())
    async with indexed(database, model):
        await asyncio.wait_for(model.was_asked.wait(), 5)
        assert await Recall(database, model).find(query) == []
        await until_fault(database, "The provider is away.")
        model.is_away = False
        await settled(database, owner, "fake/one", len(before))
        found = await Recall(database, model).find(query)
        assert "carpenter" in found[0].text
        assert found[0].signals["meaning"] > 0
        after = await database.write(lambda connection: hold_talk(connection, owner))
        await settled(database, owner, "fake/one", len(before) + len(after))
        await until_fault(database, "")


async def test_what_still_waits_for_the_index_is_found_by_its_words_beside_what_has_a_vector(
    database: Database,
) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    model, parts = Thesaurus("fake/one"), [TextPart("My desk is of oak, from Norway.")]
    said = await database.write(lambda connection: hold_talk(connection, owner))

    def say(connection: WriteConnection) -> NewEntry:
        talk = add_conversation(connection, owner)
        message = add_message(connection, talk, None, "user", list(parts))
        return NewEntry(message, owner, talk.id, "user", "", now_ms(), list(parts))

    waiting = [Waiting(await database.write(say))]
    async with indexed(database, model):
        await settled(database, owner, "fake/one", len(said))
        query = Query(owner=owner, text="timber desk", now=now_ms(), waiting=waiting)
        found = {one.text: one.signals for one in await Recall(database, model).find(query)}
    assert found["My desk is of oak, from Norway."].keys() & {"words", "meaning"} == {"words"}
    assert found["My sister Ida lives there, she is a carpenter."]["meaning"] > 0


@pytest.mark.parametrize("call", range(10))
async def test_a_database_that_is_away_for_a_moment_costs_no_vector(
    database: Database, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    monkeypatch.setattr(lasting, "_PAUSE_S", 0.01)
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    away = AwayOnce(database, call)
    async with indexed(away, Thesaurus("fake/one")):
        await settled(database, owner, "fake/one", len(said))
    assert away.calls > call


@pytest.mark.parametrize("kind", [Thesaurus, AllAlike])
async def test_what_any_two_sentences_have_in_common_counts_as_nothing_whatever_the_model(
    database: Database, kind: type[Thesaurus]
) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    model = kind("fake/one")

    def talk(connection: WriteConnection) -> None:
        conversation, parent, said = add_conversation(connection, owner), None, []
        for number in range(80):
            sentence = "I am a carpenter." if number == 40 else f"Nothing but {'soup ' * (number % 9)}was served."
            parent = add_message(connection, conversation, parent, "user", [TextPart(sentence)])
            said.append(parent)
        index_messages(connection, said)

    await database.write(talk)
    async with indexed(database, model):
        await settled(database, owner, "fake/one", 80)
        found = await Recall(database, model).find(
            Query(owner=owner, text="Who knows about timber?", now=now_ms(), k=20)
        )
    assert found[0].text == "I am a carpenter."
    assert found[0].signals["meaning"] == pytest.approx(1.0)
    assert sum(one.signals.get("meaning", 0.0) > 0 for one in found) <= 4  # it, and what was said around it


def test_how_alike_a_query_is_to_most_is_told_by_some_of_them() -> None:
    kept, dice = Vectors(), random.Random(3)
    said = [[1.0, dice.uniform(-1, 1)] for _ in range(1_000)]
    kept.add([VectorRow(f"k{at}", pack(vector)) for at, vector in enumerate(said[:63])])
    assert kept.usual([1.0, 0.0]) is None
    kept.add([VectorRow(f"k{at}", pack(vector)) for at, vector in enumerate(said)])
    wanted = sorted(1 / (1 + y * y) ** 0.5 for _, y in said)[500]
    assert kept.usual([5.0, 0.0]) == pytest.approx(wanted, abs=0.03)
    assert kept.usual([1.0, 0.0, 0.0]) is None


async def test_another_model_replaces_the_vectors_and_the_old_ones_serve_until_then(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    async with indexed(database, Thesaurus("fake/one")):
        await settled(database, owner, "fake/one", len(said))
    away = Thesaurus("fake/two")
    away.is_away = True
    async with indexed(database, away):
        await asyncio.wait_for(away.was_asked.wait(), 5)
        assert await database.read(lambda connection: find_serving_model(connection, owner, "fake/two")) == "fake/one"
    async with indexed(database, Thesaurus("fake/two")):
        await settled(database, owner, "fake/two", len(said))
        await settled(database, owner, "fake/one", 0)
    assert await database.read(lambda connection: find_serving_model(connection, owner, "fake/two")) == "fake/two"


def test_of_very_many_vectors_what_their_signs_choose_holds_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """In clusters that lie about the same way from the origin, as sentences do, with more in each than are chosen."""
    numpy = pytest.importorskip("numpy")
    random = numpy.random.default_rng(7)
    centres = random.standard_normal((5, 256)) + random.standard_normal(256)
    said = centres[random.integers(5, size=6_000)] + 0.7 * random.standard_normal((6_000, 256))
    rows = [VectorRow(f"k{at}", pack(vector.tolist())) for at, vector in enumerate(said)]
    exact, rough = Vectors(), Vectors()
    exact.add(rows)
    monkeypatch.setattr("quarterdeck.memory.meaning._EXACT", 1_000)
    monkeypatch.setattr("quarterdeck.memory.meaning._RESCORED", 1_000)
    for start in range(0, 6_000, 2_000):
        rough.add(rows[start : start + 2_000])
        rough.find(said[0].tolist(), 1)  # its signs are there before the others come
    shares = []
    for number in range(20):
        wanted = (said[number] + 0.5 * random.standard_normal(256)).tolist()
        with monkeypatch.context() as patched:
            patched.setattr("quarterdeck.memory.meaning._EXACT", 10_000)
            nearest = list(exact.find(wanted, 10))
        found = rough.find(wanted, 10)
        assert nearest[0] == next(iter(found)) == f"k{number}"
        assert list(found.values()) == sorted(found.values(), reverse=True)
        shares.append(len(set(nearest) & set(found)) / 10)
    assert sum(shares) / len(shares) >= 0.97
    assert rough.find([1.0], 10) == {}
    assert pack([0.0, 0.0]) == b""


def test_a_vector_that_is_made_anew_takes_the_place_of_the_old_one() -> None:
    kept = Vectors()
    kept.add([VectorRow("a", pack([1.0, 0.0])), VectorRow("b", pack([0.0, 1.0])), VectorRow("wide", pack([1.0] * 3))])
    kept.add([VectorRow("a", pack([0.0, -1.0])), VectorRow("nothing", b""), VectorRow("c", pack([-1.0, 0.0]))])
    assert kept.find([0.0, 2.0], 2) == pytest.approx({"b": 1.0, "c": 0.0})
    assert kept.scores_of([0.0, -1.0], ["a", "unknown", "b"]) == pytest.approx([1.0, 0.0, -1.0])


async def test_what_was_read_once_is_not_read_again_and_what_is_new_or_gone_shows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    now = now_ms()

    def put(connection: WriteConnection, key: str, at: int) -> None:
        row = {"key_id": key, "model": "fake/one", "owner_id": owner, "made_at": at, "vector": pack([1.0, 0.5])}
        connection.execute(insert(vectors), row)

    await database.write(lambda connection: put(connection, "old", now - 600_000))
    read: list[str] = []
    add = Vectors.add

    def note_and_add(kept: Vectors, rows: list[VectorRow]) -> None:
        read.extend(row.key_id for row in rows)
        add(kept, rows)

    monkeypatch.setattr(Vectors, "add", note_and_add)
    shelf = meaning.Shelf()

    async def keys() -> set[str]:
        read.clear()
        kept = await database.read(lambda connection: shelf.of(connection, owner, "fake/one"))
        return set(kept.find([1.0, 0.5], 9))

    assert (await keys(), read) == ({"old"}, ["old"])
    assert (await keys(), read) == ({"old"}, [])
    await database.write(lambda connection: put(connection, "new", now_ms()))
    assert (await keys(), read) == ({"old", "new"}, ["new"])
    await database.write(lambda connection: connection.execute(delete(vectors).where(vectors.c.key_id == "old")))
    monkeypatch.setattr(meaning, "_COUNT_EVERY_MS", -1)
    assert await keys() == {"new"}
    monkeypatch.setattr(meaning, "_COUNT_EVERY_MS", 60_000)
    earlier = now - 3_600_000  # the clock is set back
    await database.write(lambda connection: put(connection, "made then", earlier))
    monkeypatch.setattr(meaning, "now_ms", lambda: earlier + 300_000)
    assert await keys() == {"new", "made then"}
