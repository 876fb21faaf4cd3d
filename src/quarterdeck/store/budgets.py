"""Budgets: how much of which models somebody may use in a day or a month."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from sqlalchemy import delete, insert, select

from quarterdeck.domain.periods import Period
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import budgets


class BudgetRow(Struct, frozen=True, kw_only=True):
    """`subject`: `all`, `role:…` or `user:<id>`; everybody it names has a budget of their own.

    `max_cost` is in millionths of a US dollar; at least one of the two bounds is there.
    """

    id: str
    subject: str
    pattern: str
    period: Period
    max_cost: int | None
    max_tokens: int | None
    created_at: int


def list_budgets(connection: AnyConnection) -> list[BudgetRow]:
    """Oldest first."""
    return [BudgetRow(**row._mapping) for row in connection.execute(select(budgets).order_by(budgets.c.id))]


def insert_budget(connection: WriteConnection, row: BudgetRow) -> None:
    connection.execute(insert(budgets).values(**msgspec.structs.asdict(row)))


def delete_budget(connection: WriteConnection, budget: str) -> BudgetRow | None:
    """The one that was there."""
    row = connection.execute(delete(budgets).where(budgets.c.id == budget).returning(budgets)).first()
    return None if row is None else BudgetRow(**row._mapping)
