"""Searching in all of one's messages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from quarterdeck.accounts.access import access_conversation
from quarterdeck.conversations.searching import Hit, Hits, Order, search_messages
from quarterdeck.domain.search_query import parse_query
from quarterdeck.errors import InputError
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.folders import access_folder
from quarterdeck.store.search_find import SearchFilter
from quarterdeck.store.users import find_time_zone
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api/search", tags=["conversations"])

_WHEN = "A day (`2026-11-28`, in your time zone) or an instant (`2026-11-28T09:00:00Z`)."


class SearchHit(BaseModel):
    """A message that was found. `marks` are places in `passage`: [start, end) in code points."""

    message: str
    conversation: str
    title: str = Field(description="The conversation's.")
    role: str
    model: str
    created_at: int
    passage: str
    marks: list[list[int]]
    is_archived: bool = Field(description="Whether the conversation is.")
    folder: str | None = Field(description="The conversation's.")


class SearchPage(BaseModel):
    items: list[SearchHit]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next ones; null at the end.")


@router.get("")
async def search(
    house: TheHouse,
    caller: Caller,
    q: Annotated[
        str, Query(max_length=1000, description='Words, "phrases" and -exclusions; the last word may be a beginning.')
    ] = "",
    order: Annotated[Order, Query(description="`best` puts the newest 200 that fit in order.")] = "newest",
    since: Annotated[str, Query(alias="from", max_length=40, description=_WHEN)] = "",
    until: Annotated[str, Query(alias="to", max_length=40, description=f"{_WHEN} A day is within.")] = "",
    who: Literal["", "user", "assistant"] = "",
    model: Annotated[str, Query(max_length=300)] = "",
    has: Annotated[list[Literal["ideas", "files"]] | None, Query()] = None,
    conversation: Annotated[str, Query(max_length=200)] = "",
    folder: Annotated[str, Query(max_length=100)] = "",
    cursor: Annotated[str, Query(max_length=30)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> SearchPage:
    """Search all of your messages. Any text is a query. Without one, a filter finds what it lets through."""
    query = parse_query(q)
    has = has or []
    if not query and not any((since, until, who, model, has, conversation, folder)):
        return SearchPage(items=[], next_cursor=None)

    def read(connection: ReadConnection) -> Hits:
        zone = _zone(find_time_zone(connection, caller.user))
        wanted = SearchFilter(
            owner=caller.user,
            query=query,
            role=who,
            model=model,
            has_ideas="ideas" in has,
            has_files="files" in has,
            conversation=access_conversation(connection, caller.user, conversation).id if conversation else "",
            folder=access_folder(connection, caller.user, folder).id if folder else "",
            since=_instant(since, zone),
            until=_instant(until, zone, is_end=True),
        )
        return search_messages(connection, wanted, order=order, cursor=cursor, limit=limit)

    await house.index_queue.settle(caller.user)
    found = await house.database.read(read)
    return SearchPage(items=[_document(hit) for hit in found.items], next_cursor=found.next_cursor)


def _document(hit: Hit) -> SearchHit:
    row = hit.message
    return SearchHit(
        message=row.message_id, conversation=row.conversation_id, title=row.title, role=row.role, model=row.model,
        created_at=row.created_at, passage=hit.passage.text, marks=[list(mark) for mark in hit.passage.marks],
        is_archived=row.archived_at is not None, folder=row.folder_id,
    )  # fmt: skip


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):  # a machine without that zone
        return UTC


def _instant(text: str, zone: tzinfo, *, is_end: bool = False) -> int | None:
    """Milliseconds since 1970; a day that is an end ends there. Raises: `InputError`."""
    if not text:
        return None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=int(is_end))
            at = datetime.combine(day, time(), zone)
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=zone)
        return int(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InputError("A time is written as 2026-11-28 or 2026-11-28T09:00:00Z.") from None
