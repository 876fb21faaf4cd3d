"""What an export reads, page by page: conversations with all their messages, without what was deleted."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Select, and_, bindparam, func, literal, or_, select

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.tables import (
    assistants,
    conversations,
    folders,
    ideas,
    message_versions,
    messages,
    snippets,
    turns,
)
from quarterdeck.store.turns import OPEN

_PAGE_BYTES = 4 << 20


class Gone(Struct, frozen=True):
    """A message that is not exported: deleted, or still being written (`is_open`).

    What hangs on it hangs on its parent.
    """

    parent_id: str | None
    active_child_id: str | None
    is_open: bool = False


_ALIVE = messages.c.deleted_at.is_(None) & messages.c.status.not_in(OPEN)
_IS_LISTED = conversations.c.is_hidden == 0  # else it is a response that an API client had stored
_CONVERSATIONS: Select[Any] = (
    select(
        conversations,
        folders.c.name.label("folder"),
        assistants.c.name.label("assistant_name"),
    )
    .outerjoin(folders, folders.c.id == conversations.c.folder_id)
    .outerjoin(
        assistants,
        (assistants.c.id == conversations.c.assistant) & (assistants.c.owner_id == conversations.c.owner_id),
    )
    .where(conversations.c.deleted_at.is_(None))
)
_SIZES = (
    select(messages.c.id, func.length(messages.c.parts).label("size"))
    .where(messages.c.conversation_id == bindparam("conversation"), messages.c.id > bindparam("after"), _ALIVE)
    .order_by(messages.c.id)
    .limit(bindparam("limit"))
)


def page_conversations(connection: AnyConnection, owner: str, after: str, limit: int) -> list[dict[str, Any]]:
    """In the order of their ids, with `folder` and `assistant_name` by name; without those that no list shows."""
    page = _CONVERSATIONS.where(conversations.c.owner_id == owner, _IS_LISTED, conversations.c.id > after)
    return [dict(row._mapping) for row in connection.execute(page.order_by(conversations.c.id).limit(limit))]


def find_exported(connection: AnyConnection, owner: str, conversation: str) -> dict[str, Any] | None:
    mine = _CONVERSATIONS.where(conversations.c.owner_id == owner, conversations.c.id == conversation)
    row = connection.execute(mine).first()
    return None if row is None else dict(row._mapping)


def count_unfinished(connection: AnyConnection, owner: str, conversation: str = "") -> int:
    """Answers that are still being written, and that an export leaves out; of one conversation, or of all."""
    running = select(turns.c.id).where(turns.c.owner_id == owner, turns.c.status.in_(OPEN))
    here = conversations.c.id == messages.c.conversation_id, conversations.c.deleted_at.is_(None)
    left_out = messages.c.turn_id.in_(running), messages.c.status.in_(OPEN), messages.c.deleted_at.is_(None)
    count = select(func.count()).select_from(messages).join(conversations, and_(*here)).where(*left_out)
    count = count.where(conversations.c.id == conversation if conversation else _IS_LISTED)
    return int(connection.execute(count).scalar_one())


def list_gone(connection: AnyConnection, conversation: str) -> dict[str, Gone]:
    is_open = messages.c.deleted_at.is_(None).label("is_open")
    columns = (messages.c.id, messages.c.parent_id, messages.c.active_child_id, is_open)
    gone = or_(messages.c.deleted_at.is_not(None), messages.c.status.in_(OPEN))
    rows = connection.execute(select(*columns).where(messages.c.conversation_id == conversation, gone))
    return {row.id: Gone(row.parent_id, row.active_child_id, bool(row.is_open)) for row in rows}


def page_messages(connection: AnyConnection, conversation: str, after: str, limit: int) -> list[dict[str, Any]]:
    """In the order of their ids; fewer when they are large: pictures stand in them."""
    sizes = connection.execute(_SIZES, {"conversation": conversation, "after": after, "limit": limit}).all()
    return read_messages(connection, _that_fit([(row.id, row.size or 0) for row in sizes]))


def read_messages(connection: AnyConnection, ids: list[str]) -> list[dict[str, Any]]:
    rows = connection.execute(select(messages).where(messages.c.id.in_(ids)).order_by(messages.c.id)).all()
    return [dict(row._mapping) for row in rows]


def _that_fit(sizes: list[tuple[str, int]]) -> list[str]:
    """One at least."""
    kept: list[str] = []
    total = 0
    for name, size in sizes:
        total += size
        if kept and total > _PAGE_BYTES:
            break
        kept.append(name)
    return kept


def list_versions(connection: AnyConnection, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Of each message its earlier versions, the oldest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    wanted = select(message_versions).where(message_versions.c.message_id.in_(ids))
    for row in connection.execute(wanted.order_by(message_versions.c.message_id, message_versions.c.version)):
        found.setdefault(row.message_id, []).append(dict(row._mapping))
    return found


def list_ideas_of(connection: AnyConnection, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    wanted = select(ideas).where(ideas.c.message_id.in_(ids), ideas.c.deleted_at.is_(None)).order_by(ideas.c.id)
    for row in connection.execute(wanted):
        found.setdefault(row.message_id, []).append({"text": row.text, "created_at": row.created_at})
    return found


def list_path(connection: AnyConnection, conversation: str, tip: str, limit: int) -> list[tuple[str, str | None]]:
    """(id, parent) from `tip` upwards, deleted ones included, at most `limit`."""
    here = messages.c.conversation_id == conversation
    seed = (
        select(messages.c.id, messages.c.parent_id, literal(0).label("depth"))
        .where(messages.c.id == tip, here)
        .cte("path", recursive=True)
    )
    path = seed.union_all(
        select(messages.c.id, messages.c.parent_id, seed.c.depth + 1)
        .join(seed, messages.c.id == seed.c.parent_id)
        .where(seed.c.depth + 1 < limit)
    )
    return [(row.id, row.parent_id) for row in connection.execute(select(path).order_by(path.c.depth))]


def list_belongings(connection: AnyConnection, owner: str) -> list[dict[str, Any]]:
    """Folders, assistants and snippets as lines of an export, without ids of others."""
    there = folders.c.owner_id == owner, folders.c.deleted_at.is_(None)
    named = select(folders).where(*there).order_by(folders.c.id)
    made: list[dict[str, Any]] = [
        {"kind": "folder", "name": row.name, "created_at": row.created_at} for row in connection.execute(named)
    ]
    own = assistants.c.owner_id == owner
    alive = select(assistants).where(own, assistants.c.deleted_at.is_(None)).order_by(assistants.c.id)
    made += [{"kind": "assistant", **row._mapping} for row in connection.execute(alive)]
    wanted = select(snippets).where(snippets.c.owner_id == owner).order_by(snippets.c.id)
    made += [{"kind": "snippet", **row._mapping} for row in connection.execute(wanted)]
    return made
