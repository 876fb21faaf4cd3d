"""Usage as people look at it: summed by day and model, by model, or by user."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, distinct, func, select

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.tables import usage_entries, users

Group = Literal["day", "model", "user"]
MAX_ROWS = 20_000


class UsageQuery(Struct, frozen=True, kw_only=True):
    """Days are the first and the last one, both included. `user` None: of everybody."""

    first: str
    last: str
    group: Group
    user: str | None


class UsageRow(Struct, frozen=True, kw_only=True):
    """`day`, `model` and `user` are empty where the rows are not grouped by them.

    `cost` is in millionths of a US dollar; `has_price` is False when a part of it could not be counted in money.
    `first_token_ms` is the median. What is still reserved is not in it.
    """

    day: str = ""
    model: str = ""
    user: str = ""
    name: str = ""
    cost: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    turns: int
    requests: int
    has_price: bool
    first_token_ms: int | None = None


_KEYS: dict[Group, tuple[ColumnElement[Any], ...]] = {
    "day": (usage_entries.c.day, usage_entries.c.model),
    "model": (usage_entries.c.model,),
    "user": (usage_entries.c.user_id,),
}


def report_usage(connection: AnyConnection, query: UsageQuery) -> list[UsageRow]:
    """In the order of what they are grouped by."""
    keys = _KEYS[query.group]
    medians = {tuple(row[:-1]): int(row[-1]) for row in connection.execute(_medians(query))}
    rows = connection.execute(_sums(query)).all()
    return [_read(row._mapping, [column.name for column in keys], medians) for row in rows]


def _sums(query: UsageQuery) -> Select[Any]:
    entries = usage_entries.c
    summed = [
        func.sum(column).label(column.name)
        for column in (
            entries.cost, entries.input_tokens, entries.output_tokens, entries.cached_tokens, entries.reasoning_tokens,
        )
    ]  # fmt: skip
    keys = _KEYS[query.group]
    turns = func.count(distinct(func.nullif(entries.turn_id, ""))).label("turns")
    counts = [turns, func.count().label("requests"), func.min(entries.has_price).label("has_price")]
    sums = _within(select(*keys, *summed, *counts), query).group_by(*keys).order_by(*keys).limit(MAX_ROWS)
    if query.group != "user":
        return sums
    of_users = sums.subquery()
    return select(of_users, users.c.name).join(users, users.c.id == of_users.c.user_id).order_by(users.c.name)


def _medians(query: UsageQuery) -> Select[Any]:
    """The upper of the two in the middle where there are two."""
    keys = _KEYS[query.group]
    first = usage_entries.c.first_token_ms
    place = func.row_number().over(partition_by=keys, order_by=first).label("place")
    count = func.count().over(partition_by=keys).label("among")
    ranked = _within(select(*keys, first, place, count).where(first.is_not(None)), query).subquery()
    named = [ranked.c[column.name] for column in keys]
    return select(*named, ranked.c.first_token_ms).where(ranked.c.place == ranked.c.among // 2 + 1)


def _within(statement: Select[Any], query: UsageQuery) -> Select[Any]:
    entries = usage_entries.c
    statement = statement.where(entries.day >= query.first, entries.day <= query.last, entries.settled_at.is_not(None))
    return statement if query.user is None else statement.where(entries.user_id == query.user)


def _read(row: Any, keys: list[str], medians: dict[tuple[Any, ...], int]) -> UsageRow:
    return UsageRow(
        day=row.get("day", ""),
        model=row.get("model", ""),
        user=row.get("user_id", ""),
        name=row.get("name", ""),
        cost=int(row["cost"]),
        input_tokens=int(row["input_tokens"]),
        output_tokens=int(row["output_tokens"]),
        cached_tokens=int(row["cached_tokens"]),
        reasoning_tokens=int(row["reasoning_tokens"]),
        turns=row["turns"],
        requests=row["requests"],
        has_price=bool(row["has_price"]),
        first_token_ms=medians.get(tuple(row[key] for key in keys)),
    )
