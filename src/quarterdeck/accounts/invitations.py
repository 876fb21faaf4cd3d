"""Who may come: an admin makes a link, and whoever opens it chooses a name and a password."""

from __future__ import annotations

import secrets
from typing import Literal

from msgspec import Struct

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.names import check_email, check_name
from quarterdeck.accounts.passwords import Passwords, check_password
from quarterdeck.accounts.sign_in import SignedIn, Visitor, enter_by
from quarterdeck.accounts.tokens import hash_secret
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import ForbiddenError, InputError, NotFoundError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.identities import use_invitation
from quarterdeck.store.invitations import (
    InvitationRow,
    delete_invitation,
    find_invitation,
    find_open_invitation,
    insert_invitation,
)
from quarterdeck.store.people import insert_account

USUAL_S = 7 * 24 * 3600
_LONGEST_S = 90 * 24 * 3600


class Invitation(Struct, frozen=True):
    """A new one: only here its secret is known."""

    row: InvitationRow
    secret: str


class Arrival(Struct, frozen=True):
    """Who opens an invitation and what they want to be called."""

    secret: str
    name: str
    password: str
    email: str = ""

    def __repr__(self) -> str:
        return f"Arrival({self.name})"


def invite(
    connection: WriteConnection,
    caller: Principal,
    *,
    role: Literal["admin", "member"],
    email: str = "",
    expires_in_s: int = USUAL_S,
    address: str = "",
) -> Invitation:
    """Raises: `ForbiddenError` for an admin made by anybody but the owner, `InputError`."""
    if role == "admin" and caller.role != "owner":
        raise ForbiddenError("Only the owner of this server invites admins.")
    if not 60 <= expires_in_s <= _LONGEST_S:
        raise InputError("An invitation lasts from a minute to 90 days.")
    secret = secrets.token_urlsafe(24)
    made = insert_invitation(
        connection, secret_hash=hash_secret(secret), user=caller.user, role=role, email=check_email(email),
        expires_at=now_ms() + expires_in_s * 1000,
    )  # fmt: skip
    row = find_invitation(connection, made)
    assert row is not None  # nosec B101  # noqa: S101  # inserted three lines before
    _note(connection, "invitation.created", caller, row, address)
    return Invitation(row, secret)


def revoke_invitation(connection: WriteConnection, caller: Principal, invitation: str, address: str = "") -> None:
    """Raises: `NotFoundError`, also for one that was used."""
    row = find_invitation(connection, invitation)
    if row is None or not delete_invitation(connection, invitation):
        raise NotFoundError("There is no such invitation, or it was used already.")
    _note(connection, "invitation.revoked", caller, row, address)


async def open_invitation(database: Database, secret: str) -> InvitationRow:
    """What it is for. Raises: `NotFoundError`."""
    row = await database.read(lambda connection: find_open_invitation(connection, hash_secret(secret)))
    if row is None:
        raise NotFoundError("This invitation was used already or is too old. Ask for a new one.")
    return row


async def sign_up(database: Database, passwords: Passwords, arrival: Arrival, visitor: Visitor) -> SignedIn:
    """A new account, signed in. What is wrong with the name or password leaves the invitation as it was.

    Raises: `NotFoundError`, `InputError`, `ConflictError` for a name that is taken, `LimitError`.
    """
    invitation = await open_invitation(database, arrival.secret)
    name = check_name(arrival.name)
    email = check_email(arrival.email) or invitation.email
    password_hash = await passwords.hash(check_password(arrival.password, name))

    def join(connection: WriteConnection) -> SignedIn:
        user = use_invitation(
            connection,
            hash_secret(arrival.secret),
            lambda role: insert_account(connection, name=name, role=role, email=email, password_hash=password_hash),
        )
        if user is None:
            raise NotFoundError("This invitation was used already or is too old. Ask for a new one.")
        detail: dict[str, str | int | bool | None] = {"invited": True, "by": invitation.created_by}
        insert_audit_entry(connection, AuditEntry("user.joined", name, user.id, name, visitor.address, detail))
        return enter_by(connection, user, visitor, via="password")

    return await database.write(join)


def _note(connection: WriteConnection, action: str, caller: Principal, row: InvitationRow, address: str) -> None:
    detail: dict[str, str | int | bool | None] = {"role": row.role, "id": row.id}
    insert_audit_entry(connection, AuditEntry(action, row.email, caller.user, caller.name, address, detail))
