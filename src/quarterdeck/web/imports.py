"""Imports: upload an export, see how far it is and what was not taken over, stop it, go on."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from quarterdeck.errors import ConflictError, NotFoundError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.imports import (
    Counts,
    ImportRow,
    delete_import,
    end_import,
    find_import,
    list_imports,
    list_notes,
    take_up_import,
)
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.invalid import require_bare_body

router = APIRouter(prefix="/api/imports", tags=["imports"])

Limit = Annotated[int, Query(ge=1, le=200)]


class ImportCounts(BaseModel):
    """`known_…` was here already, and stays as it is."""

    conversations: int
    messages: int
    known_conversations: int
    known_messages: int
    skipped: int
    changed: int


class ImportDocument(BaseModel):
    """`can_resume`: it was stopped, and its file is still here."""

    id: str
    name: str
    format: str
    status: Literal["waiting", "running", "complete", "failed", "stopped"]
    done_bytes: int
    total_bytes: int
    counts: ImportCounts
    error: str
    can_resume: bool
    created_at: int
    ended_at: int | None


class ImportPage(BaseModel):
    items: list[ImportDocument]
    next_cursor: str | None


class ImportNote(BaseModel):
    """What was not taken over (`skipped`), or not as it was (`changed`), and why."""

    kind: Literal["skipped", "changed"]
    item: str
    reason: str


class ImportReport(BaseModel):
    items: list[ImportNote]
    next_cursor: int | None


@router.post("", status_code=202)
async def upload(
    house: TheHouse, caller: Caller, request: Request, name: Annotated[str, Query(max_length=500)] = ""
) -> ImportDocument:
    """Import an export: the file is the body, `name` what it is called. It is worked on in the background."""
    require_bare_body(request)
    given = request.headers.get("content-length", "")
    length = int(given) if given.isdigit() else None
    return _document(await house.imports.receive(caller.user, name, length, request.stream()))


@router.get("")
async def list_all(house: TheHouse, caller: Caller, cursor: str = "", limit: Limit = 20) -> ImportPage:
    """List imports, newest first."""
    rows = await house.database.read(
        lambda connection: list_imports(connection, caller.user, before=cursor, limit=limit + 1)
    )
    shown = rows[:limit]
    return ImportPage(items=[_document(row) for row in shown], next_cursor=shown[-1].id if len(rows) > limit else None)


@router.get("/{identifier}")
async def get_one(house: TheHouse, caller: Caller, identifier: str) -> ImportDocument:
    """How far one import is."""
    return _document(await house.database.read(lambda connection: _access(connection, caller.user, identifier)))


@router.get("/{identifier}/report")
async def report(
    house: TheHouse,
    caller: Caller,
    identifier: str,
    after: Annotated[int, Query(ge=-1, lt=1 << 31)] = -1,
    limit: Limit = 100,
) -> ImportReport:
    """What of it was skipped or changed, and why."""

    def read(connection: AnyConnection) -> ImportReport:
        _access(connection, caller.user, identifier)
        rows = list_notes(connection, identifier, after=after, limit=limit + 1)
        items = [ImportNote.model_validate(row, from_attributes=True) for row in rows[:limit]]
        return ImportReport(items=items, next_cursor=rows[limit - 1].position if len(rows) > limit else None)

    return await house.database.read(read)


@router.post("/{identifier}/stop")
async def stop(house: TheHouse, caller: Caller, identifier: str) -> ImportDocument:
    """Stop an import. What it has written stays; it can go on later."""

    def write(connection: WriteConnection) -> ImportRow:
        _access(connection, caller.user, identifier)
        end_import(connection, identifier, "stopped")
        return _access(connection, caller.user, identifier)

    row = await house.database.write(write)
    house.imports.wake()
    return _document(row)


@router.post("/{identifier}/resume")
async def resume(house: TheHouse, caller: Caller, identifier: str) -> ImportDocument:
    """Go on with an import that was stopped, from where it was."""

    def write(connection: WriteConnection) -> ImportRow:
        row = _access(connection, caller.user, identifier)
        if not row.place or not take_up_import(connection, caller.user, identifier):
            raise ConflictError("Only an import that was stopped can go on. Upload the file again instead.")
        return _access(connection, caller.user, identifier)

    row = await house.database.write(write)
    house.imports.wake()
    return _document(row)


@router.delete("/{identifier}", status_code=204)
async def delete(house: TheHouse, caller: Caller, identifier: str) -> Response:
    """Take an import that has ended off the list, with its report and its file. What was imported stays."""

    def write(connection: WriteConnection) -> None:
        _access(connection, caller.user, identifier)
        if not delete_import(connection, caller.user, identifier):
            raise ConflictError("This import is still running. Stop it first.")

    await house.database.write(write)
    await house.imports.forget(identifier)
    return Response(status_code=204)


def _access(connection: AnyConnection, user: str, identifier: str) -> ImportRow:
    """Raises: `NotFoundError`."""
    row = find_import(connection, user, identifier)
    if row is None:
        raise NotFoundError("There is no such import.")
    return row


def _document(row: ImportRow) -> ImportDocument:
    return ImportDocument(
        id=row.id,
        name=row.name,
        format=row.format,
        status=row.status,
        done_bytes=row.done_bytes,
        total_bytes=row.total_bytes,
        counts=_counts(row.counts),
        error=row.error,
        can_resume=row.status == "stopped" and bool(row.place),
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _counts(counts: Counts) -> ImportCounts:
    return ImportCounts.model_validate(counts, from_attributes=True)
