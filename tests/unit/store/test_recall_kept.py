"""What recall keeps of memories and summaries is what the database has, whoever changed it, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update
from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.domain.ids import now_ms
from quarterdeck.memory import kept
from quarterdeck.memory.changing import Edit, Statement, edit_memory, forget_memory, make_memory
from quarterdeck.memory.kept import Kept
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.recall_find import MemoryKeyRow, list_memory_keys
from quarterdeck.store.search import index_messages
from quarterdeck.store.tables import messages


@pytest.fixture
async def ann(database: Database) -> str:
    return await database.write(lambda connection: add_user(connection, "ann"))


async def ask(recall: Recall, owner: str, text: str, *context: str) -> list[str]:
    found = await recall.find(Query(owner=owner, text=text, now=now_ms(), not_messages=frozenset(context)))
    return [one.text for one in found]


async def test_what_is_kept_follows_every_change_at_once(database: Database, ann: str) -> None:
    recall = Recall(database)

    def change(make: Callable[[WriteConnection], Any]) -> Any:
        return database.write(make)

    boat = await change(lambda connection: make_memory(connection, ann, Statement(text="The boat is green.")))
    assert await ask(recall, ann, "green boat") == ["The boat is green."]
    await change(lambda connection: make_memory(connection, ann, Statement(text="The house is green.")))
    assert await ask(recall, ann, "green house") == ["The house is green.", "The boat is green."]
    await change(lambda connection: edit_memory(connection, ann, boat.id, Edit(version=1, text="The boat is red.")))
    assert await ask(recall, ann, "boat") == ["The boat is red."]
    await change(lambda connection: forget_memory(connection, ann, boat.id))
    assert await ask(recall, ann, "boat") == []
    assert await ask(recall, ann, "green") == ["The house is green."]


async def test_what_is_over_is_not_kept(database: Database, ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recall, over = Recall(database), now_ms() + 3_600_000
    await database.write(lambda connection: make_memory(connection, ann, Statement(text="The house is green.")))
    await database.write(
        lambda connection: make_memory(connection, ann, Statement(text="The boat is hired.", valid_to=over))
    )
    assert await ask(recall, ann, "boat") == ["The boat is hired."]
    monkeypatch.setattr(kept, "now_ms", lambda: over)
    assert await ask(recall, ann, "boat") == []


async def test_what_has_not_changed_is_not_read_again(
    database: Database, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recall = Recall(database)
    times: list[str] = []

    def read(connection: ReadConnection, owner: str, now: int) -> list[MemoryKeyRow]:
        times.append("read")
        return list_memory_keys(connection, owner, now)

    monkeypatch.setattr(kept, "list_memory_keys", read)
    await database.write(lambda connection: make_memory(connection, ann, Statement(text="The boat is green.")))
    for _ in range(3):
        assert await ask(recall, ann, "boat") == ["The boat is green."]
    assert times == ["read"]


async def test_nothing_is_looked_for_where_there_is_nothing_but_the_question(
    database: Database, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold_talk(connection: WriteConnection) -> list[str]:
        path = add_path(connection, add_conversation(connection, ann), ["Is the boat green?", "The boat is red."])
        index_messages(connection, path)
        return path

    path = await database.write(hold_talk)
    assert await ask(Recall(database), ann, "boat", path[0]) == ["The boat is red."]
    monkeypatch.setattr("quarterdeck.memory.recall.Finding", None)  # it would fail
    assert await ask(Recall(database), ann, "boat", *path) == []


async def test_a_question_without_a_word_or_a_time_to_look_for_has_nothing_read(
    database: Database, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold_talk(connection: WriteConnection) -> None:
        index_messages(connection, add_path(connection, add_conversation(connection, ann), ["The boat is red."]))

    await database.write(hold_talk)
    recall = Recall(database)
    assert await ask(recall, ann, "What about it today?") == ["The boat is red."]
    monkeypatch.setattr(recall, "_keeper", None)  # it would fail
    assert await ask(recall, ann, "What about it?") == []
    with pytest.raises(AttributeError):
        await ask(recall, ann, "What about it today?")


async def test_somebody_who_has_said_much_is_looked_through(database: Database, ann: str) -> None:
    def hold_talk(connection: WriteConnection) -> list[str]:
        path = add_path(connection, add_conversation(connection, ann), [f"Boat {number}." for number in range(30)])
        index_messages(connection, path)
        return path

    path = await database.write(hold_talk)
    assert await ask(Recall(database), ann, "boat", *path[:29]) == ["Boat 29."]

    def delete_last(connection: WriteConnection) -> None:
        connection.execute(update(messages).where(messages.c.id == path[29]).values(deleted_at=1))

    await database.write(delete_last)
    assert await ask(Recall(database), ann, "boat", *path[:29]) == []


def test_who_has_not_asked_for_the_longest_time_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST", 4)
    shelf: Kept[list[str]] = Kept()
    assert shelf.get("ann", "1", lambda: ["a", "b"]) == shelf.get("ann", "1", list)
    shelf.get("ben", "1", lambda: ["c", "d"])
    shelf.get("ann", "1", list)
    shelf.get("eve", "1", lambda: ["e"])
    assert shelf.get("ben", "1", list) == [], "it was gone"
    assert shelf.get("ann", "1", list) == ["a", "b"]
    assert shelf.get("ann", "2", list) == []
