"""Which log and which bell the settings ask for."""

from __future__ import annotations

from importlib import import_module

from quarterdeck.config import Settings
from quarterdeck.log.base import Log
from quarterdeck.log.bell import Bell, LocalBell
from quarterdeck.log.sql import SqlLog


async def open_log(settings: Settings) -> tuple[Log, Bell]:
    """Both open; close them in the reverse order.

    Raises: `LogError` when the log's file cannot be opened, `SetupError` when its server cannot be used.
    """
    if settings.redis_url:
        return await _open_shared("redis", "Redis", settings.redis_url)
    if settings.database_url:
        return await _open_shared("postgres", "Postgres", settings.database_url)
    return await _open_file(settings)


async def _open_file(settings: Settings) -> tuple[Log, Bell]:
    path = settings.data_dir / "log.sqlite3"
    if not path.exists():
        path.touch(mode=0o600)
    log = SqlLog(path)
    await log.open()
    return log, LocalBell()


async def _open_shared(kind: str, title: str, url: str) -> tuple[Log, Bell]:
    """What only a fleet needs is loaded when it is asked for: it costs start-up time."""
    bell = getattr(import_module(f"quarterdeck.log.{kind}_bell"), f"{title}Bell")(url)
    backend = getattr(import_module(f"quarterdeck.log.{kind}_backend"), f"{title}Backend")(url)
    log = import_module("quarterdeck.log.shared").SharedLog(backend)
    await bell.open()
    try:
        await log.open()
    except BaseException:
        await bell.close()
        raise
    return log, bell
