"""Which log and which bell the settings ask for."""

from __future__ import annotations

from quarterdeck.config import Settings
from quarterdeck.log.base import Log
from quarterdeck.log.bell import Bell, LocalBell
from quarterdeck.log.sql import SqlLog


async def open_log(settings: Settings) -> tuple[Log, Bell]:
    """Both open; close them in the reverse order. Raises: `LogError`."""
    path = settings.data_dir / "log.sqlite3"
    if not path.exists():
        path.touch(mode=0o600)
    log = SqlLog(path)
    await log.open()
    return log, LocalBell()
