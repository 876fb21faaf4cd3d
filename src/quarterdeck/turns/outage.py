"""Whether the machine went down since this database was last used.

The log's file is not synced at every commit: a process that dies loses nothing of it, a power cut may lose the last
lines, which somebody may have read already.
"""

from __future__ import annotations

from pathlib import Path

from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.settings import read_setting, save_setting

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SETTING = "boot_id"


def read_boot_id() -> str:
    """Another one after each start of the machine; empty where there is none to be had."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


async def was_machine_down(database: Database) -> bool:
    """False also when nobody can tell. Raises: `StorageError`."""
    known = await database.read(lambda connection: read_setting(connection, _SETTING))
    return bool(known) and known != read_boot_id()


async def note_machine_up(database: Database) -> None:
    """Raises: `StorageError`."""
    boot_id = read_boot_id()

    def note(connection: WriteConnection) -> None:
        if read_setting(connection, _SETTING) != boot_id:
            save_setting(connection, _SETTING, boot_id)

    await database.write(note)
