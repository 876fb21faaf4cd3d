"""Identifiers: 26 characters, sortable by the time they were made (ULID, https://github.com/ulid/spec)."""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last = 0
_MOST_MS = (1 << 48) - 1
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A new identifier: 48 bits of milliseconds, 80 random bits, Crockford base 32 in lower case.

    Within one process each is greater than the one before, also within the same millisecond.
    """
    global _last
    with _lock:
        _last = max((now_ms() << 80) | int.from_bytes(os.urandom(10), "big"), _last + 1)
        number = _last
    return _write(number)


def least_id(at_ms: int) -> str:
    """No identifier that was made at that moment, or later, is smaller."""
    return _write(min(max(at_ms, 0), _MOST_MS) << 80)


def id_after(earlier: str | None) -> str:
    """A new identifier that is greater than `earlier`, which a machine may have made whose clock is ahead."""
    fresh = new_id()
    if earlier is None or earlier < fresh:
        return fresh
    number = 0
    for letter in earlier:
        number = number << 5 | _ALPHABET.index(letter)
    return _write(number + 1)


def _write(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
