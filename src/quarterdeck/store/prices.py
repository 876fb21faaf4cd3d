"""Prices of models, set by an admin: they count more than the built-in table and than what a provider says."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import delete, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.usage import Price
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import prices
from quarterdeck.store.upsert import upsert


class PriceRow(Struct, frozen=True):
    """`model` is `provider/model`."""

    model: str
    price: Price
    updated_at: int


def list_prices(connection: AnyConnection) -> list[PriceRow]:
    rows = connection.execute(select(prices).order_by(prices.c.model))
    return [PriceRow(row.model, Price(row.input, row.output, row.cached_input), row.updated_at) for row in rows]


def save_price(connection: WriteConnection, model: str, price: Price) -> None:
    values = {"input": price.input, "output": price.output, "cached_input": price.cached_input, "updated_at": now_ms()}
    upsert(connection, prices, {"model": model}, values)


def delete_price(connection: WriteConnection, model: str) -> bool:
    return bool(connection.execute(delete(prices).where(prices.c.model == model)).rowcount)
