"""Invitations: who was asked to come, by whom, and whether they have."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Row, and_, delete, insert, select

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import invitations, users


class InvitationRow(Struct, frozen=True):
    """`used_by` is the name of who came; None until then."""

    id: str
    role: str
    email: str
    created_by: str
    created_at: int
    expires_at: int
    used_at: int | None
    used_by: str | None


def insert_invitation(
    connection: WriteConnection, *, secret_hash: bytes, user: str, role: str, email: str, expires_at: int
) -> str:
    """The id of the new invitation; `user` is whose it is."""
    invitation = new_id()
    connection.execute(
        insert(invitations).values(
            id=invitation, secret_hash=secret_hash, created_by=user, role=role, email=email, created_at=now_ms(),
            expires_at=expires_at,
        )
    )  # fmt: skip
    return invitation


def find_open_invitation(connection: AnyConnection, secret_hash: bytes) -> InvitationRow | None:
    """One that can still be used."""
    row = connection.execute(_query().where(invitations.c.secret_hash == secret_hash, is_open())).first()
    return None if row is None else _invitation(row)


def is_open() -> ColumnElement[bool]:
    """Neither used nor too old; and who does not administer any more has invited nobody."""
    inviting = select(users.c.id).where(users.c.role.in_(("owner", "admin")), users.c.suspended_at.is_(None))
    return and_(
        invitations.c.used_at.is_(None),
        invitations.c.expires_at > now_ms(),
        invitations.c.created_by.in_(inviting),
    )


def find_invitation(connection: AnyConnection, invitation: str) -> InvitationRow | None:
    row = connection.execute(_query().where(invitations.c.id == invitation)).first()
    return None if row is None else _invitation(row)


def list_invitations(connection: AnyConnection, *, before: str = "", limit: int = 100) -> list[InvitationRow]:
    """The newest first; `before` is an invitation's id."""
    query = _query().order_by(invitations.c.id.desc()).limit(limit)
    if before:
        query = query.where(invitations.c.id < before)
    return [_invitation(row) for row in connection.execute(query)]


def delete_invitation(connection: WriteConnection, invitation: str) -> bool:
    """An invitation that was not used yet."""
    found = delete(invitations).where(invitations.c.id == invitation, invitations.c.used_at.is_(None))
    return connection.execute(found).rowcount > 0


def _query() -> Any:
    maker, guest = users.alias("maker"), users.alias("guest")
    return (
        select(invitations, maker.c.name.label("maker"), guest.c.name.label("guest"))
        .join(maker, maker.c.id == invitations.c.created_by)
        .join(guest, guest.c.id == invitations.c.used_by, isouter=True)
    )


def _invitation(row: Row[Any]) -> InvitationRow:
    return InvitationRow(row.id, row.role, row.email, row.maker, row.created_at, row.expires_at, row.used_at, row.guest)
