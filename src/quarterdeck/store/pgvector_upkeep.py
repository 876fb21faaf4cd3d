"""What pgvector needs is made beside the work: the column, what it lacks, and an index once somebody has very many.

Loaded only with PostgreSQL. Each step may be broken off and is taken up again.
"""

from __future__ import annotations

from quarterdeck.store.database import Database
from quarterdeck.store.pgvector import (
    fill_some,
    index_statements,
    list_missing_indexes,
    make_column,
    mark_statements,
)
from quarterdeck.store.postgres import PostgresDatabase


async def keep_up(database: Database) -> None:
    """Does nothing where the extension is not to be had. Raises: `StorageError`."""
    if not isinstance(database, PostgresDatabase) or not await database.write(make_column):
        return
    for statement in await database.read(mark_statements):
        await database.build(statement)
    while await database.write(fill_some):
        pass
    for dimensions in await database.read(list_missing_indexes):
        for statement in index_statements(dimensions):
            await database.build(statement)
