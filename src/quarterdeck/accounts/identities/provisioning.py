"""Accounts as a directory wants them: made, changed, put out and let in again. Never the owner's.

Where it is known whose subjects the directory's external ids are (`QUARTERDECK_SCIM_PROVIDER`), an account comes with
its identity: whoever signs in there finds the account that was made for them.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from quarterdeck.accounts.identities.scim import Described
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.identities import (
    delete_identity,
    find_identity,
    insert_identity,
    insert_named_user,
    rename_freely,
)
from quarterdeck.store.provisioned import (
    ProvisionedRow,
    change_provisioned,
    find_provisioned,
    is_name_taken,
)


class DirectoryActor(Struct, frozen=True):
    """For the audit log: by whose key the directory came, and from where; and the issuer of its people's identities."""

    issuer: str = ""
    user: str = ""
    name: str = "SCIM"
    address: str = ""


def create_provisioned(connection: WriteConnection, wanted: Described, actor: DirectoryActor) -> ProvisionedRow:
    """Raises: `InputError`, `ConflictError` for a name or an identity that is another's."""
    if not wanted.user_name:
        raise InputError("userName is missing.")
    if is_name_taken(connection, wanted.user_name):
        raise ConflictError("There is an account with this userName already.")
    user = _returning(connection, wanted, actor)
    if user is None:
        name = wanted.shown_name or wanted.user_name.partition("@")[0]
        user = insert_named_user(connection, name=name, role="member", email=wanted.email or "").id
        _link(connection, user, wanted.external_id or "", wanted.user_name, actor)
    is_active = wanted.is_active is not False
    values = {"scim_name": wanted.user_name, "scim_id": wanted.external_id or None}
    change_provisioned(connection, user, values | {"suspended_at": None if is_active else now_ms()})
    return _told(connection, user, "user.provisioned", actor)


def change(connection: WriteConnection, user: str, wanted: Described, actor: DirectoryActor) -> ProvisionedRow:
    """Only what is said is changed. Raises: `NotFoundError`, `ForbiddenError`, `InputError`, `ConflictError`."""
    known = _find(connection, user)
    values: dict[str, Any] = {}
    if wanted.user_name is not None and wanted.user_name != known.user_name:
        values["scim_name"] = _free_name(connection, wanted.user_name, user)
    if wanted.external_id is not None and wanted.external_id != known.external_id:
        _unlink(connection, known, actor)
        _link(connection, user, wanted.external_id, wanted.user_name or known.user_name, actor)
        values["scim_id"] = wanted.external_id or None
    if wanted.email is not None:
        values["email"] = wanted.email
    if wanted.is_active is not None and wanted.is_active != (known.suspended_at is None):
        values["suspended_at"] = None if wanted.is_active else now_ms()
    if values:
        change_provisioned(connection, user, values)
    if wanted.shown_name and wanted.shown_name != known.name:
        rename_freely(connection, user, wanted.shown_name)
    if "suspended_at" in values:
        return _told(connection, user, "user.resumed" if wanted.is_active else "user.suspended", actor)
    return _told(connection, user, "user.changed", actor)


def remove(connection: WriteConnection, user: str, actor: DirectoryActor) -> None:
    """The directory keeps it no longer, and nobody signs in by it. What it holds stays until an admin deletes it.

    Its identity stays with it: who comes back to the directory comes back to the account. Raises: `NotFoundError`,
    `ForbiddenError`.
    """
    _find(connection, user)
    _told(connection, user, "user.suspended", actor)
    change_provisioned(connection, user, {"scim_name": None, "scim_id": None, "suspended_at": now_ms()})


def _find(connection: WriteConnection, user: str) -> ProvisionedRow:
    known = find_provisioned(connection, user)
    if known is None:
        raise NotFoundError("There is no such user.")
    if known.role == "owner":
        raise ForbiddenError("The owner's account is not a directory's to change.")
    return known


def _returning(connection: WriteConnection, wanted: Described, actor: DirectoryActor) -> str | None:
    """Whoever was removed by the directory before and comes back, as a member."""
    if not actor.issuer or not wanted.external_id:
        return None
    known = find_identity(connection, actor.issuer, wanted.external_id)
    if known is None:
        return None
    is_left = known.user.suspended_at is not None and find_provisioned(connection, known.user.id) is None
    if not is_left or known.user.role == "owner":
        raise ConflictError("Another account has the identity of this externalId already.")
    change_provisioned(connection, known.user.id, {"role": "member"})
    return known.user.id


def _free_name(connection: WriteConnection, user_name: str, user: str) -> str:
    if not user_name:
        raise InputError("userName cannot be empty.")
    if is_name_taken(connection, user_name, besides=user):
        raise ConflictError("There is an account with this userName already.")
    return user_name


def _link(connection: WriteConnection, user: str, external_id: str, label: str, actor: DirectoryActor) -> None:
    if not actor.issuer or not external_id:
        return
    if find_identity(connection, actor.issuer, external_id) is not None:
        raise ConflictError("Another account has the identity of this externalId already.")
    insert_identity(connection, issuer=actor.issuer, subject=external_id, user=user, label=label)


def _unlink(connection: WriteConnection, known: ProvisionedRow, actor: DirectoryActor) -> None:
    if actor.issuer and known.external_id:
        delete_identity(connection, known.id, actor.issuer, known.external_id)


def _told(connection: WriteConnection, user: str, action: str, actor: DirectoryActor) -> ProvisionedRow:
    row = find_provisioned(connection, user)
    assert row is not None  # nosec B101  # noqa: S101  # it was made or found in this very transaction
    insert_audit_entry(connection, AuditEntry(action, row.name, actor.user, actor.name, actor.address, {"via": "scim"}))
    return row
