"""How many tokens a model counts for one of our estimate, by model."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import token_ratios
from quarterdeck.store.upsert import upsert


class Ratio(Struct, frozen=True):
    ratio: float = 1.0
    samples: int = 0


def list_ratios(connection: AnyConnection) -> dict[str, Ratio]:
    return {row.model: Ratio(row.ratio, row.samples) for row in connection.execute(select(token_ratios))}


def save_ratio(connection: WriteConnection, model: str, ratio: Ratio) -> None:
    values = {"ratio": ratio.ratio, "samples": ratio.samples, "updated_at": now_ms()}
    upsert(connection, token_ratios, {"model": model}, values)
