"""A turn as somebody follows it over any surface: its log, and the record to ask when the log is not there."""

from __future__ import annotations

from quarterdeck.store.database import StorageError
from quarterdeck.store.turns import OPEN, find_turn
from quarterdeck.views.turn_reader import TurnReader
from quarterdeck.web.house import House


def read_turn(house: House, user: str, turn: str, after: int = 0) -> TurnReader:
    """Whether `user` may see it is asked before."""

    async def is_open() -> bool:
        try:
            row = await house.database.read(lambda connection: find_turn(connection, user, turn))
        except StorageError:  # nobody knows just now; asked again soon
            return True
        return row is not None and row.status in OPEN

    return TurnReader(house.log, turn, after, is_open)
