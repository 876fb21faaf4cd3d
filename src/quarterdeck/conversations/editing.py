"""Edit a message in place, one's own or the model's: what it said is kept as a version, and can be had back."""

from __future__ import annotations

from quarterdeck.accounts.access import access_conversation, access_message
from quarterdeck.conversations.branches import lead_through
from quarterdeck.conversations.derived import follow_change
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.errors import InputError, NotFoundError, StaleVersionError, StillRunningError, TooLargeError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.messages import MessageRow, copy_message
from quarterdeck.store.request_keys import digest_of, find_made, keep_made
from quarterdeck.store.turns import OPEN
from quarterdeck.store.versions import VersionRow, find_version, list_versions, rewrite_message

MAX_TEXT_CHARS = 1_000_000


def edit_message(connection: WriteConnection, user: str, message: str, *, version: int, text: str) -> MessageRow:
    """`version`: the one that was edited. The same edit again changes nothing and is no error.

    Raises: `InputError`, `NotFoundError`, `StaleVersionError`, `StillRunningError`.
    """
    _check_text(text)
    row = _access_ended(connection, user, message)
    parts = with_text(row.parts, text)
    if row.version == version + 1 and row.parts == parts:
        return row  # its answer was lost on the way
    return _rewrite(connection, row, version, parts)


def read_versions(connection: AnyConnection, user: str, message: str) -> list[VersionRow]:
    """All of them, the current one first. Raises: `NotFoundError`."""
    row = access_message(connection, user, message)
    current = VersionRow(row.version, row.parts, row.edited_at or row.ended_at or row.created_at)
    return [current, *list_versions(connection, message)]


def restore_version(connection: WriteConnection, user: str, message: str, *, version: int, restored: int) -> MessageRow:
    """Undo: the message says again what it said in version `restored`; that makes a new version of it.

    Raises: as `edit_message`.
    """
    row = _access_ended(connection, user, message)
    parts = find_version(connection, row.id, restored)
    if parts is None:
        raise NotFoundError("There is no such version of this message.")
    return _rewrite(connection, row, version, parts)


def edit_as_branch(connection: WriteConnection, user: str, message: str, *, text: str, key: str = "") -> MessageRow:
    """A new message beside `message` that says `text`; the path ends with it. The old one stays as it is.

    `key`: the client's idempotency key: the same again finds what was made.
    Raises: `InputError`, `NotFoundError`, `StillRunningError`; `ConflictError` when the key was used for another edit.
    """
    _check_text(text)
    name, digest = f"branch {key}", digest_of("branch", message, text)
    if key and (known := find_made(connection, user, name, digest)) is not None:
        return access_message(connection, user, known)
    row = _access_ended(connection, user, message)
    made = new_id()
    copy_message(connection, row, made, with_text(row.parts, text))
    conversation = access_conversation(connection, user, row.conversation_id)
    lead_through(connection, conversation.id, conversation.tip_id, made)
    follow_change(connection, user, [made])
    if key:
        keep_made(connection, user, name, digest, made)
    return access_message(connection, user, made)


def rewrite_parts(connection: WriteConnection, user: str, message: str, parts: list[Part]) -> MessageRow:
    """It says `parts` from now on; what it said is kept as a version. Raises: `NotFoundError`, `StillRunningError`."""
    row = _access_ended(connection, user, message)
    return _rewrite(connection, row, row.version, parts)


def with_text(parts: list[Part], text: str) -> list[Part]:
    """`text` in place of all their text; thoughts, ideas, pictures and tools stay as they are."""
    places = [index for index, part in enumerate(parts) if isinstance(part, TextPart)]
    kept: list[Part] = [part for part in parts if not isinstance(part, TextPart)]
    kept.insert(places[-1] - len(places) + 1 if places else len(kept), TextPart(text))
    return kept


def _access_ended(connection: WriteConnection, user: str, message: str) -> MessageRow:
    """As it is now that nobody else changes this conversation."""
    lock_conversation(connection, access_message(connection, user, message).conversation_id)
    row = access_message(connection, user, message)
    if row.status in OPEN:
        raise StillRunningError("This answer is still being written. Stop it first, or wait until it has ended.")
    return row


def _rewrite(connection: WriteConnection, row: MessageRow, version: int, parts: list[Part]) -> MessageRow:
    if row.version != version or not rewrite_message(connection, row, parts):
        raise StaleVersionError(
            "This message was changed somewhere else meanwhile. Nothing was overwritten; look at the other version."
        )
    follow_change(connection, row.owner_id, [row.id])
    return access_message(connection, row.owner_id, row.id)


def _check_text(text: str) -> None:
    if not text.strip():
        raise InputError("The message is empty. Write something, or delete it.")
    if len(text) > MAX_TEXT_CHARS:
        raise TooLargeError(f"The message is longer than {MAX_TEXT_CHARS:,} characters. Send it in parts.")
    if "\x00" in text:
        raise InputError("The message contains a NUL character, which cannot be stored.")
