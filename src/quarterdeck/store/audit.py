"""What admins did, and who signed in: written in the transaction of the deed, never changed."""

from __future__ import annotations

import json

from msgspec import Struct
from sqlalchemy import insert, select

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import audit_entries


class AuditEntry(Struct, frozen=True):
    """`action` is `noun.deed` (`user.suspended`); `detail` holds no secrets. `actor_id` is empty for nobody."""

    action: str
    target: str = ""
    actor_id: str = ""
    actor_name: str = ""
    address: str = ""
    detail: dict[str, str | int | bool | None] = {}
    id: str = ""
    at: int = 0


def insert_audit_entry(connection: WriteConnection, entry: AuditEntry) -> None:
    connection.execute(
        insert(audit_entries).values(
            id=new_id(), at=now_ms(), actor_id=entry.actor_id, actor_name=entry.actor_name, action=entry.action,
            target=entry.target[:300], address=entry.address, detail=json.dumps(entry.detail),
        )
    )  # fmt: skip


def list_audit_entries(
    connection: AnyConnection, *, before: str = "", action: str = "", limit: int = 50
) -> list[AuditEntry]:
    """The newest first; `before` is an entry's id, `action` a prefix (`user.`)."""
    query = select(audit_entries).order_by(audit_entries.c.id.desc()).limit(limit)
    if before:
        query = query.where(audit_entries.c.id < before)
    if action:
        query = query.where(audit_entries.c.action.startswith(action, autoescape=True))
    return [
        AuditEntry(
            row.action, row.target, row.actor_id, row.actor_name, row.address, json.loads(row.detail), row.id, row.at
        )
        for row in connection.execute(query)
    ]
