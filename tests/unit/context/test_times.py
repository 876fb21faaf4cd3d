"""The line that says when a message was sent: right in every zone, also when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.context.times import explain_times, now_line, sent_line
from quarterdeck.domain.periods import find_zone, zone_or_utc

BERLIN = zone_or_utc("Europe/Berlin")
S, MIN, H, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("utc", "shown"),
    [
        ("2026-03-29T00:59:00+00:00", "Sun 2026-03-29 01:59 +01:00"),
        ("2026-03-29T01:00:00+00:00", "Sun 2026-03-29 03:00 +02:00"),  # an hour is left out
        ("2026-10-25T00:30:00+00:00", "Sun 2026-10-25 02:30 +02:00"),
        ("2026-10-25T01:30:00+00:00", "Sun 2026-10-25 02:30 +01:00"),  # the same hour again
    ],
)
def test_the_local_time_is_right_when_the_clocks_change(utc: str, shown: str) -> None:
    assert sent_line(at(utc), BERLIN) == f"[Sent {shown}]\n"


@pytest.mark.parametrize(
    ("passed", "shown"),
    [
        (-5 * S, "0 s"), (59 * S, "59 s"), (60 * S, "1 min"), (59 * MIN, "59 min"), (H, "1 h"), (47 * H, "47 h"),
        (2 * DAY, "2 days"), (400 * DAY, "400 days"),
    ],
)  # fmt: skip
def test_the_gap_is_what_has_passed_whatever_the_clocks_show(passed: int, shown: str) -> None:
    before = at("2026-03-28T23:30:00+00:00")  # the clocks change two hours later
    assert f", {shown} after the answer of " in sent_line(before + passed, BERLIN, before, "assistant")


def test_another_day_is_named() -> None:
    line = sent_line(at("2026-11-28T19:00:00+00:00"), BERLIN, at("2026-11-27T08:05:00+00:00"), "user")
    assert line == "[Sent Sat 2026-11-28 20:00 +01:00, 34 h after the message of Fri 2026-11-27 09:05]\n"


@given(st.integers(0, 60_000_000), st.sampled_from(["Asia/Kolkata", "America/St_Johns"]))
def test_zones_with_half_hours_are_written_with_them(minutes: int, name: str) -> None:
    moment = datetime.fromtimestamp(minutes * 60, UTC)
    text = sent_line(int(moment.timestamp() * 1000), zone_or_utc(name))[10:33]
    assert datetime.strptime(text, "%Y-%m-%d %H:%M %z") == moment.astimezone(ZoneInfo(name))


def test_what_time_it_is_now_is_said_only_where_the_question_does_not() -> None:
    asked = at("2026-11-28T19:00:00+00:00")
    assert now_line(asked + 4 * MIN, asked, BERLIN) == ""
    assert now_line(asked + 5 * H, asked, BERLIN) == "[Now it is Sun 2026-11-29 01:00 +01:00, 5 h after this was sent]"


@pytest.mark.parametrize("name", ["", "Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "x" * 200, "Europe", "é"])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert find_zone(name) is None
    assert zone_or_utc(name) is UTC
    assert "UTC" in explain_times(name)
