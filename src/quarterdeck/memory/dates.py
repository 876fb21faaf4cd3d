"""Times that a query names, resolved against now: "in May", "last Tuesday", "on 3 June 2025", "two weeks ago".

In English, German, French, Spanish, Italian, Portuguese and Dutch (`time_words.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache, cached_property, lru_cache, partial

from msgspec import Struct

from quarterdeck.domain import languages
from quarterdeck.domain.periods import zone_or_utc
from quarterdeck.domain.words import fold, stem
from quarterdeck.memory.time_words import (
    BEFORE_YEAR,
    ENGLISH,
    IS_FRENCH,
    OTHERS,
    SAY_OTHER_THINGS,
    UNSURE,
    TimeWords,
)

_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAYS_OF = (1, 7, 30, 365)  # a day, week, month, year
_WEEK, _MONTH = 1, 2
_ACCENTS = re.compile("[\u0300-\u036f]")
_WORD = re.compile(r"[^\W\d_]+")
_IS_FRENCH = re.compile(IS_FRENCH)
_ASKS_WHEN = re.compile("|".join(tongue.asks_when for tongue in (ENGLISH, *OTHERS)))


class Period(Struct, frozen=True):
    """Milliseconds; `end` is not within."""

    start: int
    end: int


def find_period(text: str, now: int, zone: str) -> Period | None:
    """The first time that is named, if any; what lies ahead of now is meant a year before."""
    place = zone_or_utc(zone)
    today = datetime.fromtimestamp(now / 1000, place).date()
    plain = re.sub(r"[\s,]+", " ", _without_accents(text.casefold()))
    for pattern, resolve in _rules_for(plain):
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
    return _ASKS_WHEN.search(text.casefold().replace("’", "'")) is not None


def names_time(words: Iterable[str]) -> bool:
    """Whether any of these folded words tells a time: a day, a month, a year, "last week"."""
    return any(map(_tells_time, words))


@lru_cache(65_536)
def _tells_time(word: str) -> bool:
    """A word begins as its stem does, so that few have to be stemmed."""
    return word[:2] in _time_beginnings() and languages.ENGLISH.root(word) in _time_stems()


@cache
def _time_beginnings() -> frozenset[str]:
    return frozenset(root[:2] for root in _time_stems())


@cache
def _time_stems() -> frozenset[str]:
    years = map(str, range(1900, 2100))
    words = {word for tongue in _tongues() for word in tongue.names}
    return frozenset({*years, *(stem(fold(word)) for word in words - SAY_OTHER_THINGS)})


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return _ACCENTS.sub("", unicodedata.normalize("NFD", text)).replace("’", "'")


def _start(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp() * 1000)


_Span = tuple[date, date]
_Resolve = Callable[[re.Match[str], date], _Span]
_Rule = tuple[re.Pattern[str], _Resolve]


def _rules_for(plain: str) -> list[_Rule]:
    """Those of English, and of the languages of which a month, a day or a unit of time is named."""
    english, *others = _tongues()
    said = set(_WORD.findall(plain))
    spoken = [english]
    for tongue in others:
        triggers = said & tongue.triggers
        if triggers - UNSURE or (triggers and _IS_FRENCH.search(plain)):
            spoken.append(tongue)
    by_kind = zip(*(tongue.rules for tongue in spoken), strict=True)  # "1er mai" is a day before it is a month
    return [_ISO, *(rule for kind in by_kind for rules in kind for rule in rules), _IN_YEAR]


def _iso(found: re.Match[str], today: date) -> _Span:
    day = date.fromisoformat(found.group())
    return day, day + timedelta(1)


def _year(found: re.Match[str], today: date) -> _Span:
    return date(int(found["year"]), 1, 1), date(int(found["year"]) + 1, 1, 1)


def _whole_month(year: int, month: int) -> _Span:
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def _rule(pattern: str, resolve: _Resolve) -> _Rule:
    return re.compile(pattern), resolve


_ISO = _rule(r"\b(?:19|20)\d\d-\d\d-\d\d\b", _iso)
_IN_YEAR = _rule(rf"\b(?:{BEFORE_YEAR}) {_YEAR}\b", _year)


class _Tongue:
    """One language: `rules` by kind, in the order in which they are tried; without `triggers` none of them fits."""

    def __init__(self, words: TimeWords) -> None:
        self._words = words
        self._months = _numbered(words.months, first=1)
        self._weekdays = _numbered(words.weekdays)
        self._days_back = _numbered(words.days_back)
        self._numbers = _numbered(words.numbers.split(", "), first=1)
        self._units = _numbered(words.units)
        named = (*self._months, *self._weekdays, *self._days_back, *self._units)
        self.triggers = frozenset(_WORD.findall(name)[-1] for name in named)
        self.names = frozenset(named).union(words.others.split())

    @cached_property
    def rules(self) -> list[list[_Rule]]:
        """Compiled when something is asked in this language, for that takes milliseconds."""
        words = self._words
        month = rf"(?P<month>{_any_of(self._months)})\b\.?"
        day = rf"(?P<day>\d{{1,2}})(?:{words.ordinal})?"
        longer = "|".join(words.units[_WEEK:])
        units, unit = rf"(?P<unit>{words.units[0]}|{longer})", rf"(?P<unit>{longer})"
        weekday = rf"(?P<weekday>{_any_of(self._weekdays)})"
        number = rf"(?P<number>\d{{1,3}}|{_any_of(self._numbers)})"
        dated = rf"\b{day}(?: (?:{words.of}))? {month}(?: (?:(?:{words.of}) )?{_YEAR})?"
        last, this = partial(self._last, back=1), partial(self._last, back=0)
        return [
            [_rule(dated, self._day), _rule(rf"\b{month} {day}\b(?! ?\d)(?: {_YEAR})?", self._day)],
            [_rule(rf"\b{month}(?: (?:{words.of}))? {_YEAR}\b", self._month)],
            [_rule(rf"\b(?:{words.in_month})[ '-]{month}", self._month)],
            [_rule(rf"\b{way.format(weekday=weekday)}\b", self._weekday) for way in words.weekday],
            [_rule(rf"\b(?P<name>{_any_of(self._days_back)})\b", self._named_day)],
            [_rule(rf"\b{way.format(unit=unit)}\b", last) for way in words.last],
            [_rule(rf"\b{way.format(unit=unit)}\b", this) for way in words.this],
            [_rule(rf"\b{way.format(unit=units, number=number)}\b", self._ago) for way in words.ago],
        ]

    def _day(self, found: re.Match[str], today: date) -> _Span:
        year = found["year"]
        day = date(int(year) if year else today.year, self._months[found["month"]], int(found["day"]))
        if not year and day > today:
            day = day.replace(year=day.year - 1)
        return day, day + timedelta(1)

    def _month(self, found: re.Match[str], today: date) -> _Span:
        month = self._months[found["month"]]
        year = found.groupdict().get("year")
        return _whole_month(int(year) if year else today.year - (month > today.month), month)

    def _weekday(self, found: re.Match[str], today: date) -> _Span:
        back = (today.weekday() - self._weekdays[found["weekday"]]) % 7 or 7
        day = today - timedelta(back)
        return day, day + timedelta(1)

    def _named_day(self, found: re.Match[str], today: date) -> _Span:
        day = today - timedelta(self._days_back[found["name"]])
        return day, day + timedelta(1)

    def _last(self, found: re.Match[str], today: date, *, back: int) -> _Span:
        """The calendar's week, month or year so many before this one."""
        unit = self._units[found["unit"]]
        if unit == _WEEK:
            monday = today - timedelta(today.weekday() + 7 * back)
            return monday, monday + timedelta(7)
        if unit == _MONTH:
            months = today.year * 12 + today.month - 1 - back
            return _whole_month(months // 12, months % 12 + 1)
        return date(today.year - back, 1, 1), date(today.year - back + 1, 1, 1)

    def _ago(self, found: re.Match[str], today: date) -> _Span:
        """About then: half a unit before and after."""
        number = found["number"]
        count = int(number) if number.isdigit() else self._numbers[number]
        days = _DAYS_OF[self._units[found["unit"]]]
        middle = today - timedelta(count * days)
        return middle - timedelta(days // 2), middle + timedelta(days // 2 + 1)


@cache
def _tongues() -> tuple[_Tongue, ...]:
    return tuple(map(_Tongue, (ENGLISH, *OTHERS)))


def _numbered(names: Iterable[str], first: int = 0) -> dict[str, int]:
    """Each name with its place; bars separate those of one place."""
    return {name: number for number, same in enumerate(names, first) for name in same.split("|")}


def _any_of(names: Mapping[str, int]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
