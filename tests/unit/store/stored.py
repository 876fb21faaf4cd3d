"""A real database of the test's own, and the rows that tests need in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import insert, select

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.store.conversations import ConversationRow, insert_conversation, update_conversation
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.messages import insert_message
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.postgres import PostgresDatabase
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import users
from quarterdeck.store.turns import TurnRow, insert_turn

Place = Path | str
"""Where a test's database is: a folder, or the URL of one on PostgreSQL that has its tables."""


@asynccontextmanager
async def open_store(folder: Path) -> AsyncIterator[SqliteDatabase]:
    """The database file of `folder`, made when it is not there."""
    path = folder / "quarterdeck.sqlite3"
    migrate_sqlite(path)
    database = SqliteDatabase(path)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_place(place: Place, pool_size: int = 8) -> AsyncIterator[Database]:
    """Opened twice, it is what a second process would see."""
    if isinstance(place, Path):
        async with open_store(place) as file:
            yield file
        return
    database = PostgresDatabase(place, pool_size)
    try:
        yield database
    finally:
        await database.close()


def names_of_users(connection: AnyConnection) -> list[str]:
    return list(connection.execute(select(users.c.name).order_by(users.c.name)).scalars())


def add_user(connection: WriteConnection, name: str, role: str = "member") -> str:
    """The new user's id."""
    user = new_id()
    connection.execute(insert(users).values(id=user, name=name, role=role, created_at=now_ms()))
    return user


def add_conversation(
    connection: WriteConnection, owner: str, external_id: str = "", title: str = ""
) -> ConversationRow:
    return insert_conversation(
        connection, owner=owner, external_id=external_id, title=title or "A talk", model="fake/model", assistant="",
        instructions="", temperature=None,
    )  # fmt: skip


def add_message(
    connection: WriteConnection, conversation: ConversationRow, parent: str | None, role: str, parts: list[Part]
) -> str:
    """The new message's id; it becomes the conversation's tip."""
    message = new_id()
    insert_message(
        connection, message=message, conversation=conversation.id, owner=conversation.owner_id, parent=parent,
        role=role, status="complete", parts=parts, model="", turn=new_id(),
    )  # fmt: skip
    update_conversation(connection, conversation.id, {"tip_id": message})
    return message


def add_path(connection: WriteConnection, conversation: ConversationRow, texts: list[str]) -> list[str]:
    """Question, answer, question, … ; their ids, oldest first."""
    path: list[str] = []
    for number, text in enumerate(texts):
        role = "assistant" if number % 2 else "user"
        path.append(add_message(connection, conversation, path[-1] if path else None, role, [TextPart(text)]))
    return path


def add_turn(
    connection: WriteConnection, conversation: ConversationRow, *, status: str = "queued", worker: str | None = None,
    lease_until: int = 0, instructions: str = "",
) -> str:  # fmt: skip
    turn = new_id()
    insert_turn(
        connection,
        TurnRow(
            id=turn, owner_id=conversation.owner_id, conversation_id=conversation.id, request_id=new_id(),
            message_id=new_id(), status=status, model="fake/model", assistant="", instructions=instructions,
            temperature=None, send_key=turn, send_hash=b"", lease_owner=worker, lease_until=lease_until,
            stop_requested_at=None, created_at=now_ms(), ended_at=None,
        ),
    )  # fmt: skip
    return turn
