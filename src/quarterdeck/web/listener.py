"""What this process does when the bell rings: another process has said something."""

from __future__ import annotations

import asyncio

from quarterdeck.accounts.limits import LIMITS_CHANGED
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError
from quarterdeck.turns.commands import HANDED_OVER, read_command
from quarterdeck.turns.reaper import Reaper
from quarterdeck.turns.runner import TurnRunner
from quarterdeck.web.house import MEMORY_CHANGED, PROVIDERS_CHANGED, House
from quarterdeck.web.stored_providers import load_providers

logger = get_logger("quarterdeck.bell")


class Listener:
    """`runner` and `reaper` are None in a process that runs no turns."""

    def __init__(self, house: House, runner: TurnRunner | None, reaper: Reaper | None) -> None:
        self._house = house
        self._runner = runner
        self._reaper = reaper
        self._loading: asyncio.Task[None] | None = None

    def hear(self, message: str) -> None:
        if message == PROVIDERS_CHANGED:
            before, self._loading = self._loading, None
            self._loading = asyncio.create_task(self._load(before))
        elif message == LIMITS_CHANGED:
            before, self._loading = self._loading, None
            self._loading = asyncio.create_task(self._load_limits(before))
        elif message == MEMORY_CHANGED:
            before, self._loading = self._loading, None
            self._loading = asyncio.create_task(self._load_embedding(before))
        elif message == HANDED_OVER:
            if self._reaper is not None:
                self._reaper.look()
        elif (command := read_command(message)) is not None and self._runner is not None:
            self._runner.obey(command)

    async def claim(self, turn: str) -> None:
        """A turn waits for a worker; somebody else may have been quicker."""
        if self._runner is None:
            return
        try:
            await self._runner.claim(turn)
        except QuarterdeckError as error:  # the reaper finds it
            logger.warning("turn_not_claimed", turn=turn, reason=error.message, detail=error.detail)

    async def _load(self, before: asyncio.Task[None] | None) -> None:
        """One after the other: the last one sees everything that was stored before it."""
        if before is not None:
            await asyncio.wait([before])
        try:
            await load_providers(self._house.registry, self._house.database, self._house.vault)
        except QuarterdeckError as error:
            logger.warning("providers_not_reloaded", reason=error.message, detail=error.detail)

    async def _load_embedding(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._house.embedding.load(self._house.database)
        except QuarterdeckError as error:  # read again by itself
            logger.warning("embedding_model_not_read", reason=error.message, detail=error.detail)

    async def _load_limits(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._house.limits.load()
        except QuarterdeckError as error:  # read again by itself
            logger.warning("limits_not_reloaded", reason=error.message, detail=error.detail)
