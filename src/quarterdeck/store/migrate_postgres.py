"""Bring a PostgreSQL database to this version's tables, or refuse to start.

Several processes may start at once: one migrates, the others wait for it. Everything happens in one
transaction, so who dies in the middle leaves the database as it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from quarterdeck.errors import QuarterdeckError, SetupError
from quarterdeck.postgres_url import PostgresUrl, parse_postgres_url
from quarterdeck.store import migrate
from quarterdeck.store.postgres import make_engine
from quarterdeck.store.postgres_driver import UnreachableError
from quarterdeck.store.tables import metadata

TakeSnapshot = Callable[[str], Awaitable[Path | None]]
"""Given the revision that is there, keeps the database as it is; where the copy is, if it is a file."""

_OLDEST = 140_000  # PostgreSQL 14
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('quarterdeck migrations', 0))")


async def refuse_snapshot(_current: str) -> Path | None:
    """The `take_snapshot` of who cannot take one. Raises: `SetupError`, always."""
    raise SetupError("The database is older than this Quarterdeck. Run `quarterdeck migrate`: it takes a copy first.")


async def migrate_postgres(url: str, take_snapshot: TakeSnapshot = refuse_snapshot) -> Path | None:
    """Returns the snapshot's path when a database with something in it was changed.

    Raises: `SetupError`; the database is then as it was.
    """
    address = parse_postgres_url(url)
    async with open_connection(address) as connection:
        _refuse_old(int((await connection.execute(text("SHOW server_version_num"))).scalar_one()))
        if await connection.run_sync(_current_revision) == migrate.HEAD:
            return None
        await connection.rollback()
        await connection.execute(_ONE_AT_A_TIME)
        current = await connection.run_sync(_current_revision)
        if current == migrate.HEAD:
            return None
        snapshot = None
        if current is None:
            await connection.run_sync(_refuse_foreign)
        else:
            migrate.refuse_unknown(current)
            snapshot = await _keep(take_snapshot, current)
        await _upgrade(connection, snapshot)
        return snapshot


async def current_revision(url: str) -> str | None:
    """The revision of the tables that are there; None for a database without any. Raises: `SetupError`."""
    async with open_connection(parse_postgres_url(url)) as connection:
        return await connection.run_sync(_current_revision)


@asynccontextmanager
async def open_connection(address: PostgresUrl) -> AsyncIterator[AsyncConnection]:
    """A connection without limits of time. Raises: `SetupError` saying what is in the way."""
    engine = make_engine(address, pool_size=1, statement_s=0)
    try:
        async with engine.connect() as connection:
            yield connection
    except UnreachableError as error:
        raise _cannot_connect(address, error) from error
    except DBAPIError as error:
        raise SetupError(
            f"The database at {address.place} could not be read. Try again, or see what its own log says.",
            detail=repr(error.orig),
        ) from error
    finally:
        await engine.dispose()


def _cannot_connect(address: PostgresUrl, error: UnreachableError) -> SetupError:
    cause = error.__cause__
    state = str(getattr(cause, "sqlstate", None) or "")
    place, detail = address.place, str(error)
    if state.startswith("28"):
        return SetupError(
            f"PostgreSQL at {place} refuses this user or password. Correct QUARTERDECK_DATABASE_URL.", detail=detail
        )
    if state == "3D000":
        return SetupError(
            f"PostgreSQL has no database {place}. Make it (createdb), or correct QUARTERDECK_DATABASE_URL.",
            detail=detail,
        )
    if state.startswith(("57P", "53")):
        return SetupError(
            f"PostgreSQL at {place} takes no connections now: {cause}. Try again in a moment.", detail=detail
        )
    reason = "no answer in time" if isinstance(cause, TimeoutError) else str(cause) or type(cause).__name__
    return SetupError(
        f"PostgreSQL at {place} cannot be reached ({reason}). Start it, or correct QUARTERDECK_DATABASE_URL.",
        detail=detail,
    )


def _refuse_old(version: int) -> None:
    if version < _OLDEST:
        raise SetupError(
            f"Quarterdeck needs PostgreSQL {_OLDEST // 10_000} or newer; this server is version {version // 10_000}."
        )


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return "unfinished" if revision is None else str(revision)


def _refuse_foreign(connection: Connection) -> None:
    names = set(inspect(connection).get_table_names()) & set(metadata.tables)
    if names:
        raise SetupError(
            f"The database belongs to another program: it has a table {min(names)}. "
            "Give Quarterdeck a database of its own in QUARTERDECK_DATABASE_URL."
        )


async def _keep(take_snapshot: TakeSnapshot, current: str) -> Path | None:
    try:
        return await take_snapshot(current)
    except SetupError:
        raise
    except Exception as error:
        reason = error.message if isinstance(error, QuarterdeckError) else type(error).__name__
        raise SetupError(
            f"No copy of the database could be taken ({reason}), so it was not brought to this version.",
            detail=repr(error),
        ) from error


async def _upgrade(connection: AsyncConnection, snapshot: Path | None) -> None:
    try:
        # Who reads or writes meanwhile is waited for, not for ever: behind this one, everybody else waits.
        await connection.execute(text("SET LOCAL lock_timeout = '30s'"))
        await connection.run_sync(migrate.run_migrations)
        await connection.commit()
    except Exception as error:
        kept = f" A copy of it is in {snapshot.name}." if snapshot else ""
        if getattr(getattr(error, "orig", None), "sqlstate", None) == "42501":
            raise SetupError(
                "The user of QUARTERDECK_DATABASE_URL may not make tables in this database; "
                f"make it the database's owner.{kept}",
                detail=repr(error),
            ) from error
        raise SetupError(
            "The database could not be brought to this version and is as it was; "
            f"Quarterdeck does not start on it.{kept}",
            detail=repr(error),
        ) from error
