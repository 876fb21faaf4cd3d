"""The frames of simple clients, to the letter of the protocol."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.domain.events import (
    Event,
    PartEnded,
    PartKind,
    PartStarted,
    StepEnded,
    StepStarted,
    TextDelta,
    TurnContinued,
    TurnEnded,
    TurnFault,
    TurnStarted,
    TurnStatus,
    UsageReported,
)
from quarterdeck.domain.tagged import EntryEnded, EntryStarted, EntryText, TaggedParser
from quarterdeck.domain.usage import Usage
from quarterdeck.views.simple import SimpleView, error_frame

Frame = dict[str, Any]
Spoken = list[tuple[PartKind, list[str]]]

START: list[Event] = [TurnStarted("t", "c", "m", "r", "openai/x", 0), StepStarted(1, "openai/x", 0)]
FAULT = TurnFault("provider_cut", "The connection to the model broke.")


def frames_of(events: list[Event], min_chunk_chars: int = 20) -> list[Frame]:
    view = SimpleView("123", min_chunk_chars)
    return [json.loads(text) for event in events for text in view.encode(event)]


def events_of(spoken: Spoken, status: TurnStatus = "complete", leaves_open: bool = False) -> list[Event]:
    events = list(START)
    for part, (kind, texts) in enumerate(spoken):
        events.append(PartStarted(part, kind))
        events += [TextDelta(part, text) for text in texts]
        events.append(PartEnded(part))
    if leaves_open and spoken:
        events.pop()
    events += [UsageReported(1, Usage()), StepEnded(1, "stop")]
    events.append(TurnEnded(status, 1, FAULT if status == "failed" else None))
    return events


def events_of_answer(pieces: list[str]) -> list[Event]:
    """The events of a tagged answer, as the engine makes them."""
    parser = TaggedParser()
    events, part = list(START), -1
    for told in [*(parser.feed(piece) for piece in pieces), parser.close()]:
        for event in told:
            match event:
                case EntryStarted(tag):
                    part += 1
                    events.append(PartStarted(part, "idea" if tag == "idea" else "text"))
                case EntryText(text):
                    events.append(TextDelta(part, text))
                case EntryEnded():
                    events.append(PartEnded(part))
    return [*events, TurnEnded("complete", 1)]


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_the_seed_example_comes_out_to_the_letter(quote: str) -> None:
    answer = "\n".join(
        [f"idea: {quote}Whiskers{quote}", f"idea: {quote}Fluffy{quote}", f"message: {quote}Saved them!{quote}"]
    )
    for size in range(1, len(answer) + 1):
        pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
        assert frames_of(events_of_answer(pieces)) == [
            {"tag": "idea", "chunk": "Whiskers", "chatId": "123", "done": True},
            {"tag": "idea", "chunk": "Fluffy", "chatId": "123", "done": True},
            {"tag": "message", "chunk": "Saved them!", "chatId": "123", "done": True},
        ]


def test_a_long_entry_comes_in_chunks_of_at_least_the_minimum() -> None:
    spoken: Spoken = [("text", ["Hi! Here are", " some cat", " names:\n- Whiskers", "\n- Fluffy\n"])]
    assert frames_of(events_of(spoken)) == [
        {"tag": "message", "chunk": "Hi! Here are some cat", "chatId": "123"},
        {"tag": "message", "chunk": " names:\n- Whiskers\n- Fluffy\n", "chatId": "123"},
        {"tag": "message", "chunk": "", "chatId": "123", "done": True},
    ]


def test_a_minimum_of_one_sends_each_delta() -> None:
    assert frames_of(events_of([("idea", ["Fluf", "fy"])]), min_chunk_chars=1) == [
        {"tag": "idea", "chunk": "Fluf", "chatId": "123"},
        {"tag": "idea", "chunk": "fy", "chatId": "123"},
        {"tag": "idea", "chunk": "", "chatId": "123", "done": True},
        {"tag": "message", "chunk": "", "chatId": "123", "done": True},
    ]


def test_reasoning_and_tool_calls_are_not_told_and_several_texts_are_one_message() -> None:
    spoken: Spoken = [
        ("reasoning", ["Let me think about it for a while"]),
        ("text", ["One moment. "]),
        ("tool_call", ['{"query": "a long enough argument"}']),
        ("text", ["Here it is."]),
    ]
    assert frames_of(events_of(spoken)) == [
        {"tag": "message", "chunk": "One moment. Here it is.", "chatId": "123"},
        {"tag": "message", "chunk": "", "chatId": "123", "done": True},
    ]


@pytest.mark.parametrize("status", ["complete", "stopped"])
def test_ideas_without_a_message_still_end_with_one(status: TurnStatus) -> None:
    assert frames_of(events_of([("idea", ["Whis"])], status, leaves_open=True)) == [
        {"tag": "idea", "chunk": "Whis", "chatId": "123", "done": True},
        {"tag": "message", "chunk": "", "chatId": "123", "done": True},
    ]


def test_a_stopped_turn_ends_its_message() -> None:
    assert frames_of(events_of([("text", ["Half a"])], "stopped", leaves_open=True)) == [
        {"tag": "message", "chunk": "Half a", "chatId": "123", "done": True}
    ]


@pytest.mark.parametrize("kind", ["text", "idea"])
def test_a_failed_turn_tells_what_was_received_and_then_the_error(kind: PartKind) -> None:
    tag = "idea" if kind == "idea" else "message"
    assert frames_of(events_of([(kind, ["Half a"])], "failed", leaves_open=True)) == [
        {"tag": tag, "chunk": "Half a", "chatId": "123"},
        {"tag": "error", "chunk": "The connection to the model broke.", "chatId": "123", "done": True},
    ]


def test_an_idea_after_the_message_has_begun_is_a_line_of_the_message() -> None:
    spoken: Spoken = [("text", ["Saved."]), ("idea", ["Tom"]), ("text", [" Bye."])]
    assert frames_of(events_of(spoken)) == [
        {"tag": "message", "chunk": "Saved.\nTom Bye.", "chatId": "123", "done": True}
    ]


def test_nothing_is_told_after_the_end() -> None:
    view = SimpleView("1", 20)
    assert len(view.encode(TurnEnded("complete", 1))) == 1
    assert view.encode(PartStarted(0, "text")) == []
    assert view.encode(TextDelta(0, "x" * 99)) == []
    assert view.encode(TurnEnded("complete", 1)) == []


# laws

spoken_parts = st.lists(
    st.tuples(
        st.sampled_from(["text", "reasoning", "idea", "tool_call"]),
        st.lists(st.text(max_size=30), max_size=6),
    ),
    max_size=8,
)


def entries_wanted(spoken: Spoken) -> list[tuple[str, str]]:
    """The entries with text or (ideas) without that the frames must add up to."""
    ideas: list[tuple[str, str]] = []
    message = ""
    for kind, texts in spoken:
        text = "".join(texts)
        if kind == "text":
            message += text
        elif kind == "idea" and message:
            message += "\n" + text
        elif kind == "idea":
            ideas.append(("idea", text))
    return [*ideas, ("message", message)]


def entries_told(frames: list[Frame]) -> list[list[Frame]]:
    entries: list[list[Frame]] = [[]]
    for frame in frames:
        entries[-1].append(frame)
        if frame.get("done"):
            entries.append([])
    return [entry for entry in entries if entry]


@given(spoken_parts, st.sampled_from(["complete", "stopped", "failed"]), st.booleans(), st.integers(1, 25), st.data())
@example([("idea", []), ("text", [""])], "complete", False, 1, None)
def test_for_any_turn_the_frames_keep_the_protocol(
    spoken: Spoken, status: TurnStatus, leaves_open: bool, min_chunk_chars: int, draw: st.DataObject | None
) -> None:
    events = events_of(spoken, status, leaves_open)
    if draw is not None:
        events.insert(draw.draw(st.integers(1, len(events) - 1)), TurnContinued(5))
    frames = frames_of(events, min_chunk_chars)

    assert all(set(frame) in ({"tag", "chunk", "chatId"}, {"tag", "chunk", "chatId", "done"}) for frame in frames)
    assert all(frame.get("done", True) is True for frame in frames)
    terminal = [frame for frame in frames if frame["tag"] == "error" or (frame["tag"] == "message" and "done" in frame)]
    assert terminal == [frames[-1]]
    assert (frames[-1]["tag"] == "error") is (status == "failed")

    if status == "failed":
        frames.pop()
    told = entries_told(frames)
    for entry in told:
        assert len({frame["tag"] for frame in entry}) == 1
        assert all(len(frame["chunk"]) >= min_chunk_chars for frame in entry[:-1])
    said = [(entry[0]["tag"], "".join(frame["chunk"] for frame in entry)) for entry in told]
    wanted = entries_wanted(spoken)
    if status == "failed":  # an entry that was cut before its first character is not told
        said, wanted = [one for one in said if one[1]], [one for one in wanted if one[1]]
    assert said == wanted
    assert [tag for tag, _ in groupby(said, key=lambda entry: entry[0])] in (
        ["idea", "message"],
        ["message"],
        ["idea"],
        [],
    )


def test_an_error_is_one_line_and_ends_the_chat_it_names() -> None:
    assert json.loads(error_frame("123", "That went\n  wrong.")) == {
        "tag": "error",
        "chunk": "That went wrong.",
        "chatId": "123",
        "done": True,
    }
