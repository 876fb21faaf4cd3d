"""Times that a query names are resolved against now, where the one who asks is."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from quarterdeck.memory.dates import asks_when, find_period, names_time
from quarterdeck.memory.terms import count_terms_of

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


@pytest.mark.parametrize(
    "text",
    ["When did the ferry sail?", "And when is the regatta", "WHEN WERE we in Oslo?", "In which month was the mast set?",
     "What year did she move", "Seit wann rudert er?"],
)  # fmt: skip
def test_a_question_for_a_time_is_known(text: str) -> None:
    assert asks_when(text)


@pytest.mark.parametrize(
    "text",
    ["", "When I was in Oslo, what did I eat?", "whenever it rains", "What did she say when we met?", "¿Cuándo?"],
)
def test_what_only_tells_a_time_asks_for_none(text: str) -> None:
    assert not asks_when(text)


@pytest.mark.parametrize(
    "text",
    ["We sailed yesterday.", "It broke last Tuesday", "two weeks ago", "I moved here in 2019.", "the fair in September",
     "Nächsten Monat, im März"],
)  # fmt: skip
def test_what_tells_a_time_names_one(text: str) -> None:
    assert names_time(count_terms_of(text))


@pytest.mark.parametrize("text", ["", "The varnish is dry.", "May I ask?", "room 4012"])
def test_other_words_name_no_time(text: str) -> None:
    assert not names_time(count_terms_of(text))


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
