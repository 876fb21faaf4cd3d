"""An issuer's published keys: kept for an hour, asked for at most once a minute, whoever floods us with what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError

if TYPE_CHECKING:
    from joserfc.jwk import Key

logger = get_logger("quarterdeck.identities")

KEEP_S = 3600.0
PATIENCE_S = 60.0  # between two requests for the keys, successful or not

Fetch = Callable[[], Awaitable[dict[str, Any]]]


class KeySet:
    """Keys that are no longer published are forgotten at the next fetch; while none succeeds, the last ones count."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._fetched_s = self._tried_s = float("-inf")
        self._renewal: asyncio.Task[None] | None = None

    @property
    def is_empty(self) -> bool:
        """No fetch has brought any."""
        return not self._keys

    async def find(self, kid: str, algorithm: str) -> Key | None:
        """The published key of that name, if it is of the algorithm's kind. Fetches when need be."""
        if self._is_wanting(kid):
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(self._renew())
            await asyncio.shield(self._renewal)  # of many at once one asks, and all wait for its answer
        key = self._keys.get(kid) if kid else self._only(algorithm)
        return key if key is not None and _jose().suits(key, algorithm) else None

    def _is_wanting(self, kid: str) -> bool:
        now = self._clock()
        if now - self._tried_s < PATIENCE_S:
            return False
        return now - self._fetched_s >= KEEP_S or (kid not in self._keys if kid else not self._keys)

    async def _renew(self) -> None:
        try:
            self._keys = _jose().read_keys(await self._fetch())
            self._fetched_s = self._clock()
        except QuarterdeckError as error:
            logger.warning("keys_not_fetched", reason=error.message, detail=error.detail, kept=len(self._keys))
        finally:
            self._tried_s = self._clock()

    def _only(self, algorithm: str) -> Key | None:
        """A token need not name its key when there is but one that it can mean."""
        suitable = [key for key in self._keys.values() if _jose().suits(key, algorithm)]
        return suitable[0] if len(suitable) == 1 else None


def _jose() -> Any:
    # Loaded with the first token: a tenth of a second that a start without such a sign-in need not wait for.
    return import_module("quarterdeck.accounts.identities.jose")
