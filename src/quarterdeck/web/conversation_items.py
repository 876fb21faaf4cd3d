"""Items of a conversation: read along its active path, page by page, and deleted one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quarterdeck.accounts.access import access_conversation
from quarterdeck.conversations.adding import Added
from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.conversations.editing import rewrite_parts
from quarterdeck.domain.parts import Part, ReasoningPart, TextPart
from quarterdeck.errors import NotFoundError, ParameterError
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.messages import MessageRow, find_message, read_path
from quarterdeck.store.tree import list_path_ids, read_path_down
from quarterdeck.store.turns import find_turn
from quarterdeck.views.openai_conversations import item_list
from quarterdeck.views.openai_items import Item, base_of, items_of

_AT_ONCE = 50  # messages


def access_shown(connection: AnyConnection, user: str, conversation: str) -> ConversationRow:
    """Not those that hold a response alone. Raises: `NotFoundError`."""
    row = access_conversation(connection, user, conversation)
    if row.is_hidden:
        raise NotFoundError("There is no such conversation.")
    return row


def page_of_items(
    connection: AnyConnection, user: str, conversation: str, *, after: str | None, limit: int, is_newest_first: bool
) -> dict[str, Any]:
    """In OpenAI's shape for lists. The cost is that of the page, and of messages without items that are passed by.

    Raises: `NotFoundError`; `ParameterError` when `after` is no item of this conversation.
    """
    row = access_shown(connection, user, conversation)
    start: MessageRow | None = None
    if after:
        start = _find_row(connection, row, after)
        if start is None:
            raise ParameterError("There is no such item in this conversation.", "after")
    found: list[Item] = []
    is_past = start is None
    for message in _walk(connection, row, start, is_newest_first=is_newest_first):
        items = items_of(message)[:: -1 if is_newest_first else 1]
        if not is_past:
            is_past = True
            at = next((place for place, item in enumerate(items) if item.id == after), -1)
            items = items[at + 1 :] if at >= 0 else []
        found += items
        if len(found) > limit:
            break
    return item_list([item.document for item in found[:limit]], has_more=len(found) > limit)


def access_item(connection: AnyConnection, user: str, conversation: str, item: str) -> tuple[MessageRow, Item]:
    """Also one that is not on the active path. Raises: `NotFoundError`."""
    row = _find_row(connection, access_shown(connection, user, conversation), item)
    if row is not None and row.deleted_at is None:
        for found in items_of(row):
            if found.id == item:
                return row, found
    raise NotFoundError("There is no such item in this conversation.")


def delete_item(connection: WriteConnection, user: str, conversation: str, item: str) -> str:
    """Alone: what stands beside it in its message keeps its id. Returns the id of the message.

    Raises: `NotFoundError`, `StillRunningError`.
    """
    row, found = access_item(connection, user, conversation, item)
    if len(items_of(row)) == 1:
        delete_messages(connection, user, row.id, "one")
    else:
        rewrite_parts(connection, user, row.id, _without(row.parts, found.parts))
    return row.id


def documents_of(added: list[Added]) -> list[dict[str, Any]]:
    """The items that are new, each once: several may have come to the same message."""
    told: dict[str, dict[str, Any]] = {}
    for one in added:
        news = [item for item in items_of(one.message) if item.parts[0] >= one.first]
        told |= {item.id: item.document for item in news}
    return list(told.values())


def _without(parts: list[Part], places: list[int]) -> list[Part]:
    """Texts and thoughts leave an empty place, by which the others are numbered; calls have names of their own."""
    kept: list[Part] = []
    for place, part in enumerate(parts):
        if place not in places:
            kept.append(part)
        elif isinstance(part, TextPart | ReasoningPart):
            kept.append(type(part)(""))
    return kept


def _find_row(connection: AnyConnection, conversation: ConversationRow, item: str) -> MessageRow | None:
    """The message that the item is of: an answer is named by its turn, all others by themselves."""
    base = base_of(item)
    turn = find_turn(connection, conversation.owner_id, base)
    if turn is not None and turn.conversation_id == conversation.id:
        return find_message(connection, conversation.id, turn.message_id)
    return find_message(connection, conversation.id, base)


def _walk(
    connection: AnyConnection, conversation: ConversationRow, start: MessageRow | None, *, is_newest_first: bool
) -> Iterator[MessageRow]:
    """The path from `start` on (without one from its end), `start` first, even if it is deleted."""
    if conversation.tip_id is None:
        return
    if start is None and is_newest_first:
        yield from _up(connection, conversation.id, conversation.tip_id)
        return
    if start is None:
        root = conversation.root_id or list_path_ids(connection, conversation.id, conversation.tip_id)[0].id
        first = find_message(connection, conversation.id, root)
        if first is not None and first.deleted_at is None:
            yield first
        yield from _down(connection, conversation.id, root)
        return
    yield start
    if not is_newest_first:
        yield from _down(connection, conversation.id, start.id)
    elif start.parent_id is not None:
        yield from _up(connection, conversation.id, start.parent_id)


def _up(connection: AnyConnection, conversation: str, message: str) -> Iterator[MessageRow]:
    start: str | None = message
    while start is not None and (page := read_path(connection, conversation, start, _AT_ONCE)):
        yield from page
        start = page[-1].parent_id


def _down(connection: AnyConnection, conversation: str, message: str) -> Iterator[MessageRow]:
    """What is below `message`."""
    while page := read_path_down(connection, conversation, message, _AT_ONCE):
        yield from page
        message = page[-1].id
