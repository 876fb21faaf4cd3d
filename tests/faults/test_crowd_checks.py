"""Negative controls: what the tests of many processes look for is seen when it is there."""

from __future__ import annotations

from typing import Any

import pytest
from tests.harness.crowd import Record, Viewer, find_losses, find_wrong_views

ACCEPTED = {"turn": "t", "conversation": "m", "message": "q", "answer": "a"}
QUESTION = {"id": "q", "conversation": "m", "role": "user", "status": "complete", "parts": [{"text": "the text of m"}]}
ANSWER = {"id": "a", "conversation": "m", "role": "assistant", "status": "complete", "parts": [{"text": "one two"}]}
EVENTS: list[tuple[int, dict[str, Any]]] = [
    (1, {"type": "turn.started", "at": 1} | dict.fromkeys(("turn", "message", "request", "model", "conversation"), "")),
    (2, {"type": "step.started", "step": 1, "model": "x", "at": 2}),
    (3, {"type": "part.started", "part": 0, "kind": "text"}),
    (4, {"type": "text.delta", "part": 0, "text": "one two"}),
    (5, {"type": "turn.ended", "status": "complete", "at": 9}),
]  # fmt: skip


def record() -> Record:
    return Record(sent={"m": "the text of m"}, acked={"m": ACCEPTED})


def test_what_is_stored_once_passes() -> None:
    assert find_losses([QUESTION, ANSWER], record()) == []
    assert find_losses([], Record(sent={"m": "never acknowledged"})) == []


@pytest.mark.parametrize(
    "stored",
    [
        [],
        [ANSWER],
        [QUESTION],
        [QUESTION, QUESTION, ANSWER, ANSWER],
        [QUESTION, ANSWER, ANSWER],
        [QUESTION | {"id": "another"}, ANSWER],
        [QUESTION | {"parts": [{"text": "the text of"}]}, ANSWER],
    ],
    ids=["lost", "question lost", "answer lost", "doubled", "answered twice", "another", "cut"],
)
def test_a_lost_or_doubled_message_is_seen(stored: list[dict[str, Any]]) -> None:
    assert find_losses(stored, record())


def test_a_second_turn_for_the_same_id_is_seen() -> None:
    twice = record()
    twice.second_turns.append("m became a second turn")
    assert find_losses([QUESTION, ANSWER], twice)


def viewer_of(events: list[tuple[int, dict[str, Any]]]) -> Viewer:
    viewer = Viewer("socket", 0, "", ACCEPTED)
    viewer.transcript = list(events)
    viewer.arrivals = [10.0, 10.1, 10.2, 14.2, 14.3][: len(events)]
    return viewer


def test_a_whole_view_passes() -> None:
    assert find_wrong_views([viewer_of(EVENTS)], "one two", {"t": ANSWER}) == []


@pytest.mark.parametrize(
    "events",
    [
        EVENTS[:3] + EVENTS[4:],
        EVENTS[:4],
        [*EVENTS[:4], EVENTS[3], EVENTS[4]],
        [*EVENTS, (6, EVENTS[-1][1])],
        [*EVENTS[:3], (4, {"type": "text.delta", "part": 0, "text": "one tw"}), EVENTS[4]],
        [],
    ],
    ids=["a gap", "no end", "a repeat", "two ends", "a lost character", "nothing"],
)
def test_a_view_that_differs_is_seen(events: list[tuple[int, dict[str, Any]]]) -> None:
    assert find_wrong_views([viewer_of(events)], "one two", {"t": ANSWER})


@pytest.mark.parametrize("change", [{"status": "failed"}, {"status": "running"}, {"parts": []}], ids=str)
def test_an_answer_that_is_stored_otherwise_is_seen(change: dict[str, Any]) -> None:
    assert find_wrong_views([viewer_of(EVENTS)], "one two", {"t": ANSWER | change})


def test_a_gap_is_measured_as_the_viewer_sees_it() -> None:
    viewer = viewer_of(EVENTS)
    assert viewer.longest_gap_s == pytest.approx(4.0)
    assert viewer.first_after(10.15) == pytest.approx(0.05)
    assert viewer.first_after(99.0) is None
