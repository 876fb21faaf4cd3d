"""Ends the log of a turn whose answer was saved by a process that died before it could."""

from __future__ import annotations

from quarterdeck.domain.events import Event, TurnEnded, TurnRestored, decode_event, encode_event, is_turn_end
from quarterdeck.domain.fold import Fold
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.usage import Usage
from quarterdeck.log.base import Log
from quarterdeck.store.database import Database, ReadConnection
from quarterdeck.store.messages import MessageRow, find_message
from quarterdeck.store.turns import TurnRow, find_ended
from quarterdeck.turns.finish import KEEP_LOG_S


async def end_saved_log(database: Database, log: Log, name: str) -> None:
    """Of turn `name`, which has ended. Nothing happens to a log that is finished, or gone.

    Raises: `StaleWriterError` when its worker does so just now; `LogError`, `StorageError`.
    """
    status = await log.status(name)
    if status is None or status.state == "finished":
        return
    last = await log.read(name, status.last - 1)
    if last and is_turn_end(last[-1].body):
        await log.finish(name, KEEP_LOG_S)
        return
    found = await database.read(lambda connection: _find_saved(connection, name))
    if found is not None:
        events = await _missing(log, *found, status.first)
        # right after what was looked at: whatever has come since is its worker's, and may be the end
        await log.append(name, status.last + 1, [encode_event(event) for event in events])
        await log.finish(name, KEEP_LOG_S)


def _find_saved(connection: ReadConnection, name: str) -> tuple[TurnRow, MessageRow] | None:
    turn = find_ended(connection, name)
    message = None if turn is None else find_message(connection, turn.conversation_id, turn.message_id)
    return None if turn is None or message is None else (turn, message)


async def _missing(log: Log, turn: TurnRow, message: MessageRow, first: int) -> list[Event]:
    """The end; before it the answer, where the log has not all of it (it was away when that was saved)."""
    fold = Fold()
    after = first - 1
    while entries := await log.read(turn.id, after):
        for entry in entries:
            fold.apply(decode_event(entry.body))
        after = entries[-1].seq
    so_far = fold.turn()
    ended = TurnEnded(turn.status, turn.ended_at or now_ms(), message.error)  # type: ignore[arg-type]
    if (so_far.parts, so_far.continuations) == (message.parts, message.continuations):
        return [ended]
    restored = TurnRestored(
        turn.id, turn.conversation_id, turn.message_id, turn.request_id, turn.model, turn.created_at,
        parts=message.parts, steps=max(so_far.steps, 1), attempts=so_far.attempts, step_ended=True,
        finish=so_far.finish, usage=message.usage or Usage(), continuations=message.continuations,
    )  # fmt: skip
    return [restored, ended]
