"""Whether the ledger adds up: the totals are what the entries say, and nothing is left reserved."""

from __future__ import annotations

from sqlalchemy import func, select

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.tables import usage_entries, usage_totals


def find_miscounts(connection: AnyConnection) -> list[str]:
    """Totals that are not the sum of their entries, reservations included."""
    entries, totals = usage_entries.c, usage_totals.c
    tokens = func.sum(entries.input_tokens + entries.output_tokens)
    summed = select(entries.user_id, entries.day, entries.model, func.sum(entries.cost), tokens)
    grouped = connection.execute(summed.group_by(entries.user_id, entries.day, entries.model))
    wanted = {tuple(row[:3]): (int(row[3]), int(row[4])) for row in grouped}
    rows = connection.execute(select(totals.user_id, totals.day, totals.model, totals.cost, totals.tokens))
    found = {tuple(row[:3]): (int(row[3]), int(row[4])) for row in rows}
    return [
        f"{key}: {found.get(key)} in all, {wanted.get(key)} by the entries"
        for key in sorted({*wanted, *found})
        if found.get(key, (0, 0)) != wanted.get(key, (0, 0))
    ]


def find_reserved(connection: AnyConnection) -> list[str]:
    """What is still reserved."""
    rows = connection.execute(select(usage_entries).where(usage_entries.c.settled_at.is_(None)))
    return [f"{row.purpose} of turn {row.turn_id}, attempt {row.attempt}: {row.cost}" for row in rows]
