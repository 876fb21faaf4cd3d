"""What each step of a turn was sent, kept: with what ends the step, or a moment after it was asked.

Whoever finds no log of a turn knows by a note that there was one. So it is kept with the first word where a log may be
lost without the machine.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from quarterdeck.context.build import Context
from quarterdeck.context.manifest import encode_manifest
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import QuarterdeckError
from quarterdeck.store.context_texts import keep_text
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.recalled import note_uses
from quarterdeck.store.turns import StepRow, TurnRow, insert_step, note_usage
from quarterdeck.turns.briefing import Counted

logger = get_logger("quarterdeck.turns")

_AFTER_S = 1.0  # a transaction of its own is spared those answers that are shorter


class Note(Struct, frozen=True):
    """Which request of the turn it was, when it was made (milliseconds), and what it was sent."""

    step: int
    attempt: int
    at: int
    context: Context


class Notes:
    """Of one turn in this process. `take` gives what is not kept yet to whoever writes down the end of a step."""

    def __init__(self, database: Database, turn: TurnRow) -> None:
        self._database = database
        self._turn = turn
        self._waiting: dict[tuple[int, int], Note] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def add(self, step: int, attempt: int, context: Context) -> None:
        """The same request made again with less takes the place of what was noted."""
        self._waiting[step, attempt] = Note(step, attempt, now_ms(), context)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_AFTER_S, self._begin_to_write)

    def write_now(self) -> None:
        """Without being waited for."""
        if self._timer is not None:
            self._begin_to_write()

    async def take(self) -> list[Note]:
        """What is on its way to the database is there when this returns."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing = None
        return self.drop()

    def drop(self) -> list[Note]:
        """Nothing more is written from here."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        taken, self._waiting = list(self._waiting.values()), {}
        return taken

    def _begin_to_write(self) -> None:
        self._writing = asyncio.get_running_loop().create_task(self._write(self._writing, self.drop()))

    async def _write(self, before: asyncio.Task[None] | None, notes: list[Note]) -> None:
        """The answer is worth more than the note about it."""
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._database.write(lambda connection: keep_notes(connection, self._turn, notes))
        except QuarterdeckError as error:
            logger.warning("manifest_not_saved", turn=self._turn.id, reason=error.message, detail=error.detail)


def keep_notes(connection: WriteConnection, turn: TurnRow, notes: list[Note], counted: Counted | None = None) -> None:
    """`counted`: what a provider has reported for one of them, or for one that is kept already."""
    for note in notes:
        is_counted = counted is not None and (counted.step, counted.attempt) == (note.step, note.attempt)
        usage, counted = (counted.encode(), None) if counted is not None and is_counted else (None, counted)
        _keep(connection, turn, note, usage)
    if counted is not None:
        note_usage(connection, turn.id, step=counted.step, attempt=counted.attempt, usage=counted.encode())


def _keep(connection: WriteConnection, turn: TurnRow, note: Note, usage: str | None) -> None:
    manifest = note.context.manifest
    for digest, text in note.context.texts.items():
        keep_text(connection, turn.owner_id, digest, text)
    row = StepRow(note.step, note.attempt, manifest.model, encode_manifest(manifest), note.at, usage)
    insert_step(connection, turn.id, row)
    recalled = [entry.recalled for entry in manifest.entries if entry.recalled is not None]
    if uses := {source.id: source.signals for source in recalled if source.kind == "memory"}:
        note_uses(
            connection, owner=turn.owner_id, turn=turn.id, conversation=turn.conversation_id, answer=turn.message_id,
            uses=uses,
        )  # fmt: skip
