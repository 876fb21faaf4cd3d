"""Putting many conversations in order at once, each change with the changes that undo it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import bindparam, select, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import InputError
from quarterdeck.memory.staleness import follow_conversations, give_up_conversations
from quarterdeck.store.conversations import KEEP_DELETED_MS
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.folders import access_folder
from quarterdeck.store.tables import conversations, turns
from quarterdeck.store.turns import OPEN

Action = Literal["pin", "unpin", "archive", "unarchive", "move", "delete", "restore", "erase"]
"""`erase`: what is deleted is not to be restored any more; it is gone with the next round of that work."""

MOST = 1_000
"""Conversations in one request."""
_CHUNK = 250


class Change(Struct, frozen=True):
    """`folder`: where to, for `move`; None: into none. The first one that is pinned comes first."""

    action: Action
    ids: list[str]
    folder: str | None = None


class Changed(Struct, frozen=True):
    """What was really changed; `undo` puts that back as it was. `running`: turns that are to be stopped."""

    ids: list[str]
    undo: list[Change]
    running: list[str]


_OPPOSITE: dict[Action, Action] = {
    "pin": "unpin", "unpin": "pin", "archive": "unarchive", "unarchive": "archive", "delete": "restore",
    "restore": "delete",
}  # fmt: skip
_COLUMN = {
    "pin": "pinned_at", "unpin": "pinned_at", "archive": "archived_at", "unarchive": "archived_at",
    "move": "folder_id", "delete": "deleted_at", "restore": "deleted_at",
    "erase": "deleted_at",
}  # fmt: skip


_PIN = update(conversations).where(conversations.c.id == bindparam("name")).values(pinned_at=bindparam("at"))


def change_many(connection: WriteConnection, owner: str, changes: Sequence[Change]) -> Changed:
    """What is not there, or is so already, is passed over. Raises: `InputError`, `NotFoundError` for a folder."""
    if sum(len(change.ids) for change in changes) > MOST:
        raise InputError(f"At most {MOST:,} conversations can be changed at once.")
    ids: dict[str, None] = {}
    undo: list[Change] = []
    for change in changes:
        changed, back = _change(connection, owner, change)
        ids.update(dict.fromkeys(changed))
        undo = back + undo  # the last one is the first to be undone
    deleted = [name for change in changes if change.action == "delete" for name in change.ids if name in ids]
    return Changed(list(ids), undo, _running_in(connection, deleted))


def _change(connection: WriteConnection, owner: str, change: Change) -> tuple[list[str], list[Change]]:
    if change.action == "move" and change.folder is not None:
        access_folder(connection, owner, change.folder)
    before: dict[str, Any] = {}
    for chunk in _chunks(change.ids):
        before |= _read(connection, owner, change, chunk)
    if before and change.action == "pin":
        now = now_ms()
        connection.execute(_PIN, [{"name": name, "at": now - place} for place, name in enumerate(before)])
    for chunk in _chunks(list(before) if change.action != "pin" else []):
        values = {_COLUMN[change.action]: _value(change)}
        connection.execute(update(conversations).where(conversations.c.id.in_(chunk)).values(values))
    if change.action in ("delete", "restore"):
        follow_conversations(connection, owner, list(before))
    if change.action == "erase":
        for chunk in _chunks(list(before)):
            give_up_conversations(connection, owner, list(chunk), _value(change))
    return list(before), _undo(change, before)


def _read(connection: WriteConnection, owner: str, change: Change, ids: Sequence[str]) -> dict[str, Any]:
    """Those that the change makes different, in the order they were named, with what they have now."""
    column = conversations.c[_COLUMN[change.action]]
    conditions = [conversations.c.id.in_(ids), conversations.c.owner_id == owner]
    if change.action not in ("restore", "erase"):
        conditions.append(conversations.c.deleted_at.is_(None))
    if change.action == "move":
        conditions.append(column.is_distinct_from(change.folder))
    else:
        sets = change.action in ("pin", "archive", "delete")
        conditions.append(column.is_(None) if sets else column.is_not(None))
    if change.action in ("restore", "erase"):
        conditions.append(column >= now_ms() - KEEP_DELETED_MS)
    rows = connection.execute(select(conversations.c.id, column.label("value")).where(*conditions))
    found = {row.id: row.value for row in rows}
    return {name: found[name] for name in ids if name in found}


def _value(change: Change) -> Any:
    if change.action == "move":
        return change.folder
    if change.action == "erase":
        return now_ms() - KEEP_DELETED_MS - 1
    return now_ms() if change.action in ("archive", "delete") else None


def _undo(change: Change, before: dict[str, Any]) -> list[Change]:
    if not before or change.action == "erase":
        return []
    if change.action == "unpin":  # they come back in the order that they were in
        return [Change("pin", sorted(before, key=lambda name: -before[name]))]
    if change.action != "move":
        return [Change(_OPPOSITE[change.action], list(before))]
    by_folder: dict[str | None, list[str]] = {}
    for name, folder in before.items():
        by_folder.setdefault(folder, []).append(name)
    return [Change("move", ids, folder) for folder, ids in by_folder.items()]


def _running_in(connection: WriteConnection, ids: Iterable[str]) -> list[str]:
    found: list[str] = []
    for chunk in _chunks(list(ids)):
        running = select(turns.c.id).where(turns.c.conversation_id.in_(chunk), turns.c.status.in_(OPEN))
        found += connection.execute(running).scalars()
    return found


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    unique = list(dict.fromkeys(ids))
    return (unique[start : start + _CHUNK] for start in range(0, len(unique), _CHUNK))
