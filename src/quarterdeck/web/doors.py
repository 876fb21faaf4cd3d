"""How often one address may knock: at what can be guessed, or costs much for nobody who is signed in yet.

It keeps floods out, within one process. Guessing itself is slowed down elsewhere: passwords by account and address in
the database, links and keys by having 160 random bits. (The library `limits` takes half a second to load.)
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from quarterdeck.accounts.households import household

KNOCKS = 300  # at once
PER_S = 10.0  # and from then on
GUEST_MESSAGES_A_MINUTE = 20
_MAX_ADDRESSES = 10_000
_PREFIXES = (
    "/open", "/token", "/refresh_token", "/api/sign-in", "/api/sign-up", "/api/invitations/", "/api/password-reset",
    "/api/oauth/",
)  # fmt: skip


def is_door(path: str) -> bool:
    """Whether whoever asks for `path` may be anybody."""
    return path.startswith(_PREFIXES) and not path.startswith("/openapi")


class Doors:
    """A bucket of tokens for each address (IPv6: each network of a household). The oldest are forgotten first."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, at_once: int = KNOCKS, per_s: float = PER_S
    ) -> None:
        self._clock = clock
        self._at_once = float(at_once)
        self._per_s = per_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when that was

    def wait_s(self, address: str) -> float:
        """0 when it may come in, which is counted; else how long it has to wait."""
        key, now = household(address), self._clock()
        left, at = self._buckets.pop(key, (self._at_once, now))
        left = min(self._at_once, left + (now - at) * self._per_s)
        passes = left >= 1
        self._buckets[key] = (left - 1 if passes else left, now)
        if len(self._buckets) > _MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1 - left) / self._per_s


def make_guest_bucket() -> Doors:
    """How many messages the guests of one address may send."""
    return Doors(at_once=GUEST_MESSAGES_A_MINUTE, per_s=GUEST_MESSAGES_A_MINUTE / 60)
