"""What a user has decided about a turn's tool calls, in the turn's row: it waits there for whoever runs the turn."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import select, update

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.tables import turns
from quarterdeck.store.turns import OPEN, TurnRow

_MOST = 200  # of one turn


class Decision(Struct, frozen=True):
    """`digest` is of the name and the exact arguments that were shown: it counts for no others."""

    call: str
    digest: str
    decision: Literal["approved", "declined"]
    at: int


def read_decisions(connection: AnyConnection, turn: str) -> list[Decision]:
    """Oldest first; of several about the same thing the first one counts."""
    stored = connection.execute(select(turns.c.decisions).where(turns.c.id == turn)).scalar()
    return [] if stored is None else msgspec.json.decode(stored, type=list[Decision])


def list_decided(connection: AnyConnection, waiting: list[str]) -> list[str]:
    """Those of these turns about which something was decided, at any time."""
    rows = connection.execute(select(turns.c.id).where(turns.c.id.in_(waiting), turns.c.decisions.is_not(None)))
    return list(rows.scalars())


def add_decision(connection: WriteConnection, turn: TurnRow, decision: Decision) -> bool:
    """False when the turn has ended already, or has more of them than anybody decides."""
    lock_conversation(connection, turn.conversation_id)
    decided = read_decisions(connection, turn.id)
    if len(decided) >= _MOST:
        return False
    statement = update(turns).where(turns.c.id == turn.id, turns.c.status.in_(OPEN))
    stored = msgspec.json.encode([*decided, decision]).decode()
    return bool(connection.execute(statement.values(decisions=stored)).rowcount)
