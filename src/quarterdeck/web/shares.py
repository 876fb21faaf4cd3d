"""Share links: made, listed and revoked by who owns the conversation, read by whoever has one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from quarterdeck.accounts.access import access_conversation
from quarterdeck.accounts.tokens import hash_secret
from quarterdeck.conversations.sharing import share_conversation
from quarterdeck.errors import NotFoundError
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.shares import (
    SharedMessage,
    ShareRow,
    find_shared,
    list_shares,
    read_shared,
    revoke_share,
)
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.house import public_base
from quarterdeck.web.shared_page import HEADERS, PAGE_SIZE, count_pages, first_position, render_nothing, render_share

router = APIRouter(tags=["conversations"])


class NewShare(BaseModel):
    id: str
    url: str = Field(description="Shown this once: it is not kept.")
    message_count: int
    unfinished: int = Field(
        description="Of the messages, the answers that were still being written: the page behind the link says so in"
        " place of their text."
    )


class ShareDocument(BaseModel):
    """A share, revoked ones included. `title` and the messages are as they were when it was made."""

    id: str
    conversation: str
    title: str
    conversation_title: str | None = Field(description="What it is called now; null: it is deleted.")
    message_count: int
    created_at: int
    revoked_at: int | None


class SharePage(BaseModel):
    items: list[ShareDocument] = Field(description="Newest first.")
    next_cursor: str | None


@router.post("/api/conversations/{conversation}/shares", status_code=201)
async def create(request: Request, house: TheHouse, caller: Caller, conversation: str) -> NewShare:
    """Share a conversation as it is now: whoever has the link can read it, without what the model thought.

    A private conversation is not shared (409).
    """
    shared = await share_conversation(house.database, caller.user, conversation)
    return NewShare(
        id=shared.id,
        url=f"{public_base(request, house)}/s/{shared.secret}",
        message_count=shared.message_count,
        unfinished=shared.unfinished,
    )


@router.get("/api/shares")
async def list_all(
    house: TheHouse,
    caller: Caller,
    conversation: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SharePage:
    """List what you have shared, newest first."""

    def read(connection: ReadConnection) -> list[ShareRow]:
        within = access_conversation(connection, caller.user, conversation).id if conversation else ""
        return list_shares(connection, caller.user, conversation=within, before=cursor, limit=limit + 1)

    rows = await house.database.read(read)
    more = rows[limit - 1].id if len(rows) > limit else None
    return SharePage(items=[_document(row) for row in rows[:limit]], next_cursor=more)


@router.delete("/api/shares/{share}", status_code=204)
async def revoke(house: TheHouse, caller: Caller, share: str) -> Response:
    """Take a link back: it shows nothing any more, and what was copied for it is deleted."""
    if not await house.database.write(lambda connection: revoke_share(connection, caller.user, share)):
        raise NotFoundError("There is no such share.")
    return Response(status_code=204)


@router.get("/s/{token}", include_in_schema=False)
async def show(house: TheHouse, token: str, page: str = "1") -> Response:
    """What was shared, a page of messages at a time. A link that is unknown or revoked is 404."""
    wanted = int(page) if page.isascii() and page.isdigit() and len(page) < 9 else 0

    def read(connection: ReadConnection) -> tuple[ShareRow, list[SharedMessage]] | None:
        share = find_shared(connection, hash_secret(token))
        if share is None or not 1 <= wanted <= count_pages(share):
            return None
        return share, read_shared(connection, share.id, first_position(share, wanted), PAGE_SIZE)

    found = await house.database.read(read)
    if found is None:
        return HTMLResponse(render_nothing(), 404, headers=HEADERS)
    return HTMLResponse(await run_in_threadpool(render_share, *found, wanted), headers=HEADERS)


def _document(row: ShareRow) -> ShareDocument:
    return ShareDocument(
        id=row.id, conversation=row.conversation_id, title=row.title, conversation_title=row.conversation_title,
        message_count=row.message_count, created_at=row.created_at, revoked_at=row.revoked_at,
    )  # fmt: skip
