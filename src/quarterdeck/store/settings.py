"""Server settings and the endpoints that were connected in the settings page."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import bindparam, delete, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import endpoints, server_settings
from quarterdeck.store.upsert import upsert

_READ = Prepared(select(server_settings.c.value).where(server_settings.c.name == bindparam("name")))


class EndpointRow(Struct, frozen=True):
    name: str
    label: str
    dialect: str
    base_url: str
    key_sealed: bytes | None


def list_endpoints(connection: AnyConnection) -> list[EndpointRow]:
    rows = connection.execute(select(endpoints).order_by(endpoints.c.name))
    return [EndpointRow(row.name, row.label, row.dialect, row.base_url, row.key_sealed) for row in rows]


def save_endpoint(connection: WriteConnection, row: EndpointRow) -> None:
    """Insert or replace; without a new key the stored one stays."""
    values: dict[str, object] = {
        "label": row.label,
        "dialect": row.dialect,
        "base_url": row.base_url,
        "updated_at": now_ms(),
    }
    if row.key_sealed is not None:
        values["key_sealed"] = row.key_sealed
    upsert(connection, endpoints, {"name": row.name}, values)


def delete_endpoint(connection: WriteConnection, name: str) -> bool:
    return bool(connection.execute(delete(endpoints).where(endpoints.c.name == name)).rowcount)


def read_setting(connection: AnyConnection, name: str) -> str:
    """Its value, empty when it was never set."""
    return str(_READ.scalar(connection, {"name": name}) or "")


def save_setting(connection: WriteConnection, name: str, value: str) -> None:
    upsert(connection, server_settings, {"name": name}, {"value": value})


def delete_setting(connection: WriteConnection, name: str) -> None:
    connection.execute(delete(server_settings).where(server_settings.c.name == name))
