"""What one does with a message: say, edit, have a version back, branch, choose, answer anew, fork, delete and undo."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Path, Query
from pydantic import BaseModel, Field

from quarterdeck.accounts.access import access_message
from quarterdeck.conversations.branches import choose_branch, list_alternatives
from quarterdeck.conversations.deleting import What, delete_messages, undo
from quarterdeck.conversations.derived import catch_up
from quarterdeck.conversations.editing import edit_as_branch, edit_message, read_versions, restore_version
from quarterdeck.conversations.forking import fork_conversation
from quarterdeck.domain.events import FeedConversation, FeedMessages
from quarterdeck.domain.ids import new_id
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.messages import MessageRow
from quarterdeck.turns.record import MAX_ID_CHARS, Retry, Send
from quarterdeck.turns.record_edit import EditedSend
from quarterdeck.views.documents import (
    ConversationDocument,
    MessageDocument,
    conversation_document,
    message_document,
)
from quarterdeck.views.edit_documents import (
    AcceptedDocument,
    DeletionDocument,
    VersionPage,
    accepted_document,
    deletion_document,
    version_document,
)
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.house import House

router = APIRouter(prefix="/api", tags=["messages"])

_Text = Annotated[str, Field(description="In place of all its text; ideas, thoughts and pictures stay.")]


Version = Annotated[int, Path(ge=1, lt=1 << 31)]


class Edit(BaseModel):
    """`version` is the one that was edited: if the message is at another one, nothing is changed (409)."""

    text: _Text
    version: Annotated[int, Field(ge=1)]


class Restoration(BaseModel):
    version: Annotated[int, Field(ge=1, description="The message's current version, as you know it.")]


_Key = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS, description="Idempotency key.")]


class Branching(BaseModel):
    text: _Text
    id: _Key | None = None


class Forking(BaseModel):
    id: _Key | None = None


class EditedSending(BaseModel):
    """With `version` (the one that was edited) the message is changed in place, without it a branch is made."""

    text: _Text
    version: Annotated[int, Field(ge=1)] | None = None
    model: Annotated[str, Field(max_length=300)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    id: _Key | None = None


class Sending(BaseModel):
    """`conversation`: an existing one, or any name that you make up for a new one."""

    conversation: Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]
    text: str
    model: Annotated[str, Field(max_length=300)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    assistant: Annotated[str, Field(max_length=MAX_ID_CHARS)] | None = None
    instructions: str | None = None
    parent: Annotated[str, Field(max_length=MAX_ID_CHARS, description="Go on below this message.")] | None = None
    instead_of: (
        Annotated[str, Field(max_length=MAX_ID_CHARS, description="Go beside this message, as another branch.")] | None
    ) = None
    memory: (
        Annotated[
            Literal["", "off", "private"],
            Field(description="Of a conversation that this opens: `off` neither learns nor recalls, `private` goes."),
        ]
        | None
    ) = None
    id: _Key | None = None


class Retrying(BaseModel):
    """Without a model: the conversation's."""

    model: Annotated[str, Field(max_length=300)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    beside: Annotated[bool, Field(description="To compare: the path stays where it is until one is chosen.")] = False
    id: _Key | None = None


@router.post("/messages", status_code=202)
async def send(house: TheHouse, caller: Caller, wanted: Sending) -> AcceptedDocument:
    """Say something. It is kept when this is answered; follow the turn for the answer."""
    accepted = await house.turns.send(
        caller.user,
        Send(
            key=wanted.id or new_id(),
            conversation=wanted.conversation,
            text=wanted.text,
            model=wanted.model,
            temperature=wanted.temperature,
            assistant=wanted.assistant,
            instructions=wanted.instructions,
            parent=wanted.parent,
            instead_of=wanted.instead_of,
            memory=wanted.memory,
        ),
    )
    return accepted_document(accepted.row)


@router.get("/messages/{message}")
async def get_one(house: TheHouse, caller: Caller, message: str) -> MessageDocument:
    """One message, also one that is not on the active path."""
    return await house.database.read(
        lambda connection: _document(connection, access_message(connection, caller.user, message))
    )


@router.patch("/messages/{message}")
async def edit(house: TheHouse, caller: Caller, message: str, wanted: Edit) -> MessageDocument:
    """Edit a message in place, your own or the model's. What it said is kept as a version.

    409 `stale_version`: it was edited elsewhere meanwhile; 409 `still_running`: it is still being written.
    """
    document = await house.database.write(
        lambda connection: _document(
            connection, edit_message(connection, caller.user, message, version=wanted.version, text=wanted.text)
        )
    )
    _tell(house, caller.user, document.conversation, document.id, "edited")
    return document


@router.get("/messages/{message}/versions")
async def list_versions(house: TheHouse, caller: Caller, message: str) -> VersionPage:
    """What a message said, the current version first."""
    rows = await house.database.read(lambda connection: read_versions(connection, caller.user, message))
    return VersionPage(items=[version_document(row) for row in rows])


@router.post("/messages/{message}/versions/{version}/restore")
async def restore(
    house: TheHouse, caller: Caller, message: str, version: Version, wanted: Restoration
) -> MessageDocument:
    """Undo an edit: the message says again what it said in that version."""
    document = await house.database.write(
        lambda connection: _document(
            connection,
            restore_version(connection, caller.user, message, version=wanted.version, restored=version),
        )
    )
    _tell(house, caller.user, document.conversation, document.id, "edited")
    return document


@router.post("/messages/{message}/branch", status_code=201)
async def branch(house: TheHouse, caller: Caller, message: str, wanted: Branching) -> MessageDocument:
    """Edit a message as a new branch: another one beside it, with which the path ends. Nothing is sent to a model."""
    document = await house.database.write(
        lambda connection: _document(
            connection, edit_as_branch(connection, caller.user, message, text=wanted.text, key=wanted.id or "")
        )
    )
    _tell(house, caller.user, document.conversation, document.id, "path")
    return document


@router.post("/messages/{message}/send", status_code=202)
async def edit_and_send(house: TheHouse, caller: Caller, message: str, wanted: EditedSending) -> AcceptedDocument:
    """Edit a question and have it answered anew, both or neither. Follow the turn for the answer.

    409 `stale_version`: it was edited elsewhere meanwhile; 409 `still_running`: its answer is being written.
    """
    accepted = await house.turns.edit_and_send(
        caller.user,
        EditedSend(
            key=wanted.id or new_id(),
            message=message,
            text=wanted.text,
            version=wanted.version,
            model=wanted.model,
            temperature=wanted.temperature,
        ),
    )
    if accepted.is_new:
        what: Literal["edited", "path"] = "path" if wanted.version is None else "edited"
        _tell(house, caller.user, accepted.row.conversation_id, accepted.row.request_id, what)
    return accepted_document(accepted.row)


@router.post("/messages/{message}/choose")
async def choose(house: TheHouse, caller: Caller, message: str) -> MessageDocument:
    """Switch to the branch that this message is on, or pick one of two answers."""
    document = await house.database.write(
        lambda connection: _document(connection, choose_branch(connection, caller.user, message))
    )
    _tell(house, caller.user, document.conversation, document.id, "path")
    return document


@router.post("/messages/{message}/retry", status_code=202)
async def retry(house: TheHouse, caller: Caller, message: str, wanted: Retrying) -> AcceptedDocument:
    """Answer a question anew, by the same or another model. Follow the turn for the answer."""
    accepted = await house.turns.retry(
        caller.user,
        Retry(
            key=wanted.id or new_id(),
            message=message,
            model=wanted.model,
            temperature=wanted.temperature,
            beside=wanted.beside,
        ),
    )
    return accepted_document(accepted.row)


@router.post("/messages/{message}/fork", status_code=201)
async def fork(house: TheHouse, caller: Caller, message: str, wanted: Forking | None = None) -> ConversationDocument:
    """Begin a new conversation with a copy of everything up to this message."""
    key = wanted.id if wanted is not None else None
    row = await fork_conversation(house.database, caller.user, message, key or "")
    house.feed.tell(caller.user, FeedConversation(row.id))
    return conversation_document(row)


@router.delete("/messages/{message}")
async def delete(
    house: TheHouse,
    caller: Caller,
    message: str,
    rest: BackgroundTasks,
    what: Annotated[
        What, Query(description="`one`: it alone; `from`: it and everything after; `after`: only that.")
    ] = "one",
) -> DeletionDocument:
    """Delete a message, or everything after it. The deletion can be undone."""
    row = await house.database.write(lambda connection: delete_messages(connection, caller.user, message, what))
    rest.add_task(catch_up, house.database)
    _tell(house, caller.user, row.conversation_id, message, "path")
    return deletion_document(row)


@router.post("/deletions/{deletion}/undo")
async def undo_deletion(house: TheHouse, caller: Caller, deletion: str, rest: BackgroundTasks) -> DeletionDocument:
    """Undo a deletion: its messages are where they were."""
    row = await house.database.write(lambda connection: undo(connection, caller.user, deletion))
    rest.add_task(catch_up, house.database)
    _tell(house, caller.user, row.conversation_id, row.first_id, "path")
    return deletion_document(row)


def _document(connection: AnyConnection, row: MessageRow) -> MessageDocument:
    beside = list_alternatives(connection, row.conversation_id, [row]).get(row.id, [])
    return message_document(row, [node.id for node in beside])


def _tell(house: House, user: str, conversation: str, message: str, what: Literal["edited", "path"]) -> None:
    house.feed.tell(user, FeedMessages(conversation, message, what))
