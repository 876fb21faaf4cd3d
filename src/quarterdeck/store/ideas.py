"""Ideas that answers in the tagged format carried."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import and_, insert, select, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import conversations, ideas, messages


class IdeaRow(Struct, frozen=True):
    id: str
    conversation_id: str
    message_id: str
    text: str
    title: str  # the conversation's
    created_at: int


def insert_ideas(connection: WriteConnection, *, owner: str, conversation: str, message: str, texts: list[str]) -> None:
    """In the order of the answer; ids made one after the other keep that order."""
    if not texts:
        return
    now = now_ms()
    first = new_id()
    rows = [
        {"id": f"{first}{index:04d}", "owner_id": owner, "conversation_id": conversation, "message_id": message,
         "text": idea, "created_at": now}
        for index, idea in enumerate(texts)
    ]  # fmt: skip
    connection.execute(insert(ideas), rows)


def list_ideas(
    connection: AnyConnection, owner: str, *, conversation: str | None, before: str, limit: int
) -> list[IdeaRow]:
    """Newest first; `before` is the id of the last one seen, empty at the beginning."""
    conditions = [
        ideas.c.owner_id == owner,
        ideas.c.deleted_at.is_(None),
        conversations.c.deleted_at.is_(None),
    ]
    if conversation is not None:
        conditions.append(ideas.c.conversation_id == conversation)
    if before:
        conditions.append(ideas.c.id < before)
    rows = connection.execute(
        select(ideas, conversations.c.title)
        .join(conversations, conversations.c.id == ideas.c.conversation_id)
        .join(messages, and_(messages.c.id == ideas.c.message_id, messages.c.deleted_at.is_(None)))
        .where(*conditions)
        .order_by(ideas.c.id.desc())
        .limit(limit)
    )
    return [IdeaRow(row.id, row.conversation_id, row.message_id, row.text, row.title, row.created_at) for row in rows]


def delete_idea(connection: WriteConnection, owner: str, idea: str) -> bool:
    statement = update(ideas).where(ideas.c.id == idea, ideas.c.owner_id == owner, ideas.c.deleted_at.is_(None))
    return bool(connection.execute(statement.values(deleted_at=now_ms())).rowcount)
