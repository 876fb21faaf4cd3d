"""Recalling what was said and what is remembered, as an answer's model does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import InputError
from quarterdeck.memory.query import Query as RecallQuery
from quarterdeck.memory.recall import Recalled
from quarterdeck.store.users import find_time_zone
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api/memories/search", tags=["memory"])

_WHEN = "ISO 8601 (`2026-11-28T09:00:00Z`) or milliseconds since 1970."
_MOST_MS = 253_370_764_800_000  # the year 9999


class Recollection(BaseModel):
    """Something that was said, or is remembered; `messages` is what it rests on, best first."""

    kind: Literal["message", "memory", "summary"]
    id: str
    messages: list[str]
    text: str
    at: int
    role: str
    speaker: str = Field(description="A name, where it is neither just the user nor the model.")
    conversation: str
    title: str = Field(description="The conversation's.")
    score: float
    signals: dict[str, float] = Field(description="What each gave of the score: words, meaning, speaker, session, …")
    tainted: bool = Field(description="Whether it rests on untrusted text.")


class Recollections(BaseModel):
    hits: list[Recollection]


@router.get("")
async def search_memory(
    house: TheHouse,
    caller: Caller,
    q: Annotated[str, Query(min_length=1, max_length=2000, description="A question, or words; nothing need be exact.")],
    before: Annotated[str, Query(max_length=40, description=_WHEN)] = "",
    after: Annotated[str, Query(max_length=40, description=_WHEN)] = "",
    speaker: Annotated[str, Query(max_length=200, description="`user`, `assistant` or a name.")] = "",
    k: Annotated[int, Query(ge=1, le=100)] = 10,
    now: Annotated[str, Query(max_length=40, description=f"What dates in `q` refer to. {_WHEN}")] = "",
) -> Recollections:
    """Find what was said that a query is about, by words, meaning, time and who said it."""
    zone = await house.database.read(lambda connection: find_time_zone(connection, caller.user))
    at = _instant(now)
    query = RecallQuery(
        owner=caller.user, text=q, now=now_ms() if at is None else at, zone=zone,
        before=_instant(before), after=_instant(after), speaker=speaker, k=k,
    )  # fmt: skip
    await house.index_queue.settle(caller.user)
    found = await house.recall.find(query)
    return Recollections(hits=[_document(one) for one in found])


def _document(found: Recalled) -> Recollection:
    return Recollection(
        kind=found.kind, id=found.id, messages=found.messages, text=found.text, at=found.at, role=found.role,
        speaker=found.speaker, conversation=found.conversation, title=found.title, score=round(found.score, 4),
        signals=found.signals, tainted=bool(found.taint),
    )  # fmt: skip


def _instant(text: str) -> int | None:
    """Milliseconds since 1970. Raises: `InputError`."""
    if not text:
        return None
    try:
        if text.isascii() and text.isdigit():
            at = int(text)
        else:
            read = datetime.fromisoformat(text)
            at = int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at <= _MOST_MS:
        raise InputError("A time is written as 2026-11-28T09:00:00Z or in milliseconds since 1970.")
    return at
