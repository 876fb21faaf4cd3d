"""What was shared of a conversation goes with it."""

from __future__ import annotations

from sqlalchemy import func, select, update
from tests.unit.store.stored import add_conversation, add_user

from quarterdeck.domain.parts import TextPart
from quarterdeck.store.conversations import KEEP_DELETED_MS, delete_conversation
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.purge import purge
from quarterdeck.store.shares import SharedMessage, add_shared, begin_share, find_shared, finish_share
from quarterdeck.store.tables import conversations, share_messages, shares


def _share(connection: WriteConnection, owner: str, conversation: str, secret: bytes) -> None:
    made = begin_share(connection, owner, conversation, "Hello", secret)
    add_shared(connection, made, [SharedMessage(0, "user", [TextPart("Hello")], "", 1)])
    finish_share(connection, made)


async def test_copies_are_removed_when_the_deletion_of_their_conversation_is_final(database: Database) -> None:
    def count(connection: WriteConnection) -> tuple[int, int]:
        one, two = (connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (
            shares, share_messages
        ))  # fmt: skip
        return one, two

    def work(connection: WriteConnection) -> None:
        owner = add_user(connection, "ann")
        kept, gone = add_conversation(connection, owner), add_conversation(connection, owner)
        _share(connection, owner, kept.id, b"kept")
        _share(connection, owner, gone.id, b"gone")
        assert find_shared(connection, b"gone") is not None
        delete_conversation(connection, gone.id)
        assert find_shared(connection, b"gone") is None
        while purge(connection):
            pass
        assert count(connection) == (2, 2)  # the deletion can be undone
        connection.execute(
            update(conversations)
            .where(conversations.c.id == gone.id)
            .values(deleted_at=conversations.c.deleted_at - KEEP_DELETED_MS - 1)
        )
        while purge(connection):
            pass
        assert count(connection) == (1, 1)
        assert find_shared(connection, b"kept") is not None

    await database.write(work)
