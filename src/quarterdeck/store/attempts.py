"""Attempts to get in, counted by name and by address, for all processes alike."""

from __future__ import annotations

import hashlib

from msgspec import Struct
from sqlalchemy import delete, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.tables import sign_in_attempts
from quarterdeck.store.upsert import upsert

_FORGET_AFTER_MS = 24 * 3600 * 1000


class AttemptsRow(Struct, frozen=True):
    failures: int
    failed_at: int
    blocked_until: int


def attempts_key(kind: str, *what: str) -> str:
    """Names and addresses that were only tried are not kept as they are."""
    return f"{kind}:{hashlib.sha256(chr(0).join(what).encode()).hexdigest()[:40]}"


def read_attempts(connection: WriteConnection, key: str) -> AttemptsRow:
    row = connection.execute(select(sign_in_attempts).where(sign_in_attempts.c.key == key).with_for_update()).first()
    return AttemptsRow(0, 0, 0) if row is None else AttemptsRow(row.failures, row.failed_at, row.blocked_until)


def write_attempts(connection: WriteConnection, key: str, attempts: AttemptsRow) -> None:
    values = {
        "failures": attempts.failures, "failed_at": attempts.failed_at, "blocked_until": attempts.blocked_until
    }  # fmt: skip
    upsert(connection, sign_in_attempts, {"key": key}, values)


def forget_attempts(connection: WriteConnection, *keys: str) -> None:
    connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.key.in_(keys)))


def purge_attempts(connection: WriteConnection) -> None:
    """Those of yesterday say nothing any more."""
    connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.failed_at < now_ms() - _FORGET_AFTER_MS))
