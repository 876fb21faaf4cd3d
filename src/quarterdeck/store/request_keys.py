"""What requests with an idempotency key have made, so that the same one again makes nothing a second time."""

from __future__ import annotations

import hashlib

import msgspec
from sqlalchemy import bindparam, delete, insert, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import ConflictError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.locks import lock_send
from quarterdeck.store.tables import request_keys

KEEP_MS = 7 * 24 * 3600 * 1000

_ONE = (request_keys.c.owner_id == bindparam("owner"), request_keys.c.key == bindparam("name"))
_FIND = select(request_keys.c.digest, request_keys.c.result_id).where(*_ONE)
_DROP = delete(request_keys).where(*_ONE)


def digest_of(*asked: str) -> bytes:
    return hashlib.sha256(msgspec.json.encode(asked)).digest()


def find_made(connection: WriteConnection, owner: str, key: str, digest: bytes) -> str | None:
    """The id of what was made; whoever asks the same at the same time waits until this transaction has ended.

    Raises: `ConflictError` when the key was used for something else.
    """
    lock_send(connection, owner, f"made {key}")
    return read_made(connection, owner, key, digest)


def read_made(connection: AnyConnection, owner: str, key: str, digest: bytes) -> str | None:
    """Raises: as `find_made`."""
    row = connection.execute(_FIND, {"owner": owner, "name": key}).first()
    if row is None:
        return None
    if row.digest != digest:
        raise ConflictError("This id was used for another request already. Nothing was done twice.")
    return str(row.result_id)


def keep_made(connection: WriteConnection, owner: str, key: str, digest: bytes, made: str) -> None:
    """In the transaction that made it; in place of what was kept for this key before."""
    connection.execute(_DROP, {"owner": owner, "name": key})
    connection.execute(
        insert(request_keys).values(owner_id=owner, key=key, digest=digest, result_id=made, created_at=now_ms())
    )


def forget_request_keys(connection: WriteConnection) -> None:
    """Those of last week."""
    connection.execute(delete(request_keys).where(request_keys.c.created_at < now_ms() - KEEP_MS))
