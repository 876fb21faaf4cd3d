"""An answer that is restored, for surfaces that cannot take back what they sent."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.events import (
    Event,
    PartEnded,
    PartKind,
    PartStarted,
    TextDelta,
    TurnEnded,
    TurnRestored,
    TurnStarted,
)
from quarterdeck.domain.fold import fold
from quarterdeck.views.increments import Increments
from quarterdeck.views.simple import SimpleView

STARTED = TurnStarted("t", "c", "m", "r", "openai/x", 0)
ENDED = TurnEnded("complete", 9)


def told(events: list[Event]) -> list[Event]:
    increments = Increments()
    return [added for event in events for added in increments.of(event)]


def restored(events: list[Event]) -> TurnRestored:
    """What a log begins with that is written anew after `events`."""
    so_far = fold(events)
    return TurnRestored("t", "c", "m", "r", "openai/x", 0, parts=so_far.parts, open=so_far.open, steps=1, attempts=1)


def entries_of(events: list[Event]) -> list[tuple[str, str]]:
    """(tag, text) of what a simple client adds up."""
    view = SimpleView("1", 5)
    entries = [("", "")]
    for frame in (json.loads(text) for event in events for text in view.encode(event)):
        entries[-1] = (frame["tag"], entries[-1][1] + frame["chunk"])
        if frame.get("done"):
            entries.append(("", ""))
    return entries[:-1]


answers = st.lists(
    st.tuples(st.sampled_from(["text", "idea", "reasoning"]), st.lists(st.text(min_size=1, max_size=12), max_size=4)),
    min_size=1,
    max_size=5,
)


def events_of(spoken: list[tuple[PartKind, list[str]]]) -> list[Event]:
    events: list[Event] = [STARTED]
    for part, (kind, texts) in enumerate(spoken):
        events += [PartStarted(part, kind), *(TextDelta(part, text) for text in texts), PartEnded(part)]
    return [*events, ENDED]


@given(answers, st.data())
def test_wherever_the_log_is_lost_the_same_is_told_once(
    spoken: list[tuple[PartKind, list[str]]], data: st.DataObject
) -> None:
    """The viewer had seen up to one event, the new log begins at it or after it."""
    events = events_of(spoken)
    seen = data.draw(st.integers(0, len(events) - 1))
    written = data.draw(st.integers(max(seen, 1), len(events) - 1))
    cut = [*events[:seen], restored(events[:written]), *events[written:]]
    assert fold(told(cut)).parts == fold(events).parts
    assert entries_of(cut) == entries_of(events)


def test_an_answer_that_begins_again_follows_what_was_told_of_it() -> None:
    events: list[Event] = [
        STARTED, PartStarted(0, "idea"), TextDelta(0, "Tom"), PartEnded(0), PartStarted(1, "text"),
        TextDelta(1, "Half"),
        restored([STARTED]), PartStarted(0, "text"), TextDelta(0, "All of it."), PartEnded(0), ENDED,
    ]  # fmt: skip
    assert entries_of(events) == [("idea", "Tom"), ("message", "Half\n\nAll of it.")]


def test_what_comes_after_a_second_restoration_is_told_once() -> None:
    first: list[Event] = [STARTED, PartStarted(0, "text"), TextDelta(0, "One ")]
    second: list[Event] = [*first, TextDelta(0, "two ")]
    events = [*first, restored(second), restored(second), TextDelta(0, "three"), PartEnded(0), ENDED]
    assert entries_of(events) == [("message", "One two three")]
