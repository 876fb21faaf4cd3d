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
from quarterdeck.errors import InputError
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import Database, ReadConnection
from quarterdeck.store.messages import MessageRow, read_path
from quarterdeck.store.shares import SharedMessage, add_shared, begin_share, drop_share, finish_share

_AT_ONCE = 500
_SECRET_BYTES = 24
_EMPTY = "There is nothing to share in this conversation yet."


class Shared(Struct, frozen=True):
    """`secret` is what the link ends with; only its hash is kept."""

    id: str
    secret: str
    message_count: int


async def share_conversation(database: Database, owner: str, conversation: str) -> Shared:
    """Raises: `NotFoundError`, `InputError` when there is nothing in it, `StorageError`."""
    row = await database.read(lambda connection: access_conversation(connection, owner, conversation))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    share = await database.write(
        lambda connection: begin_share(connection, owner, row.id, row.title, hash_secret(secret))
    )
    await _copy(database, share, row)
    count = await database.write(lambda connection: finish_share(connection, share))
    if not count:
        await database.write(lambda connection: drop_share(connection, share))
        raise InputError(_EMPTY)
    return Shared(share, secret, count)


async def _copy(database: Database, share: str, row: ConversationRow) -> None:
    """From the end upwards: the last one has position 0."""
    cursor = row.tip_id
    position = 0
    while cursor is not None:
        page = await database.read(partial(_read_page, conversation=row.id, cursor=cursor))
        found: list[SharedMessage] = []
        for message in page:
            if parts := shared_parts(message):
                found.append(SharedMessage(position, message.role, parts, message.model, message.created_at))
                position -= 1
        await database.write(partial(add_shared, share=share, found=found))
        cursor = page[-1].parent_id if page else None


def _read_page(connection: ReadConnection, conversation: str, cursor: str) -> list[MessageRow]:
    return read_path(connection, conversation, cursor, _AT_ONCE)


def shared_parts(message: MessageRow) -> list[Part]:
    """What others may see; of a picture only that there was one. Empty while an answer is being written."""
    if message.status in ("queued", "running"):
        return []
    shown: list[Part] = []
    for part in message.parts:
        if isinstance(part, ImagePart):
            shown.append(ImagePart(part.media_type, ""))
        elif isinstance(part, TextPart | IdeaPart) and part.text.strip():
            shown.append(part)
    return shown
