"""Times, days and months of a user: what models are told, what budgets run over and usage is counted by.

A day is written `2026-11-28`. It belongs to the zone of the user; everybody's is UTC until users have one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Period = Literal["day", "month"]

ZONE: tzinfo = UTC
_FIRST_S, _LAST_S = -62_135_510_400, 253_402_214_399  # a day within what a calendar has, in any zone
_MAX_ZONE_CHARS = 64


@lru_cache(maxsize=256)
def find_zone(name: str) -> tzinfo | None:
    """None for what is no IANA name."""
    if not name or len(name) > _MAX_ZONE_CHARS or not name.isascii():
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database, a file that is none
        return None


def zone_or_utc(name: str) -> tzinfo:
    return find_zone(name) or UTC


def local_time(at_ms: int, zone: tzinfo) -> datetime:
    """Of any number: what no calendar has is the first or the last day of it."""
    return datetime.fromtimestamp(min(max(at_ms // 1000, _FIRST_S), _LAST_S), zone)


def day_of(at_ms: int, zone: tzinfo = ZONE) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).date().isoformat()


def write_time(local: datetime) -> str:
    """As models are told a time: `Sat 2026-11-28 14:03 +01:00`."""
    offset = local.strftime("%z")
    return f"{local:%a %Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"


def first_day(period: Period, day: str) -> str:
    """Of the period that `day` is in."""
    return day if period == "day" else f"{day[:7]}-01"


def reset_at(period: Period, day: str, zone: tzinfo = ZONE) -> int:
    """When the period that `day` is in is over, in milliseconds since 1970."""
    last = date.fromisoformat(day)
    if period == "month":
        last = (last.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    midnight = datetime.combine(last + timedelta(days=1), time(), zone)
    return int(midnight.timestamp() * 1000)
