"""What HTTP answers with to edits: versions, deletions, and what was begun."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel, Field

from quarterdeck.store.deletions import DeletionRow
from quarterdeck.store.turns import TurnRow
from quarterdeck.store.versions import VersionRow


class VersionDocument(BaseModel):
    version: int
    parts: list[dict[str, Any]]
    created_at: int


class VersionPage(BaseModel):
    items: list[VersionDocument] = Field(description="The current version first.")


class DeletionDocument(BaseModel):
    """What was deleted in one go; `POST /api/deletions/{id}/undo` brings it back."""

    id: str
    conversation: str
    count: int = Field(description="Messages.")
    created_at: int


class AcceptedDocument(BaseModel):
    """The turn that was begun; its events are at `/api/turns/{turn}/events`."""

    conversation: str
    turn: str
    message: str = Field(description="The question.")
    answer: str
    model: str
    created_at: int


def version_document(row: VersionRow) -> VersionDocument:
    return VersionDocument(version=row.version, parts=msgspec.to_builtins(row.parts), created_at=row.created_at)


def deletion_document(row: DeletionRow) -> DeletionDocument:
    return DeletionDocument(
        id=row.id, conversation=row.conversation_id, count=row.message_count, created_at=row.created_at
    )


def accepted_document(row: TurnRow) -> AcceptedDocument:
    return AcceptedDocument(
        conversation=row.conversation_id,
        turn=row.id,
        message=row.request_id,
        answer=row.message_id,
        model=row.model,
        created_at=row.created_at,
    )
