"""Identities: which account is whose elsewhere. Found by (issuer, subject) and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, Select, delete, insert, select, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.invitations import is_open
from quarterdeck.store.locks import lock_names
from quarterdeck.store.tables import identities, invitations, users
from quarterdeck.store.users import UserRow, name_key

_SEEN_EVERY_MS = 60_000
_MAX_NAME = 36  # what is added to it has room, too


class IdentityRow(Struct, frozen=True):
    issuer: str
    subject: str
    user: UserRow
    label: str
    created_at: int
    seen_at: int

    @property
    def is_stale(self) -> bool:
        """Whether its last use is worth writing down again (once a minute is enough)."""
        return now_ms() - self.seen_at > _SEEN_EVERY_MS


def find_identity(connection: AnyConnection, issuer: str, subject: str) -> IdentityRow | None:
    row = connection.execute(_with_user().where(identities.c.issuer == issuer, identities.c.subject == subject)).first()
    return None if row is None else _identity(row)


def list_identities(connection: AnyConnection, user: str) -> list[IdentityRow]:
    """The oldest first."""
    rows = connection.execute(
        _with_user().where(identities.c.user_id == user).order_by(identities.c.created_at, identities.c.issuer)
    )
    return [_identity(row) for row in rows]


def insert_identity(connection: WriteConnection, *, issuer: str, subject: str, user: str, label: str) -> None:
    now = now_ms()
    connection.execute(
        insert(identities).values(
            issuer=issuer, subject=subject, user_id=user, label=label[:200], created_at=now, seen_at=now
        )
    )


def touch_identity(connection: WriteConnection, issuer: str, subject: str, label: str) -> None:
    """It was used now, by somebody who is called `label` there."""
    connection.execute(
        update(identities)
        .where(identities.c.issuer == issuer, identities.c.subject == subject)
        .values(seen_at=now_ms(), label=label[:200])
    )


def delete_identity(connection: WriteConnection, user: str, issuer: str, subject: str) -> bool:
    return bool(
        connection.execute(
            delete(identities).where(
                identities.c.user_id == user, identities.c.issuer == issuer, identities.c.subject == subject
            )
        ).rowcount
    )


def _with_user() -> Select[Any]:
    return select(identities, users.c.name, users.c.role, users.c.suspended_at).join(
        users, users.c.id == identities.c.user_id
    )


def _identity(row: Row[Any]) -> IdentityRow:
    user = UserRow(row.user_id, row.name, row.role, row.suspended_at)
    return IdentityRow(row.issuer, row.subject, user, row.label, row.created_at, row.seen_at)


def insert_named_user(connection: WriteConnection, *, name: str, role: str, email: str = "") -> UserRow:
    """A new account, called `name` or, where that is taken, `name-2`, `name-3` and so on."""
    user = UserRow(new_id(), _free_name(connection, name), role, None)
    connection.execute(
        insert(users).values(
            id=user.id, name=user.name, name_key=name_key(user.name), role=role, email=email[:320], created_at=now_ms()
        )
    )
    return user


def rename_freely(connection: WriteConnection, user: str, name: str) -> None:
    """As near to `name` as what others are called allows."""
    free = _free_name(connection, name, besides=user)
    connection.execute(update(users).where(users.c.id == user).values(name=free, name_key=name_key(free)))


def _free_name(connection: WriteConnection, name: str, besides: str = "") -> str:
    lock_names(connection)
    seen = "".join(char for char in name.replace("@", " ") if char.isprintable())
    wanted = " ".join(seen.split())[:_MAX_NAME].strip() or "member"
    others = select(users.c.name_key).where(users.c.id != besides)
    taken = set(
        connection.execute(others.where(users.c.name_key.startswith(name_key(wanted), autoescape=True))).scalars()
    )
    unkeyed = select(users.c.name).where(users.c.name_key == "", users.c.id != besides, users.c.role != "guest")
    taken |= {name_key(text) for text in connection.execute(unkeyed).scalars()}
    free, number = wanted, 1
    while name_key(free) in taken:
        number += 1
        free = f"{wanted}-{number}"
    return free


def name_of_user(connection: AnyConnection, user: str) -> str:
    return str(connection.execute(select(users.c.name).where(users.c.id == user)).scalar_one())


def use_invitation(connection: WriteConnection, secret_hash: bytes, make: Callable[[str], UserRow]) -> UserRow | None:
    """Whom `make` makes with the invitation's role, once: a second use finds nothing."""
    row = connection.execute(
        update(invitations)
        .where(invitations.c.secret_hash == secret_hash, is_open())
        .values(used_at=now_ms())
        .returning(invitations.c.id, invitations.c.role)
    ).first()
    if row is None:
        return None
    user = make(row.role)
    connection.execute(update(invitations).where(invitations.c.id == row.id).values(used_by=user.id))
    return user


def has_password(connection: AnyConnection, user: str) -> bool:
    return connection.execute(select(users.c.password_hash).where(users.c.id == user)).scalar() is not None
