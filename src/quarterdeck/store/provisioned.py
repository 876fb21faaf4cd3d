"""Accounts that a directory keeps (SCIM). All others are not there, whatever they are asked for by."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Row, func, select, update

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.letters import is_text
from quarterdeck.store.tables import users


class ProvisionedRow(Struct, frozen=True):
    id: str
    user_name: str
    external_id: str
    name: str
    email: str
    role: str
    created_at: int
    suspended_at: int | None


def find_provisioned(connection: AnyConnection, user: str) -> ProvisionedRow | None:
    row = connection.execute(select(users).where(_is_kept(), users.c.id == user)).first()
    return None if row is None else _row(row)


def list_provisioned(
    connection: AnyConnection, *, attribute: str = "", value: str = "", offset: int = 0, limit: int = 100
) -> tuple[list[ProvisionedRow], int]:
    """A page in the order they were made, and how many there are of all."""
    condition = _condition(connection, attribute, value)
    total = connection.execute(select(func.count()).select_from(users).where(condition)).scalar_one()
    found = connection.execute(select(users).where(condition).order_by(users.c.id).offset(offset).limit(limit))
    return [_row(row) for row in found], int(total)


def change_provisioned(connection: WriteConnection, user: str, values: dict[str, Any]) -> None:
    connection.execute(update(users).where(users.c.id == user).values(**values))


def is_name_taken(connection: AnyConnection, user_name: str, *, besides: str = "") -> bool:
    found = select(users.c.id).where(_is_called(connection, user_name), users.c.id != besides)
    return connection.execute(found).first() is not None


def _is_kept() -> ColumnElement[bool]:
    return users.c.scim_name.is_not(None)


def _is_called(connection: AnyConnection, user_name: str) -> ColumnElement[bool]:
    return is_text(connection, users.c.scim_name, user_name)


def _condition(connection: AnyConnection, attribute: str, value: str) -> ColumnElement[bool]:
    match attribute:
        case "username":
            return _is_called(connection, value)
        case "externalid":
            return _is_kept() & (users.c.scim_id == value)
        case "id":
            return _is_kept() & (users.c.id == value)
        case _:
            return _is_kept()


def _row(row: Row[Any]) -> ProvisionedRow:
    return ProvisionedRow(
        row.id, row.scim_name, row.scim_id or "", row.name, row.email, row.role, row.created_at, row.suspended_at
    )
