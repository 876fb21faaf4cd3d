"""Settings of the whole server, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from quarterdeck.accounts.admin import Actor
from quarterdeck.accounts.server_settings import (
    ServerChange,
    ServerSettings,
    change_server_settings,
    read_server_settings,
)
from quarterdeck.web.dependencies import Address, Administrator, TheHouse

router = APIRouter(prefix="/api/admin/settings", tags=["administration"])


class ServerDocument(BaseModel):
    """`guests`: whether there may be guests; `sign_up`: whether one may make an account without an invitation."""

    server_name: str
    guests: bool
    sign_up: bool


class ServerPatch(BaseModel):
    """What is not named stays as it is; an empty name is the usual one."""

    server_name: Annotated[str, Field(max_length=200)] | None = None
    guests: bool | None = None
    sign_up: bool | None = None


@router.get("")
async def get_settings(house: TheHouse, caller: Administrator) -> ServerDocument:
    """How the server calls itself and whom it lets in."""
    return _document(await house.database.read(lambda connection: read_server_settings(connection, house.settings)))


@router.patch("")
async def change_settings(
    house: TheHouse, caller: Administrator, address: Address, wanted: ServerPatch
) -> ServerDocument:
    """Change how the server calls itself and whom it lets in."""
    change = ServerChange(wanted.server_name, wanted.guests, wanted.sign_up)
    saved = await house.database.write(
        lambda connection: change_server_settings(connection, house.settings, Actor(caller, address), change)
    )
    return _document(saved)


def _document(settings: ServerSettings) -> ServerDocument:
    return ServerDocument(server_name=settings.server_name, guests=settings.guests, sign_up=settings.sign_up)
