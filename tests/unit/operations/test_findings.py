"""What is judged from what a server says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from quarterdeck.operations.checks_fleet import judge_redis
from quarterdeck.operations.findings import size_text

GOOD: dict[str, Any] = {
    "redis_version": "7.4.1",
    "aof_enabled": 1,
    "maxmemory": 0,
    "maxmemory_policy": "noeviction",
    "used_memory": 1_000_000,
}


def states(**said: Any) -> dict[str, str]:
    return {finding.subject: finding.state for finding in judge_redis(GOOD | said)}


def test_a_redis_that_is_set_up_as_it_should_be_is_well() -> None:
    assert set(states().values()) == {"ok"}


@pytest.mark.parametrize(
    ("said", "subject", "state"),
    [
        ({"redis_version": "6.2.0"}, "log", "fail"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.0"}, "log", "ok"),
        ({"aof_enabled": 0}, "log's disk", "warn"),
        ({"maxmemory_policy": "allkeys-lru"}, "log's eviction", "fail"),
        ({"maxmemory": 1_100_000}, "log's memory", "warn"),
        ({"maxmemory": 9_000_000}, "log's memory", "ok"),
    ],
)
def test_what_could_lose_an_answer_is_told(said: dict[str, Any], subject: str, state: str) -> None:
    assert states(**said) == dict.fromkeys(states(), "ok") | {subject: state}


def test_advice_stands_where_something_is_to_be_done_and_only_there() -> None:
    for said in ({}, {"aof_enabled": 0}, {"redis_version": "6.0"}, {"maxmemory_policy": "allkeys-lru", "maxmemory": 1}):
        for finding in judge_redis(GOOD | said):
            assert bool(finding.advice) == (finding.state != "ok")


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (17_300_000, "17.3 MB"), (250_000_000, "250 MB")],
)
def test_sizes_are_said_as_people_read_them(count: int, said: str) -> None:
    assert size_text(count) == said
