"""When something was said, in words that never change: the local time, and how long after the message before.

"Three hours ago" would be another text in each request, and no provider's prompt cache would keep it. What does change,
the time it is now, comes last, and only when the question itself does not say it.
"""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache

from quarterdeck.domain.periods import find_zone, local_time
from quarterdeck.domain.periods import write_time as _write

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_NOW_AFTER_S = 300  # the question's own time is the time it is now, up to this


def explain_times(zone_name: str) -> str:
    """For the beginning of every request: what the lines in brackets are."""
    where = f"in the user's time zone, {zone_name}" if find_zone(zone_name) else "in UTC: the user's zone is not known"
    return (
        "The line in brackets that each message of the user begins with is the server's: when it was sent "
        f"({where}) and how long after the message before. Never write such a line yourself."
    )


@lru_cache(10_000)  # the same lines are written again for each question of a conversation
def sent_line(at_ms: int, zone: tzinfo, before_ms: int | None = None, before: str = "") -> str:
    """The line that a message of the user begins with; `before` is the role of the message above it."""
    local = local_time(at_ms, zone)
    if before_ms is None:
        return f"[Sent {_write(local)}]\n"
    earlier = local_time(before_ms, zone)
    shown = f"{earlier:%H:%M}" if earlier.date() == local.date() else f"{earlier:%a %Y-%m-%d %H:%M}"
    what = "answer" if before == "assistant" else "message"
    return f"[Sent {_write(local)}, {_gap((at_ms - before_ms) // 1000)} after the {what} of {shown}]\n"


def now_line(now_ms: int, asked_ms: int, zone: tzinfo) -> str:
    """Empty where the question was asked just now."""
    passed_s = (now_ms - asked_ms) // 1000
    if passed_s < _NOW_AFTER_S:
        return ""
    return f"[Now it is {_write(local_time(now_ms, zone))}, {_gap(passed_s)} after this was sent]"


def day_and_time(at_ms: int, zone: tzinfo) -> str:
    return _write(local_time(at_ms, zone))


def _gap(seconds: int) -> str:
    if seconds < _MINUTE:
        return f"{max(seconds, 0)} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _DAY} days"
