"""Versions of a message: what it said before each edit."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import bindparam, insert, select, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import Part, decode_parts, encode_parts
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.messages import MessageRow
from quarterdeck.store.tables import message_versions, messages


class VersionRow(Struct, frozen=True):
    version: int
    parts: list[Part]
    created_at: int


# Built once: building a statement costs more than running it.
_REWRITE = (
    update(messages)
    .where(messages.c.id == bindparam("message"), messages.c.version == bindparam("known"))
    .values(parts=bindparam("text"), version=messages.c.version + 1, edited_at=bindparam("at"))
)
_KEEP = insert(message_versions)
_OLDER = (
    select(message_versions)
    .where(message_versions.c.message_id == bindparam("message"))
    .order_by(message_versions.c.version.desc())
)
_ONE = select(message_versions.c.parts).where(
    message_versions.c.message_id == bindparam("message"), message_versions.c.version == bindparam("number")
)


def rewrite_message(connection: WriteConnection, row: MessageRow, parts: list[Part]) -> bool:
    """Keep what `row` says as a version, and have it say `parts`; False when it is at another version by now."""
    changed = connection.execute(
        _REWRITE, {"message": row.id, "known": row.version, "text": encode_parts(parts), "at": now_ms()}
    )
    if not changed.rowcount:
        return False
    kept = {
        "message_id": row.id,
        "version": row.version,
        "owner_id": row.owner_id,
        "parts": encode_parts(row.parts),
        "created_at": row.edited_at or row.ended_at or row.created_at,
    }
    connection.execute(_KEEP, kept)
    return True


def list_versions(connection: AnyConnection, message: str) -> list[VersionRow]:
    """Those before the current one, newest first."""
    rows = connection.execute(_OLDER, {"message": message})
    return [VersionRow(row.version, decode_parts(row.parts), row.created_at) for row in rows]


def find_version(connection: AnyConnection, message: str, version: int) -> list[Part] | None:
    parts = connection.execute(_ONE, {"message": message, "number": version}).scalar()
    return None if parts is None else decode_parts(parts)
