"""What HTTP answers with: plain shapes of our rows, for the page and for people's scripts."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel, Field

from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.ideas import IdeaRow
from quarterdeck.store.messages import MessageRow

SIBLINGS_SHOWN = 50  # ids in one document


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
    forked_from: str | None = Field(description="The message of another conversation that it was begun from.")
    memory: str = Field(
        description="Empty: as the account has it; `off`: nothing is learned here or recalled; `private`: nor is it "
        "found, and it is gone for good a day after its last message."
    )
    deleted_at: int | None = Field(None, description="Of a list of deleted ones: they are gone 30 days later.")


class SiblingsDocument(BaseModel):
    """The messages among which the path chooses here, in the order in which they were made."""

    position: int = Field(description="Of this one, from 1.")
    count: int
    ids: list[str] = Field(description=f"At most {SIBLINGS_SHOWN}, this one among them.")


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
    version: int = Field(description="Counts edits, from 1.")
    edited_at: int | None
    siblings: SiblingsDocument | None = Field(description="Null: it stands alone in its place.")


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
    newer_cursor: str | None = Field(description="Pass it as `after` for newer ones; null at the end.")


class IdeaPage(BaseModel):
    items: list[IdeaDocument]
    next_cursor: str | None


def conversation_document(row: ConversationRow) -> ConversationDocument:
    return ConversationDocument(
        id=row.id, chat_id=row.external_id, title=row.title, model=row.model, assistant=row.assistant,
        instructions=row.instructions, temperature=row.temperature, created_at=row.created_at,
        updated_at=row.updated_at, running_turn=row.running_turn, title_from=row.title_from,
        pinned_at=row.pinned_at, archived_at=row.archived_at, folder=row.folder_id,
        forked_from=row.forked_from, memory=row.memory, deleted_at=row.deleted_at,
    )  # fmt: skip


def message_document(row: MessageRow, siblings: list[str]) -> MessageDocument:
    """`siblings`: the ids of all that stand in its place, itself too, or none."""
    return MessageDocument(
        id=row.id, conversation=row.conversation_id, parent=row.parent_id, role=row.role, status=row.status,
        mark=row.context_mark,
        parts=msgspec.to_builtins(row.parts), model=row.model, turn=row.turn_id, created_at=row.created_at,
        ended_at=row.ended_at, first_token_ms=row.first_token_ms, usage=msgspec.to_builtins(row.usage),
        continuations=msgspec.to_builtins(row.continuations), error=msgspec.to_builtins(row.error),
        version=row.version, edited_at=row.edited_at, siblings=_siblings_document(row.id, siblings),
    )  # fmt: skip


def _siblings_document(message: str, ids: list[str]) -> SiblingsDocument | None:
    if not ids:
        return None
    place = ids.index(message) if message in ids else 0
    start = max(min(place - SIBLINGS_SHOWN // 2, len(ids) - SIBLINGS_SHOWN), 0)
    return SiblingsDocument(position=place + 1, count=len(ids), ids=ids[start : start + SIBLINGS_SHOWN])


def idea_document(row: IdeaRow) -> IdeaDocument:
    return IdeaDocument(
        id=row.id,
        text=row.text,
        conversation=row.conversation_id,
        title=row.title,
        message=row.message_id,
        created_at=row.created_at,
    )
