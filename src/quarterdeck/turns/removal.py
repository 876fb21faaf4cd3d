"""An account goes, with everything it owns: running answers first, then the record, then the logs.

Killed in between, it is simply asked for again: whoever is to go was suspended before, so nothing new comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LogError
from quarterdeck.log.base import Log, feed_name
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.owned import delete_some_conversations, delete_user, list_open_of_user, list_recent_of_user
from quarterdeck.turns.finish import KEEP_LOG_S
from quarterdeck.turns.start import Turns

logger = get_logger("quarterdeck.turns")

_PATIENCE_S = 10.0  # for answers to end; one that a dead worker has is deleted as it is
_LOOK_S = 0.05
_PAUSE_S = 0.01  # between some conversations and the next, for others


async def stop_all(database: Database, turns: Turns, user: str) -> None:
    """Their running answers end with what they have. Raises: `StorageError`."""
    for turn in await database.read(lambda connection: list_open_of_user(connection, user)):
        await turns.stop(turn)


async def remove_user(
    database: Database, turns: Turns, log: Log, user: str, note: Callable[[WriteConnection], None]
) -> None:
    """Everything that is `user`'s; `note` is written with the last of it. Raises: `StorageError`."""
    await stop_all(database, turns, user)
    await _wait_for_the_end(database, user)
    since = now_ms() - int(2 * KEEP_LOG_S * 1000)
    logged = await database.read(lambda connection: list_recent_of_user(connection, user, since))
    await _delete_conversations(database, user)

    def delete(connection: WriteConnection) -> None:
        delete_user(connection, user)
        note(connection)

    await database.write(delete)
    for name in (*logged, feed_name(user)):
        try:
            await log.drop(name)
        except LogError as error:  # it expires by itself
            logger.warning("log_not_dropped", log=name, reason=error.message, detail=error.detail)


async def _wait_for_the_end(database: Database, user: str) -> None:
    for _ in range(int(_PATIENCE_S / _LOOK_S)):
        if not await database.read(lambda connection: list_open_of_user(connection, user)):
            return
        await asyncio.sleep(_LOOK_S)
    logger.warning("turns_deleted_running", user=user)


async def _delete_conversations(database: Database, user: str) -> None:
    while True:
        if not await database.write(lambda connection: delete_some_conversations(connection, user)):
            return
        await asyncio.sleep(_PAUSE_S)
