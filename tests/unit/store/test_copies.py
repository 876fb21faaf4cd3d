"""Copies of a path in another conversation, and versions and deletions, on each kind of database."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.conversations.branches import choose_branch
from quarterdeck.conversations.deleting import delete_messages, undo
from quarterdeck.conversations.editing import edit_as_branch, edit_message, restore_version
from quarterdeck.conversations.forking import fork_conversation
from quarterdeck.conversations.reading import PathPage, read_page
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import plain_text
from quarterdeck.errors import NotFoundError
from quarterdeck.store.conversations import KEEP_DELETED_MS
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.purge import purge
from quarterdeck.store.tables import deletions, message_versions, messages


async def test_a_path_is_edited_branched_deleted_and_forked_alike_on_every_database(database: Database) -> None:
    user = await database.write(lambda connection: add_user(connection, "ann"))
    talk = await database.write(lambda connection: add_conversation(connection, user))
    path = await database.write(lambda connection: add_path(connection, talk, ["a", "b", "c", "d", "e"]))
    await database.write(lambda connection: choose_branch(connection, user, path[-1]))
    edited = await database.write(lambda connection: edit_message(connection, user, path[0], version=1, text="A"))
    await database.write(lambda connection: edit_message(connection, user, path[1], version=1, text="B"))
    await database.write(lambda connection: restore_version(connection, user, path[1], version=2, restored=1))
    one = await database.write(lambda connection: delete_messages(connection, user, path[2], "one"))
    await database.write(lambda connection: edit_as_branch(connection, user, path[4], text="E"))
    assert edited.version == 2
    assert await texts(database, user, talk.id) == ["A", "b", "d", "E"]
    fork = await fork_conversation(database, user, path[3])
    assert await texts(database, user, fork.id) == ["A", "b", "d"]
    rest = await database.write(lambda connection: delete_messages(connection, user, path[1], "from"))
    assert await texts(database, user, talk.id) == ["A"]
    for deletion in (rest, one):
        await database.write(lambda connection, name=deletion.id: undo(connection, user, name))  # type: ignore[misc]
    assert await texts(database, user, talk.id) == ["A", "b", "c", "d", "E"]
    await database.write(lambda connection: choose_branch(connection, user, path[4]))
    assert await texts(database, user, talk.id) == ["A", "b", "c", "d", "e"]
    assert await texts(database, user, fork.id) == ["A", "b", "d"]


async def texts(database: Database, user: str, conversation: str) -> list[str]:
    up: PathPage = await database.read(lambda connection: read_page(connection, user, conversation, limit=9))
    first = up.rows[0].id
    down: PathPage = await database.read(
        lambda connection: read_page(connection, user, conversation, around=first, limit=18)
    )
    assert [row.id for row in up.rows] == [row.id for row in down.rows]
    return [plain_text(row.parts) for row in up.rows]


async def test_what_was_deleted_a_month_ago_is_gone_for_good_and_the_rest_stands(database: Database) -> None:
    user = await database.write(lambda connection: add_user(connection, "ann"))
    talk = await database.write(lambda connection: add_conversation(connection, user))
    path = await database.write(lambda connection: add_path(connection, talk, ["a", "b", "c", "d"]))
    await database.write(lambda connection: edit_message(connection, user, path[1], version=1, text="secret"))
    old, new = [
        await database.write(lambda connection, at=at: delete_messages(connection, user, path[at], "one"))  # type: ignore[misc]
        for at in (1, 3)
    ]

    def age(connection: WriteConnection) -> None:
        long_ago = now_ms() - KEEP_DELETED_MS - 1
        connection.execute(update(deletions).where(deletions.c.id == old.id).values(created_at=long_ago))

    await database.write(age)
    with pytest.raises(NotFoundError):
        await database.write(lambda connection: undo(connection, user, old.id))
    while await database.write(purge):
        pass
    rows = await database.read(lambda connection: connection.execute(select(messages.c.id, messages.c.parts)).all())
    said = {row.id: row.parts for row in rows}
    assert said[path[1]] == "[]"
    assert "c" in said[path[2]]
    assert not await database.read(lambda connection: connection.execute(select(message_versions)).all())
    assert await texts(database, user, talk.id) == ["a", "c"]
    await database.write(lambda connection: undo(connection, user, new.id))
    assert await texts(database, user, talk.id) == ["a", "c", "d"]
