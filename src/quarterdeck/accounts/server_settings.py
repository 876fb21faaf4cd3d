"""What admins set for the whole server, stored in the database; what was never set is as the environment says."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.accounts.admin import Actor
from quarterdeck.config import Settings
from quarterdeck.errors import InputError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.settings import read_setting, save_setting

USUAL_NAME = "Quarterdeck"
MAX_NAME_CHARS = 80
_WORDS = {"1": True, "0": False}


class ServerSettings(Struct, frozen=True):
    """`guests`: whether there may be guests; `sign_up`: whether one may make an account without an invitation."""

    server_name: str
    guests: bool
    sign_up: bool


class ServerChange(Struct, frozen=True):
    """None leaves it as it is."""

    server_name: str | None = None
    guests: bool | None = None
    sign_up: bool | None = None


def read_server_settings(connection: AnyConnection, settings: Settings) -> ServerSettings:
    return ServerSettings(
        server_name=read_setting(connection, "server_name") or USUAL_NAME,
        guests=_WORDS.get(read_setting(connection, "guests"), settings.guests),
        sign_up=_WORDS.get(read_setting(connection, "sign_up"), False),
    )


def change_server_settings(
    connection: WriteConnection, settings: Settings, actor: Actor, wanted: ServerChange
) -> ServerSettings:
    """Raises: `InputError`."""
    before = read_server_settings(connection, settings)
    if wanted.server_name is not None:
        save_setting(connection, "server_name", _check_name(wanted.server_name))
    for name, value in (("guests", wanted.guests), ("sign_up", wanted.sign_up)):
        if value is not None:
            save_setting(connection, name, "1" if value else "0")
    after, who = read_server_settings(connection, settings), actor.principal
    for name in ServerSettings.__struct_fields__:
        if getattr(before, name) != getattr(after, name):
            detail = {"from": getattr(before, name), "to": getattr(after, name)}
            entry = AuditEntry("setting.changed", name, who.user, who.name, actor.address, detail)
            insert_audit_entry(connection, entry)
    return after


def _check_name(name: str) -> str:
    wanted = " ".join(name.split())
    if len(wanted) > MAX_NAME_CHARS or not wanted.isprintable():
        raise InputError(f"The server's name has at most {MAX_NAME_CHARS} characters that can be seen.")
    return wanted
