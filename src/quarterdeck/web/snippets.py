"""Snippets: texts to write with, kept under the name that is typed after a slash."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from quarterdeck.errors import ConflictError, InputError, NotFoundError
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.snippets import (
    SnippetRow,
    count_snippets,
    delete_snippet,
    insert_snippet,
    list_snippets,
    update_snippet,
)
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api/snippets", tags=["snippets"])

MOST_SNIPPETS = 500  # of one person


Name = Annotated[
    str,
    Field(min_length=1, max_length=50, pattern=r"^[\w-]+$", description="Letters, digits, `-` and `_`."),
    AfterValidator(str.lower),
]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class NewSnippet(BaseModel):
    """`{{variable}}` and `{{variable:default}}` in the text are asked for when it is used."""

    name: Name
    text: Text


class SnippetChange(BaseModel):
    """What is given is changed."""

    name: Name | None = None
    text: Text | None = None


class SnippetDocument(BaseModel):
    id: str
    name: str
    text: str
    created_at: int
    updated_at: int


class SnippetPage(BaseModel):
    items: list[SnippetDocument] = Field(description="By name.")
    next_cursor: None = None


@router.get("")
async def list_all(house: TheHouse, caller: Caller) -> SnippetPage:
    """List your snippets."""
    rows = await house.database.read(lambda connection: list_snippets(connection, caller.user))
    return SnippetPage(items=[_document(row) for row in rows])


@router.post("", status_code=201)
async def create(house: TheHouse, caller: Caller, wanted: NewSnippet) -> SnippetDocument:
    """Keep a text under a name."""

    def write(connection: WriteConnection) -> SnippetRow:
        if count_snippets(connection, caller.user) >= MOST_SNIPPETS:
            raise ConflictError(f"You have {MOST_SNIPPETS} snippets already. Delete some first.")
        return insert_snippet(connection, caller.user, wanted.name, wanted.text)

    return _document(await house.database.write(write))


@router.patch("/{snippet}")
async def change(house: TheHouse, caller: Caller, snippet: str, wanted: SnippetChange) -> SnippetDocument:
    """Change a snippet's name or text."""
    values = wanted.model_dump(exclude_unset=True)
    if None in values.values():
        raise InputError("A snippet needs its name and its text; neither can be null.")

    row = await house.database.write(lambda connection: update_snippet(connection, caller.user, snippet, values))
    if row is None:
        raise NotFoundError("There is no such snippet.")
    return _document(row)


@router.delete("/{snippet}", status_code=204)
async def delete(house: TheHouse, caller: Caller, snippet: str) -> Response:
    """Delete a snippet."""
    if not await house.database.write(lambda connection: delete_snippet(connection, caller.user, snippet)):
        raise NotFoundError("There is no such snippet.")
    return Response(status_code=204)


def _document(row: SnippetRow) -> SnippetDocument:
    return SnippetDocument(
        id=row.id, name=row.name, text=row.text, created_at=row.created_at, updated_at=row.updated_at
    )
