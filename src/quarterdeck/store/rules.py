"""Access rules: who may use which models and tools."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import delete, insert, select

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import access_rules

Kind = Literal["model", "tool"]


class RuleRow(Struct, frozen=True, kw_only=True):
    """`subject`: `all`, `role:…` or `user:<id>`; `pattern`: of names, `*` stands for anything."""

    id: str
    subject: str
    kind: Kind
    pattern: str
    is_allowed: bool
    created_at: int


def list_rules(connection: AnyConnection) -> list[RuleRow]:
    """Oldest first."""
    return [_read(dict(row._mapping)) for row in connection.execute(select(access_rules).order_by(access_rules.c.id))]


def insert_rule(connection: WriteConnection, row: RuleRow) -> None:
    values = msgspec.structs.asdict(row) | {"is_allowed": int(row.is_allowed)}
    connection.execute(insert(access_rules).values(**values))


def delete_rule(connection: WriteConnection, rule: str) -> RuleRow | None:
    """The one that was there."""
    row = connection.execute(delete(access_rules).where(access_rules.c.id == rule).returning(access_rules)).first()
    return None if row is None else _read(dict(row._mapping))


def _read(values: dict[str, Any]) -> RuleRow:
    return RuleRow(**values | {"is_allowed": bool(values["is_allowed"])})
