"""Leases of scheduled work: in a fleet one process does it, once in each period, and another one if that dies.

All times are the database's, so that it does not matter whose clock is wrong.
"""

from __future__ import annotations

from sqlalchemy import delete, exists, insert, or_, select, update

from quarterdeck.store.clock import database_now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import leases

NOBODY = ""
_SLACK_MS = 60_000


def claim_work(connection: WriteConnection, name: str, owner: str, *, period_ms: int, lease_ms: int) -> bool:
    """True when the work is due, nobody does it, and it is `owner`'s now, for `lease_ms`.

    `owner` must be new each time: that is how an earlier claimant who comes late is told from this one.
    What is further in the future than it can be was written before a clock was set back, and does not count.
    """
    now = database_now_ms(connection)
    is_free = or_(leases.c.until < now, leases.c.until > now + 2 * lease_ms + _SLACK_MS)
    is_due = or_(leases.c.done_at <= now - period_ms, leases.c.done_at > now + _SLACK_MS)
    if not connection.execute(select(exists().where(leases.c.name == name))).scalar():
        # two may be the first at once: the loser's whole function is run again
        connection.execute(insert(leases).values(name=name, owner=NOBODY, until=0, done_at=0))
    claimed = connection.execute(
        update(leases).where(leases.c.name == name, is_free, is_due).values(owner=owner, until=now + lease_ms)
    )
    return bool(claimed.rowcount)


def finish_work(connection: WriteConnection, name: str, owner: str) -> bool:
    """It is done until the next period. False when somebody else has taken it meanwhile; nothing is changed then."""
    now = database_now_ms(connection)
    return _end(connection, name, owner, {"owner": NOBODY, "until": 0, "done_at": now})


def find_done(connection: AnyConnection, name: str) -> int:
    """When the work was done the last time; 0: never."""
    return connection.execute(select(leases.c.done_at).where(leases.c.name == name)).scalar() or 0


def give_up_work(connection: WriteConnection, name: str, owner: str, *, pause_ms: int) -> bool:
    """It failed, or could not be finished: anybody may try again after `pause_ms`."""
    return _end(connection, name, owner, {"owner": NOBODY, "until": database_now_ms(connection) + pause_ms})


def drop_work(connection: WriteConnection, name: str, owner: str) -> bool:
    """It is done, and need not be remembered. False when somebody else has taken it meanwhile."""
    mine = delete(leases).where(leases.c.name == name, leases.c.owner == owner)
    return bool(connection.execute(mine).rowcount)


def renew_work(connection: WriteConnection, name: str, owner: str, *, lease_ms: int) -> bool:
    """It takes longer. False when somebody else has taken it meanwhile."""
    return _end(connection, name, owner, {"until": database_now_ms(connection) + lease_ms})


def free_work_of_servers(connection: WriteConnection) -> int:
    """No other server is alive: summaries, readings for memory and vectors may be begun again at once.

    Not what commands do beside a server, as an import. How many there were.
    """
    name = leases.c.name
    servers = delete(leases).where(or_(name == "vectors", name.like("summary %"), name.like("memory %")))
    return connection.execute(servers).rowcount


def _end(connection: WriteConnection, name: str, owner: str, values: dict[str, str | int]) -> bool:
    mine = update(leases).where(leases.c.name == name, leases.c.owner == owner)
    return bool(connection.execute(mine.values(**values)).rowcount)
