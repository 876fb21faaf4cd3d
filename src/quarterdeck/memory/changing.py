"""What somebody does with a memory of theirs: make, edit, pin, forget, and have back what was changed.

Each change is a version, made in one transaction. What a person says of a memory outranks what is derived: an edited
one is theirs from then on (origin `user`).
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.errors import ConflictError, InputError, NotFoundError, StaleVersionError
from quarterdeck.memory.wording import fingerprint, marks, reads_the_same, squeeze
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.locks import lock_belongings
from quarterdeck.store.memories import (
    KINDS,
    UNDO_MS,
    MemoryRow,
    find_memories,
    find_memory,
    insert_row,
    list_current_alike,
    list_forgotten_with,
    list_superseded_by,
    update_row,
)
from quarterdeck.store.memory_history import as_it_was, find_change, insert_change, list_changes, list_reopened_from
from quarterdeck.store.memory_sources import MemorySource, add_sources, keep_sources, list_sources
from quarterdeck.store.standing_notes import mark_notes_stale

MAX_TEXT_CHARS = 2_000


class Statement(Struct, frozen=True, kw_only=True):
    """What is to be remembered. Times are milliseconds since 1970; `sources`: messages of the owner's."""

    text: str
    kind: str = "fact"
    origin: str = "user"
    model: str = ""
    confidence: float = 1.0
    taint: str = ""
    said_at: int | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    is_pinned: bool = False
    sources: tuple[MemorySource, ...] = ()


class Edit(Struct, frozen=True, kw_only=True):
    """What is set is changed. `version`: the one that was looked at."""

    version: int
    text: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    valid_from: int | UnsetType | None = UNSET
    valid_to: int | UnsetType | None = UNSET
    pinned: bool | UnsetType = UNSET


def access_memory(connection: AnyConnection, owner: str, memory: str, *, is_forgotten: bool = False) -> MemoryRow:
    """Raises: `NotFoundError`."""
    row = find_memory(connection, owner, memory, is_forgotten=is_forgotten)
    if row is None:
        raise NotFoundError("There is no such memory.")
    return row


def make_memory(connection: WriteConnection, owner: str, statement: Statement, actor: str = "user") -> MemoryRow:
    """Raises: `InputError`."""
    text = checked_text(statement.text)
    check_span(statement.valid_from, statement.valid_to)
    now = now_ms()
    row = MemoryRow(
        id=new_id(), owner_id=owner, kind=checked_kind(statement.kind), text=text, origin=statement.origin,
        model=statement.model, confidence=statement.confidence, taint=statement.taint, fingerprint=fingerprint(text),
        said_at=now if statement.said_at is None else statement.said_at, valid_from=statement.valid_from,
        valid_to=statement.valid_to, pinned_at=now if statement.is_pinned else None, created_at=now, updated_at=now,
    )  # fmt: skip
    insert_row(connection, row)
    add_sources(connection, owner, row.id, statement.sources)
    insert_change(connection, row, "made", actor)
    mark_notes_stale(connection, owner)
    return row


def write_memory(connection: WriteConnection, owner: str, statement: Statement) -> tuple[MemoryRow, bool]:
    """What somebody writes down themselves, and whether it was new.

    What holds and says it already in the same words, as the same kind, is theirs from then on, and keeps its sources;
    one with other times says something else. Raises: `InputError`.
    """
    lock_belongings(connection, owner)
    text = checked_text(statement.text)
    check_span(statement.valid_from, statement.valid_to)
    for row in list_current_alike(connection, owner, fingerprint(text)):
        if row.kind == statement.kind and reads_the_same(row.text, text) and _has_its_times(row, statement):
            values = _owned(row, statement)
            return (change_memory(connection, row, values, "merged", "user") if values else row), False
    return make_memory(connection, owner, statement), True


def _has_its_times(row: MemoryRow, statement: Statement) -> bool:
    """It says nothing else of when it is true, but perhaps since when before it was said."""
    since = row.valid_from
    if since is None and statement.valid_from is not None and statement.valid_from <= row.said_at:
        since = statement.valid_from
    return statement.valid_from in (None, since) and statement.valid_to in (None, row.valid_to)


def _owned(row: MemoryRow, statement: Statement) -> dict[str, Any]:
    """What is to be changed of `row` for it to be what somebody has written themselves."""
    values = {
        "origin": "user", "confidence": 1.0, "taint": "",
        "valid_from": statement.valid_from if row.valid_from is None else row.valid_from,
    }  # fmt: skip
    return {name: value for name, value in values.items() if value != getattr(row, name)}


def edit_memory(connection: WriteConnection, owner: str, memory: str, edit: Edit) -> MemoryRow:
    """What holds and says the same then in the same words is one with it.

    Raises: `InputError`, `NotFoundError`, `StaleVersionError`.
    """
    lock_belongings(connection, owner)
    row = access_memory(connection, owner, memory)
    if row.version != edit.version:
        raise _stale()
    values: dict[str, Any] = {
        name: value
        for name in ("text", "kind", "valid_from", "valid_to")
        if (value := getattr(edit, name)) is not UNSET
    }
    if "text" in values:
        values["text"] = checked_text(values["text"])
        values["fingerprint"] = fingerprint(values["text"])
    if "kind" in values:
        checked_kind(values["kind"])
    check_span(values.get("valid_from", row.valid_from), values.get("valid_to", row.valid_to))
    said = {name: value for name, value in values.items() if value != getattr(row, name)}
    if said:
        # theirs from now on: what it was derived from does not decide about it any more
        said |= {"origin": "user", "stale_at": None}
        row = _change_and_unite(connection, row, said, "edited", {})
    if edit.pinned is not UNSET and edit.pinned != (row.pinned_at is not None):
        values = {"pinned_at": now_ms() if edit.pinned else None}
        row = change_memory(connection, row, values, "pinned" if edit.pinned else "unpinned", "user")
    return row


def _change_and_unite(
    connection: WriteConnection, row: MemoryRow, values: dict[str, Any], change: str, notes: dict[str, Any]
) -> MemoryRow:
    """Changed by a person; what then says the same beside it is one with it, with its sources and pinned if it was."""
    changed = structs.replace(row, **values)
    united: list[str] = []
    if changed.state(now_ms()) == "current" and changed.forgotten_at is None:
        for other in list_current_alike(connection, row.owner_id, changed.fingerprint):
            if other.id == row.id or not _says_the_same(changed, other):
                continue
            unite_memories(connection, changed, other, "user")
            united.append(other.id)
            values = values | {
                "valid_from": changed.valid_from if other.valid_from is None else other.valid_from,
                "pinned_at": changed.pinned_at or other.pinned_at, "taint": changed.taint and other.taint,
            }  # fmt: skip
            changed = structs.replace(changed, **values)
    return change_memory(connection, row, values, change, "user", notes | ({"united": united} if united else {}))


def _says_the_same(one: MemoryRow, other: MemoryRow) -> bool:
    """In the same words, as the same kind, and of the same time as far as both say it."""
    return (
        one.kind == other.kind
        and reads_the_same(one.text, other.text)
        and one.valid_to == other.valid_to
        and (one.valid_from is None or other.valid_from in (None, one.valid_from))
    )


def unite_memories(connection: WriteConnection, kept: MemoryRow, gone: MemoryRow, actor: str) -> MemoryRow:
    """`kept` gets the sources of `gone`, which stays as it was, closed without an end."""
    found = list_sources(connection, [gone.id]).get(gone.id, [])
    sources = [MemorySource(source.message_id, source.version, source.quote) for source in found]
    add_sources(connection, kept.owner_id, kept.id, sources)
    return change_memory(connection, gone, {"superseded_by": kept.id, "superseded_at": now_ms()}, "united", actor)


def _is_stood_for(connection: WriteConnection, was: MemoryRow, since: int) -> bool:
    """Whether the one that it was made one with, if any, holds and says the same as then."""
    if was.superseded_by is None or was.valid_to is not None:
        return True
    other = find_memory(connection, was.owner_id, was.superseded_by)
    if other is None or other.state(now_ms()) != "current":
        return False
    return other.updated_at <= since or reads_the_same(other.text, was.text)


def _part(connection: WriteConnection, row: MemoryRow, since: int) -> None:
    """What a change of `row`, version `since` or later, had made one with it holds again by itself."""
    united = {memory for change in list_changes(connection, row.id, since) for memory in change.state.get("united", [])}
    for other in find_memories(connection, row.owner_id, sorted(united)).values():
        if other.superseded_by == row.id and other.valid_to is None:
            change_memory(connection, other, {"superseded_by": None, "superseded_at": None}, "reopened", "user")


def forget_memory(connection: WriteConnection, owner: str, memory: str) -> int:
    """It is gone at once, and final when the time that is returned has come (milliseconds since 1970).

    A tombstone stays that keeps it from being derived again: marks of its words and of the passages it came from.
    Raises: `NotFoundError`.
    """
    row = access_memory(connection, owner, memory)
    found = list_sources(connection, [row.id]).get(row.id, [])
    notes = {
        "marks": marks(row.text, row.id),
        "passages": {source.message_id: marks(source.quote or row.text, row.id) for source in found},
    }
    at = now_ms()
    change_memory(connection, row, {"forgotten_at": at, "pinned_at": None}, "forgotten", "user", notes)
    closed = list_superseded_by(connection, owner, [row.id]).get(row.id, [])
    for same in find_memories(connection, owner, closed).values():
        if same.valid_to is None:  # it says the same in other words
            forget_memory(connection, owner, same.id)
    return at + UNDO_MS


def undo_change(connection: WriteConnection, owner: str, memory: str, version: int) -> MemoryRow:
    """As it was before the change that made `version`; that is a change, too.

    Raises: `NotFoundError`; `ConflictError` for what was before its first version, and where another memory stood for
    it that says something else by now.
    """
    row = access_memory(connection, owner, memory, is_forgotten=True)
    undone = find_change(connection, row.id, version)
    if undone is None:
        raise NotFoundError("There is no such version of this memory.")
    before = find_change(connection, row.id, version - 1)
    if before is None:
        raise ConflictError("There was nothing before this version. Forget the memory instead.")
    was = as_it_was(row, before)
    if was.superseded_by != row.superseded_by and not _is_stood_for(connection, was, undone.created_at):
        raise ConflictError("The memory that stood for this one says something else by now.")
    values = {name: getattr(was, name) for name in row.__struct_fields__ if getattr(was, name) != getattr(row, name)}
    if undone.change != "stale":  # that is decided by its sources, as they are now
        values.pop("stale_at", None)
    keep_sources(connection, row.id, before.state.get("sources", []))
    _part(connection, row, version)
    if "text" in values or "forgotten_at" in values:
        back = _change_and_unite(connection, row, values, "undone", {"undone": version})
    else:
        back = change_memory(connection, row, values, "undone", "user", {"undone": version})
    if row.forgotten_at is not None and back.forgotten_at is None:
        for same, forgotten in list_forgotten_with(connection, owner, row.id, row.forgotten_at):
            undo_change(connection, owner, same, forgotten)
    return back


def change_memory(
    connection: WriteConnection,
    row: MemoryRow,
    values: dict[str, Any],
    change: str,
    actor: str,
    notes: dict[str, Any] | None = None,
) -> MemoryRow:
    """One version more. Raises: `StaleVersionError` when somebody else was first."""
    changed = structs.replace(row, **values, version=row.version + 1, updated_at=now_ms())
    if not update_row(connection, changed, row.version):
        raise _stale()
    insert_change(connection, changed, change, actor, notes)
    mark_notes_stale(connection, row.owner_id)
    return changed


def true_since(row: MemoryRow) -> int:
    """As far as is known: what does not say since when is true when it is said."""
    return row.said_at if row.valid_from is None else row.valid_from


def close_memory(connection: WriteConnection, old: MemoryRow, new: MemoryRow, actor: str) -> MemoryRow:
    """`new` contradicts `old`, which holds until `new` is true and stays readable; never, if that was before it."""
    now = now_ms()
    until = max(true_since(new), true_since(old))
    values = {
        "superseded_by": new.id,
        "superseded_at": now if until <= now else None,
        "valid_to": old.valid_to if old.valid_to is not None and old.valid_to <= until else until,
    }
    return change_memory(connection, old, values, "superseded", actor)


def reopen_memory(connection: WriteConnection, row: MemoryRow, closed_by: str) -> MemoryRow:
    """It is as before `closed_by`, which does not hold: closed by another one, if that does, or by nothing."""
    values: dict[str, Any] = {"superseded_by": None, "superseded_at": None, "valid_to": None}
    version = row.version
    while (change := find_change(connection, row.id, version)) is not None:
        before = {name: change.state.get(name) for name in values}
        if before["superseded_by"] is None or _does_close(connection, row, before["superseded_by"], closed_by):
            values = before
            break
        version -= 1
    return change_memory(connection, row, values, "reopened", "server", {"closed_by": closed_by})


def _does_close(connection: WriteConnection, row: MemoryRow, other: str, closed_by: str) -> bool:
    closing = None if other == closed_by else find_memory(connection, row.owner_id, other)
    return closing is not None and closing.stale_at is None


def close_again(connection: WriteConnection, new: MemoryRow) -> None:
    """`new` holds again: so do the contradictions it made, unless something was done about them meanwhile."""
    for memory in list_reopened_from(connection, new.owner_id, new.id):
        old = find_memory(connection, new.owner_id, memory)
        if old is not None and old.superseded_at is None and new.forgotten_at is None:
            close_memory(connection, old, new, "server")


def checked_text(text: str) -> str:
    """Raises: `InputError`."""
    text = squeeze(text)
    if not text:
        raise InputError("The memory is empty. Write a statement, or forget it.")
    if len(text) > MAX_TEXT_CHARS:
        raise InputError(f"A memory has at most {MAX_TEXT_CHARS:,} characters. Make several of it.")
    if "\x00" in text:
        raise InputError("The memory contains a NUL character, which cannot be stored.")
    return text


def checked_kind(kind: str) -> str:
    """Raises: `InputError`."""
    if kind not in KINDS:
        raise InputError(f"A memory is one of {', '.join(KINDS)}.")
    return kind


def check_span(valid_from: int | None, valid_to: int | None) -> None:
    """Raises: `InputError`."""
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise InputError("A memory cannot end before it begins.")


def _stale() -> StaleVersionError:
    return StaleVersionError(
        "This memory was changed somewhere else meanwhile. Nothing was overwritten; look at the other version."
    )
