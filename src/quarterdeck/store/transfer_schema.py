"""Which tables there are: in this version, in an older one, and in a database that one looks at."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from sqlalchemy import Connection, MetaData, Table, create_engine, inspect, text
from sqlalchemy.pool import StaticPool

from quarterdeck.store import migrate
from quarterdeck.store.search_schema import PARTS_ON_SQLITE, is_index
from quarterdeck.store.tables import metadata
from quarterdeck.store.transfer import count_rows

VERSION_TABLE = "alembic_version"


def tables_of(revision: str) -> list[Table]:
    """The record's tables as they were at `revision`, parents before children.

    Raises: `SetupError` for a revision that this version does not know.
    """
    if revision == migrate.HEAD:
        return list(metadata.sorted_tables)
    migrate.refuse_unknown(revision)
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with closing(engine.connect()) as connection:
        migrate.run_migrations(connection, revision)
        found = MetaData()
        found.reflect(connection)
    engine.dispose()
    return [table for table in found.sorted_tables if table.name != VERSION_TABLE and not is_index(table.name)]


def find_missing(connection: Connection, revision: str) -> dict[str, list[str]]:
    """What a database at `revision` should have and has not: by table the columns; none where the table itself is gone.

    Of SQLite the parts of the search's index, too. Raises: `SetupError` for a revision that this version does not know.
    """
    expected = {table.name: [column.name for column in table.columns] for table in tables_of(revision)}
    inspector = inspect(connection)
    there = {
        name: {column["name"] for column in columns}
        for (_, name), columns in inspector.get_multi_columns(filter_names=list(expected)).items()
    }
    missing = {name: [] if name not in there else _without(columns, there[name]) for name, columns in expected.items()}
    missing = {name: columns for name, columns in missing.items() if columns or name not in there}
    if connection.dialect.name == "sqlite" and revision == migrate.HEAD:
        made = set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())
        missing |= {name: [] for name in PARTS_ON_SQLITE if name not in made}
    return missing


class MissingIndex(NamedTuple):
    table: str
    name: str
    is_unique: bool


def find_missing_indexes(connection: Connection, revision: str) -> list[MissingIndex]:
    """Of the tables that are there. Raises: `SetupError` for a revision that this version does not know."""
    tables = tables_of(revision)
    found = inspect(connection).get_multi_indexes(filter_names=[table.name for table in tables])
    there = {name: {index["name"] for index in indexes} for (_, name), indexes in found.items()}
    return [
        MissingIndex(table.name, str(index.name), index.unique)
        for table in tables
        if table.name in there
        for index in sorted(table.indexes, key=lambda index: str(index.name))
        if index.name not in there[table.name]
    ]


def _without(columns: list[str], there: set[str]) -> list[str]:
    return [name for name in columns if name not in there]


def read_revision(connection: Connection) -> str | None:
    """None for a database without Quarterdeck's tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return "unfinished" if revision is None else str(revision)


def write_revision(connection: Connection, revision: str) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def make_tables(connection: Connection, revision: str) -> None:
    """Empty tables as they were at `revision`; the connection's transaction is the caller's."""
    migrate.run_migrations(connection, revision)


def drop_tables(connection: Connection, revision: str) -> None:
    """The tables of `revision` with everything in them, the mark of the revision, too."""
    for table in reversed(tables_of(revision)):
        connection.exec_driver_sql(f'DROP TABLE "{table.name}"')
    connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")


def empty_tables(connection: Connection, tables: list[Table]) -> None:
    for table in reversed(tables):
        connection.execute(table.delete())


def find_filled(connection: Connection, tables: list[Table]) -> str:
    """The name of the first table that has a row; empty when none has."""
    return next((table.name for table in tables if count_rows(connection, table)), "")


def foreign_tables(connection: Connection) -> list[str]:
    """Of a database without a revision: the names of tables that are not the log's, so somebody else's."""
    return [name for name in inspect(connection).get_table_names() if not name.startswith("log_")]
