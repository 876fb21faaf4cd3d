"""Memories as HTTP answers with them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.memories import MemoryRow
from quarterdeck.store.memory_history import ChangeRow, UseRow
from quarterdeck.store.memory_sources import SourceRow

State = Literal["current", "superseded", "stale"]


class MemorySourceDocument(BaseModel):
    """A message that it came from: `version` was read, `current_version` is what it says now."""

    message: str
    conversation: str
    title: str
    role: str
    quote: str = Field(description="The passage; empty: the whole message.")
    version: int
    current_version: int
    is_gone: bool


class MemoryUsed(BaseModel):
    """The last answer that it was recalled for; `count` is of all."""

    count: int
    turn: str
    message: str
    conversation: str
    at: int


class MemoryDocument(BaseModel):
    """Times are milliseconds since 1970. `said_at`: when it was said; `valid_from`, `valid_to`: when it is true."""

    id: str
    kind: str = Field(description="fact, preference, plan, relation or event.")
    text: str
    confidence: float
    origin: str = Field(description="derived, user or import: your own word outranks what is derived.")
    said_at: int
    valid_from: int | None
    valid_to: int | None
    pinned: bool
    tainted: bool = Field(description="It rests on text of others.")
    state: State
    superseded_by: str | None
    supersedes: list[str]
    sources: list[MemorySourceDocument]
    used: MemoryUsed | None
    version: int
    created_at: int
    updated_at: int


class MemoryPage(BaseModel):
    memories: list[MemoryDocument]
    next: str | None = Field(description="Pass it as `cursor` for the next ones; null at the end.")


class MemoryVersion(BaseModel):
    """The memory as it was after `change`, made by `actor` (user, model or server)."""

    version: int
    change: str
    actor: str
    at: int
    text: str
    kind: str
    valid_from: int | None
    valid_to: int | None
    pinned: bool
    state: State


class UndoneMemory(MemoryDocument):
    undone_with: list[MemoryVersion] = Field(
        description="The changes that came after the one that was undone, and were undone with it; the newest first."
    )


class MemoryHistory(BaseModel):
    versions: list[MemoryVersion] = Field(description="The newest first.")


class MemoryUse(BaseModel):
    """`signals`: what each gave for its being recalled."""

    turn: str
    message: str
    conversation: str
    title: str
    at: int
    signals: dict[str, float]


class MemoryUses(BaseModel):
    uses: list[MemoryUse]
    next: str | None


def memory_document(
    row: MemoryRow, sources: list[SourceRow], supersedes: list[str], used: UseRow | None
) -> MemoryDocument:
    return MemoryDocument(
        id=row.id, kind=row.kind, text=row.text, confidence=row.confidence, origin=row.origin, said_at=row.said_at,
        valid_from=row.valid_from, valid_to=row.valid_to, pinned=row.pinned_at is not None, tainted=bool(row.taint),
        state=row.state(now_ms()), superseded_by=row.superseded_by, supersedes=supersedes,
        sources=[_source(source) for source in sources], used=None if used is None else _used(used),
        version=row.version, created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def version_document(change: ChangeRow, row: MemoryRow) -> MemoryVersion:
    """`row`: the memory as it was after the change."""
    return MemoryVersion(
        version=change.version, change=change.change, actor=change.actor, at=change.created_at, text=row.text,
        kind=row.kind, valid_from=row.valid_from, valid_to=row.valid_to, pinned=row.pinned_at is not None,
        state=row.state(change.created_at),
    )  # fmt: skip


def use_document(row: UseRow) -> MemoryUse:
    return MemoryUse(
        turn=row.turn_id, message=row.message_id, conversation=row.conversation_id, title=row.title, at=row.created_at,
        signals=row.signals,
    )  # fmt: skip


def _source(row: SourceRow) -> MemorySourceDocument:
    return MemorySourceDocument(
        message=row.message_id, conversation=row.conversation_id, title=row.title, role=row.role, quote=row.quote,
        version=row.version, current_version=row.current_version, is_gone=row.is_gone,
    )  # fmt: skip


def _used(row: UseRow) -> MemoryUsed:
    return MemoryUsed(
        count=row.count, turn=row.turn_id, message=row.message_id, conversation=row.conversation_id, at=row.created_at
    )
