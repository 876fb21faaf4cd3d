"""Ideas that answers carried."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from quarterdeck.accounts.access import access_conversation
from quarterdeck.errors import NotFoundError
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.ideas import IdeaRow, delete_idea, list_ideas
from quarterdeck.views.documents import IdeaPage, idea_document
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api/ideas", tags=["ideas"])


@router.get("")
async def list_all(
    house: TheHouse,
    caller: Caller,
    conversation: str = "",
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> IdeaPage:
    """List ideas, newest first, of one conversation or of all."""

    def read(connection: ReadConnection) -> list[IdeaRow]:
        within = access_conversation(connection, caller.user, conversation).id if conversation else None
        return list_ideas(connection, caller.user, conversation=within, before=cursor, limit=limit + 1)

    rows = await house.database.read(read)
    page = rows[:limit]
    return IdeaPage(items=[idea_document(row) for row in page], next_cursor=page[-1].id if len(rows) > limit else None)


@router.delete("/{idea}", status_code=204)
async def delete(house: TheHouse, caller: Caller, idea: str) -> Response:
    """Delete an idea."""
    if not await house.database.write(lambda connection: delete_idea(connection, caller.user, idea)):
        raise NotFoundError("There is no such idea.")
    return Response(status_code=204)
