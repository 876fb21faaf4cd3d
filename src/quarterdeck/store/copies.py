"""Copies of messages in another conversation, made inside the database: their content does not come here."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Integer, String, column, func, insert, literal, select, values

from quarterdeck.store.database import WriteConnection
from quarterdeck.store.tables import messages

_OWN = ("conversation_id", "parent_id", "active_child_id", "version", "edited_at", "deleted_at", "deletion", "source")
_TAKEN = [column.name for column in messages.c if column.name not in ("id", *_OWN)]


class Copied(Struct, frozen=True):
    """Message `original` becomes `id`, between `parent` and `child`."""

    original: str
    id: str
    parent: str | None
    child: str | None


def copy_path(connection: WriteConnection, conversation: str, copies: list[Copied]) -> None:
    """One statement for all `copies`; the first version of each is what it says now."""
    names = (column(name, String) for name in ("original", "copy_id", "parent", "child"))
    listed = [(copied.original, copied.id, copied.parent or "", copied.child or "") for copied in copies]
    places = values(*names, name="listed").data(listed).cte("places")
    source = select(
        places.c.copy_id,
        literal(conversation),
        func.nullif(places.c.parent, ""),
        func.nullif(places.c.child, ""),
        literal(1, Integer),
        *(messages.c[name] for name in _TAKEN),
    ).join_from(places, messages, messages.c.id == places.c.original)
    target = ["id", "conversation_id", "parent_id", "active_child_id", "version", *_TAKEN]
    connection.execute(insert(messages).from_select(target, source, include_defaults=False))
