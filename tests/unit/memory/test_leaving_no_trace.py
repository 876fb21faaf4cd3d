"""What must not be remembered is not, whatever happens while a model thinks; what is gone is gone from every table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from tests.unit.exchange.conftest import ann
from tests.unit.exchange.imported import Account
from tests.unit.exchange.test_round_trip import export
from tests.unit.memory.test_extraction import LISBON, ScriptedModel, World, world
from tests.unit.store.stored import Place, add_conversation, add_user, open_place

from quarterdeck.accounts.asking import Errand, Reply
from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.changing import forget_memory
from quarterdeck.memory.extraction import Extraction
from quarterdeck.memory.notes import write_notes
from quarterdeck.memory.portable import import_memories, read_lines
from quarterdeck.store.conversations import update_conversation
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.leases import claim_work
from quarterdeck.store.memory_settings import ask_for, reading_of, set_memory_setting
from quarterdeck.store.owned import delete_some_conversations, delete_user
from quarterdeck.store.tables import memories, vectors
from quarterdeck.store.tables.base import metadata
from quarterdeck.store.vectors import marking

__all__ = ["ann", "world"]


class ThinkingModel(ScriptedModel):
    """Does `meanwhile` before it answers its next request."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def ask_in_background(self, errand: Errand) -> Reply:
        reply = await super().ask_in_background(errand)
        self.is_asked.set()
        await self.may_answer.wait()
        return reply


def thinking(world: World, *statements: dict[str, Any]) -> ThinkingModel:
    model = ThinkingModel()
    model.answers = [{"statements": list(statements)}]
    world.model, world.extraction = model, Extraction(world.database, model, 1.0)
    return model


async def while_it_thinks(world: World, change: Callable[[WriteConnection], object]) -> None:
    model = thinking(world, LISBON)
    learning = asyncio.create_task(world.extraction.learn(world.user))
    await asyncio.wait_for(model.is_asked.wait(), 5)
    await world.database.write(change)
    model.may_answer.set()
    await learning


async def read_all(database: Database) -> dict[str, str]:
    """Each table as one text."""
    return await database.read(
        lambda connection: {
            table.name: str(connection.execute(select(table)).all()) for table in metadata.sorted_tables
        }
    )


@pytest.mark.parametrize("lease_ms", [300_000, -1])
async def test_two_processes_that_learn_at_once_make_nothing_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch, lease_ms: int
) -> None:
    """Also where the lease of the slower one has run out."""
    monkeypatch.setattr("quarterdeck.memory.extraction._LEASE_MS", lease_ms)
    async with open_place(place) as one, open_place(place) as other:

        def begin(connection: WriteConnection) -> World:
            user = add_user(connection, "ann")
            return World(one, user, add_conversation(connection, user))

        here = await one.write(begin)
        await here.say("I live in Lisbon.")
        model = thinking(here, LISBON)
        second = ScriptedModel()
        second.answers = [{"statements": [LISBON]}]
        slow = asyncio.create_task(here.extraction.learn(here.user))
        await asyncio.wait_for(model.is_asked.wait(), 5)
        await Extraction(other, second, 1.0).learn(here.user)
        assert len(second.asked) == (0 if lease_ms > 0 else 1)
        model.may_answer.set()
        await slow
        assert await here.texts("all") == ["The user lives in Lisbon."]
        tables = await read_all(one)
        assert tables["memory_sources"].count("I live in Lisbon.") == 1
        assert tables["memory_versions"].count("made") == 1
        assert "memory " not in tables["leases"], "whoever is done holds nothing"


@pytest.mark.parametrize("how", ["account", "off", "private", "conversation", "message"])
async def test_what_becomes_private_while_the_model_thinks_leaves_no_trace(world: World, how: str) -> None:
    message = await world.say("I live in Lisbon.")

    def change(connection: WriteConnection) -> None:
        if how == "account":
            set_memory_setting(connection, world.user, "off")
        elif how == "conversation":
            update_conversation(connection, world.conversation.id, {"deleted_at": now_ms()})
        elif how == "message":
            delete_messages(connection, world.user, message, "one")
        else:
            update_conversation(connection, world.conversation.id, {"memory": how})

    await while_it_thinks(world, change)
    tables = await read_all(world.database)
    assert [name for name, text in tables.items() if name.startswith("memor") and "isbon" in text] == []
    await world.extraction.learn(world.user)
    assert (len(world.model.asked), await world.texts("all")) == (1, [])


async def test_what_is_forgotten_while_the_model_thinks_stays_forgotten(world: World) -> None:
    await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    [row] = await world.rows()
    await world.say("I live in Lisbon.")
    await while_it_thinks(world, lambda connection: forget_memory(connection, world.user, row.id))
    assert await world.texts("all") == []


async def test_whose_account_goes_while_the_model_thinks_leaves_nothing(world: World) -> None:
    await world.say("I live in Lisbon.")
    await while_it_thinks(world, lambda connection: delete_user(connection, world.user))
    tables = await read_all(world.database)
    assert [name for name, text in tables.items() if world.user in text or "isbon" in text] == []


async def test_an_account_that_is_deleted_is_gone_from_every_table_with_all_its_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "is_on", True)
    await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    await world.hear("I moved to Porto.", "The user lives in Porto.", operation="contradicts", of="m1")
    await world.hear("I like fado music.", "The user likes fado music.")
    kept, gone = (await world.rows())[::-1]

    def fill(connection: WriteConnection) -> None:
        forget_memory(connection, world.user, gone.id)
        write_notes(connection, world.user)
        made = {"key_id": kept.id, "owner_id": world.user, "model": "m", "made_at": 1, "vector": b"x"}
        connection.execute(insert(vectors).values(made))
        # a process that reads for her dies
        assert claim_work(connection, reading_of(world.user), "dead", period_ms=0, lease_ms=1_000)

    await world.database.write(fill)
    before = await read_all(world.database)
    full = {"memories", "memory_sources", "memory_versions", "vectors", "vectors_due", "standing_notes", "leases"}
    assert {name for name, text in before.items() if world.user in text} >= full

    def remove(connection: WriteConnection) -> None:
        while delete_some_conversations(connection, world.user):
            pass
        delete_user(connection, world.user)

    await world.database.write(remove)
    after = await read_all(world.database)
    assert [name for name, text in after.items() if world.user in text or "isbon" in text] == []


async def test_what_was_forgotten_does_not_come_back_with_a_file(ann: Account) -> None:
    """Neither with the conversation, read once more under other ids, nor as a line of memories in other words."""
    model = ScriptedModel()
    model.answers = [{"statements": [LISBON]}, {"statements": [LISBON]}]

    def begin(connection: WriteConnection) -> World:
        return World(ann.database, ann.user, add_conversation(connection, ann.user))

    here = await ann.database.write(begin)
    here.model, here.extraction = model, Extraction(ann.database, model, 1.0)
    await here.say("I live in Lisbon.")
    await here.extraction.learn(ann.user)
    [row] = await here.rows()
    exported = await export(ann)
    other = json.dumps(json.loads(exported.splitlines()[1]))  # the line of the conversation

    def forget(connection: WriteConnection) -> None:
        forget_memory(connection, ann.user, row.id)
        connection.execute(update(memories).values(forgotten_at=1, text=""))

    await ann.database.write(forget)
    name = json.loads(other)["id"]
    await ann.bring(exported.replace(name.encode(), name[::-1].encode()), "mine.jsonl")
    assert await ann.database.write(lambda connection: ask_for(connection, ann.user, 0)) == 0
    assert await ann.database.write(lambda connection: ask_for(connection, ann.user, 0, with_imported=True)) == 1
    await here.extraction.learn(ann.user)
    assert len(model.asked) == 2, "it was read"
    lines = b"\n".join(
        json.dumps({"text": text}).encode()
        for text in ("The user lives in Lisbon.", "In Lisbon the user lives permanently.", "The user likes fado.")
    )
    given, _ = read_lines(lines)
    done = await import_memories(ann.database, ann.user, given)
    assert ([skip.line for skip in done.skipped], await here.texts("all")) == ([1, 2], ["The user likes fado."])
