"""Which log and which bell the settings ask for."""

from __future__ import annotations

from importlib import import_module

from quarterdeck.config import Settings
from quarterdeck.log.base import Log
from quarterdeck.log.bell import Bell, LocalBell
from quarterdeck.log.shared import SharedLog
from quarterdeck.log.sql import SqlLog


async def open_log(settings: Settings) -> tuple[Log, Bell]:
    """Both open; close them in the reverse order.

    Raises: `LogError` when the log's file cannot be opened, `SetupError` when its server cannot be used.
    """
    if settings.redis_url:  # the clients are loaded when they are asked for: they cost start-up time
        return await _open_redis(settings.redis_url)
    return await _open_file(settings)


async def _open_file(settings: Settings) -> tuple[Log, Bell]:
    path = settings.data_dir / "log.sqlite3"
    if not path.exists():
        path.touch(mode=0o600)
    log = SqlLog(path)
    await log.open()
    return log, LocalBell()


async def _open_redis(url: str) -> tuple[Log, Bell]:
    bell = import_module("quarterdeck.log.redis_bell").RedisBell(url)
    log = SharedLog(import_module("quarterdeck.log.redis_backend").RedisBackend(url))
    await bell.open()
    await log.open()
    return log, bell
