"""What a turn asks of the database, counted: each statement costs Python more than the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, event
from tests.unit.store.stored import Place, open_place
from tests.unit.turns.rig import FailingWrites, Rig, ScriptedProvider, TownBell, run_rig, say

from quarterdeck.log.sql import SqlLog
from quarterdeck.memory.recall import Recall
from quarterdeck.store.database import Database, ReadConnection, WriteConnection

T = TypeVar("T")

# Of a turn that goes on in a conversation and finds something in another one: the most that is usual.
MOST = {"sqlite": 24, "postgres": 29}
MOST_TRANSACTIONS = {"sqlite": 3, "postgres": 4}  # a log that may be lost wants the note of a step sooner


class Counted:
    """A database that knows how many transactions it was asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transactions = 0

    async def read(self, fn: Callable[[ReadConnection], T]) -> T:
        self.transactions += 1
        return await self._database.read(fn)

    async def glance(self, fn: Callable[[ReadConnection], T], who: str) -> T:
        self.transactions += 1
        return await self._database.glance(fn, who)

    async def write(self, fn: Callable[[WriteConnection], T]) -> T:
        self.transactions += 1
        return await self._database.write(fn)

    async def tidy(self) -> None:
        await self._database.tidy()

    async def close(self) -> None:
        await self._database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return tmp_path if kind == "sqlite" else str(request.getfixturevalue("postgres").new_database())


@pytest.fixture
async def counted(place: Place, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counted]:
    monkeypatch.setattr("quarterdeck.store.glances.MOST_S", 60.0)  # none is made twice
    async with open_place(place) as database:
        yield Counted(database)


@pytest.fixture
async def rig(counted: Counted, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    # What is counted does not depend on the machine, nor has it what many turns share a little later.
    monkeypatch.setattr("quarterdeck.context.recalled.WITHIN_S", 60.0)
    monkeypatch.setattr("quarterdeck.store.search_queue.WITHIN_S", 60.0)
    log = SqlLog(tmp_path / "log.sqlite3")
    await log.open()
    provider = ScriptedProvider(say("It ", "sails."))
    made = Rig(FailingWrites(counted), log, provider, "first", TownBell(), True, Recall(counted), kind == "sqlite")
    async with run_rig(made):
        yield made
    await log.close()


@contextmanager
def statements() -> Iterator[list[str]]:
    """Those of all engines meanwhile, without what begins and ends a transaction."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT")):
            seen.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def answer(rig: Rig, text: str, conversation: str) -> None:
    """Returns when the turn and all that follows it are over."""
    accepted = await rig.send(text, conversation)
    if (task := rig.runner._tasks.get(accepted.row.id)) is not None:
        await asyncio.wait([task])


async def test_a_turn_asks_the_database_a_bounded_number_of_times(rig: Rig, counted: Counted, kind: str) -> None:
    await answer(rig, "When does the harbour master come?", "other")
    await answer(rig, "Tell me of the harbour in the winter.", "talk")
    counted.transactions = 0
    with statements() as seen:
        await answer(rig, "And what does the harbour look like in spring?", "talk")
    assert "UPDATE turns" in "\n".join(seen)  # it was counted to its end
    assert rig.provider.requests[-1].tail  # something was recalled
    assert len(seen) <= MOST[kind], "\n".join(seen)
    assert counted.transactions <= MOST_TRANSACTIONS[kind]


@pytest.mark.parametrize(("text", "is_looked_up"), [("The harbour?", True), ("Go on.", False)])
async def test_nothing_is_searched_or_counted_for_a_question_without_a_word_to_look_for(
    rig: Rig, text: str, is_looked_up: bool
) -> None:
    await answer(rig, "When does the harbour master come?", "other")
    with statements() as seen:
        await answer(rig, text, "talk")
    assert "UPDATE turns" in "\n".join(seen)
    for of_recall in (("MATCH", "@@"), ("FROM search_entries WHERE owner_id",)):
        assert any(words in one for one in seen for words in of_recall) is is_looked_up, "\n".join(seen)


async def test_the_statements_of_a_turn_do_not_become_more_with_its_words(rig: Rig, kind: str) -> None:
    await answer(rig, "When does the harbour master come?", "other")
    await answer(rig, "Warm up.", "talk")
    few, many = "The harbour?", "Which of the ships in the old harbour sailed north last spring with salt and iron?"
    counts = []
    for text in (few, many):
        with statements() as seen:
            await answer(rig, text, "talk")
        counts.append(len(seen))
    assert counts[0] == counts[1], kind
