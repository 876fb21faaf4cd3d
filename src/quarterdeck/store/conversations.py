"""Conversations: owner-scoped, deleted with a way back. (`listing.py` lists them.)"""

from __future__ import annotations

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, bindparam, insert, or_, select, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.errors import ConflictError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import conversations, turns

KEEP_DELETED_MS = 30 * 24 * 3600 * 1000


class ConversationRow(Struct, frozen=True):
    id: str
    owner_id: str
    external_id: str
    title: str
    model: str
    assistant: str
    instructions: str
    temperature: float | None
    tip_id: str | None
    created_at: int
    updated_at: int
    root_id: str | None = None
    title_from: str = "words"  # words | model | user
    pinned_at: int | None = None
    archived_at: int | None = None
    folder_id: str | None = None
    source: str | None = None
    forked_from: str | None = None
    deleted_at: int | None = None
    is_hidden: int = 0
    memory: str = ""  # as the account has it | off | private
    running_turn: str | None = None


_columns = [column for column in conversations.c if column.name not in ("left_folder_id", "metadata")]
_running = (
    select(turns.c.id)
    .where(turns.c.conversation_id == conversations.c.id, turns.c.status.in_(("running", "queued")))
    .order_by(turns.c.id)
    .limit(1)
    .scalar_subquery()
    .label("running_turn")
)
COLUMNS = [*_columns, _running]
"""What a `ConversationRow` is made of."""
_by_name = {column.name: column for column in COLUMNS}


# Built once: building a statement costs more than running it.
_FIND = Prepared(
    select(*(_by_name[name] for name in ConversationRow.__struct_fields__))
    .where(
        conversations.c.owner_id == bindparam("owner"),
        or_(conversations.c.id == bindparam("name"), conversations.c.external_id == bindparam("name")),
        conversations.c.deleted_at.is_(None),
    )
    .order_by((conversations.c.id == bindparam("name")).desc())
    .limit(1)
)
# Also where the name is the id of a deleted one: that is seen, and refused.
_GIVE_NAME_UP = Prepared(
    update(conversations)
    .where(
        conversations.c.owner_id == bindparam("owner"),
        or_(conversations.c.external_id == bindparam("name"), conversations.c.id == bindparam("name")),
        conversations.c.deleted_at.is_not(None),
    )
    .values(external_id=conversations.c.id)
)
_IS_DELETED = Prepared(
    select(conversations.c.id).where(
        conversations.c.owner_id == bindparam("owner"),
        conversations.c.id == bindparam("name"),
        conversations.c.deleted_at.is_not(None),
    )
)
_METADATA = select(conversations.c.metadata).where(conversations.c.id == bindparam("conversation"))
_INSERT = Prepared(insert(conversations))
_UPDATE = Prepared(update(conversations).where(conversations.c.id == bindparam("conversation")))
_GIVE_TITLE = update(conversations).where(
    conversations.c.id == bindparam("conversation"),
    conversations.c.title_from == "words",
    conversations.c.deleted_at.is_(None),
)


def find_conversation(connection: AnyConnection, owner: str, conversation: str) -> ConversationRow | None:
    """By our id or by the name its client gave it, among the owner's own; deleted ones are not there."""
    row = _FIND.first(connection, {"owner": owner, "name": conversation})
    return None if row is None else ConversationRow(*row)


def insert_conversation(
    connection: WriteConnection, *, owner: str, external_id: str, title: str, model: str, assistant: str,
    instructions: str, temperature: float | None, memory: str = "", root: str | None = None, tip: str | None = None,
) -> ConversationRow:  # fmt: skip
    """A deleted conversation of the same `external_id` gives that name up; restored, it goes by its own id.

    `root`, `tip`: its first message and its last one, which are written next.
    Raises: `ConflictError` where `external_id` is the id of a deleted conversation, whose next message this would be.
    """
    named = {"owner": owner, "name": external_id}
    if _GIVE_NAME_UP.run(connection, named) and _IS_DELETED.first(connection, named):
        raise ConflictError("This conversation was deleted. Restore it first, or write in a new one.")
    now = now_ms()
    identifier = new_id()
    values = {
        "id": identifier, "owner_id": owner, "external_id": external_id or identifier, "title": title, "model": model,
        "assistant": assistant, "instructions": instructions, "temperature": temperature, "tip_id": tip,
        "created_at": now, "updated_at": now, "memory": memory, "root_id": root,
    }  # fmt: skip
    _INSERT.run(connection, values)
    return ConversationRow(**values)  # type: ignore[arg-type]


def find_unfinished(connection: AnyConnection, conversation: str) -> int | None:
    """When a copy was begun that is not whole yet; None for any other conversation."""
    begun = select(conversations.c.created_at).where(
        conversations.c.id == conversation, conversations.c.deleted_at.is_not(None), conversations.c.tip_id.is_(None)
    )
    return connection.execute(begun).scalar()


def update_conversation(connection: WriteConnection, conversation: str, values: dict[str, object]) -> None:
    """`values` by column name; the caller has checked whose it is."""
    _UPDATE.run(connection, {**values, "conversation": conversation})


def find_metadata(connection: AnyConnection, conversation: str) -> dict[str, str]:
    """What an API client has noted about it."""
    stored = connection.execute(_METADATA, {"conversation": conversation}).scalar()
    return msgspec.json.decode(stored, type=dict[str, str]) if stored else {}


def keep_metadata(connection: WriteConnection, conversation: str, metadata: dict[str, str]) -> None:
    """In place of what was noted before; the caller has checked whose it is."""
    update_conversation(connection, conversation, {"metadata": msgspec.json.encode(metadata).decode()})


def give_title(connection: WriteConnection, conversation: str, title: str) -> bool:
    """A model's, in place of the first words; False when it has another one by now."""
    given = _GIVE_TITLE.values(title=title, title_from="model")
    return bool(connection.execute(given, {"conversation": conversation}).rowcount)


def delete_conversation(connection: WriteConnection, conversation: str) -> None:
    connection.execute(update(conversations).where(conversations.c.id == conversation).values(deleted_at=now_ms()))


def can_be_restored(connection: AnyConnection, owner: str, conversation: str) -> bool:
    """Whether it is a deleted one of this owner, by our id, and not too old."""
    return connection.execute(select(conversations.c.id).where(*_restorable(owner, conversation))).first() is not None


def restore_conversation(connection: WriteConnection, owner: str, conversation: str) -> bool:
    """Undo a deletion; False when there is no such deleted conversation of this owner, or it is too old."""
    return bool(
        connection.execute(
            update(conversations).where(*_restorable(owner, conversation)).values(deleted_at=None)
        ).rowcount
    )


def _restorable(owner: str, conversation: str) -> tuple[ColumnElement[bool], ...]:
    return (
        conversations.c.id == conversation,
        conversations.c.owner_id == owner,
        conversations.c.deleted_at >= now_ms() - KEEP_DELETED_MS,
    )
