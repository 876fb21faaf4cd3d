"""What Alembic runs: the connection comes from `store.migrate`, or from the URL on its command line."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from quarterdeck.store.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with create_engine(context.config.get_main_option("sqlalchemy.url") or "sqlite://").connect() as opened:
        _run(opened)
