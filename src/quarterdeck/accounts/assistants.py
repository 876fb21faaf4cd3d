"""Assistants of one's own, and sharing them with everybody, which admins do and the audit log notes."""

from __future__ import annotations

from typing import Any

from quarterdeck.accounts.access import require_admin
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import ConflictError, NotFoundError
from quarterdeck.store.assistants import (
    AssistantDraft,
    AssistantRow,
    count_assistants,
    find_assistant_row,
    insert_assistant,
    update_assistant,
)
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.locks import lock_belongings

MOST_ASSISTANTS = 500  # of one person


def access_assistant(connection: AnyConnection, user: str, assistant: str) -> AssistantRow:
    """One's own, or one shared with everybody. Raises: `NotFoundError`."""
    row = find_assistant_row(connection, assistant)
    if row is None or row.deleted_at is not None or not (row.owner_id == user or row.is_shared):
        raise NotFoundError("There is no such assistant.")
    return row


def make_assistant(connection: WriteConnection, caller: Principal, draft: AssistantDraft) -> AssistantRow:
    """Raises: `ConflictError`."""
    if count_assistants(connection, caller.user) >= MOST_ASSISTANTS:
        raise ConflictError(f"You have {MOST_ASSISTANTS} assistants already. Delete some first.")
    return insert_assistant(connection, caller.user, draft)


def change_assistant(
    connection: WriteConnection, caller: Principal, address: str, assistant: str, values: dict[str, Any],
    read_at: int | None,
) -> AssistantRow:  # fmt: skip
    """`read_at`: its `updated_at` when the caller read it; None: whatever it is.

    Raises: `NotFoundError`; `ConflictError` when somebody changed it since; `ForbiddenError` for a shared one and
    who is no admin (any more).
    """
    row = _access_own(connection, caller, assistant)
    if read_at is not None and read_at != row.updated_at:
        raise ConflictError("This assistant was changed elsewhere meanwhile. Load it again; nothing was overwritten.")
    update_assistant(connection, row.id, values | {"updated_at": max(now_ms(), row.updated_at + 1)})
    if row.is_shared:
        _note(connection, caller, address, "assistant.changed", row)
    return access_assistant(connection, caller.user, row.id)


def remove_assistant(connection: WriteConnection, caller: Principal, address: str, assistant: str) -> None:
    """Conversations that use it go on as they were. Raises: as `change_assistant`."""
    row = _access_own(connection, caller, assistant)
    update_assistant(connection, row.id, {"deleted_at": now_ms()})
    if row.is_shared:
        _note(connection, caller, address, "assistant.deleted", row)


def restore_assistant(connection: WriteConnection, caller: Principal, address: str, assistant: str) -> AssistantRow:
    """Raises: as `change_assistant`."""
    row = _access_own(connection, caller, assistant, or_deleted=True)
    if row.deleted_at is not None:
        update_assistant(connection, row.id, {"deleted_at": None})
        if row.is_shared:
            _note(connection, caller, address, "assistant.restored", row)
    return access_assistant(connection, caller.user, row.id)


def share_assistant(
    connection: WriteConnection, caller: Principal, address: str, assistant: str, *, is_shared: bool
) -> AssistantRow:
    """An admin shares their own, and stops the sharing of anybody's. Raises: `NotFoundError`."""
    row = access_assistant(connection, caller.user, assistant)
    if row.is_shared == is_shared:
        return row
    update_assistant(connection, row.id, {"is_shared": is_shared})
    _note(connection, caller, address, "assistant.shared" if is_shared else "assistant.unshared", row)
    found = find_assistant_row(connection, row.id)
    assert found is not None  # nosec B101  # noqa: S101  # it was changed one line before
    return found


def _access_own(
    connection: WriteConnection, caller: Principal, assistant: str, *, or_deleted: bool = False
) -> AssistantRow:
    lock_belongings(connection, caller.user)
    row = find_assistant_row(connection, assistant)
    if row is None or row.owner_id != caller.user or (row.deleted_at is not None and not or_deleted):
        raise NotFoundError("There is no such assistant of yours.")
    if row.is_shared:
        require_admin(caller)
    return row


def _note(connection: WriteConnection, caller: Principal, address: str, action: str, row: AssistantRow) -> None:
    detail: dict[str, str | int | bool | None] = {"name": row.name}
    insert_audit_entry(connection, AuditEntry(action, row.id, caller.user, caller.name, address, detail))
