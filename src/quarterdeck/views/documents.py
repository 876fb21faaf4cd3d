"""What HTTP answers with: plain shapes of our rows, for the page and for people's scripts."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel, Field

from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.ideas import IdeaRow
from quarterdeck.store.messages import MessageRow


class ConversationDocument(BaseModel):
    """A conversation as listed. Times are milliseconds since 1970."""

    id: str
    chat_id: str = Field(description="The id its client made up, or the same as `id`.")
    title: str
    model: str
    assistant: str
    instructions: str
    temperature: float | None
    created_at: int
    updated_at: int
    running_turn: str | None = Field(description="The turn being answered now, to follow.")
    title_from: str = Field(description="`words` (the first ones), `model` or `user`.")
    pinned_at: int | None
    archived_at: int | None
    folder: str | None


class MessageDocument(BaseModel):
    """A message of the active path. `parts` as in docs/protocol.md."""

    id: str
    conversation: str
    parent: str | None
    role: str
    status: str
    mark: str = Field(description="pinned: always sent to the model; excluded: never; else empty.")
    parts: list[dict[str, Any]]
    model: str
    turn: str
    created_at: int
    ended_at: int | None
    first_token_ms: int | None
    usage: dict[str, Any] | None
    continuations: list[dict[str, Any]]
    error: dict[str, Any] | None


class IdeaDocument(BaseModel):
    id: str
    text: str
    conversation: str
    title: str = Field(description="The conversation's title.")
    message: str
    created_at: int


class ConversationPage(BaseModel):
    items: list[ConversationDocument]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next ones; null at the end.")


class MessagePage(BaseModel):
    items: list[MessageDocument] = Field(description="Oldest first.")
    next_cursor: str | None = Field(description="Pass it as `before` for older ones; null at the beginning.")


class IdeaPage(BaseModel):
    items: list[IdeaDocument]
    next_cursor: str | None


def conversation_document(row: ConversationRow) -> ConversationDocument:
    return ConversationDocument(
        id=row.id, chat_id=row.external_id, title=row.title, model=row.model, assistant=row.assistant,
        instructions=row.instructions, temperature=row.temperature, created_at=row.created_at,
        updated_at=row.updated_at, running_turn=row.running_turn, title_from=row.title_from,
        pinned_at=row.pinned_at, archived_at=row.archived_at, folder=row.folder_id,
    )  # fmt: skip


def message_document(row: MessageRow) -> MessageDocument:
    return MessageDocument(
        id=row.id, conversation=row.conversation_id, parent=row.parent_id, role=row.role, status=row.status,
        mark=row.context_mark,
        parts=msgspec.to_builtins(row.parts), model=row.model, turn=row.turn_id, created_at=row.created_at,
        ended_at=row.ended_at, first_token_ms=row.first_token_ms, usage=msgspec.to_builtins(row.usage),
        continuations=msgspec.to_builtins(row.continuations), error=msgspec.to_builtins(row.error),
    )  # fmt: skip


def idea_document(row: IdeaRow) -> IdeaDocument:
    return IdeaDocument(
        id=row.id,
        text=row.text,
        conversation=row.conversation_id,
        title=row.title,
        message=row.message_id,
        created_at=row.created_at,
    )
