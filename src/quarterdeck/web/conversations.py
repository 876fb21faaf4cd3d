"""Conversations and their messages."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.access import access_conversation
from quarterdeck.accounts.subjects import Who
from quarterdeck.context.assistants import choose_assistant
from quarterdeck.conversations.deleting import delete_whole
from quarterdeck.conversations.derived import follow_memory_change
from quarterdeck.conversations.reading import read_page
from quarterdeck.domain.events import FeedConversation
from quarterdeck.errors import DeletedError, InputError, NotFoundError
from quarterdeck.memory.staleness import follow_conversations
from quarterdeck.store.conversations import (
    ConversationRow,
    can_be_restored,
    find_conversation,
    restore_conversation,
    update_conversation,
)
from quarterdeck.store.database import ReadConnection, WriteConnection
from quarterdeck.store.folders import access_folder
from quarterdeck.store.listing import Listing, Place, list_conversations, place_of
from quarterdeck.store.locks import lock_conversation
from quarterdeck.views.documents import (
    ConversationDocument,
    ConversationPage,
    MessagePage,
    conversation_document,
    message_document,
)
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api/conversations", tags=["conversations"])

Limit = Annotated[int, Query(ge=1, le=200)]
MessageLimit = Annotated[int, Query(ge=1, le=1000)]


class ConversationChange(BaseModel):
    """What is given is changed; `null` for the temperature means the model's own."""

    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    model: Annotated[str, Field(max_length=300)] | None = None
    assistant: Annotated[str, Field(max_length=100)] | None = None
    instructions: Annotated[str, Field(max_length=100_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    memory: Literal["", "off", "private"] | None = None


@router.get("")
async def list_all(
    house: TheHouse,
    caller: Caller,
    cursor: str = "",
    limit: Limit = 50,
    q: Annotated[str, Query(max_length=200, description="Words of a title in any order, or parts of them.")] = "",
    folder: Annotated[str, Query(max_length=100)] = "",
    archived: Annotated[bool, Query(description="The archived ones, which are not listed otherwise.")] = False,
    pinned: Annotated[bool | None, Query(description="Only these, or all but these.")] = None,
    deleted: Annotated[bool, Query(description="Those that can be restored, wherever they were.")] = False,
) -> ConversationPage:
    """List conversations: pinned ones first, then the newest. A page costs what is on it.

    Deleted ones are listed by when that was done; private ones not at all.
    """
    after = _decode_cursor(cursor)
    wanted = Listing(
        owner=caller.user, query=q.strip(), folder=folder, is_archived=archived, is_pinned=pinned, is_deleted=deleted
    )

    def read(connection: ReadConnection) -> list[ConversationRow]:
        if folder:
            access_folder(connection, caller.user, folder)
        return list_conversations(connection, wanted, after=after, limit=limit + 1)

    rows = await house.database.read(read)
    more = _encode_cursor(place_of(rows[limit - 1], wanted)) if len(rows) > limit else None
    return ConversationPage(items=[conversation_document(row) for row in rows[:limit]], next_cursor=more)


@router.get("/{conversation}")
async def get_one(house: TheHouse, caller: Caller, conversation: str) -> ConversationDocument:
    """One conversation, by our id or by the id its client made up. 404 `deleted`: it was, and can be restored."""

    def read(connection: ReadConnection) -> ConversationRow:
        row = find_conversation(connection, caller.user, conversation)
        if row is not None:
            return row
        if can_be_restored(connection, caller.user, conversation):
            raise DeletedError("This conversation was deleted. It can be restored.")
        raise NotFoundError("There is no such conversation.")

    return conversation_document(await house.database.read(read))


@router.patch("/{conversation}")
async def change(
    house: TheHouse, caller: Caller, conversation: str, wanted: ConversationChange
) -> ConversationDocument:
    """Rename it, or choose what its next messages use. A newly chosen assistant brings its model and temperature."""
    values = wanted.model_dump(exclude_unset=True)
    if any(values[name] is None for name in values if name != "temperature"):
        raise InputError("Only the temperature can be null.")
    if "title" in values:
        values["title_from"] = "user"
    if values.get("model"):
        await house.registry.look_for(values["model"])
        house.registry.provider_for(values["model"])
        house.limits.require_allowed(Who(caller.user, caller.role), values["model"])

    def write(connection: WriteConnection) -> ConversationRow:
        row = access_conversation(connection, caller.user, conversation)
        if "memory" in values:  # what of it is just being written into the search index is gone from there afterwards
            lock_conversation(connection, row.id)
        if values:
            update_conversation(connection, row.id, choose_assistant(connection, row, values))
        if values.get("memory", row.memory) != row.memory:
            follow_memory_change(connection, row)
        return access_conversation(connection, caller.user, row.id)

    row = await house.database.write(write)
    house.feed.tell(caller.user, FeedConversation(row.id))
    return conversation_document(row)


@router.delete("/{conversation}", status_code=204)
async def delete(house: TheHouse, caller: Caller, conversation: str) -> Response:
    """Delete a conversation; it can be restored. A running answer in it is stopped."""

    def write(connection: WriteConnection) -> tuple[str, list[str]]:
        row = access_conversation(connection, caller.user, conversation)
        return row.id, delete_whole(connection, row)

    identifier, running = await house.database.write(write)
    for turn in running:
        await house.turns.stop(turn)
    house.feed.tell(caller.user, FeedConversation(identifier))
    return Response(status_code=204)


@router.post("/{conversation}/restore")
async def restore(house: TheHouse, caller: Caller, conversation: str) -> ConversationDocument:
    """Undo a deletion."""

    def write(connection: WriteConnection) -> ConversationRow | None:
        if restore_conversation(connection, caller.user, conversation):
            follow_conversations(connection, caller.user, [conversation])
        return find_conversation(connection, caller.user, conversation)

    row = await house.database.write(write)
    if row is None:
        raise NotFoundError("There is no such conversation.")
    house.feed.tell(caller.user, FeedConversation(row.id))
    return conversation_document(row)


@router.get("/{conversation}/messages")
async def list_messages(
    house: TheHouse,
    caller: Caller,
    conversation: str,
    before: str = "",
    after: str = "",
    around: Annotated[str, Query(description="A message to have in the middle.")] = "",
    limit: MessageLimit = 50,
) -> MessagePage:
    """Messages of the active path, oldest first. Without a place its end. The cost is that of the page."""
    page = await house.database.read(
        lambda connection: read_page(
            connection, caller.user, conversation, before=before, after=after, around=around, limit=limit
        )
    )
    return MessagePage(
        items=[message_document(row, [node.id for node in page.alternatives.get(row.id, [])]) for row in page.rows],
        next_cursor=page.older,
        newer_cursor=page.newer,
    )


def _encode_cursor(place: Place) -> str:
    return f"{'p' if place.is_pinned else ''}{place.at}.{place.id}"


def _decode_cursor(cursor: str) -> Place | None:
    if not cursor:
        return None
    at, _, identifier = cursor.removeprefix("p").partition(".")
    if not (at.isascii() and at.isdigit()) or len(at) > 15 or not identifier:
        raise InputError("This cursor is not one of ours.")
    return Place(cursor.startswith("p"), int(at), identifier)
