"""The clock that leases are measured with: one for all processes of a fleet, the database's."""

from __future__ import annotations

from sqlalchemy import text

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection

_NOW = text("SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)")


def database_now_ms(connection: AnyConnection) -> int:
    """Milliseconds since 1970, UTC. With SQLite all processes are on this machine, and its clock will do."""
    if connection.dialect.name == "postgresql":
        return int(connection.execute(_NOW).scalar_one())
    return now_ms()
