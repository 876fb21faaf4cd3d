"""People's own accounts: names, addresses, passwords, and the sessions they have open."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Row, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.errors import ConflictError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import identities, open_links, sessions, users
from quarterdeck.store.users import UserRow, name_key


class AccountRow(Struct, frozen=True):
    """A user as they sign in; `password_hash` is argon2id, None for who has no password."""

    id: str
    name: str
    role: str
    suspended_at: int | None
    email: str
    password_hash: str | None
    time_zone: str = ""  # IANA name; empty: not known
    about: str = ""  # what they want every model to know of them

    @property
    def user(self) -> UserRow:
        return UserRow(self.id, self.name, self.role, self.suspended_at)


class SessionRow(Struct, frozen=True):
    id: str
    device: str
    address: str
    via: str
    created_at: int
    seen_at: int


def find_account(connection: AnyConnection, user: str) -> AccountRow | None:
    return _account(connection.execute(select(users).where(users.c.id == user)).first())


def find_account_by_name(connection: AnyConnection, name: str) -> AccountRow | None:
    """By the name, however it is capitalised; an owner of before there were such keys by the name as it is."""
    key = name_key(name)
    found = connection.execute(select(users).where(users.c.name_key == key)).first() if key else None
    if found is None:
        found = connection.execute(
            select(users).where(users.c.name_key == "", func.lower(users.c.name) == key, users.c.role != "guest")
        ).first()
    return _account(found)


def find_account_by_email(connection: AnyConnection, email: str) -> AccountRow | None:
    """Only where exactly one account with a password has this address: an address proves nothing by itself."""
    found = connection.execute(
        select(users).where(users.c.email == normal_email(email), users.c.password_hash.is_not(None)).limit(2)
    ).all()
    return _account(found[0]) if email and len(found) == 1 else None


def find_account_to_mail(connection: AnyConnection, name_or_email: str) -> AccountRow | None:
    """By the name, or by the address where exactly one account has it."""
    if "@" not in name_or_email:
        return find_account_by_name(connection, name_or_email)
    found = connection.execute(select(users).where(users.c.email == normal_email(name_or_email)).limit(2)).all()
    return _account(found[0]) if len(found) == 1 else None


def normal_email(email: str) -> str:
    return email.strip().lower()


def insert_account(
    connection: WriteConnection, *, name: str, role: str, email: str = "", password_hash: str | None = None
) -> UserRow:
    """Raises: `ConflictError` when the name is taken."""
    if find_account_by_name(connection, name) is not None:
        raise ConflictError("This name is taken. Choose another one.")
    user = UserRow(new_id(), name, role, None)
    try:
        connection.execute(
            insert(users).values(
                id=user.id, name=name, name_key=name_key(name), role=role, email=normal_email(email),
                password_hash=password_hash, created_at=now_ms(),
            )
        )  # fmt: skip
    except IntegrityError as error:  # two at the same moment
        raise ConflictError("This name is taken. Choose another one.") from error
    return user


def rename_account(connection: WriteConnection, user: str, name: str) -> None:
    """Raises: `ConflictError` when somebody else has the name."""
    taken = find_account_by_name(connection, name)
    if taken is not None and taken.id != user:
        raise ConflictError("This name is taken. Choose another one.")
    try:
        connection.execute(update(users).where(users.c.id == user).values(name=name, name_key=name_key(name)))
    except IntegrityError as error:
        raise ConflictError("This name is taken. Choose another one.") from error


def set_email(connection: WriteConnection, user: str, email: str) -> None:
    connection.execute(update(users).where(users.c.id == user).values(email=normal_email(email)))


class Preferences(Struct, frozen=True):
    """What a model is told of a user."""

    time_zone: str = ""
    about: str = ""


_PREFERENCES = select(users.c.time_zone, users.c.about).where(users.c.id == bindparam("user"))


def find_preferences(connection: AnyConnection, user: str) -> Preferences:
    row = connection.execute(_PREFERENCES, {"user": user}).first()
    return Preferences() if row is None else Preferences(row.time_zone, row.about)


def set_preferences(
    connection: WriteConnection, user: str, *, time_zone: str | None = None, about: str | None = None
) -> None:
    """None leaves it as it is."""
    values = {name: value for name, value in (("time_zone", time_zone), ("about", about)) if value is not None}
    if values:
        connection.execute(update(users).where(users.c.id == user).values(**values))


def set_password_hash(connection: WriteConnection, user: str, password_hash: str) -> None:
    connection.execute(update(users).where(users.c.id == user).values(password_hash=password_hash))


def owner_has_way_in(connection: AnyConnection) -> bool:
    """Whether the owner can sign in without the one-time link: by a password, or through somebody else."""
    owner = connection.execute(select(users).where(users.c.role == "owner")).first()
    if owner is None:
        return False
    if owner.password_hash is not None:
        return True
    return connection.execute(select(identities.c.user_id).where(identities.c.user_id == owner.id)).first() is not None


def list_sessions(connection: AnyConnection, user: str) -> list[SessionRow]:
    """The open ones, the last used first."""
    rows = connection.execute(
        select(sessions)
        .where(sessions.c.user_id == user, sessions.c.expires_at > now_ms())
        .order_by(sessions.c.seen_at.desc(), sessions.c.id.desc())
    )
    return [SessionRow(row.id, row.device, row.address, row.via, row.created_at, row.seen_at) for row in rows]


def find_own_session(connection: AnyConnection, user: str, session: str) -> SessionRow | None:
    return next((row for row in list_sessions(connection, user) if row.id == session), None)


def end_session(connection: WriteConnection, user: str, session: str) -> bool:
    """False when there is no such session of this user."""
    ended = delete(sessions).where(sessions.c.id == session, sessions.c.user_id == user)
    return connection.execute(ended).rowcount > 0


def end_sessions(connection: WriteConnection, user: str, *, except_for: str = "") -> int:
    ended = delete(sessions).where(sessions.c.user_id == user, sessions.c.id != except_for)
    return connection.execute(ended).rowcount


def insert_password_link(
    connection: WriteConnection, *, secret_hash: bytes, user: str, expires_at: int, voids_others: bool = True
) -> None:
    """It lets its bearer choose a new password, once."""
    if voids_others:
        delete_password_links(connection, user)
    connection.execute(
        insert(open_links).values(secret_hash=secret_hash, user_id=user, expires_at=expires_at, purpose="password")
    )


def delete_password_links(connection: WriteConnection, user: str) -> None:
    connection.execute(delete(open_links).where(open_links.c.user_id == user, open_links.c.purpose == "password"))


def find_password_link(connection: AnyConnection, secret_hash: bytes) -> AccountRow | None:
    """Whose password the link may set, as long as it was not used."""
    return _account(
        connection.execute(
            select(users)
            .join(open_links, open_links.c.user_id == users.c.id)
            .where(
                open_links.c.secret_hash == secret_hash,
                open_links.c.purpose == "password",
                open_links.c.expires_at > now_ms(),
            )
        ).first()
    )


def use_password_link(connection: WriteConnection, secret_hash: bytes) -> AccountRow | None:
    """The link's user, once: a second use finds nothing."""
    row = connection.execute(
        delete(open_links)
        .where(
            open_links.c.secret_hash == secret_hash,
            open_links.c.purpose == "password",
            open_links.c.expires_at > now_ms(),
        )
        .returning(open_links.c.user_id)
    ).first()
    return None if row is None else find_account(connection, row.user_id)


def _account(row: Row[Any] | None) -> AccountRow | None:
    if row is None:
        return None
    return AccountRow(
        row.id, row.name, row.role, row.suspended_at, row.email, row.password_hash, row.time_zone, row.about
    )
