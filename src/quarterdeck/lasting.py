"""Loops that last as long as the process does: what nobody thought of ends a round of one, and not the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError

logger = get_logger("quarterdeck")

_PAUSE_S = 1.0  # a lease that is renewed by such a loop lasts several of them


async def keep_going(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Run `loop` until it ends by itself or is cancelled; begun anew whenever it fails."""
    while True:
        try:
            return await loop()
        except Exception as error:
            if _is_cancelled():  # it failed in tidying up
                raise asyncio.CancelledError from error
            _note(name, error)
        await asyncio.sleep(_PAUSE_S)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _note(name: str, error: Exception) -> None:
    if isinstance(error, QuarterdeckError):
        logger.warning("loop_interrupted", loop=name, reason=error.message, detail=error.detail)
    else:
        logger.error("loop_failed", loop=name, exc_info=error)
