"""The audit log: what admins did, who signed in, which keys were made."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from quarterdeck.store.audit import AuditEntry, list_audit_entries
from quarterdeck.web.dependencies import Administrator, TheHouse

router = APIRouter(prefix="/api/admin/audit", tags=["administration"])


class AuditDocument(BaseModel):
    """`actor_id` is empty for who was not signed in; it outlives the account. Times are milliseconds since 1970."""

    id: str
    at: int
    actor_id: str
    actor_name: str
    action: str
    target: str
    address: str
    detail: dict[str, Any]


class AuditPage(BaseModel):
    items: list[AuditDocument] = Field(description="The newest first.")
    next_cursor: str | None = Field(description="Pass it as `before` for older ones; null at the beginning.")


@router.get("")
async def list_all(
    house: TheHouse,
    caller: Administrator,
    action: Annotated[str, Query(max_length=100, description="How it begins: `user.`, `session.opened`.")] = "",
    before: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AuditPage:
    """List what was done on this server, the newest first."""
    found = await house.database.read(
        lambda connection: list_audit_entries(connection, before=before, action=action, limit=limit + 1)
    )
    items = [_document(entry) for entry in found[:limit]]
    return AuditPage(items=items, next_cursor=items[-1].id if len(found) > limit else None)


def _document(entry: AuditEntry) -> AuditDocument:
    return AuditDocument(
        id=entry.id, at=entry.at, actor_id=entry.actor_id, actor_name=entry.actor_name, action=entry.action,
        target=entry.target, address=entry.address, detail=dict(entry.detail),
    )  # fmt: skip
