"""An owner's entries in the search index: how many there are, and which stand beside which."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from tests.unit.store.stored import add_conversation, add_path, add_user, open_store

from quarterdeck.store import recall_entries
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.recall_candidates import read_candidates
from quarterdeck.store.recall_entries import Entries
from quarterdeck.store.search import index_messages
from quarterdeck.store.tables import search_entries

FEW, MANY = 1, 100


def say(connection: WriteConnection, name: str, sentences: list[str]) -> str:
    """Their owner."""
    owner = add_user(connection, name)
    index_messages(connection, add_path(connection, add_conversation(connection, owner), sentences))
    return owner


@pytest.mark.parametrize(("most_read", "then"), [(3, 3), (MANY, 0)])
async def test_many_messages_are_counted_once_in_a_while_and_few_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_read: int, then: int
) -> None:
    monkeypatch.setattr(recall_entries, "_MANY", most_read)

    def count(connection: WriteConnection) -> tuple[int, int]:
        owner = say(connection, "ann", ["One.", "Two.", "Three."])
        before = Entries(connection, owner).count
        connection.execute(delete(search_entries).where(search_entries.c.owner_id == owner))
        return before, Entries(connection, owner).count

    async with open_store(tmp_path) as database:
        assert await database.write(count) == (3, then)


async def test_the_fewer_were_counted_the_sooner_they_are_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall_entries, "_MANY", 3)
    monkeypatch.setattr(recall_entries, "_REMEMBERED_EACH_S", 100.0)
    began = time.monotonic()

    def count(connection: WriteConnection) -> list[int]:
        owner = say(connection, "ann", ["One.", "Two.", "Three."])
        counts = [Entries(connection, owner).count]
        connection.execute(delete(search_entries).where(search_entries.c.owner_id == owner))
        for later_s in (200.0, 400.0):
            monkeypatch.setattr(time, "monotonic", lambda now=began + later_s: now)
            counts.append(Entries(connection, owner).count)
        return counts

    async with open_store(tmp_path) as database:
        assert await database.write(count) == [3, 3, 0]


@pytest.mark.parametrize("most_read", [FEW, MANY])
async def test_two_before_and_two_after_each_stand_beside_it_whoever_speaks_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch, most_read: int
) -> None:
    monkeypatch.setattr(recall_entries, "_MANY", most_read)
    numbers = [f"Number {number}." for number in range(12)]
    ann = await database.write(partial(say, name="ann", sentences=numbers))
    await database.write(partial(say, name="ben", sentences=numbers))

    def beside(connection: AnyConnection) -> list[list[int]]:
        wanted = search_entries.select().where(search_entries.c.owner_id == ann).order_by(search_entries.c.id)
        own = [row.id for row in connection.execute(wanted)]
        entries = Entries(connection, ann)
        return [
            [own.index(entry) for entry in entries.with_neighbours([own[at] for at in places])]
            for places in ([0], [11], [4, 5], [8, 2])
        ]

    first, last, near, apart = await database.read(beside)
    assert first == [0, 1, 2]
    assert last == [9, 10, 11]
    assert near == [2, 3, 4, 5, 6, 7]
    assert apart == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]


async def test_an_entry_of_somebody_else_is_no_candidate(database: Database) -> None:
    ann = await database.write(partial(say, name="ann", sentences=["One.", "Two."]))
    ben = await database.write(partial(say, name="ben", sentences=["Three."]))

    def candidates(connection: AnyConnection) -> list[int]:
        entries = list(connection.execute(select(search_entries.c.id)).scalars())
        return [
            len(read_candidates(connection, owner, entries, worded)) for owner in (ann, ben) for worded in ([], entries)
        ]

    assert await database.read(candidates) == [2, 2, 1, 1]
