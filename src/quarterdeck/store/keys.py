"""API keys: whose, what for, until when. Of the secret there is only a hash."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import func, insert, select, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import api_keys


class KeyRow(Struct, frozen=True):
    """`expires_at` is None for a key without an end, `used_at` for one that was never used."""

    id: str
    user_id: str
    name: str
    scopes: list[str]
    created_at: int
    used_at: int | None
    expires_at: int | None


_COLUMNS = [column for column in api_keys.c if column.name not in ("secret_hash", "revoked_at")]


def insert_api_key(connection: WriteConnection, row: KeyRow, secret_hash: bytes) -> None:
    connection.execute(
        insert(api_keys).values(
            id=row.id, user_id=row.user_id, secret_hash=secret_hash, name=row.name, created_at=row.created_at,
            scopes=" ".join(row.scopes), expires_at=row.expires_at,
        )
    )  # fmt: skip


def list_api_keys(connection: AnyConnection, user: str) -> list[KeyRow]:
    """Those that were not revoked, also when they have expired; the newest first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(api_keys.c.user_id == user, api_keys.c.revoked_at.is_(None))
        .order_by(api_keys.c.id.desc())
    )
    return [_row(row) for row in rows]


def count_api_keys(connection: AnyConnection, user: str) -> int:
    statement = select(func.count()).where(api_keys.c.user_id == user, api_keys.c.revoked_at.is_(None))
    return int(connection.execute(statement).scalar_one())


def revoke_api_key(connection: WriteConnection, key: str, user: str | None = None) -> KeyRow | None:
    """The key that is no key any more; None when there is none of that id (of `user`)."""
    statement = update(api_keys).where(api_keys.c.id == key, api_keys.c.revoked_at.is_(None))
    if user is not None:
        statement = statement.where(api_keys.c.user_id == user)
    row = connection.execute(statement.values(revoked_at=now_ms()).returning(*_COLUMNS)).first()
    return None if row is None else _row(row)


def revoke_all_api_keys(connection: WriteConnection, user: str) -> int:
    """How many there were."""
    statement = update(api_keys).where(api_keys.c.user_id == user, api_keys.c.revoked_at.is_(None))
    return connection.execute(statement.values(revoked_at=now_ms())).rowcount


def _row(row: object) -> KeyRow:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return KeyRow(**{**values, "scopes": values["scopes"].split()})
