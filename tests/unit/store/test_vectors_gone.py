"""What is gone for good has no vector any more, and waits for none; nobody else's vector goes with it. Also where no
vectors are made now: those of a model that was used once lie there still.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import insert, select, update
from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.changing import Statement, forget_memory, make_memory
from quarterdeck.store.conversations import KEEP_DELETED_MS, delete_conversation
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.guests import delete_expired_guests
from quarterdeck.store.memories import UNDO_MS
from quarterdeck.store.memory_history import delete_outdated, erase_forgotten
from quarterdeck.store.owned import delete_user
from quarterdeck.store.private import KEEP_PRIVATE_MS, remove_private
from quarterdeck.store.purge import purge
from quarterdeck.store.tables import conversations, deletions, memories, users, vectors, vectors_due

A_MONTH_AGO = now_ms() - KEEP_DELETED_MS - 1_000


def give_vectors(connection: WriteConnection, owner: str, keys: list[str]) -> None:
    for key in keys:
        own = {"key_id": key, "owner_id": owner}
        connection.execute(insert(vectors).values(**own, model="fake/once", made_at=1, vector=b"\1\2"))
        connection.execute(insert(vectors_due).values(**own, kind="message", marked_at=1))


def keys_with_vectors(connection: ReadConnection) -> set[str]:
    made, due = (set(connection.execute(select(table.c.key_id)).scalars()) for table in (vectors, vectors_due))
    assert made == due
    return made


def delete_a_message(connection: WriteConnection, owner: str, path: list[str]) -> set[str]:
    gone = delete_messages(connection, owner, path[2], "one")
    assert gone
    connection.execute(update(deletions).values(created_at=A_MONTH_AGO))
    while purge(connection):
        pass
    return {path[2]}


def delete_a_conversation(connection: WriteConnection, owner: str, path: list[str]) -> set[str]:
    talk = connection.execute(select(conversations.c.id).where(conversations.c.owner_id == owner)).scalar_one()
    delete_conversation(connection, talk)
    connection.execute(update(conversations).where(conversations.c.id == talk).values(deleted_at=A_MONTH_AGO))
    while purge(connection):
        pass
    return set(path)


def outlive_a_private_conversation(connection: WriteConnection, owner: str, path: list[str]) -> set[str]:
    is_own = conversations.c.owner_id == owner
    long_ago = now_ms() - KEEP_PRIVATE_MS - 1_000
    connection.execute(update(conversations).where(is_own).values(memory="private", updated_at=long_ago))
    assert remove_private(connection) == 1
    return set(path)


def outlive_a_guest(connection: WriteConnection, owner: str, path: list[str]) -> set[str]:
    connection.execute(update(users).where(users.c.id == owner).values(role="guest"))
    assert delete_expired_guests(connection) == 1
    return set(path)


def delete_an_account(connection: WriteConnection, owner: str, path: list[str]) -> set[str]:
    delete_user(connection, owner)
    return set(path)


@pytest.mark.parametrize(
    "remove",
    [
        delete_a_message,
        delete_a_conversation,
        outlive_a_private_conversation,
        outlive_a_guest,
        delete_an_account,
    ],
)
async def test_what_is_gone_for_good_leaves_no_vector_and_takes_nobody_elses(
    database: Database, remove: Callable[[WriteConnection, str, list[str]], set[str]]
) -> None:
    def fill(connection: WriteConnection) -> tuple[str, list[str], set[str]]:
        paths = {}
        for name in ("ann", "ben"):
            owner = add_user(connection, name)
            paths[owner] = add_path(connection, add_conversation(connection, owner), ["one", "two", "three"])
            give_vectors(connection, owner, paths[owner])
        owner, other = paths
        return owner, paths[owner], {*paths[owner], *paths[other]}

    owner, path, everything = await database.write(fill)
    assert await database.read(keys_with_vectors) == everything
    gone = await database.write(lambda connection: remove(connection, owner, path))
    assert gone
    assert await database.read(keys_with_vectors) == everything - gone


async def test_a_memory_that_is_forgotten_or_outdated_leaves_no_vector(database: Database) -> None:
    def remember(connection: WriteConnection) -> tuple[str, list[str]]:
        owner = add_user(connection, "ann")
        kept = [
            make_memory(connection, owner, Statement(text=text)).id for text in ("I like soup", "I am Ann", "I row")
        ]
        give_vectors(connection, owner, kept)
        return owner, kept

    owner, (forgotten, outdated, kept) = await database.write(remember)

    def forget(connection: WriteConnection) -> None:
        forget_memory(connection, owner, forgotten)
        long_ago = {"forgotten_at": now_ms() - UNDO_MS - 1_000}
        connection.execute(update(memories).where(memories.c.id == forgotten).values(long_ago))
        connection.execute(update(memories).where(memories.c.id == outdated).values(stale_at=1))
        assert erase_forgotten(connection) == 1
        assert delete_outdated(connection, now_ms()) == 1

    await database.write(forget)
    assert await database.read(keys_with_vectors) == {kept}
