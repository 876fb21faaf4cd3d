"""What was used, by day, model or user, and what is left of one's budgets."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse, Response

from quarterdeck.accounts.access import require_admin
from quarterdeck.accounts.budgets import BudgetState
from quarterdeck.accounts.limits import list_states
from quarterdeck.accounts.subjects import Who
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.periods import day_of
from quarterdeck.errors import InputError
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.usage_report import Group, UsageQuery, UsageRow, report_usage
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api/usage", tags=["usage"])

_USUAL_DAYS = 30
_MOST_DAYS = 3660
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Day = Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="`2026-11-28`.")]


@router.get("")
async def get_usage(
    house: TheHouse,
    caller: Caller,
    first: Annotated[Day, Query(alias="from")] = "",
    last: Annotated[Day, Query(alias="to")] = "",
    group: Group = "day",
    everybody: Annotated[bool, Query(alias="all", description="Of all users; for admins.")] = False,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """What was used, and one's budgets. With `Accept: text/csv` the items as a table.

    `group`: by `day` and model, by `model`, or by `user` (of all users; for admins). Costs are in millionths of a US
    dollar; without `from` it is the last 30 days.
    """
    is_of_all = everybody or group == "user"
    if is_of_all:
        require_admin(caller)
    days = _days(first, last)
    query = UsageQuery(first=days[0], last=days[1], group=group, user=None if is_of_all else caller.user)

    def read(connection: ReadConnection) -> tuple[list[UsageRow], list[BudgetState]]:
        return report_usage(connection, query), list_states(connection, Who(caller.user, caller.role))

    items, states = await house.database.read(read)
    if "text/csv" in accept:
        return _table(items)
    return JSONResponse({"items": msgspec.to_builtins(items), "budgets": [budget_state(state) for state in states]})


def budget_state(state: BudgetState) -> dict[str, Any]:
    """A budget as it is shown to whom it bounds."""
    row = state.row
    return {
        "id": row.id,
        "period": row.period,
        "pattern": row.pattern,
        "max_cost": row.max_cost,
        "max_tokens": row.max_tokens,
        "used_cost": state.used_cost,
        "used_tokens": state.used_tokens,
        "left_cost": None if state.left_cost is None else max(state.left_cost, 0),
        "left_tokens": None if state.left_tokens is None else max(state.left_tokens, 0),
        "resets_at": state.resets_at,
    }


def _days(first: str, last: str) -> tuple[str, str]:
    """Raises: `InputError`."""
    try:
        end = date.fromisoformat(last or day_of(now_ms()))
        begin = date.fromisoformat(first) if first else end - timedelta(days=_USUAL_DAYS - 1)
    except (ValueError, OverflowError):
        raise InputError("A day is written like 2026-11-28.") from None
    if begin > end or (end - begin).days > _MOST_DAYS:
        raise InputError(f"`from` must be a day before `to`, {_MOST_DAYS:,} days at most.")
    return begin.isoformat(), end.isoformat()


def _table(items: list[UsageRow]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(UsageRow.__struct_fields__)
    for item in items:
        writer.writerow([_cell(value) for value in msgspec.structs.astuple(item)])
    headers = {"content-disposition": 'attachment; filename="usage.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: object) -> object:
    """A name that a spreadsheet would take for a formula stays a name."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
