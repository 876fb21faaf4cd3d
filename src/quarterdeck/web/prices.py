"""Prices of models, for admins: they count more than the built-in ones and than what a provider says."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.governing import remove_price, set_price
from quarterdeck.domain.usage import Price
from quarterdeck.store.prices import PriceRow, list_prices
from quarterdeck.web.dependencies import Address, Administrator, TheHouse

router = APIRouter(prefix="/api/admin/prices", tags=["administration"])

Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class PriceChange(BaseModel):
    """US dollars for a million tokens. Without `cached_input`, what comes from the cache costs as much as the rest."""

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None


@router.get("")
async def list_all(house: TheHouse, caller: Administrator) -> dict[str, Any]:
    """List the prices set here. The built-in ones are with the models (`/api/models`)."""
    rows = await house.database.read(list_prices)
    return {"items": [_document(row) for row in rows], "next_cursor": None}


@router.put("/{model:path}")
async def change(
    house: TheHouse, caller: Administrator, address: Address, model: str, wanted: PriceChange
) -> dict[str, Any]:
    """Set the price of a model (`provider/model`). It holds for what is asked from now on."""
    price = Price(wanted.input, wanted.output, wanted.cached_input)
    await house.database.write(lambda connection: set_price(connection, caller, address, model, price))
    await house.limits.change(house.bell)
    return {"model": model, **wanted.model_dump()}


@router.delete("/{model:path}", status_code=204)
async def remove(house: TheHouse, caller: Administrator, address: Address, model: str) -> Response:
    """Forget the price that was set; the built-in one counts again."""
    await house.database.write(lambda connection: remove_price(connection, caller, address, model))
    await house.limits.change(house.bell)
    return Response(status_code=204)


def _document(row: PriceRow) -> dict[str, Any]:
    price = row.price
    return {
        "model": row.model, "input": price.input, "output": price.output, "cached_input": price.cached_input,
        "updated_at": row.updated_at,
    }  # fmt: skip
