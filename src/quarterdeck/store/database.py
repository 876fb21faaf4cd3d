"""How a function of a connection is run: `await database.read(fn)`, `await database.write(fn)`.

One `write` is one transaction; it is committed (and synced to disk) when it returns. `sqlite.py` and
`postgres.py` do it; functions of a connection do not know which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NewType, Protocol, TypeVar

from sqlalchemy import Connection

from quarterdeck import metrics
from quarterdeck.errors import InternalError

T = TypeVar("T")
ReadConnection = NewType("ReadConnection", Connection)
WriteConnection = NewType("WriteConnection", Connection)
AnyConnection = ReadConnection | WriteConnection


class Database(Protocol):
    async def read(self, fn: Callable[[ReadConnection], T]) -> T:
        """Run `fn` on one state of the database. Raises: what `fn` raised, `StorageError`."""
        ...

    async def glance(self, fn: Callable[[ReadConnection], T], who: str) -> T:
        """As `read`, for what takes a millisecond or two and is waited for.

        `fn` may be run more than once, so it leaves nothing behind that a second run would not. `who` may have so much
        that it takes longer (a user's id): after one that did, the next ones are read as others are.
        """
        ...

    async def write(self, fn: Callable[[WriteConnection], T]) -> T:
        """Run `fn` in a transaction. A cancelled caller does not undo it: it may have been committed.

        `fn` may be run more than once (what an earlier run did is undone), so it changes nothing but the
        database. Raises: what `fn` raised (its own changes are undone, nobody else's), `StorageError`.
        """
        ...

    async def tidy(self) -> None:
        """Leave nothing of what was removed in the database's own files, as far as it leaves that to us."""
        ...

    async def close(self) -> None: ...


class StorageError(InternalError):
    """The database refused: nothing of it was kept, unless the message says that this is not known."""

    code = "storage"
    status = 503
    retryable = True

    def __init__(self, message: str, *, detail: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, detail=detail, retry_after_s=retry_after_s)
        metrics.DATABASE_ERRORS.add()


def closed_error() -> StorageError:
    return StorageError("Quarterdeck is shutting down. Try again in a moment.")
