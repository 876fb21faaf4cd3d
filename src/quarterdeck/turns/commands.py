"""The mailbox of a turn: what somebody wants of it while it runs, perhaps in another process.

A wish is written into the turn's row first, then the bell is rung. The process that runs the turn hears the bell,
or finds the wish when it renews its leases. A further command is a column of the turn, a word here, and a line in
`TurnRunner.obey`.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from quarterdeck.log.bell import Bell
from quarterdeck.store.approvals import Decision, add_decision
from quarterdeck.store.database import Database
from quarterdeck.store.turns import TurnRow, request_stop

Verb = Literal["stop", "settle"]
HANDED_OVER = "handed-over"
"""Told when an answer that is being read was given up, so that nobody finds it only when he looks by himself."""


class Command(Struct, frozen=True):
    verb: Verb
    turn: str


def say_command(command: Command) -> str:
    """As it is told over the bell."""
    return f"{command.verb} {command.turn}"


def read_command(message: str) -> Command | None:
    """What a message of the bell wants of a turn; None when it is about something else."""
    verb, _, turn = message.partition(" ")
    return Command(verb, turn) if verb in get_args(Verb) and turn else None  # type: ignore[arg-type]


class Mailbox:
    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell

    async def stop(self, turn: str) -> Command | None:
        """What was left in the mailbox, and told; None when the turn has ended already. Raises: `StorageError`."""
        if not await self._database.write(lambda connection: request_stop(connection, turn)):
            return None
        command = Command("stop", turn)
        await self._bell.tell(say_command(command))
        return command

    async def settle(self, turn: TurnRow, decision: Decision) -> Command | None:
        """What the user has decided about a tool call; None when the turn has ended already. Raises: `StorageError`."""
        if not await self._database.write(lambda connection: add_decision(connection, turn, decision)):
            return None
        command = Command("settle", turn.id)
        await self._bell.tell(say_command(command))
        return command
