"""One's own account: name, password, devices."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from quarterdeck import __version__
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.own_account import (
    NewPassword,
    change_account,
    change_password,
    end_one_session,
    end_other_sessions,
)
from quarterdeck.store.people import AccountRow, find_account, list_sessions
from quarterdeck.web.dependencies import Address, Caller, TheHouse, TheVisitor
from quarterdeck.web.house import SESSION_COOKIE

router = APIRouter(prefix="/api/me", tags=["account"])


class AccountChange(BaseModel):
    """What is not named stays as it is."""

    name: Annotated[str, Field(max_length=200)] | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    time_zone: Annotated[str, Field(max_length=64, description="IANA name, as `Europe/Lisbon`; empty: not known.")] | (
        None
    ) = None
    about: Annotated[str, Field(max_length=20_000, description="What every model is told of you.")] | None = None


class PasswordChange(BaseModel):
    """`current` is not needed where there is none yet, or when one came by a one-time link within 15 minutes."""

    new: Annotated[str, Field(max_length=1_000)]
    current: Annotated[str, Field(max_length=1_000)] = ""


class Device(BaseModel):
    """A session. Times are milliseconds since 1970; `via` is how it was opened."""

    id: str
    device: str
    address: str
    via: str
    created_at: int
    seen_at: int
    is_current: bool


class DevicePage(BaseModel):
    items: list[Device]
    next_cursor: None = None


@router.get("")
async def get_me(house: TheHouse, caller: Caller) -> dict[str, Any]:
    """Who is signed in."""
    account = await house.database.read(lambda connection: find_account(connection, caller.user))
    return _document(caller, account)


@router.patch("")
async def change_me(house: TheHouse, caller: Caller, wanted: AccountChange) -> dict[str, Any]:
    """Change your name, the address that mail goes to, your time zone, or what models are told of you."""
    account = await house.database.write(lambda connection: change_account(connection, caller, **wanted.model_dump()))
    return _document(caller, account)


@router.post("/password", status_code=204)
async def new_password(house: TheHouse, caller: Caller, visitor: TheVisitor, wanted: PasswordChange) -> Response:
    """Set or change your password. You are signed out everywhere else."""
    change = NewPassword(wanted.new, wanted.current)
    await change_password(house.database, house.passwords, caller, change, visitor)
    return Response(status_code=204)


@router.get("/sessions")
async def list_devices(house: TheHouse, caller: Caller) -> DevicePage:
    """Where you are signed in."""
    rows = await house.database.read(lambda connection: list_sessions(connection, caller.user))
    return DevicePage(
        items=[
            Device(
                id=row.id, device=row.device, address=row.address, via=row.via, created_at=row.created_at,
                seen_at=row.seen_at, is_current=row.id == caller.credential,
            )
            for row in rows
        ]
    )  # fmt: skip


@router.delete("/sessions", status_code=204)
async def sign_out_others(house: TheHouse, caller: Caller, address: Address, all: bool = False) -> Response:
    """Sign out on all other devices; with `all=1` on this one, too."""
    await house.database.write(lambda connection: end_other_sessions(connection, caller, this_too=all, address=address))
    response = Response(status_code=204)
    if all:
        response.delete_cookie(SESSION_COOKIE)
    return response


@router.delete("/sessions/{session}", status_code=204)
async def sign_out_one(house: TheHouse, caller: Caller, address: Address, session: str) -> Response:
    """Sign out on one device."""
    await house.database.write(lambda connection: end_one_session(connection, caller, session, address))
    return Response(status_code=204)


def _document(caller: Principal, account: AccountRow | None) -> dict[str, Any]:
    return {
        "id": caller.user,
        "name": account.name if account else caller.name,
        "role": caller.role,
        "version": __version__,
        "via": caller.via,
        "scopes": sorted(caller.scopes),
        "email": account.email if account else "",
        "time_zone": account.time_zone if account else "",
        "about": account.about if account else "",
        "has_password": account is not None and account.password_hash is not None,
    }
