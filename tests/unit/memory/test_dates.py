"""Times that a query names are resolved against now, where the one who asks is."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from quarterdeck.memory.dates import find_period

NOW = int(datetime(2026, 11, 28, 9, 0, tzinfo=UTC).timestamp() * 1000)  # a Saturday

NAMED = {
    "What did I say on 2025-06-03?": ("2025-06-03", "2025-06-04"),
    "Where was she on 3 June, 2025?": ("2025-06-03", "2025-06-04"),
    "the concert of June 3rd": ("2026-06-03", "2026-06-04"),
    "what happened on December 24": ("2025-12-24", "2025-12-25"),
    "the trip in May": ("2026-05-01", "2026-06-01"),
    "plans made in December": ("2025-12-01", "2026-01-01"),
    "Which film was that in July 2022?": ("2022-07-01", "2022-08-01"),
    "last Tuesday": ("2026-11-24", "2026-11-25"),
    "what I bought yesterday": ("2026-11-27", "2026-11-28"),
    "last week": ("2026-11-16", "2026-11-23"),
    "last month": ("2026-10-01", "2026-11-01"),
    "two weeks ago": ("2026-11-11", "2026-11-18"),
    "the flat that I had in 2019": ("2019-01-01", "2020-01-01"),
}


@pytest.mark.parametrize(("text", "days"), NAMED.items())
def test_a_time_is_read_as_it_is_meant(text: str, days: tuple[str, str]) -> None:
    period = find_period(text, NOW, "")
    assert period is not None
    assert (_day(period.start), _day(period.end)) == days


@pytest.mark.parametrize("text", ["", "May I ask?", "You may march on", "31 February", "room 2019", "a second ago"])
def test_what_names_no_time_has_none(text: str) -> None:
    assert find_period(text, NOW, "") is None


def test_a_day_begins_where_the_one_who_asks_is() -> None:
    period = find_period("yesterday", NOW, "Asia/Tokyo")
    assert period is not None
    assert (
        datetime.fromtimestamp(period.start / 1000, ZoneInfo("Asia/Tokyo")).isoformat() == "2026-11-27T00:00:00+09:00"
    )
    assert find_period("yesterday", NOW, "Nowhere/At_all") == find_period("yesterday", NOW, "UTC")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
