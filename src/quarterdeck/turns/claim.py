"""How long a turn is certainly this worker's: the lease in the database, seen from here.

A process may be stopped for a minute and wake up in the middle of a line. So before anything is written in a
turn's name, a lease that may have run out is confirmed in the database.
"""

from __future__ import annotations

import asyncio
import time

from msgspec import Struct

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import StaleWriterError
from quarterdeck.store.clock import database_now_ms
from quarterdeck.store.database import AnyConnection, Database, StorageError, WriteConnection
from quarterdeck.store.turns import list_stopping, renew_leases

logger = get_logger("quarterdeck.turns")

LEASE_MS = 10_000
_SAFE_S = 1.0  # what was begun while the lease was certain is done before others may have the turn
_PAUSE_S = 0.5

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed_s() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


class Lease(Struct, frozen=True):
    """Who is to have a turn, and for how long from the moment it is written."""

    worker: str
    duration_ms: int = LEASE_MS

    def until(self, connection: AnyConnection) -> int:
        """When it runs out, by the database's clock."""
        return database_now_ms(connection) + self.duration_ms


class Claim:
    """One turn's lease. `since_s` is when it was asked for (`elapsed_s`), None when nobody knows."""

    def __init__(self, database: Database, turn: str, lease: Lease, since_s: float | None) -> None:
        self._database = database
        self.turn = turn
        self._lease = lease
        self._certain_until_s = 0.0
        self.is_lost = False
        self.is_over = False
        if since_s is not None:
            self.note_renewal(since_s)

    @property
    def is_certain(self) -> bool:
        return self.is_over or (not self.is_lost and elapsed_s() < self._certain_until_s)

    def note_renewal(self, since_s: float) -> None:
        self._certain_until_s = since_s + self._lease.duration_ms / 1000 - _SAFE_S

    def lose(self) -> None:
        self.is_lost = True

    def end(self) -> None:
        """The answer is saved: nobody will claim the turn any more, and the log's own fence is enough."""
        self.is_over = True

    async def confirm(self) -> None:
        """Returns when the turn is certainly ours; waits for a database that is away.

        Raises: `StaleWriterError` when it is another worker's by now.
        """
        while not self.is_certain:
            await self._ask()

    async def confirm_anew(self) -> None:
        """The same, whatever the clock says. Raises: `StaleWriterError`."""
        if not self.is_over:
            self._certain_until_s = 0.0
        await self.confirm()

    async def _ask(self) -> None:
        if self.is_lost:
            raise StaleWriterError("Another worker has taken this turn over.")
        since_s = elapsed_s()
        try:
            kept = await self._database.write(self._renew)
        except StorageError as error:
            logger.warning("lease_not_confirmed", turn=self.turn, reason=error.message, detail=error.detail)
            await asyncio.sleep(_PAUSE_S)
            return
        if kept:
            self.note_renewal(since_s)
        else:
            self.lose()

    def _renew(self, connection: WriteConnection) -> bool:
        return bool(renew_leases(connection, self._lease.worker, [self.turn], self._lease.until(connection)))


class Renewal(Struct, frozen=True):
    """Of this worker's turns: which are not its own any more, and which somebody wants to stop."""

    lost: list[str]
    stopping: list[str]


class Claims:
    """All claims of this worker, renewed together."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self.lease = lease
        self._claims: dict[str, Claim] = {}

    def add(self, turn: str, since_s: float | None) -> Claim:
        claim = self._claims[turn] = Claim(self._database, turn, self.lease, since_s)
        return claim

    def remove(self, turn: str) -> None:
        self._claims.pop(turn, None)

    async def renew(self) -> Renewal:
        """Raises: `StorageError`."""
        held = [turn for turn, claim in self._claims.items() if not claim.is_over]
        if not held:
            return Renewal([], [])
        since_s = elapsed_s()
        kept, stopping = await self._database.write(lambda connection: self._renew(connection, held))
        lost: list[str] = []
        for turn in held:
            claim = self._claims.get(turn)
            if claim is None or claim.is_over:  # it has ended meanwhile
                continue
            if turn in kept:
                claim.note_renewal(since_s)
            else:
                claim.lose()
                lost.append(turn)
        return Renewal(lost, stopping)

    def _renew(self, connection: WriteConnection, held: list[str]) -> tuple[set[str], list[str]]:
        kept = renew_leases(connection, self.lease.worker, held, self.lease.until(connection))
        return kept, list_stopping(connection, held)
