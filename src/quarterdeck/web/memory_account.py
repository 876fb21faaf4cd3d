"""Memory as a whole: on or off, taken along and brought back, and older conversations learned from."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from quarterdeck.errors import TooLargeError
from quarterdeck.memory.notes import MAX_CHARS as MAX_NOTES_CHARS
from quarterdeck.memory.notes import edit_notes, read_notes, write_notes
from quarterdeck.memory.portable import export_memories, import_memories, read_lines
from quarterdeck.store.database import ReadConnection, WriteConnection
from quarterdeck.store.embedding_choice import read_fault
from quarterdeck.store.memory_settings import ask_for, find_memory_setting, set_memory_setting
from quarterdeck.store.standing_notes import NotesRow
from quarterdeck.store.vectors import count_due, count_vectors
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.house import House
from quarterdeck.web.invalid import require_bare_body
from quarterdeck.web.streams import BoundedStream

router = APIRouter(prefix="/api/memories", tags=["memory"])

_MAX_IMPORT_BYTES = 8 << 20


class Embedding(BaseModel):
    """The model that finds by meaning, and how far it is with what was said."""

    model: str = ""
    state: Literal["off", "ready", "building"] = "off"
    done: int = 0
    total: int = 0
    error: str = ""


class MemorySettings(BaseModel):
    """Off: nothing is learned from what you say, and nothing is recalled."""

    memory: Literal["on", "off"]
    embedding: Embedding


class MemorySettingsChange(BaseModel):
    memory: Literal["on", "off"] | None = None


class ImportedMemories(BaseModel):
    """`known`: were there already. `skipped`: lines that were not taken over, and why."""

    class SkippedLine(BaseModel):
        line: int
        reason: str

    imported: int
    known: int
    skipped: list[SkippedLine]


class StandingNotes(BaseModel):
    """`is_stale`: what is known has changed since it was written."""

    text: str
    version: int
    updated_at: int
    is_stale: bool


class NotesEdit(BaseModel):
    """`version`: the one that was edited; if it is another by now, nothing is changed (409)."""

    text: Annotated[str, Field(max_length=MAX_NOTES_CHARS)]
    version: Annotated[int, Field(ge=1, lt=1 << 31)]


class Learning(BaseModel):
    since: Annotated[int, Field(ge=0, le=1 << 50, description="Milliseconds since 1970; 0: everything.")] = 0
    imported: Annotated[bool, Field(description="Imported ones, too: whoever wrote the file is believed.")] = False


class LearningBegun(BaseModel):
    messages: int = Field(description="So many of your messages will be read, in the background.")


@router.get("/export", response_class=BoundedStream)
async def export(house: TheHouse, caller: Caller) -> Response:
    """All your memories as JSON Lines, which import again."""
    headers = {"content-disposition": 'attachment; filename="memories.jsonl"', "cache-control": "no-store"}
    return BoundedStream(
        export_memories(house.database, caller.user), media_type="application/x-ndjson", headers=headers
    )


@router.post("/import")
async def import_all(house: TheHouse, caller: Caller, request: Request) -> ImportedMemories:
    """Memories from JSON Lines: an object with a `text` on each; `sources` are messages of yours."""
    require_bare_body(request)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_IMPORT_BYTES:
            raise TooLargeError(f"An import has at most {_MAX_IMPORT_BYTES >> 20} MiB. Send it in pieces.")
    given, wrong = read_lines(bytes(body))
    done = await import_memories(house.database, caller.user, given)
    skipped = sorted([*wrong, *done.skipped], key=lambda skip: skip.line)
    return ImportedMemories(
        imported=done.imported,
        known=done.known,
        skipped=[ImportedMemories.SkippedLine(line=skip.line, reason=skip.reason) for skip in skipped],
    )


@router.get("/notes")
async def get_notes(house: TheHouse, caller: Caller) -> StandingNotes:
    """The page of what is known about you, a line for each memory that holds."""
    row = await house.database.read(lambda connection: read_notes(connection, caller.user))
    if row is None:
        row = await house.database.write(lambda connection: write_notes(connection, caller.user))
    return _notes(row)


@router.put("/notes")
async def put_notes(house: TheHouse, caller: Caller, wanted: NotesEdit) -> StandingNotes:
    """Edit that page. A changed line edits its memory, a new one is a memory of yours, a missing one is forgotten."""
    row = await house.database.write(
        lambda connection: edit_notes(connection, caller.user, wanted.text, wanted.version)
    )
    return _notes(row)


@router.get("/settings")
async def get_settings(house: TheHouse, caller: Caller) -> MemorySettings:
    """Whether memory is on, and what finds by meaning."""
    return await house.database.read(lambda connection: _settings(connection, house, caller.user))


@router.patch("/settings")
async def change_settings(house: TheHouse, caller: Caller, wanted: MemorySettingsChange) -> MemorySettings:
    """Turn memory on or off. What was said while it was off is never learned from."""

    def write(connection: WriteConnection) -> MemorySettings:
        if wanted.memory is not None:
            set_memory_setting(connection, caller.user, wanted.memory)
        return _settings(connection, house, caller.user)

    return await house.database.write(write)


@router.post("/learn", status_code=202)
async def learn(house: TheHouse, caller: Caller, wanted: Learning) -> LearningBegun:
    """Learn from older conversations, too: those from before memory was there and, if you say so, imported ones."""
    count = await house.database.write(
        lambda connection: ask_for(connection, caller.user, wanted.since, with_imported=wanted.imported)
    )
    return LearningBegun(messages=count)


def _notes(row: NotesRow) -> StandingNotes:
    return StandingNotes(
        text=row.text, version=row.version, updated_at=row.updated_at, is_stale=row.stale_at is not None
    )


def _settings(connection: ReadConnection | WriteConnection, house: House, user: str) -> MemorySettings:
    setting: Literal["on", "off"] = "on" if find_memory_setting(connection, user) == "on" else "off"
    model = house.embedding.model
    if not model:
        return MemorySettings(memory=setting, embedding=Embedding())
    done, due = count_vectors(connection, user, house.embedding.space(connection)), count_due(connection, user)
    return MemorySettings(
        memory=setting,
        embedding=Embedding(
            model=model,
            state="building" if due else "ready",
            done=done,
            total=done + due,
            error=read_fault(connection, model),
        ),
    )
