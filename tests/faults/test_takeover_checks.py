"""Negative controls: what is asked of turns that were taken over is not always true."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from tests.faults.test_checks import STORED, TURN
from tests.harness.checks import Transcript
from tests.harness.full_client import FullClient
from tests.harness.takeover import MIDDLE, UNSAVED, WatchedTurn, find_touched, find_wrong, percentile

CONTINUED: Transcript = [
    *TURN[:4],
    (5, {"type": "turn.continued", "at": 5}),
    *((seq + 1, event) for seq, event in TURN[4:]),
]
KEPT = STORED | {"continuations": [{"part": 0, "offset": 4, "at": 5}]}


def make_turn(stage: str, transcript: Transcript) -> WatchedTurn:
    nobody = cast("FullClient", None)  # it has seen all it will see
    return WatchedTurn(
        stage, "x", ["one ", "two"], nobody, {"turn": "t"}, shown=["one "], transcript=transcript, taken_s=9.0
    )


def test_a_turn_that_went_on_well_passes() -> None:
    assert find_wrong(make_turn(MIDDLE, CONTINUED), KEPT, 2) == []
    assert find_touched(make_turn(MIDDLE, TURN), STORED, 1) == []


def test_a_third_request_is_seen_and_so_is_one_for_an_answer_that_was_whole() -> None:
    assert find_wrong(make_turn(MIDDLE, CONTINUED), KEPT, 3)
    assert find_wrong(make_turn(UNSAVED, CONTINUED), KEPT, 2)
    assert find_touched(make_turn(MIDDLE, TURN), STORED, 2)


def test_a_living_processs_turn_that_was_taken_from_it_is_seen() -> None:
    assert find_touched(make_turn(MIDDLE, CONTINUED), KEPT, 1)


def test_what_a_woken_process_adds_is_seen() -> None:
    late = [*CONTINUED[:6], (7, {"type": "text.delta", "part": 0, "text": "two"})]
    late += [(seq + 1, event) for seq, event in CONTINUED[6:]]
    assert find_wrong(make_turn(MIDDLE, late), KEPT, 2)
    assert find_wrong(make_turn(MIDDLE, [*CONTINUED, (10, CONTINUED[-1][1])]), KEPT, 2)


def test_text_that_was_shown_and_is_gone_is_seen() -> None:
    assert find_wrong(replace(make_turn(MIDDLE, CONTINUED), shown=["one other"]), KEPT, 2)


def test_a_turn_that_nobody_took_is_seen() -> None:
    assert find_wrong(replace(make_turn(MIDDLE, CONTINUED), taken_s=None), KEPT, 2)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == expected
