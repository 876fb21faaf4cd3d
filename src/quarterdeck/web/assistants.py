"""Assistants: the built-in ones, one's own, and those that an admin shares with everybody."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, model_validator

from quarterdeck.accounts.assistants import (
    access_assistant,
    change_assistant,
    make_assistant,
    remove_assistant,
    restore_assistant,
    share_assistant,
)
from quarterdeck.context.assistants import BUILT_IN
from quarterdeck.store.assistants import AssistantDraft, AssistantRow, Format, list_visible_assistants
from quarterdeck.web.dependencies import Address, Administrator, Caller, TheHouse

router = APIRouter(prefix="/api/assistants", tags=["assistants"])
sharing = APIRouter(prefix="/api/admin/assistants", tags=["administration"])


Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"\S")]
Starter = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
Tool = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.:/-]+$")]


class NewAssistant(BaseModel):
    """`model` and `temperature` are what a conversation begins with; what is chosen there wins.

    With the format `tagged` an answer carries ideas, and the model is told how to write them.
    """

    name: Name
    description: Annotated[str, Field(max_length=300)] = ""
    instructions: Annotated[str, Field(max_length=100_000)] = ""
    model: Annotated[str, Field(max_length=300, description="`provider/model`; empty: whatever is chosen.")] = ""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    format: Format = "plain"
    tools: Annotated[list[Tool], Field(max_length=100, description="Kept for when there are tools.")] = []
    starters: Annotated[list[Starter], Field(max_length=8, description="First messages to choose from.")] = []
    uses_memory: Annotated[bool, Field(description="Whether what is known of its user is learned and recalled.")] = True


class AssistantChange(BaseModel):
    """What is given is changed; `null` for the temperature means the model's own."""

    name: Name | None = None
    description: Annotated[str, Field(max_length=300)] | None = None
    instructions: Annotated[str, Field(max_length=100_000)] | None = None
    model: Annotated[str, Field(max_length=300)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    format: Format | None = None
    tools: Annotated[list[Tool], Field(max_length=100)] | None = None
    starters: Annotated[list[Starter], Field(max_length=8)] | None = None
    uses_memory: bool | None = None
    read_at: Annotated[int | None, Field(description="Its `updated_at` as you read it: 409 if it is another now.")] = (
        None
    )

    @model_validator(mode="after")
    def _nothing_is_null(self) -> AssistantChange:
        if any(getattr(self, name) is None for name in self.model_fields_set - {"temperature", "read_at"}):
            raise ValueError("only the temperature can be null")
        return self


class Sharing(BaseModel):
    is_shared: bool


class ListedAssistant(BaseModel):
    """`kind`: who made it. One's own can be changed; one's own shared one by an admin."""

    id: str
    kind: Literal["built_in", "own", "shared"]
    is_shared: bool
    name: str
    description: str
    model: str
    temperature: float | None
    format: Format
    tools: list[str]
    starters: list[str]
    uses_memory: bool
    updated_at: int


class AssistantDocument(ListedAssistant):
    instructions: str


class AssistantPage(BaseModel):
    items: list[ListedAssistant] = Field(description="Built-in ones first, then the others, oldest first.")
    next_cursor: None = None


@router.get("")
async def list_all(house: TheHouse, caller: Caller) -> AssistantPage:
    """List the assistants you can choose, without their instructions."""
    rows = await house.database.read(lambda connection: list_visible_assistants(connection, caller.user))
    built_in = [document for found in BUILT_IN if (document := _built_in(found.id))]
    return AssistantPage(items=[*built_in, *(_document(row, caller.user) for row in rows)])


@router.post("", status_code=201)
async def create(house: TheHouse, caller: Caller, wanted: NewAssistant) -> AssistantDocument:
    """Make an assistant of your own."""
    draft = AssistantDraft(**wanted.model_dump())
    row = await house.database.write(lambda connection: make_assistant(connection, caller, draft))
    return _document(row, caller.user)


@router.get("/{assistant}")
async def get_one(house: TheHouse, caller: Caller, assistant: str) -> AssistantDocument:
    """One assistant, with its instructions."""
    if (found := _built_in(assistant)) is not None:
        return found
    row = await house.database.read(lambda connection: access_assistant(connection, caller.user, assistant))
    return _document(row, caller.user)


@router.patch("/{assistant}")
async def change(
    house: TheHouse, caller: Caller, address: Address, assistant: str, wanted: AssistantChange
) -> AssistantDocument:
    """Change one of yours. Conversations follow with their next message; model and temperature stay as chosen there."""
    values = wanted.model_dump(exclude_unset=True, exclude={"read_at"})
    row = await house.database.write(
        lambda connection: change_assistant(connection, caller, address, assistant, values, wanted.read_at)
    )
    return _document(row, caller.user)


@router.delete("/{assistant}", status_code=204)
async def delete(house: TheHouse, caller: Caller, address: Address, assistant: str) -> Response:
    """Delete one of yours; it can be restored. Conversations that use it go on with its instructions."""
    await house.database.write(lambda connection: remove_assistant(connection, caller, address, assistant))
    return Response(status_code=204)


@router.post("/{assistant}/restore")
async def restore(house: TheHouse, caller: Caller, address: Address, assistant: str) -> AssistantDocument:
    """Undo a deletion."""
    row = await house.database.write(lambda connection: restore_assistant(connection, caller, address, assistant))
    return _document(row, caller.user)


@sharing.put("/{assistant}/sharing")
async def share(
    house: TheHouse, caller: Administrator, address: Address, assistant: str, wanted: Sharing
) -> AssistantDocument:
    """Share one of yours with everybody, or stop the sharing of any."""
    row = await house.database.write(
        lambda connection: share_assistant(connection, caller, address, assistant, is_shared=wanted.is_shared)
    )
    return _document(row, caller.user)


def _document(row: AssistantRow, user: str) -> AssistantDocument:
    kept = msgspec.structs.asdict(row)
    shown = {name: kept[name] for name in AssistantDocument.model_fields if name != "kind"}
    return AssistantDocument(kind="own" if row.owner_id == user else "shared", **shown)


def _built_in(assistant: str) -> AssistantDocument | None:
    found: Any = next((found for found in BUILT_IN if found.id == assistant), None)
    if found is None:
        return None
    return AssistantDocument(
        id=found.id, kind="built_in", is_shared=True, name=found.name, description=found.description, model="",
        temperature=None, format=found.format, tools=[], starters=[], uses_memory=True, updated_at=0,
        instructions=found.instructions,
    )  # fmt: skip
