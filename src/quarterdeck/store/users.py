"""Users and the ways they prove who they are: sessions, API keys, one-time links."""

from __future__ import annotations

import unicodedata

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, bindparam, delete, insert, or_, select, union_all, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import api_keys, identities, open_links, sessions, users

SEEN_EVERY_MS = 60_000
_AT_ONCE = 400  # ids in one query


_ROLE = select(users.c.role).where(users.c.id == bindparam("user"))


class UserRow(Struct, frozen=True):
    id: str
    name: str
    role: str
    suspended_at: int | None


class CredentialRow(Struct, frozen=True):
    """A session or an API key with the user it stands for."""

    id: str
    secret_hash: bytes
    used_at: int | None
    user: UserRow
    scopes: str = ""  # of a key, separated by blanks


def ensure_owner(connection: WriteConnection) -> UserRow:
    """The owner; made on first use. Writers come one after the other, and a unique index allows no second one."""
    row = connection.execute(select(users).where(users.c.role == "owner")).first()
    if row is None:
        values = {"id": new_id(), "name": "owner", "name_key": "owner", "role": "owner", "created_at": now_ms()}
        connection.execute(insert(users).values(**values))
        row = connection.execute(select(users).where(users.c.role == "owner")).one()
    return UserRow(row.id, row.name, row.role, row.suspended_at)


def find_user_by_name(connection: AnyConnection, name: str) -> UserRow | None:
    """Whatever the case of its letters. Guests share names, and are not found by them."""
    is_called = or_(users.c.name_key == name_key(name), and_(users.c.name_key == "", users.c.name == name))
    row = connection.execute(select(users).where(is_called, users.c.role != "guest")).first()
    return None if row is None else UserRow(row.id, row.name, row.role, row.suspended_at)


def name_key(name: str) -> str:
    """What makes two names the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def list_users(connection: AnyConnection) -> list[UserRow]:
    """All of them, the oldest first."""
    rows = connection.execute(select(users).order_by(users.c.id))
    return [UserRow(row.id, row.name, row.role, row.suspended_at) for row in rows]


def find_role(connection: AnyConnection, user: str) -> str:
    """Empty when there is no such user (any more)."""
    row = connection.execute(_ROLE, {"user": user}).first()
    return "" if row is None else str(row.role)


def find_time_zone(connection: AnyConnection, user: str) -> str:
    """An IANA name; empty when it is not known."""
    return connection.execute(select(users.c.time_zone).where(users.c.id == user)).scalar() or ""


def insert_session(
    connection: WriteConnection,
    *,
    session: str,
    user: str,
    secret_hash: bytes,
    device: str,
    expires_at: int,
    via: str = "link",
    address: str = "",
) -> None:
    now = now_ms()
    connection.execute(
        insert(sessions).values(
            id=session, user_id=user, secret_hash=secret_hash, device=device[:200],
            created_at=now, seen_at=now, expires_at=expires_at, via=via, address=address[:100],
        )
    )  # fmt: skip


def find_session(connection: AnyConnection, session: str) -> CredentialRow | None:
    """The session, unless it has expired."""
    row = connection.execute(
        select(sessions, users.c.name, users.c.role, users.c.suspended_at)
        .join(users, users.c.id == sessions.c.user_id)
        .where(sessions.c.id == session, sessions.c.expires_at > now_ms())
    ).first()
    if row is None:
        return None
    return CredentialRow(
        row.id, row.secret_hash, row.seen_at, UserRow(row.user_id, row.name, row.role, row.suspended_at)
    )


def delete_session(connection: WriteConnection, session: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.id == session))


def find_api_key(connection: AnyConnection, key: str) -> CredentialRow | None:
    """The key, unless it was revoked or has expired."""
    row = connection.execute(
        select(api_keys.c.id, api_keys.c.secret_hash, api_keys.c.used_at, api_keys.c.user_id, api_keys.c.scopes,
               users.c.name, users.c.role, users.c.suspended_at)
        .join(users, users.c.id == api_keys.c.user_id)
        .where(api_keys.c.id == key, _is_key_alive())
    ).first()  # fmt: skip
    if row is None:
        return None
    return CredentialRow(
        row.id, row.secret_hash, row.used_at, UserRow(row.user_id, row.name, row.role, row.suspended_at), row.scopes
    )


def _is_key_alive() -> ColumnElement[bool]:
    is_current = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now_ms())
    return and_(api_keys.c.revoked_at.is_(None), is_current)


def identity_credential(issuer: str, subject: str) -> str:
    """An identity as the credential of a socket; sessions' and keys' ids have no blanks."""
    return f"{issuer} {subject}"


def find_living(connection: AnyConnection, credentials: set[str]) -> set[str]:
    """Those sessions, keys and identities that still let their user in."""
    proven = {credential for credential in credentials if " " in credential}
    living = _find_living_identities(connection, sorted(proven))
    ids = list(credentials - proven)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        of_session = select(sessions.c.id).join(users, users.c.id == sessions.c.user_id)
        of_key = select(api_keys.c.id).join(users, users.c.id == api_keys.c.user_id)
        found = union_all(
            of_session.where(sessions.c.id.in_(some), sessions.c.expires_at > now_ms(), users.c.suspended_at.is_(None)),
            of_key.where(api_keys.c.id.in_(some), _is_key_alive(), users.c.suspended_at.is_(None)),
        )
        living.update(row.id for row in connection.execute(found))
    return living


def _find_living_identities(connection: AnyConnection, credentials: list[str]) -> set[str]:
    living: set[str] = set()
    for start in range(0, len(credentials), _AT_ONCE):
        pairs = [credential.split(" ", 1) for credential in credentials[start : start + _AT_ONCE]]
        found = connection.execute(
            select(identities.c.issuer, identities.c.subject)
            .join(users, users.c.id == identities.c.user_id)
            .where(
                identities.c.issuer.in_({issuer for issuer, _ in pairs}),
                identities.c.subject.in_({subject for _, subject in pairs}),
                users.c.suspended_at.is_(None),
            )
        )
        living.update(identity_credential(row.issuer, row.subject) for row in found)
    return living


def is_stale(credential: CredentialRow, every_ms: int = SEEN_EVERY_MS) -> bool:
    """Whether its last use is worth writing down again (once a minute is enough)."""
    return credential.used_at is None or now_ms() - credential.used_at > every_ms


def touch_credential(connection: WriteConnection, credential: str, expires_at: int) -> None:
    """Note that a session or key was used now; a session that has not expired meanwhile lives until `expires_at`."""
    now = now_ms()
    is_living = and_(sessions.c.id == credential, sessions.c.expires_at > now)
    connection.execute(update(sessions).where(is_living).values(seen_at=now, expires_at=expires_at))
    connection.execute(update(api_keys).where(api_keys.c.id == credential).values(used_at=now))


def insert_open_link(connection: WriteConnection, *, secret_hash: bytes, user: str, expires_at: int) -> None:
    connection.execute(delete(open_links).where(open_links.c.expires_at < now_ms()))
    connection.execute(insert(open_links).values(secret_hash=secret_hash, user_id=user, expires_at=expires_at))


def use_open_link(connection: WriteConnection, secret_hash: bytes) -> UserRow | None:
    """The link's user, once: a second use finds nothing."""
    row = connection.execute(
        delete(open_links)
        .where(
            open_links.c.secret_hash == secret_hash,
            open_links.c.purpose == "open",
            open_links.c.expires_at > now_ms(),
        )
        .returning(open_links.c.user_id)
    ).first()
    if row is None:
        return None
    user = connection.execute(select(users).where(users.c.id == row.user_id)).one()
    return UserRow(user.id, user.name, user.role, user.suspended_at)
