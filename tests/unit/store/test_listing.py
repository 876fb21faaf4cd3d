"""Lists of conversations: pinned ones first, each once over all pages, and read along an index on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, insert, text, update
from tests.unit.store.stored import add_user

from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.folders import insert_folder
from quarterdeck.store.listing import Listing, Place, list_conversations, place_of
from quarterdeck.store.tables import conversations

MANY = 20_000
DEEP = Place(False, 5_000, "x")


def fill(connection: WriteConnection, count: int = MANY) -> tuple[str, str]:
    """Their owner and a folder: of 100 each, five are pinned and ten archived; every 1,000th is in the folder."""
    owner = add_user(connection, "ann")
    folder = insert_folder(connection, owner, "Work").id
    rows = [
        {
            "id": f"c{n:08d}", "owner_id": owner, "external_id": f"c{n:08d}", "title": f"Talk {n}", "model": "",
            "assistant": "", "instructions": "", "created_at": n, "updated_at": n,
            "archived_at": n if n % 10 == 3 else None, "pinned_at": n if n % 20 == 0 and n < 100 else None,
            "folder_id": folder if n % 1_000 == 5 else None,
        }
        for n in range(count)
    ]  # fmt: skip
    connection.execute(insert(conversations), rows)
    connection.execute(text("ANALYZE"))
    return owner, folder


def all_pages(connection: WriteConnection, wanted: Listing, limit: int) -> list[ConversationRow]:
    found: list[ConversationRow] = []
    after: Place | None = None
    while page := list_conversations(connection, wanted, after=after, limit=limit):
        found += page
        after = place_of(page[-1], wanted)
    return found


@pytest.mark.parametrize("limit", [1, 7, 500])
async def test_pages_are_the_whole_list_pinned_ones_first_each_once(database: Database, limit: int) -> None:
    def check(connection: WriteConnection) -> None:
        owner, folder = fill(connection, 150)
        connection.execute(update(conversations).where(conversations.c.id == "c00000020").values(pinned_at=40))
        numbers = [int(row.id[1:]) for row in all_pages(connection, Listing(owner=owner), limit)]
        assert numbers[:5] == [80, 60, 40, 20, 0]
        assert numbers[5:] == [n for n in reversed(range(150)) if n % 10 != 3 and n not in (0, 20, 40, 60, 80)]
        archived = all_pages(connection, Listing(owner=owner, is_archived=True), limit)
        assert [int(row.id[1:]) for row in archived] == [n for n in reversed(range(150)) if n % 10 == 3]
        assert [row.id for row in all_pages(connection, Listing(owner=owner, folder=folder), limit)] == ["c00000005"]

    await database.write(check)


async def test_no_list_is_sorted_or_read_through(database: Database) -> None:
    """The cost of a page must not grow with the list: each is a walk along an index."""

    def check(connection: WriteConnection) -> None:
        owner, folder = fill(connection)
        lists: list[tuple[Listing, Place | None]] = [
            (Listing(owner=owner, is_pinned=False), None),
            (Listing(owner=owner), DEEP),
            (Listing(owner=owner, is_pinned=True), None),
            (Listing(owner=owner, is_archived=True), None),
            (Listing(owner=owner, is_archived=True), DEEP),
            (Listing(owner=owner, folder=folder, is_pinned=False), None),
        ]
        for wanted, after in lists:
            for plan in plans_of(connection, wanted, after):
                assert "SCAN conversations" not in plan, plan
                assert "Seq Scan on conversations" not in plan, plan
                assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan
                assert "ix_conversations" in plan, plan

    await database.write(check)


def plans_of(connection: WriteConnection, wanted: Listing, after: Place | None) -> list[str]:
    """How the database would read the list."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        list_conversations(connection, wanted, after=after, limit=50)
    finally:
        event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return [
        "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters))
        for statement, parameters in asked
    ]
