"""Fork: a conversation of its own that begins with a copy of a path, and goes its own way from there."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from quarterdeck.accounts.access import access_conversation, access_message
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.errors import ConflictError, StillRunningError
from quarterdeck.store.conversations import (
    ConversationRow,
    find_unfinished,
    insert_conversation,
    update_conversation,
)
from quarterdeck.store.copies import Copied, copy_path
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.request_keys import digest_of, find_made, keep_made
from quarterdeck.store.search import copy_entries
from quarterdeck.store.tree import list_path_ids
from quarterdeck.store.turns import OPEN

_GIVEN_UP_MS = 60_000  # a process that has begun one and not ended it by then has died
_AT_ONCE = 500  # messages in one transaction: nobody waits long behind it


class _Original(Struct, frozen=True):
    conversation: ConversationRow
    copies: list[Copied]


class _Begun(Struct, frozen=True):
    """`is_whole`: somebody has asked the same before, and it is there."""

    id: str
    is_whole: bool = False


async def fork_conversation(database: Database, user: str, message: str, key: str = "") -> ConversationRow:
    """A new conversation with the path up to `message`, without what was deleted. It is seen when it is whole.

    `key`: the client's idempotency key: the same again finds what was made.
    Raises: `NotFoundError`, `StillRunningError`; `ConflictError` when the key was used for another message, or the
    same is being made.
    """
    original = await database.read(lambda connection: _read(connection, user, message))
    made = await database.write(lambda connection: _begin(connection, original.conversation, message, key))
    if made.is_whole:
        return await database.read(lambda connection: access_conversation(connection, user, made.id))
    for start in range(0, len(original.copies), _AT_ONCE):
        some = original.copies[start : start + _AT_ONCE]
        await database.write(partial(_copy, conversation=made.id, copies=some))
    return await database.write(lambda connection: _reveal(connection, user, made.id, original.copies))


def _read(connection: AnyConnection, user: str, message: str) -> _Original:
    row = access_message(connection, user, message)
    conversation = access_conversation(connection, user, row.conversation_id)
    path = [node for node in list_path_ids(connection, conversation.id, row.id) if not node.is_deleted]
    if any(node.status in OPEN for node in path):
        raise StillRunningError("An answer among these messages is still being written. Wait until it has ended.")
    made = [new_id() for _ in path]
    above: list[str | None] = [None, *made]
    below: list[str | None] = [*made[1:], None]
    copies = [
        Copied(node.id, *places) for node, places in zip(path, zip(made, above, below, strict=False), strict=True)
    ]
    return _Original(conversation, copies)


def _begin(connection: WriteConnection, original: ConversationRow, message: str, key: str) -> _Begun:
    """Not there for anybody yet; if nobody finishes it, it goes where deleted ones go."""
    owner, name, digest = original.owner_id, f"fork {key}", digest_of("fork", message)
    if key and (known := find_made(connection, owner, name, digest)) is not None:
        begun_at = find_unfinished(connection, known)
        if begun_at is None:
            return _Begun(known, is_whole=True)
        if begun_at > now_ms() - _GIVEN_UP_MS:
            raise ConflictError("This copy is being made already. Ask for it again in a moment.")
    made = insert_conversation(
        connection,
        owner=original.owner_id,
        external_id="",
        title=original.title,
        model=original.model,
        assistant=original.assistant,
        instructions=original.instructions,
        temperature=original.temperature,
        memory=original.memory,  # before its messages are there: a private one's are not found for a moment
    )
    hidden = {
        "deleted_at": now_ms(),
        "forked_from": message,
        "title_from": original.title_from,
        "folder_id": original.folder_id,
    }
    update_conversation(connection, made.id, hidden)
    if key:
        keep_made(connection, owner, name, digest, made.id)
    return _Begun(made.id)


def _copy(connection: WriteConnection, *, conversation: str, copies: list[Copied]) -> None:
    copy_path(connection, conversation, copies)
    copy_entries(connection, conversation, {copied.original: copied.id for copied in copies})


def _reveal(connection: WriteConnection, user: str, conversation: str, copies: list[Copied]) -> ConversationRow:
    shown: dict[str, object] = {
        "deleted_at": None,
        "root_id": copies[0].id,
        "tip_id": copies[-1].id,
        "updated_at": now_ms(),
    }
    update_conversation(connection, conversation, shown)
    return access_conversation(connection, user, conversation)
