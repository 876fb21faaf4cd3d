"""Many conversations at once, and the folders they are in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from quarterdeck.conversations.organizing import MOST, Action, Change, change_many
from quarterdeck.domain.events import FeedConversation
from quarterdeck.errors import InputError
from quarterdeck.store.folders import (
    FolderRow,
    delete_folder,
    insert_folder,
    list_folders,
    rename_folder,
    restore_folder,
)
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(tags=["conversations"])

_TOLD_ONE_BY_ONE = 20
_MAX_CHANGES = MOST  # an undo names each conversation once for each change of it, and may need one change for each

Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(lambda name: " ".join(name.split()))]


class BulkChange(BaseModel):
    """`folder`: where to, for `move`; null: into none."""

    action: Action
    ids: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MOST)]
    folder: str | None = None


class BulkChanges(BaseModel):
    """At most 1,000 conversations in all, by our ids."""

    changes: Annotated[list[BulkChange], Field(max_length=_MAX_CHANGES)]


class BulkResult(BaseModel):
    """What is not there, or was so already, is not in `ids`. `undo`, sent here, puts back what was changed."""

    ids: list[str]
    undo: BulkChanges


class FolderDocument(BaseModel):
    id: str
    name: str
    created_at: int
    count: int = Field(description="Conversations in it; archived ones are not counted.")


class FolderList(BaseModel):
    items: list[FolderDocument] = Field(description="By name.")


class FolderName(BaseModel):
    name: Name


@router.post("/api/conversations/bulk")
async def change_conversations(house: TheHouse, caller: Caller, wanted: BulkChanges) -> BulkResult:
    """Pin, archive, move, delete many conversations, all or none. A running answer in a deleted one is stopped.

    `erase` is for deleted ones: they cannot be restored any more, and are gone within an hour.
    """
    changes = [Change(change.action, change.ids, change.folder) for change in wanted.changes]
    changed = await house.database.write(lambda connection: change_many(connection, caller.user, changes))
    for turn in changed.running:
        await house.turns.stop(turn)
    told = changed.ids if len(changed.ids) <= _TOLD_ONE_BY_ONE else [""]
    for conversation in told:
        house.feed.tell(caller.user, FeedConversation(conversation))
    undo = [BulkChange(action=change.action, ids=change.ids, folder=change.folder) for change in changed.undo]
    return BulkResult(ids=changed.ids, undo=BulkChanges(changes=undo))


@router.get("/api/folders")
async def list_all(house: TheHouse, caller: Caller) -> FolderList:
    """List your folders."""
    rows = await house.database.read(lambda connection: list_folders(connection, caller.user))
    return FolderList(items=[_document(row) for row in rows])


@router.post("/api/folders", status_code=201)
async def create(house: TheHouse, caller: Caller, wanted: FolderName) -> FolderDocument:
    """Make a folder."""
    row = await house.database.write(lambda connection: insert_folder(connection, caller.user, _given(wanted)))
    house.feed.tell(caller.user, FeedConversation(""))
    return _document(row)


@router.patch("/api/folders/{folder}")
async def rename(house: TheHouse, caller: Caller, folder: str, wanted: FolderName) -> FolderDocument:
    """Rename a folder."""
    row = await house.database.write(lambda connection: rename_folder(connection, caller.user, folder, _given(wanted)))
    house.feed.tell(caller.user, FeedConversation(""))
    return _document(row)


@router.delete("/api/folders/{folder}", status_code=204)
async def delete(house: TheHouse, caller: Caller, folder: str) -> Response:
    """Delete a folder; the conversations stay, in no folder. It can be restored for 30 days."""
    await house.database.write(lambda connection: delete_folder(connection, caller.user, folder))
    house.feed.tell(caller.user, FeedConversation(""))
    return Response(status_code=204)


@router.post("/api/folders/{folder}/restore")
async def restore(house: TheHouse, caller: Caller, folder: str) -> FolderDocument:
    """Undo the deletion of a folder: what was in it is in it again, unless it is in another one by now."""
    row = await house.database.write(lambda connection: restore_folder(connection, caller.user, folder))
    house.feed.tell(caller.user, FeedConversation(""))
    return _document(row)


def _given(wanted: FolderName) -> str:
    if not wanted.name:
        raise InputError("A folder needs a name.")
    if "\x00" in wanted.name:
        raise InputError("A name cannot contain the character NUL.")
    return wanted.name


def _document(row: FolderRow) -> FolderDocument:
    return FolderDocument(id=row.id, name=row.name, created_at=row.created_at, count=row.count)
