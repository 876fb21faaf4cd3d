"""A change of many messages: what is shown follows at once, the search afterwards, whoever dies in between."""

from __future__ import annotations

from functools import partial

from sqlalchemy import func, select
from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.conversations.deleting import delete_messages, undo
from quarterdeck.conversations.derived import catch_up
from quarterdeck.domain.search_query import parse_query
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.search import index_messages
from quarterdeck.store.search_find import SearchFilter, find_entries, read_hits
from quarterdeck.store.tables import changed_messages

MANY = 520


def fill(connection: WriteConnection) -> tuple[str, list[str]]:
    owner = add_user(connection, "ann")
    conversation = add_conversation(connection, owner)
    path = add_path(connection, conversation, [f"narwhal {number}" for number in range(MANY)])
    index_messages(connection, path)
    return owner, path


def count_found(connection: AnyConnection, *, owner: str) -> tuple[int, int, int]:
    """Entries that fit, those of them that are shown, and messages that the search is still to hear of."""
    wanted = SearchFilter(owner=owner, query=parse_query("narwhal "))
    entries = find_entries(connection, wanted, before=None, limit=2 * MANY)
    shown = read_hits(connection, [entry.message_id for entry in entries])
    left = connection.execute(select(func.count()).select_from(changed_messages)).scalar_one()
    return len(entries), len(shown), left


async def test_of_a_change_of_many_messages_the_search_hears_afterwards(database: Database) -> None:
    owner, path = await database.write(fill)
    look = partial(count_found, owner=owner)
    deletion = await database.write(lambda connection: delete_messages(connection, owner, path[1], "from"))
    assert await database.read(look) == (MANY, 1, MANY - 1)
    await catch_up(database)
    assert await database.read(look) == (1, 1, 0)
    await database.write(lambda connection: undo(connection, owner, deletion.id))
    await catch_up(database)
    assert await database.read(look) == (MANY, MANY, 0)


async def test_what_is_undone_before_the_search_has_heard_of_it_is_found(database: Database) -> None:
    owner, path = await database.write(fill)
    deletion = await database.write(lambda connection: delete_messages(connection, owner, path[0], "from"))
    await database.write(lambda connection: undo(connection, owner, deletion.id))
    await catch_up(database)
    assert await database.read(partial(count_found, owner=owner)) == (MANY, MANY, 0)
