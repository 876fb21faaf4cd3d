"""Access rules, for admins: which models and tools whom."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.governing import add_rule, remove_rule
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.rules import Kind, RuleRow, list_rules
from quarterdeck.web.dependencies import Address, Administrator, TheHouse

router = APIRouter(prefix="/api/admin/rules", tags=["administration"])


class NewRule(BaseModel):
    """The most specific rule counts: by the person (user, role, all), then by the pattern; then one that denies."""

    subject: Annotated[str, Field(max_length=100, description="`all`, `role:member`, `user:<id>`.")] = "all"
    kind: Kind = "model"
    pattern: Annotated[str, Field(max_length=200, description="Of names: `openai/*`.")]
    is_allowed: bool


@router.get("")
async def list_all(house: TheHouse, caller: Administrator) -> dict[str, Any]:
    """List all rules. What none of them fits is allowed."""
    rows = await house.database.read(list_rules)
    return {"items": msgspec.to_builtins(rows), "next_cursor": None}


@router.post("", status_code=201)
async def create(house: TheHouse, caller: Administrator, address: Address, wanted: NewRule) -> dict[str, Any]:
    """Add a rule."""
    row = RuleRow(id=new_id(), created_at=now_ms(), **wanted.model_dump())
    await house.database.write(lambda connection: add_rule(connection, caller, address, row))
    await house.limits.change(house.bell)
    return dict(msgspec.to_builtins(row))


@router.delete("/{rule}", status_code=204)
async def remove(house: TheHouse, caller: Administrator, address: Address, rule: str) -> Response:
    """Remove a rule."""
    await house.database.write(lambda connection: remove_rule(connection, caller, address, rule))
    await house.limits.change(house.bell)
    return Response(status_code=204)
