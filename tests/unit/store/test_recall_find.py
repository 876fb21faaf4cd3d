"""What recall reads: how much there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.unit.store.stored import add_conversation, add_path, add_user, open_store

from quarterdeck.store import recall_find
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.recall_find import count_entries
from quarterdeck.store.search import index_messages
from quarterdeck.store.tables import search_entries


@pytest.mark.parametrize(("many", "then"), [(3, 3), (100, 0)])
async def test_many_messages_are_counted_once_in_a_while_and_few_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int, then: int
) -> None:
    monkeypatch.setattr(recall_find, "_MANY", many)

    def count(connection: WriteConnection) -> tuple[int, int]:
        owner = add_user(connection, "ann")
        index_messages(
            connection, add_path(connection, add_conversation(connection, owner), ["One.", "Two.", "Three."])
        )
        before = count_entries(connection, owner)
        connection.execute(delete(search_entries).where(search_entries.c.owner_id == owner))
        return before, count_entries(connection, owner)

    async with open_store(tmp_path) as database:
        assert await database.write(count) == (3, then)
