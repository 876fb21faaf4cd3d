"""Looking into what vendors export, where anything may be missing or of another kind than expected."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from quarterdeck.exchange.decoding import clean_text

_LATEST_MS = 32_503_680_000_000  # the year 3000


def text_in(value: Any, *path: str) -> str:
    """The text at `path` in nested objects; empty when there is none."""
    found = at(value, *path)
    return clean_text(found) if isinstance(found, str) else ""


def id_in(value: Any, *names: str) -> str:
    """The first of `names` that is there, as text: ids are numbers here and there."""
    for name in names:
        found = at(value, name)
        if isinstance(found, str) and found:
            return clean_text(found)[:300]
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
    return ""


def at(value: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def list_in(value: Any, *path: str) -> list[Any]:
    found = at(value, *path)
    return found if isinstance(found, list) else []


def time_in(value: Any, *names: str) -> int | None:
    """Milliseconds since 1970, of the first of `names` that is a time: seconds, milliseconds, ISO 8601 or MongoDB's."""
    for name in names:
        if (found := _read_time(at(value, name))) is not None:
            return found
    return None


def ms_in(value: Any, name: str) -> int | None:
    """Milliseconds since 1970, as our own export has them."""
    found = at(value, name)
    is_time = isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _LATEST_MS
    return found if is_time else None


def _read_time(value: Any) -> int | None:
    if isinstance(value, dict):
        return _read_time(value.get("$date", value.get("$numberLong")))
    if isinstance(value, str):
        return _read_number(float(value)) if _is_number(value) else _read_iso(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _read_number(float(value))
    return None


def _read_number(value: float) -> int | None:
    """What is too large to be seconds is milliseconds, or smaller units still."""
    if not math.isfinite(value) or value <= 0:
        return None
    while value > 1e11:
        value /= 1000
    return min(round(value * 1000), _LATEST_MS)


def _read_iso(text: str) -> int | None:
    try:
        read = datetime.fromisoformat(text.strip())
        return max(0, int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
