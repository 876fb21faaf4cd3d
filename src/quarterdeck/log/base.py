"""Six verbs. Every backend keeps them, one contract suite (`tests/contract/test_log_contract.py`) tests them.

A log is named by a turn id (a user's feed is named `feed:<user>`). Sequence numbers are ints from 1
without holes (a log that was lost and written anew begins where its writer says). The entry body is one
line of JSON (`domain.events.encode_event`); the log never looks into it.

A feed is never finished, begins when something is appended, and keeps its newest `FEED_KEEP` entries at
least; older ones may go (`first` moves up). Only a running turn's log is never trimmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from quarterdeck.errors import LogError

FEED_KEEP = 1_000
_FEED_PREFIX = "feed:"


def feed_name(user: str) -> str:
    return _FEED_PREFIX + user


def is_feed(name: str) -> bool:
    return name.startswith(_FEED_PREFIX)


class Entry(NamedTuple):
    seq: int
    body: bytes


Told = Callable[[LogError | None], None]
"""Is told by the event loop how an append ended: None, or what it would have raised."""

Take = Callable[[list[Entry]], bool]
"""Is offered entries by the event loop as they are committed; whether it has taken them, all of them."""


class LogStatus(Struct, frozen=True):
    """`first` is the oldest seq still there, `last` the newest; both 0 while the log is empty."""

    state: Literal["running", "finished"]
    first: int
    last: int


class Last(NamedTuple):
    """What is appended to a log in the end, as by `append`."""

    seq: int
    bodies: list[bytes]


def awaited() -> tuple[asyncio.Future[None], Told]:
    """A future, and what ends it when it is told; one that was cancelled meanwhile stays so."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def told(error: LogError | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    return done, told


def tell_soon(told: Told, error: LogError | None = None) -> None:
    """Of an append that needs no waiting: there was nothing to write, or it cannot be."""
    asyncio.get_running_loop().call_soon(told, error)


class Log(Protocol):
    def append(self, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> Awaitable[None]:
        """Write `bodies` as seq, seq + 1, …; done when they are committed (and only then visible).

        Appends of one log are made one after the other.

        With `begins` the log must not be there, and its first entry is `seq`, whatever number that is (a
        turn whose log was lost goes on counting, so that no old cursor fits the new log by chance).

        Raises: `StaleWriterError` if `seq` is not the last one plus 1 or the log is finished: another
        writer has this turn. `LogLostError`, one of those, if the log is not there though `seq` is above 1.
        `LogError` if it could not be written. Nothing of the call is written then, nor will be.
        Cancelled, the entries may or may not be written: ask `status` before going on.
        """
        ...

    def append_soon(self, turn: str, seq: int, bodies: list[bytes], told: Told) -> None:
        """As `append`, for whoever does not wait: `told` is called in place of a future, and never within this call."""
        ...

    async def read(self, turn: str, after: int, limit: int = 512) -> list[Entry]:
        """Committed entries with seq > `after`, in order; empty when there are none.

        At most `limit`, and fewer when they are large.
        """
        ...

    async def wait(self, turn: str, after: int, timeout_s: float, take: Take | None = None) -> bool:
        """True as soon as something with seq > `after` is there or nothing more will come; False at the time-out.

        With `take`, what comes meanwhile is offered to it, in order and without a hole after what it has taken
        before; what it has taken is waited behind. It must not wait, and what it raises is raised here.

        Nothing more will come when the log is finished, or dropped (not there, and `after` > 0). It may
        be True without cause; a log that has not begun is waited for.
        """
        ...

    async def finish(self, turn: str, keep_s: float, last: Last | None = None) -> None:
        """Nothing will be appended any more; the log may be dropped `keep_s` seconds from now.

        Finishing again only moves that moment; finishing what is not there is no error. `last` is appended before, in
        the same commit where that can be. Raises: as `append`; where that was done, and the rest was not, `LogError`.
        """
        ...

    async def status(self, turn: str) -> LogStatus | None:
        """None when there is no such log (never was, or expired)."""
        ...

    async def drop(self, turn: str) -> None:
        """Forget the log now. Dropping what is not there is no error."""
        ...

    async def expire(self) -> int:
        """Drop the logs whose time has come; how many. Where the backend does so by itself, 0."""
        ...

    async def close(self) -> None:
        """Write what is on its way; afterwards every verb raises `LogError`."""
        ...
