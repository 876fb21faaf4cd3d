"""Copies of messages in another conversation, made inside the database: their content does not come here."""

from __future__ import annotations

from msgspec import Struct, structs
from sqlalchemy import Integer, bindparam, insert, literal, select

from quarterdeck.store.database import WriteConnection
from quarterdeck.store.tables import messages
from quarterdeck.store.tables.base import Identifier

_OWN = ("conversation_id", "parent_id", "active_child_id", "version", "edited_at", "deleted_at", "deletion", "source")
_TAKEN = [column.name for column in messages.c if column.name not in ("id", *_OWN)]

_PLACES = ("id", "conversation_id", "parent_id", "active_child_id", "version")
# Built once, and run for each message: building one statement for many of them costs more.
_COPY = insert(messages).from_select(
    [*_PLACES, *_TAKEN],
    select(
        bindparam("id", type_=Identifier),
        bindparam("conversation", type_=Identifier),
        bindparam("parent", type_=Identifier),
        bindparam("child", type_=Identifier),
        literal(1, Integer),
        *(messages.c[name] for name in _TAKEN),
    ).where(messages.c.id == bindparam("original")),
    include_defaults=False,
)


class Copied(Struct, frozen=True):
    """Message `original` becomes `id`, between `parent` and `child`."""

    original: str
    id: str
    parent: str | None
    child: str | None


def copy_path(connection: WriteConnection, conversation: str, copies: list[Copied]) -> None:
    """The first version of each is what the original says now."""
    connection.execute(_COPY, [{"conversation": conversation, **structs.asdict(copied)} for copied in copies])
