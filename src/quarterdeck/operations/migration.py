"""The database is brought to this version, or it is said whether it has to be."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

from msgspec import Struct

from quarterdeck.config import Settings
from quarterdeck.operations.backup import write_backup
from quarterdeck.store.migrate import HEAD, migrate_sqlite, refuse_unknown
from quarterdeck.store.transfer_places import Place, SqlitePlace, place_of
from quarterdeck.store.transfer_schema import read_revision


class Migrated(Struct, frozen=True):
    before: str | None  # the revision that was there; None: no tables yet
    after: str
    snapshot: Path | None  # the database as it was before


async def find_revision(settings: Settings) -> str | None:
    """The revision of the tables that are there; None when there are none. Raises: `SetupError`."""
    place = place_of(settings.database_url, settings.data_dir)
    revision = None if _is_missing(place) else await place.read(read_revision)
    if revision is not None:
        refuse_unknown(revision)
    return revision


async def migrate_database(settings: Settings) -> Migrated:
    """Nothing is changed before a copy was made. Raises: `SetupError`; the database is then as it was."""
    before = await find_revision(settings)
    if settings.database_url:
        migrate_postgres = import_module("quarterdeck.store.migrate_postgres").migrate_postgres
        snapshot = await migrate_postgres(settings.database_url, _keep_in(settings))
    else:
        snapshot = _migrate_file(settings.data_dir / "quarterdeck.sqlite3")
    return Migrated(before, HEAD, snapshot)


def _is_missing(place: Place) -> bool:
    return isinstance(place, SqlitePlace) and not place.path.exists()


def _migrate_file(path: Path) -> Path | None:
    path.touch(mode=0o600)
    return migrate_sqlite(path)


def _keep_in(settings: Settings) -> Callable[[str], Awaitable[Path]]:
    """How the snapshot of a PostgreSQL database is taken: a backup in the data folder."""

    async def take(current: str) -> Path:
        path = settings.data_dir / f"before-{HEAD}-from-{current}-{time.time_ns() // 1_000_000}.backup"
        await write_backup(place_of(settings.database_url, settings.data_dir), path)
        return path

    return take
