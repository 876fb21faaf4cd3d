"""How long the queue is: turns that anybody could claim now."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import exists, func, or_, select

from quarterdeck.store.clock import database_now_ms
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.tables import turns
from quarterdeck.store.turns import OPEN


class Queue(Struct, frozen=True):
    waiting: int
    oldest_s: float  # 0 when nothing waits


def measure_queue(connection: AnyConnection) -> Queue:
    """A turn that waits for the one before it in its conversation is not counted: nobody could run it."""
    now = database_now_ms(connection)
    earlier = turns.alias("earlier")
    is_first = ~exists().where(
        earlier.c.conversation_id == turns.c.conversation_id,
        earlier.c.status.in_(OPEN),
        earlier.c.id < turns.c.id,
    )
    is_free = or_(turns.c.lease_owner.is_(None), turns.c.lease_until < now)
    found = select(func.count(), func.min(turns.c.created_at)).where(turns.c.status.in_(OPEN), is_free, is_first)
    count, oldest = connection.execute(found).one()
    return Queue(count, max(now - oldest, 0) / 1000 if count else 0.0)
