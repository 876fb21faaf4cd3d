"""The Python fold over the fixtures that the page's fold runs as well (`web-ui/src/shared/log/fold.test.ts`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quarterdeck.domain.events import Event, PartStarted, TextDelta, TurnContinued, decode_event
from quarterdeck.domain.fold import Fold, fold
from quarterdeck.domain.parts import Continuation

FOLDER = Path(__file__).parents[2] / "fixtures" / "folds"
FIXTURES = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def _events(fixture: dict[str, Any]) -> list[Event]:
    return [decode_event(msgspec.json.encode(event)) for event in fixture["events"]]


@pytest.mark.parametrize("fixture", FIXTURES, ids=[fixture["name"] for fixture in FIXTURES])
def test_a_log_folds_to_what_the_fixture_says(fixture: dict[str, Any]) -> None:
    folded = msgspec.to_builtins(fold(_events(fixture)))
    assert {name: folded[name] for name in fixture["expect"]} == fixture["expect"]


@pytest.mark.parametrize("fixture", FIXTURES, ids=[fixture["name"] for fixture in FIXTURES])
def test_folding_in_two_sittings_is_the_same_as_in_one(fixture: dict[str, Any]) -> None:
    events = _events(fixture)
    for cut in range(len(events) + 1):
        state = Fold()
        for event in events[:cut]:
            state.apply(event)
        state.turn()
        for event in events[cut:]:
            state.apply(event)
        assert state.turn() == fold(events)


def test_there_are_fixtures_to_run() -> None:
    assert len(FIXTURES) >= 10


def test_a_continuation_counts_characters_not_bytes() -> None:
    folded = fold([PartStarted(0, "text"), TextDelta(0, "🌊水a"), TurnContinued(7)])
    assert folded.continuations == [Continuation(0, 3, 7)]


def test_a_delta_for_a_part_that_never_started_is_refused() -> None:
    with pytest.raises(IndexError):
        fold([TextDelta(0, "x")])
