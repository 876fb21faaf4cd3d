"""One's own ways to sign in elsewhere: see them, and take one away. `/api/oauth/{provider}/start` links them."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from quarterdeck.accounts.identities.linked import list_linked, unlink
from quarterdeck.errors import ForbiddenError
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api/me/identities", tags=["account"])


class IdentityDocument(BaseModel):
    """`provider` is its name here. Times are milliseconds since 1970."""

    provider: str
    issuer: str
    subject_hint: str
    label: str
    created_at: int
    seen_at: int


class IdentityPage(BaseModel):
    items: list[IdentityDocument]
    next_cursor: None = None


@router.get("")
async def list_mine(house: TheHouse, caller: Caller) -> IdentityPage:
    """List the ways I sign in elsewhere, the oldest first."""
    providers = await house.identity_flow.providers()
    found = await house.database.read(lambda connection: list_linked(connection, caller.user, providers))
    items = [
        IdentityDocument(
            provider=item.provider, issuer=item.issuer, subject_hint=item.subject_hint, label=item.label,
            created_at=item.created_at, seen_at=item.seen_at,
        )
        for item in found
    ]  # fmt: skip
    return IdentityPage(items=items)


@router.delete("/{provider}", status_code=204)
async def remove(house: TheHouse, caller: Caller, provider: str) -> Response:
    """Take a way to sign in away; the last one stays."""
    if caller.via == "key":
        raise ForbiddenError("A way to sign in is removed in the browser, not with a key.")
    providers = await house.identity_flow.providers()
    await house.database.write(lambda connection: unlink(connection, caller.user, provider, providers))
    return Response(status_code=204)
