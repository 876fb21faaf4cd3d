"""What is remembered of one: list, make, edit, pin, forget, undo; where it came from and where it was used."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from msgspec import UNSET
from pydantic import BaseModel, Field

from quarterdeck.accounts.access import access_conversation
from quarterdeck.memory.changing import (
    MAX_TEXT_CHARS,
    Edit,
    Statement,
    access_memory,
    edit_memory,
    forget_memory,
    undo_change,
    write_memory,
)
from quarterdeck.memory.portable import read_time
from quarterdeck.store.database import AnyConnection, ReadConnection, WriteConnection
from quarterdeck.store.memories import MemoryFilter, MemoryRow, list_memories, list_superseded_by
from quarterdeck.store.memory_history import as_it_was, find_last_uses, list_changes, list_uses
from quarterdeck.store.memory_sources import list_sources
from quarterdeck.views.memory_documents import (
    MemoryDocument,
    MemoryHistory,
    MemoryPage,
    MemoryUses,
    MemoryVersion,
    UndoneMemory,
    memory_document,
    use_document,
    version_document,
)
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api/memories", tags=["memory"])

Kind = Literal["fact", "preference", "plan", "relation", "event"]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
Moment = Annotated[int, Field(ge=-(1 << 50), le=1 << 50)]
Limit = Annotated[int, Query(ge=1, le=200)]
_KNOWN = "It was known already: the memory that says it in the same words."
_WHEN = "Milliseconds since 1970 or an ISO 8601 time."


class NewMemory(BaseModel):
    """What is to be known of you, as one statement."""

    text: Text
    kind: Kind = "fact"
    valid_from: Moment | None = None
    valid_to: Moment | None = None


class MemoryChange(BaseModel):
    """`version`: the one that was looked at; if it is another by now, nothing is changed (409)."""

    version: Annotated[int, Field(ge=1, lt=1 << 31)]
    text: Text | None = None
    kind: Kind | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    pinned: bool | None = None


class MemoryUndo(BaseModel):
    version: Annotated[int, Field(ge=1, lt=1 << 31, description="The change that made this version is undone.")]


class Forgotten(BaseModel):
    undo_until: int = Field(description="Until then it can be undone (milliseconds since 1970); then it is final.")


@router.get("")
async def list_all(
    house: TheHouse,
    caller: Caller,
    q: Annotated[str, Query(max_length=200, description="Words that are all in the text.")] = "",
    kind: Literal["", "fact", "preference", "plan", "relation", "event"] = "",
    state: Literal["current", "superseded", "stale", "all"] = "current",
    pinned: Annotated[bool, Query(description="Only the pinned ones.")] = False,
    conversation: Annotated[str, Query(max_length=200, description="It came from there.")] = "",
    before: Annotated[str, Query(max_length=40, description=f"Said before then. {_WHEN}")] = "",
    after: Annotated[str, Query(max_length=40, description=f"Said then or later. {_WHEN}")] = "",
    cursor: Annotated[str, Query(max_length=40)] = "",
    limit: Limit = 50,
) -> MemoryPage:
    """List your memories, the newest first."""

    def read(connection: ReadConnection) -> tuple[list[MemoryDocument], bool]:
        wanted = MemoryFilter(
            owner=caller.user, words=tuple(q.replace("\x00", "").split()[:20]),
            kind=kind, state=state, is_pinned=pinned,
            conversation=access_conversation(connection, caller.user, conversation).id if conversation else "",
            before=moment(before), after=moment(after),
        )  # fmt: skip
        rows = list_memories(connection, wanted, after=cursor.replace("\x00", ""), limit=limit + 1)
        return documents(connection, caller.user, rows[:limit]), len(rows) > limit

    found, has_more = await house.database.read(read)
    return MemoryPage(memories=found, next=found[-1].id if has_more else None)


@router.post("", status_code=201, responses={200: {"model": MemoryDocument, "description": _KNOWN}})
async def create(house: TheHouse, caller: Caller, wanted: NewMemory, response: Response) -> MemoryDocument:
    """Have something remembered."""
    statement = Statement(text=wanted.text, kind=wanted.kind, valid_from=wanted.valid_from, valid_to=wanted.valid_to)

    def write(connection: WriteConnection) -> tuple[MemoryDocument, bool]:
        row, is_new = write_memory(connection, caller.user, statement)
        return document(connection, row), is_new

    made, is_new = await house.database.write(write)
    if not is_new:
        response.status_code = 200
    return made


@router.get("/{memory}")
async def get_one(house: TheHouse, caller: Caller, memory: str) -> MemoryDocument:
    """One memory, with where it came from."""
    return await house.database.read(
        lambda connection: document(connection, access_memory(connection, caller.user, memory))
    )


@router.patch("/{memory}")
async def change(house: TheHouse, caller: Caller, memory: str, wanted: MemoryChange) -> MemoryDocument:
    """Edit or pin a memory. Edited, it is your own word: nothing that is derived overrules it."""
    given: dict[str, Any] = wanted.model_dump(exclude_unset=True)
    for name in ("text", "kind", "pinned"):
        if given.get(name, UNSET) is None:
            del given[name]
    edit = Edit(**given)

    def write(connection: WriteConnection) -> MemoryDocument:
        return document(connection, edit_memory(connection, caller.user, memory, edit))

    return await house.database.write(write)


@router.delete("/{memory}")
async def forget(house: TheHouse, caller: Caller, memory: str) -> Forgotten:
    """Forget a memory. It can be undone for ten minutes; then its text is gone, and nothing derives it again."""
    until = await house.database.write(lambda connection: forget_memory(connection, caller.user, memory))
    return Forgotten(undo_until=until)


@router.get("/{memory}/history")
async def get_history(house: TheHouse, caller: Caller, memory: str) -> MemoryHistory:
    """What became of a memory."""

    def read(connection: ReadConnection) -> MemoryHistory:
        return MemoryHistory(versions=versions(connection, access_memory(connection, caller.user, memory)))

    return await house.database.read(read)


@router.post("/{memory}/undo")
async def undo(house: TheHouse, caller: Caller, memory: str, wanted: MemoryUndo) -> UndoneMemory:
    """Have a memory back as it was before a change, forgetting included; says which later changes went with it."""

    def write(connection: WriteConnection) -> UndoneMemory:
        row = undo_change(connection, caller.user, memory, wanted.version)
        later = [one for one in versions(connection, row) if wanted.version < one.version < row.version]
        return UndoneMemory(**dict(document(connection, row)), undone_with=later)

    return await house.database.write(write)


@router.get("/{memory}/uses")
async def get_uses(
    house: TheHouse,
    caller: Caller,
    memory: str,
    cursor: Annotated[str, Query(max_length=40)] = "",
    limit: Limit = 50,
) -> MemoryUses:
    """The answers that a memory was recalled for, the newest first."""

    def read(connection: ReadConnection) -> MemoryUses:
        row = access_memory(connection, caller.user, memory)
        rows = list_uses(connection, row.id, before=cursor.replace("\x00", ""), limit=limit + 1)
        more = rows[limit - 1].turn_id if len(rows) > limit else None
        return MemoryUses(uses=[use_document(use) for use in rows[:limit]], next=more)

    return await house.database.read(read)


def versions(connection: AnyConnection, row: MemoryRow) -> list[MemoryVersion]:
    """The newest first."""
    return [version_document(change, as_it_was(row, change)) for change in list_changes(connection, row.id)]


def document(connection: AnyConnection, row: MemoryRow) -> MemoryDocument:
    return documents(connection, row.owner_id, [row])[0]


def documents(connection: AnyConnection, owner: str, rows: list[MemoryRow]) -> list[MemoryDocument]:
    ids = [row.id for row in rows]
    sources = list_sources(connection, ids)
    supersedes = list_superseded_by(connection, owner, ids)
    used = find_last_uses(connection, ids)
    return [memory_document(row, sources.get(row.id, []), supersedes.get(row.id, []), used.get(row.id)) for row in rows]


def moment(text: str) -> int | None:
    """Raises: `InputError`."""
    if not text:
        return None
    return read_time(int(text) if text.removeprefix("-").isdigit() and text.isascii() else text)
