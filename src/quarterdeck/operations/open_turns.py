"""Answers that were being written: their logs come along with a copy, and are forgotten by a restore."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from quarterdeck.config import Settings
from quarterdeck.log.base import Log
from quarterdeck.log.open import open_log
from quarterdeck.log.sql import SqlLog


def list_open_turns(connection: Connection) -> list[str]:
    """Ids of the answers that are not finished."""
    return list(connection.execute(text("SELECT id FROM turns WHERE status IN ('queued', 'running')")).scalars())


async def copy_logs(turns: list[str], source: Path, target: Settings) -> int:
    """How many logs there were. Copying again replaces what an earlier run copied. Raises: `LogError`."""
    if not turns or not _is_there(source):
        return 0
    origin = SqlLog(source)
    await origin.open()
    try:
        log, bell = await open_log(target)
        try:
            copied = [await _copy_log(turn, origin, log) for turn in turns]
        finally:
            await bell.close()
            await log.close()
    finally:
        await origin.close()
    return sum(copied)


def _is_there(file: Path) -> bool:
    return file.exists()


async def _copy_log(turn: str, origin: Log, target: Log) -> bool:
    status = await origin.status(turn)
    if status is None or not status.last:
        return False
    await target.drop(turn)
    after = status.first - 1
    begins = True
    while entries := await origin.read(turn, after):
        await target.append(turn, after + 1, [entry.body for entry in entries], begins=begins)
        after, begins = entries[-1].seq, False
    return True


async def forget_logs(turns: list[str], settings: Settings) -> None:
    """After a restore an answer goes on from what the backup knows, not from what was said since."""
    if not turns:
        return
    log, bell = await open_log(settings)
    try:
        for turn in turns:
            await log.drop(turn)
    finally:
        await bell.close()
        await log.close()
