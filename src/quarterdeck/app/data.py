"""The data folder and the database that the settings name."""

from __future__ import annotations

import secrets
from importlib import import_module
from pathlib import Path

from filelock import FileLock, Timeout

from quarterdeck.config import Settings
from quarterdeck.diagnostics import get_logger, register_secret
from quarterdeck.errors import SetupError
from quarterdeck.postgres_url import parse_postgres_url
from quarterdeck.store.database import Database
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.sqlite import SqliteDatabase

logger = get_logger("quarterdeck")


def open_data_dir(path: Path) -> Path:
    """Make the data folder on first use, closed to others. Raises: `SetupError`."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".probe-{secrets.token_hex(4)}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise SetupError(
            f"The data folder {path} cannot be written ({error.strerror}). Choose another with --data-dir."
        ) from error
    return path


def lock_data_dir(path: Path) -> FileLock:
    """One server for one data folder. Raises: `SetupError` while another one runs on it."""
    lock = FileLock(path / "serve.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SetupError(
            f"Another Quarterdeck is running on the data folder {path}. "
            "Stop it, or choose another folder with --data-dir."
        ) from None
    return lock


async def open_database(settings: Settings) -> Database:
    """The database that the settings name, brought to this version. Raises: `SetupError`."""
    if settings.database_url:
        return await _open_postgres(settings)
    path = settings.data_dir / "quarterdeck.sqlite3"
    if not path.exists():
        path.touch(mode=0o600)
    if snapshot := migrate_sqlite(path):
        logger.info("database_migrated", snapshot=str(snapshot))
    return SqliteDatabase(path)


async def _open_postgres(settings: Settings) -> Database:
    register_secret(parse_postgres_url(settings.database_url).password)
    # Its driver is loaded only here: who runs on SQLite need not wait for it.
    await import_module("quarterdeck.store.migrate_postgres").migrate_postgres(settings.database_url)
    database: Database = import_module("quarterdeck.store.postgres").PostgresDatabase(
        settings.database_url, settings.database_pool
    )
    return database
