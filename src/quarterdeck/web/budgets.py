"""Budgets, for admins: how much of which models whom, in a day or a month."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.governing import MOST, add_budget, remove_budget
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.periods import Period
from quarterdeck.store.budgets import BudgetRow, list_budgets
from quarterdeck.web.dependencies import Address, Administrator, TheHouse

router = APIRouter(prefix="/api/admin/budgets", tags=["administration"])

Amount = Annotated[int, Field(ge=0, le=MOST)]


class NewBudget(BaseModel):
    """Everybody whom `subject` names has this budget for themselves. At least one bound must be given."""

    subject: Annotated[str, Field(max_length=100, description="`all`, `role:member`, `user:<id>`.")] = "all"
    pattern: Annotated[str, Field(max_length=200, description="Of models: `openai/*`.")] = "*"
    period: Period
    max_cost: Annotated[Amount | None, Field(description="Millionths of a US dollar.")] = None
    max_tokens: Amount | None = None


@router.get("")
async def list_all(house: TheHouse, caller: Administrator) -> dict[str, Any]:
    """List all budgets."""
    rows = await house.database.read(list_budgets)
    return {"items": msgspec.to_builtins(rows), "next_cursor": None}


@router.post("", status_code=201)
async def create(house: TheHouse, caller: Administrator, address: Address, wanted: NewBudget) -> dict[str, Any]:
    """Add a budget. What was used in its period before counts."""
    row = BudgetRow(id=new_id(), created_at=now_ms(), **wanted.model_dump())
    await house.database.write(lambda connection: add_budget(connection, caller, address, row))
    await house.limits.change(house.bell)
    return dict(msgspec.to_builtins(row))


@router.delete("/{budget}", status_code=204)
async def remove(house: TheHouse, caller: Administrator, address: Address, budget: str) -> Response:
    """Remove a budget."""
    await house.database.write(lambda connection: remove_budget(connection, caller, address, budget))
    await house.limits.change(house.bell)
    return Response(status_code=204)
