"""An issuer's published keys: kept for an hour, asked for at most once a minute, whoever floods us with what."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError

logger = get_logger("quarterdeck.identities")

KEEP_S = 3600.0
PATIENCE_S = 60.0  # between two requests for the keys, successful or not
_MAX_KEYS = 100
_MIN_RSA_BITS = 2048

Fetch = Callable[[], Awaitable[dict[str, Any]]]


class KeySet:
    """Keys that are no longer published are forgotten at the next fetch; while none succeeds, the last ones count."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._fetched_s = self._tried_s = float("-inf")
        self._renewal: asyncio.Task[None] | None = None

    async def find(self, kid: str, algorithm: str) -> Key | None:
        """The published key of that name, if it is of the algorithm's kind. Fetches when need be."""
        if self._is_wanting(kid):
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(self._renew())
            await asyncio.shield(self._renewal)  # of many at once one asks, and all wait for its answer
        key = self._keys.get(kid) if kid else self._only(algorithm)
        return key if key is not None and _suits(key, algorithm) else None

    def _is_wanting(self, kid: str) -> bool:
        now = self._clock()
        if now - self._tried_s < PATIENCE_S:
            return False
        return now - self._fetched_s >= KEEP_S or (kid not in self._keys if kid else not self._keys)

    async def _renew(self) -> None:
        try:
            self._keys = _read_keys(await self._fetch())
            self._fetched_s = self._clock()
        except QuarterdeckError as error:
            logger.warning("keys_not_fetched", reason=error.message, detail=error.detail, kept=len(self._keys))
        finally:
            self._tried_s = self._clock()

    def _only(self, algorithm: str) -> Key | None:
        """A token need not name its key when there is but one that it can mean."""
        suitable = [key for key in self._keys.values() if _suits(key, algorithm)]
        return suitable[0] if len(suitable) == 1 else None


def _read_keys(document: dict[str, Any]) -> dict[str, Key]:
    """Signing keys by `kid`; what is not one, or cannot be read, is left out."""
    listed = document.get("keys")
    found: dict[str, Key] = {}
    for number, entry in enumerate(listed[:_MAX_KEYS] if isinstance(listed, list) else []):
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kid = entry.get("kid") or f"#{number}"
        key = _import_key(entry)
        if key is not None and isinstance(kid, str):
            found.setdefault(kid, key)
    return found


def _import_key(entry: dict[str, Any]) -> Key | None:
    kinds: dict[object, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(entry.get("kty"))
    if kind is None:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # about short keys, which are left out below
            key = kind.import_key({name: value for name, value in entry.items() if isinstance(name, str)})
        is_weak = isinstance(key, RSAKey) and key.public_key.key_size < _MIN_RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None if is_weak or key.is_private else key


def _suits(key: Key, algorithm: str) -> bool:
    if str(key.get("alg") or algorithm) != algorithm:
        return False
    if algorithm in ("RS256", "PS256"):
        return isinstance(key, RSAKey)
    if algorithm == "ES256":
        return isinstance(key, ECKey) and key.curve_name == "P-256"
    return algorithm == "EdDSA" and isinstance(key, OKPKey) and key.get("crv") == "Ed25519"
