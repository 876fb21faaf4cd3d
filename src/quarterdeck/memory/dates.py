"""Times that a query names, resolved against now: "in May", "last Tuesday", "on 3 June 2025", "two weeks ago"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from quarterdeck.domain.words import fold, stem

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan januar", "february feb februar", "march mar märz", "april apr", "may mai", "june jun juni",
         "july jul juli", "august aug", "september sep sept", "october oct oktober okt", "november nov",
         "december dec dezember dez"), 1)
    for name in names.split()
}  # fmt: skip
_DAYS = {name: day for day, name in enumerate("monday tuesday wednesday thursday friday saturday sunday".split())}  # noqa: SIM905
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "few": 3, "couple of": 2}
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_TIME_WORDS = """
ago yesterday today tonight tomorrow last next day days week weeks weekend weekends month months year years morning
afternoon evening night gestern heute morgen tage tagen woche wochen wochenende monat monate monaten jahr jahre
jahren abend nacht letzte letzten letztes nächste nächsten nächstes montag dienstag mittwoch donnerstag freitag samstag
sonntag"""
_ASKS_WHEN = re.compile(
    r"\bwhen (?:am|are|is|was|were|did|do|does|have|has|had|will|would|can|could|shall|should)\b"
    r"|\b(?:what|which) (?:day|date|week|month|year)\b|\bwann\b"
)
_NEAR = r"(?:in|during|of|since|last|this|early|late|mid|by|im|seit|from|until|around)"


class Period(Struct, frozen=True):
    """Milliseconds; `end` is not within."""

    start: int
    end: int


def find_period(text: str, now: int, zone: str) -> Period | None:
    """The first time that is named, if any; what lies ahead of now is meant a year before."""
    place = _zone(zone)
    today = datetime.fromtimestamp(now / 1000, place).date()
    plain = re.sub(r"[\s,]+", " ", text.casefold())
    for pattern, resolve in _RULES:
        found = pattern.search(plain)
        if found is None:
            continue
        try:
            first, last = resolve(found, today)
            return Period(_start(first, place), _start(last, place))
        except (ValueError, OverflowError):
            continue  # 31 February
    return None


def asks_when(text: str) -> bool:
    """Whether a time is what is looked for; "when I was in Lisbon" only tells one."""
    return _ASKS_WHEN.search(text.casefold()) is not None


def names_time(terms: Mapping[str, float]) -> bool:
    """Whether any of these stems tells a time: a day, a month, a year, "last week"."""
    return not _time_stems().isdisjoint(terms)


@cache
def _time_stems() -> frozenset[str]:
    years = map(str, range(1900, 2100))
    return frozenset({*years, *(stem(fold(word)) for word in (*_MONTHS, *_DAYS, *_TIME_WORDS.split()))})


def _start(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp() * 1000)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


_Span = tuple[date, date]


def _iso(found: re.Match[str], today: date) -> _Span:
    day = date.fromisoformat(found.group())
    return day, day + timedelta(1)


def _day(found: re.Match[str], today: date) -> _Span:
    year, month = found["year"], _MONTHS[found["month"]]
    day = date(int(year) if year else today.year, month, int(found["day"]))
    if not year and day > today:
        day = day.replace(year=day.year - 1)
    return day, day + timedelta(1)


def _month(found: re.Match[str], today: date) -> _Span:
    month = _MONTHS[found["month"]]
    year = found.groupdict().get("year")
    if year:
        return _whole_month(int(year), month)
    return _whole_month(today.year - (month > today.month), month)


def _whole_month(year: int, month: int) -> _Span:
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def _year(found: re.Match[str], today: date) -> _Span:
    return date(int(found["year"]), 1, 1), date(int(found["year"]) + 1, 1, 1)


def _weekday(found: re.Match[str], today: date) -> _Span:
    back = (today.weekday() - _DAYS[found["weekday"]]) % 7 or 7
    day = today - timedelta(back)
    return day, day + timedelta(1)


def _named_day(found: re.Match[str], today: date) -> _Span:
    day = today - timedelta({"today": 0, "heute": 0, "yesterday": 1, "gestern": 1}[found.group()])
    return day, day + timedelta(1)


def _last(found: re.Match[str], today: date) -> _Span:
    """The calendar's week, month or year before this one; "this" and "today's" until now."""
    back = 0 if found["which"] == "this" else 1
    if found["unit"] == "week":
        monday = today - timedelta(today.weekday() + 7 * back)
        return monday, monday + timedelta(7)
    if found["unit"] == "month":
        months = today.year * 12 + today.month - 1 - back
        return _whole_month(months // 12, months % 12 + 1)
    return date(today.year - back, 1, 1), date(today.year - back + 1, 1, 1)


def _ago(found: re.Match[str], today: date) -> _Span:
    """About then: half a unit before and after."""
    number = found["number"]
    count = int(number) if number.isdigit() else _NUMBERS[number]
    days = {"day": 1, "week": 7, "month": 30, "year": 365}[found["unit"]]
    middle = today - timedelta(count * days)
    return middle - timedelta(days // 2), middle + timedelta(days // 2 + 1)


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], _Span]], ...] = tuple(
    (re.compile(pattern), resolve)
    for pattern, resolve in (
        (r"\b(?:19|20)\d\d-\d\d-\d\d\b", _iso),
        (rf"\b{_DAY}(?: of)? {_MONTH}(?: {_YEAR})?", _day),
        (rf"\b{_MONTH} {_DAY}\b(?! ?\d)(?: {_YEAR})?", _day),
        (rf"\b{_MONTH}(?: of)? {_YEAR}\b", _month),
        (rf"\b{_NEAR} {_MONTH}", _month),
        (rf"\b(?:last|on|this past|letzten) (?P<weekday>{'|'.join(_DAYS)})\b", _weekday),
        (r"\b(?:yesterday|today|gestern|heute)\b", _named_day),
        (r"\b(?P<which>last|this) (?P<unit>week|month|year)\b", _last),
        (rf"\b(?P<number>\d{{1,3}}|{'|'.join(_NUMBERS)}) (?P<unit>day|week|month|year)s? ago\b", _ago),
        (rf"\b(?:in|during|of|since) {_YEAR}\b", _year),
    )
)
