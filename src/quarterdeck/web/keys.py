"""One's own API keys: list, make, revoke. The key itself is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.keys import KeyWish, hint_of, make_own_key, revoke_own_key
from quarterdeck.store.keys import KeyRow, list_api_keys
from quarterdeck.web.dependencies import Address, Caller, TheHouse

router = APIRouter(prefix="/api/me/keys", tags=["account"])


class KeyDocument(BaseModel):
    """Times are milliseconds since 1970; `hint` is how the key begins."""

    id: str
    name: str
    scopes: list[str]
    created_at: int
    used_at: int | None
    expires_at: int | None
    hint: str


class KeyMade(KeyDocument):
    secret: str = Field(description="The key. It is shown this once.")


class KeyPage(BaseModel):
    items: list[KeyDocument]
    next_cursor: None = None


class NewKey(BaseModel):
    """`chat`: send and change; `read`: look; `admin`: administer; `scim`: keep accounts."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    scopes: Annotated[list[Literal["chat", "read", "admin", "scim"]], Field(min_length=1, max_length=4)]
    expires_at: Annotated[int, Field(gt=0, lt=2**53)] | None = None


@router.get("")
async def list_all(house: TheHouse, caller: Caller) -> KeyPage:
    """List your API keys, the newest first."""
    rows = await house.database.read(lambda connection: list_api_keys(connection, caller.user))
    return KeyPage(items=[KeyDocument(**_values(row)) for row in rows])


@router.post("", status_code=201)
async def create(house: TheHouse, caller: Caller, address: Address, wanted: NewKey) -> KeyMade:
    """Make an API key. One made with another key may do no more than that, and ends no later."""
    wish = KeyWish(wanted.name.strip() or "key", frozenset(wanted.scopes), wanted.expires_at, address)
    token, row = await house.database.write(lambda connection: make_own_key(connection, caller, wish))
    return KeyMade(**_values(row), secret=str(token))


@router.delete("/{key}", status_code=204)
async def revoke(house: TheHouse, caller: Caller, address: Address, key: str) -> Response:
    """Revoke an API key. What it has open ends within seconds."""
    await house.database.write(lambda connection: revoke_own_key(connection, caller, key, address))
    return Response(status_code=204)


def _values(row: KeyRow) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes,
        "created_at": row.created_at,
        "used_at": row.used_at,
        "expires_at": row.expires_at,
        "hint": hint_of(row),
    }
