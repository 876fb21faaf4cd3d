"""What a store of logs that several processes share has to do; `SharedLog` makes the six verbs of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from quarterdeck.errors import LogError
from quarterdeck.log.base import Entry, LogStatus

READ_BYTES = 256 * 1024
"""A look takes about so much of one log, and at least one entry when there is one."""

LEFT_OVER_S = 30 * 86_400
"""A feed that nothing was appended to for so long may go, and so may a log that began so long ago and was never
finished (its process died, and its turn ended without it)."""

Verdict = Literal["written", "stale", "lost"]
Rings = Sequence[tuple[str, int]]
"""Names with their last seq; -1 for one that was finished or dropped."""

OnBell = Callable[[Rings | None], None]
"""None: the bell was away, anything may have happened."""


class Addition(NamedTuple):
    """An append: `bodies` as seq, seq + 1, …; with `begins` to a log that is not there yet."""

    name: str
    seq: int
    bodies: list[bytes]
    begins: bool = False


class Look(NamedTuple):
    """A question: the state of a log, and its entries after a seq, at most so many."""

    name: str
    after: int
    limit: int


class Seen(NamedTuple):
    status: LogStatus | None
    entries: list[Entry]


class AnswerLostError(LogError):
    """The order was sent and no answer came: it may have been carried out, and still may be."""


class Backend(Protocol):
    """Every verb answers within seconds or raises `LogError`; `AnswerLostError` if it may have been done."""

    async def open(self, on_bell: OnBell) -> None:
        """Connect; from now on `on_bell` is called for what *other* processes wrote. Raises: `SetupError`."""
        ...

    async def commit(self, additions: Sequence[Addition]) -> list[Verdict]:
        """Each addition whole or not at all, and durable; no name twice. A refused one holds up no other."""
        ...

    async def look(self, looks: Sequence[Look]) -> list[Seen]: ...

    async def finish(self, name: str, keep_s: float) -> bool:
        """False if there is no such log."""
        ...

    async def drop(self, name: str) -> None: ...

    async def expire(self) -> int: ...

    async def size_bytes(self) -> int:
        """What the logs take up in the store, as it tells without counting. Raises: `LogError`."""
        ...

    async def close(self) -> None: ...
