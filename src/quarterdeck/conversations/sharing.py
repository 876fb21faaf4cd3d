"""Sharing: a copy of the active path as it is now, without what a model thought and what tools returned.

It is copied some messages at a time, so that nobody waits behind a long conversation; the link is given out when all
are there.
"""

from __future__ import annotations

import secrets
from functools import partial

from msgspec import Struct

from quarterdeck.accounts.access import access_conversation
from quarterdeck.accounts.tokens import hash_secret
from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, TextPart
from quarterdeck.errors import ConflictError, InputError
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import Database, ReadConnection
from quarterdeck.store.messages import MessageRow, read_path
from quarterdeck.store.shares import SharedMessage, add_shared, begin_share, drop_share, finish_share
from quarterdeck.store.turns import OPEN

_AT_ONCE = 500
_SECRET_BYTES = 24
_EMPTY = "There is nothing to share in this conversation yet."
_PRIVATE = "A private conversation is not shared. Turn private off for it first, or copy what you want to show."


class Shared(Struct, frozen=True):
    """`secret` is what the link ends with; only its hash is kept.

    `unfinished`: of the messages, the answers that are still being written; the copy says only that they were.
    """

    id: str
    secret: str
    message_count: int
    unfinished: int


async def share_conversation(database: Database, owner: str, conversation: str) -> Shared:
    """Raises: `NotFoundError`, `ConflictError` for a private one, `InputError` for an empty one, `StorageError`."""
    row = await database.read(lambda connection: access_conversation(connection, owner, conversation))
    if row.memory == "private":
        raise ConflictError(_PRIVATE)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    share = await database.write(
        lambda connection: begin_share(connection, owner, row.id, row.title, hash_secret(secret))
    )
    unfinished = await _copy(database, share, row)
    count = await database.write(lambda connection: finish_share(connection, share))
    if not count:
        await database.write(lambda connection: drop_share(connection, share))
        raise InputError(_EMPTY)
    return Shared(share, secret, count, unfinished)


async def _copy(database: Database, share: str, row: ConversationRow) -> int:
    """From the end upwards: the last one has position 0. How many of them are still being written."""
    cursor = row.tip_id
    position = 0
    unfinished = 0
    while cursor is not None:
        page = await database.read(partial(_read_page, conversation=row.id, cursor=cursor))
        found: list[SharedMessage] = []
        for message in page:
            is_open = message.status in OPEN
            if (parts := shared_parts(message)) or is_open:
                found.append(SharedMessage(position, message.role, parts, message.model, message.created_at))
                position -= 1
                unfinished += is_open
        await database.write(partial(add_shared, share=share, found=found))
        cursor = page[-1].parent_id if page else None
    return unfinished


def _read_page(connection: ReadConnection, conversation: str, cursor: str) -> list[MessageRow]:
    return read_path(connection, conversation, cursor, _AT_ONCE)


def shared_parts(message: MessageRow) -> list[Part]:
    """What others may see; of a picture only that there was one. Empty while an answer is being written."""
    if message.status in OPEN:
        return []
    shown: list[Part] = []
    for part in message.parts:
        if isinstance(part, ImagePart):
            shown.append(ImagePart(part.media_type, ""))
        elif isinstance(part, TextPart | IdeaPart) and part.text.strip():
            shown.append(part)
    return shown
