"""Negative controls: the checks of the fault tests complain about every kind of loss."""

from __future__ import annotations

from typing import Any

import pytest
from tests.harness.checks import Transcript, find_differences, find_disorder, find_shrinking
from tests.harness.full_client import has_ended

TURN: Transcript = [
    (1, {"type": "turn.started", "at": 1} | dict.fromkeys(("turn", "message", "request", "model", "conversation"), "")),
    (2, {"type": "step.started", "step": 1, "model": "x", "at": 2}),
    (3, {"type": "part.started", "part": 0, "kind": "text"}),
    (4, {"type": "text.delta", "part": 0, "text": "one "}),
    (5, {"type": "text.delta", "part": 0, "text": "two"}),
    (6, {"type": "part.ended", "part": 0}),
    (7, {"type": "usage.reported", "step": 1, "usage": {"input_tokens": 5, "output_tokens": 2}}),
    (8, {"type": "turn.ended", "status": "complete", "at": 9}),
]  # fmt: skip
STORED: dict[str, Any] = {
    "status": "complete",
    "parts": [{"kind": "text", "text": "one two"}],
    "error": None,
    "continuations": [],
    "usage": {"input_tokens": 5, "output_tokens": 2},
    "ended_at": 9,
}


def test_a_good_transcript_passes() -> None:
    assert find_disorder(TURN) == []
    assert find_disorder(TURN[3:], after=3) == []
    assert find_differences(TURN, STORED) == []
    assert has_ended(TURN)


@pytest.mark.parametrize("index", range(len(TURN)))
def test_a_lost_event_is_seen(index: int) -> None:
    assert find_disorder(TURN[:index] + TURN[index + 1 :])


@pytest.mark.parametrize("index", range(len(TURN)))
def test_a_repeated_event_is_seen(index: int) -> None:
    assert find_disorder(TURN[: index + 1] + TURN[index:])


@pytest.mark.parametrize("index", range(len(TURN) - 1))
def test_a_reordered_event_is_seen(index: int) -> None:
    swapped = [*TURN[:index], TURN[index + 1], TURN[index], *TURN[index + 2 :]]
    assert find_disorder(swapped)


def test_a_second_end_is_seen() -> None:
    assert find_disorder([*TURN, (9, TURN[-1][1])])


def test_an_end_that_never_comes_is_seen() -> None:
    assert find_disorder(TURN[:-1])


@pytest.mark.parametrize(
    "change",
    [
        {"parts": [{"kind": "text", "text": "one tw"}]},
        {"parts": []},
        {"status": "failed"},
        {"usage": None},
        {"continuations": [{"part": 0, "offset": 4, "at": 3}]},
        {"error": {"code": "x", "message": "y"}},
        {"ended_at": 8},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_stored_message_that_differs_is_seen(change: dict[str, Any]) -> None:
    assert find_differences(TURN, STORED | change)


def test_text_that_shrinks_or_changes_is_seen() -> None:
    assert find_shrinking(["one two"], ["one two three"]) == []
    assert find_shrinking(["one two"], ["one tw"])
    assert find_shrinking(["one two"], ["one twO three"])
    assert find_shrinking(["one", "two"], ["one"])
