"""What an import writes: conversations known by `source`, messages known by theirs within them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, func, insert, or_, select, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import assistants, conversations, folders, ideas, message_versions, messages, snippets


class KnownConversation(Struct, frozen=True):
    id: str
    tip_id: str | None
    updated_at: int
    deleted_at: int | None
    memory: str  # private: it is not found


class KnownMessage(Struct, frozen=True):
    """`key`: what it is known by, its source or, from the same installation, its id. `parts` as they are stored."""

    id: str
    source: str | None
    deleted_at: int | None
    edited_at: int | None
    version: int
    parts: str


# Built once: building a statement costs more than running it.
_INSERT_MESSAGE = insert(messages)
_LEAD_ON = (
    update(messages)
    .where(messages.c.id == bindparam("message"), messages.c.active_child_id.is_(None))
    .values(active_child_id=bindparam("child"))
)
_LEAD_TO = update(messages).where(messages.c.id == bindparam("message")).values(active_child_id=bindparam("child"))


def find_known_conversation(
    connection: AnyConnection, owner: str, source: str, own_id: str
) -> KnownConversation | None:
    """Deleted ones, too. `own_id` is empty for what does not come from a Quarterdeck."""
    columns = (conversations.c[name] for name in KnownConversation.__struct_fields__)
    same = conversations.c.source == source
    if own_id:
        same = or_(same, conversations.c.id == own_id)
    found = select(*columns).where(conversations.c.owner_id == owner, same).limit(1)
    row = connection.execute(found).first()
    return None if row is None else KnownConversation(*row)


def insert_imported_conversation(connection: WriteConnection, owner: str, values: dict[str, Any]) -> KnownConversation:
    """`values`: columns by name over the defaults."""
    identifier = new_id()
    row = {
        "id": identifier, "owner_id": owner, "external_id": identifier, "model": "", "assistant": "",
        "instructions": "", "temperature": None, "tip_id": None, "title_from": "user",
    } | values  # fmt: skip
    connection.execute(insert(conversations).values(row))
    return KnownConversation(identifier, None, row["updated_at"], None, row.get("memory", ""))


def find_known_messages(
    connection: AnyConnection, conversation: str, keys: list[str], *, by_id: bool
) -> dict[str, KnownMessage]:
    """By key. `by_id`: the keys may be ids of this installation, too."""
    found: dict[str, KnownMessage] = {}
    columns = [messages.c[name] for name in KnownMessage.__struct_fields__]
    here = messages.c.conversation_id == conversation
    if by_id:
        rows = connection.execute(select(*columns).where(here, messages.c.id.in_(keys)))
        found = {row.id: KnownMessage(*row) for row in rows}
    rows = connection.execute(select(*columns).where(here, messages.c.source.in_(keys)))
    return found | {row.source: KnownMessage(*row) for row in rows}


def find_source(connection: AnyConnection, message: str) -> str | None:
    return connection.execute(select(messages.c.source).where(messages.c.id == message)).scalar()


def insert_imported_messages(connection: WriteConnection, rows: list[dict[str, Any]]) -> int:
    """How many of them are there afterwards, as the database counts them."""
    if not rows:
        return 0
    connection.execute(_INSERT_MESSAGE, rows)
    there = select(func.count()).where(messages.c.id.in_([row["id"] for row in rows]))
    return int(connection.execute(there).scalar_one())


def update_imported(connection: WriteConnection, owner: str, known: KnownMessage, parts: str, taint: str) -> None:
    """It says what it says now where it comes from; nobody has edited it here. What it said is kept as a version."""
    kept = {"message_id": known.id, "version": known.version, "owner_id": owner, "parts": known.parts}
    connection.execute(insert(message_versions), kept | {"created_at": now_ms()})
    values = {"parts": parts, "taint": taint, "version": known.version + 1}
    connection.execute(update(messages).where(messages.c.id == known.id).values(values))


def said_before(connection: AnyConnection, message: str, parts: str) -> bool:
    """Whether a version of it before the current one said that."""
    found = select(message_versions.c.version).where(
        message_versions.c.message_id == message, message_versions.c.parts == parts
    )
    return connection.execute(found).first() is not None


def insert_versions(connection: WriteConnection, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(message_versions), rows)


def insert_imported_ideas(connection: WriteConnection, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(ideas), rows)


def lead_on(connection: WriteConnection, steps: list[tuple[str, str]]) -> None:
    """Where a path goes on from messages that had no choice yet: (message, child)."""
    if steps:
        connection.execute(_LEAD_ON, [{"message": message, "child": child} for message, child in steps])


def move_tip(
    connection: WriteConnection, conversation: str, steps: list[tuple[str, str]], values: dict[str, Any]
) -> None:
    """The active path goes along `steps`, (message, child); `values` are the conversation's columns for it."""
    if steps:
        connection.execute(_LEAD_TO, [{"message": message, "child": child} for message, child in steps])
    if values:
        connection.execute(update(conversations).where(conversations.c.id == conversation).values(values))


def find_or_make_folder(connection: WriteConnection, owner: str, name: str, created_at: int | None = None) -> str:
    key = name.casefold()
    known = connection.execute(
        select(folders.c.id).where(folders.c.owner_id == owner, folders.c.name_key == key)
    ).scalar()
    if known is not None:
        return str(known)
    identifier = new_id()
    row = {
        "id": identifier, "owner_id": owner, "name": name, "name_key": key,
        "created_at": created_at or now_ms(),
    }  # fmt: skip
    connection.execute(insert(folders).values(row))
    return identifier


def find_own_assistant(connection: AnyConnection, owner: str, name: str) -> str | None:
    found = select(assistants.c.id).where(
        assistants.c.owner_id == owner, assistants.c.name == name, assistants.c.deleted_at.is_(None)
    )
    return connection.execute(found.order_by(assistants.c.id).limit(1)).scalar()


def is_shared_assistant(connection: AnyConnection, assistant: str) -> bool:
    shared = assistants.c.is_shared == 1
    found = select(assistants.c.id).where(assistants.c.id == assistant, shared, assistants.c.deleted_at.is_(None))
    return connection.execute(found).first() is not None


def insert_assistant_row(connection: WriteConnection, owner: str, values: dict[str, Any]) -> None:
    connection.execute(insert(assistants).values({"id": new_id(), "owner_id": owner, "is_shared": 0, **values}))


def has_snippet(connection: AnyConnection, owner: str, name: str) -> bool:
    found = select(snippets.c.id).where(snippets.c.owner_id == owner, snippets.c.name == name)
    return connection.execute(found).first() is not None


def insert_snippet_row(connection: WriteConnection, owner: str, values: dict[str, Any]) -> None:
    connection.execute(insert(snippets).values({"id": new_id(), "owner_id": owner, **values}))
