"""The bell: wakes other processes. What it says is a hint; the truth is in the database and the log.

A ring may be lost (nobody listened just then, the connection was down): whoever waits for one also looks by
itself now and then. So ringing never fails: what goes wrong is logged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

OnReady = Callable[[str], Awaitable[None]]
OnTold = Callable[[str], None]


class Bell(Protocol):
    async def ready(self, turn: str) -> None:
        """A turn waits for a worker: one of those that listen is told."""
        ...

    async def tell(self, message: str) -> None:
        """Every process is told, this one included (`stop <turn>`, `providers`)."""
        ...

    async def listen(self, on_told: OnTold, on_ready: OnReady | None) -> None:
        """Call these from now on. `on_ready` is None in a process that runs no turns.

        The next ready turn is handed over when `on_ready` has returned (it claims the turn, which may fail).
        """
        ...

    async def close(self) -> None: ...


class LocalBell:
    """One process: whoever rings is who listens."""

    def __init__(self) -> None:
        self._on_told: OnTold | None = None
        self._on_ready: OnReady | None = None

    async def ready(self, turn: str) -> None:
        if self._on_ready is not None:
            await self._on_ready(turn)

    async def tell(self, message: str) -> None:
        if self._on_told is not None:
            self._on_told(message)

    async def listen(self, on_told: OnTold, on_ready: OnReady | None) -> None:
        self._on_told, self._on_ready = on_told, on_ready

    async def close(self) -> None:
        self._on_told = self._on_ready = None
