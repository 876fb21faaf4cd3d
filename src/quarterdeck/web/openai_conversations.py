"""`/v1/conversations`: as OpenAI's. They are the conversations of the page, and their items its messages."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query

from quarterdeck.conversations.adding import Added, add_messages
from quarterdeck.conversations.deleting import delete_whole
from quarterdeck.domain.events import FeedConversation, FeedMessages
from quarterdeck.domain.ids import new_id
from quarterdeck.store.conversations import find_metadata, insert_conversation, keep_metadata
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.request_keys import digest_of, find_made, keep_made
from quarterdeck.views.openai_conversations import (
    OWN_NAME,
    ConversationUpdate,
    NewConversation,
    NewItems,
    conversation_told,
    item_images,
    item_list,
    read_items,
)
from quarterdeck.web.api_models import fetch_images
from quarterdeck.web.conversation_items import access_item, access_shown, delete_item, documents_of, page_of_items
from quarterdeck.web.dependencies import TheHouse
from quarterdeck.web.foreign_route import ApiCaller, OpenAIRoute

router = APIRouter(prefix="/v1/conversations", tags=["OpenAI's API"], route_class=OpenAIRoute)

Include = Annotated[list[str] | None, Query(alias="include[]", description="Ignored: everything is told.")]


@router.post("")
async def create(
    house: TheHouse,
    caller: ApiCaller,
    asked: NewConversation,
    idempotency_key: Annotated[str | None, Header(max_length=190)] = None,
) -> dict[str, Any]:
    """Begin a conversation, with items or without. Responses and chat completions can name it.

    The same `Idempotency-Key` again finds what was made.
    """
    items = asked.items or []
    said = read_items(items, await fetch_images(house, item_images(items)))
    user, key = caller.user, f"conversation {idempotency_key}"
    digest = digest_of("conversation", asked.model_dump_json())

    def write(connection: WriteConnection) -> tuple[dict[str, Any], str]:
        if idempotency_key and (known := find_made(connection, user, key, digest)) is not None:
            return _told(connection, user, known), ""
        row = insert_conversation(
            connection, owner=user, external_id=f"{OWN_NAME}{new_id()}", title="", model="", assistant="",
            instructions="", temperature=None,
        )  # fmt: skip
        if asked.metadata:
            keep_metadata(connection, row.id, asked.metadata)
        if said:
            add_messages(connection, user, row.id, said)
        if idempotency_key:
            keep_made(connection, user, key, digest, row.id)
        return _told(connection, user, row.id), row.id

    told, made = await house.database.write(write)
    if made:
        house.feed.tell(user, FeedConversation(made))
    return told


@router.get("/{conversation}")
async def retrieve(house: TheHouse, caller: ApiCaller, conversation: str) -> dict[str, Any]:
    """A conversation, by its id or by the name that its client made up."""
    return await house.database.read(lambda connection: _told(connection, caller.user, conversation))


@router.post("/{conversation}")
async def update(house: TheHouse, caller: ApiCaller, conversation: str, asked: ConversationUpdate) -> dict[str, Any]:
    """Note other metadata, in place of all that was noted."""

    def write(connection: WriteConnection) -> dict[str, Any]:
        row = access_shown(connection, caller.user, conversation)
        keep_metadata(connection, row.id, asked.metadata or {})
        return _told(connection, caller.user, row.id)

    return await house.database.write(write)


@router.delete("/{conversation}")
async def delete(house: TheHouse, caller: ApiCaller, conversation: str) -> dict[str, Any]:
    """Delete a conversation with its items; an answer that is being written in it is stopped."""

    def write(connection: WriteConnection) -> tuple[str, str, list[str]]:
        row = access_shown(connection, caller.user, conversation)
        return row.external_id, row.id, delete_whole(connection, row)

    name, identifier, running = await house.database.write(write)
    for turn in running:
        await house.turns.stop(turn)
    house.feed.tell(caller.user, FeedConversation(identifier))
    return {"id": name, "object": "conversation.deleted", "deleted": True}


@router.get("/{conversation}/items")
async def list_items(
    house: TheHouse,
    caller: ApiCaller,
    conversation: str,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Annotated[str, Query(pattern="^(asc|desc)$")] = "desc",
    after: Annotated[str | None, Query(max_length=300, description="The last one that you have.")] = None,
    include: Include = None,
) -> dict[str, Any]:
    """Messages, thoughts, calls and their results along the active path. The cost is that of the page."""
    return await house.database.read(
        lambda connection: page_of_items(
            connection, caller.user, conversation, after=after, limit=limit, is_newest_first=order == "desc"
        )
    )


@router.post("/{conversation}/items")
async def create_items(
    house: TheHouse, caller: ApiCaller, conversation: str, asked: NewItems, include: Include = None
) -> dict[str, Any]:
    """Add items at its end: they are history for whatever is asked next. Nobody answers them."""
    row = await house.database.read(lambda connection: access_shown(connection, caller.user, conversation))
    said = read_items(asked.items, await fetch_images(house, item_images(asked.items)))

    def write(connection: WriteConnection) -> list[Added]:
        return add_messages(connection, caller.user, row.id, said) if said else []

    added = await house.database.write(write)
    if added:
        last = added[-1].message
        house.feed.tell(caller.user, FeedMessages(last.conversation_id, last.id, "path"))
    return item_list(documents_of(added), has_more=False)


@router.get("/{conversation}/items/{item}")
async def retrieve_item(
    house: TheHouse, caller: ApiCaller, conversation: str, item: str, include: Include = None
) -> dict[str, Any]:
    """One item."""

    def read(connection: AnyConnection) -> dict[str, Any]:
        _, found = access_item(connection, caller.user, conversation, item)
        return found.document

    return await house.database.read(read)


@router.delete("/{conversation}/items/{item}")
async def remove_item(house: TheHouse, caller: ApiCaller, conversation: str, item: str) -> dict[str, Any]:
    """Delete an item, and nothing that comes after it. Answers with its conversation."""

    def write(connection: WriteConnection) -> tuple[FeedMessages, dict[str, Any]]:
        row = access_shown(connection, caller.user, conversation)
        message = delete_item(connection, caller.user, row.id, item)
        return FeedMessages(row.id, message, "path"), _told(connection, caller.user, row.id)

    change, told = await house.database.write(write)
    house.feed.tell(caller.user, change)
    return told


def _told(connection: AnyConnection, user: str, conversation: str) -> dict[str, Any]:
    row = access_shown(connection, user, conversation)
    return conversation_told(row, find_metadata(connection, row.id))
