"""Where sealed secrets are kept, and what each is for. A further place is a line in `_PLACES`."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Column, Table, select, update

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import endpoints, identity_providers


class SealedRow(Struct, frozen=True):
    """`purpose` is what it was sealed for: `endpoint:openai`, `identity:google`."""

    purpose: str
    sealed: bytes


_PLACES: dict[str, tuple[Table, Column[bytes]]] = {
    "endpoint": (endpoints, endpoints.c.key_sealed),
    "identity": (identity_providers, identity_providers.c.secret_sealed),
}


def list_sealed(connection: AnyConnection) -> list[SealedRow]:
    return [
        SealedRow(f"{kind}:{row.name}", row.sealed)
        for kind, (table, column) in _PLACES.items()
        for row in connection.execute(select(table.c.name, column.label("sealed")).where(column.is_not(None)))
    ]


def replace_sealed(connection: WriteConnection, row: SealedRow, sealed: bytes) -> None:
    kind, _, name = row.purpose.partition(":")
    table, column = _PLACES[kind]
    connection.execute(update(table).where(table.c.name == name, column == row.sealed).values({column: sealed}))
