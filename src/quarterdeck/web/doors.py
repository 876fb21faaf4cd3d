"""How often one address may knock: at what can be guessed, or costs much for nobody who is signed in yet.

It keeps floods out, within one process. Guessing itself is slowed down elsewhere: passwords by account and address in
the database, links and keys by having 160 random bits. (The library `limits` takes half a second to load.)
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

KNOCKS = 300  # at once
PER_S = 10.0  # and from then on
_MAX_ADDRESSES = 10_000
_PREFIXES = (
    "/open", "/token", "/refresh_token", "/api/sign-in", "/api/sign-up", "/api/invitations/", "/api/password-reset",
    "/api/oauth/", "/scim/",
)  # fmt: skip


def is_door(path: str) -> bool:
    """Whether whoever asks for `path` may be anybody."""
    return path.startswith(_PREFIXES) and not path.startswith("/openapi")


class Doors:
    """A bucket of tokens for each address (IPv6: each network of a household). The oldest are forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when that was

    def wait_s(self, address: str) -> float:
        """0 when it may come in, which is counted; else how long it has to wait."""
        key, now = _household(address), self._clock()
        left, at = self._buckets.pop(key, (float(KNOCKS), now))
        left = min(float(KNOCKS), left + (now - at) * PER_S)
        passes = left >= 1
        self._buckets[key] = (left - 1 if passes else left, now)
        if len(self._buckets) > _MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1 - left) / PER_S


def _household(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
