"""Every kind of log, encoded for another front end and read by its own client, is the same answer as its fold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct
from tests.harness.front_ends import FrontEnds

from quarterdeck.domain.events import Event, TurnEnded
from quarterdeck.domain.fold import FoldedTurn, fold
from quarterdeck.domain.parts import IdeaPart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.views.ag_ui import AgUi
from quarterdeck.views.increments import Increments
from quarterdeck.views.ui_message_stream import UiMessageStream

FOLDER = Path(__file__).parents[1] / "fixtures" / "folds"
SDKS = ["ai", "ai6", "ai5"]  # its versions 7, 6 and 5: all of them speak v1 of this stream
FIXTURES = sorted(path.stem for path in FOLDER.glob("*.json"))


class Shown(Struct):
    """What a client has of an answer; of tools their names, arguments and results, by call."""

    text: str
    reasoning: str
    ideas: list[str]
    calls: dict[str, tuple[str, Any]]
    results: dict[str, str]
    error: str | None


def read_events(name: str) -> list[Event]:
    """Of the fixture; one that is still running is stopped, so that its stream has an end."""
    raw = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["events"]
    events = msgspec.convert(raw, list[Event])
    if not events:
        pytest.skip("an answer that has not begun says nothing")
    return events if isinstance(events[-1], TurnEnded) else [*events, TurnEnded("stopped", 1)]


def shown_by_fold(events: list[Event]) -> Shown:
    """As surfaces that only ever add can show it."""
    increments = Increments()
    folded: FoldedTurn = fold(added for event in events for added in increments.of(event))
    return Shown(
        text="".join(part.text for part in folded.parts if isinstance(part, TextPart)),
        reasoning="".join(part.text for part in folded.parts if isinstance(part, ReasoningPart)),
        ideas=[part.text for part in folded.parts if isinstance(part, IdeaPart)],
        calls={
            part.call: (part.name, json.loads(part.arguments or "{}"))
            for part in folded.parts
            if isinstance(part, ToolCallPart)
        },
        results={part.call: part.text for part in folded.parts if isinstance(part, ToolResultPart)},
        error=folded.error.message if folded.error else None,
    )


def shown_by_ui(answer: dict[str, Any]) -> Shown:
    parts = answer["message"]["parts"]
    tools = [part for part in parts if part["type"] == "dynamic-tool"]
    return Shown(
        text="".join(part["text"] for part in parts if part["type"] == "text"),
        reasoning="".join(part["text"] for part in parts if part["type"] == "reasoning"),
        ideas=[part["data"]["text"] for part in parts if part["type"] == "data-idea"],
        calls={part["toolCallId"]: (part["toolName"], part["input"]) for part in tools},
        results={part["toolCallId"]: part["output"] for part in tools if part["state"] == "output-available"}
        | {part["toolCallId"]: part["errorText"] for part in tools if part["state"] == "output-error"},
        error=answer["error"],
    )


def shown_by_ag_ui(answer: dict[str, Any]) -> Shown:
    messages = answer["messages"]
    calls = [call for message in messages for call in message.get("toolCalls", [])]
    return Shown(
        text="".join(message.get("content") or "" for message in messages if message["role"] == "assistant"),
        reasoning="".join(message["content"] for message in messages if message["role"] == "reasoning"),
        ideas=[event["value"]["text"] for event in answer["custom"] if event["name"] == "idea"],
        calls={
            call["id"]: (call["function"]["name"], json.loads(call["function"]["arguments"] or "{}")) for call in calls
        },
        results={message["toolCallId"]: message["content"] for message in messages if message["role"] == "tool"},
        error=answer["error"],
    )


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("name", FIXTURES)
async def test_the_ai_sdk_reads_what_the_log_says(front_ends: FrontEnds, name: str, sdk: str) -> None:
    events, view = read_events(name), UiMessageStream()
    answer = await front_ends.read_ui_message("".join(view.encode(event).decode() for event in events), sdk)
    assert shown_by_ui(answer) == shown_by_fold(events)


@pytest.mark.parametrize("name", FIXTURES)
async def test_ag_ui_reads_what_the_log_says(front_ends: FrontEnds, name: str) -> None:
    events, view = read_events(name), AgUi("t", "r")
    answer = await front_ends.read_ag_ui("".join(view.encode(event).decode() for event in events))
    assert shown_by_ag_ui(answer) == shown_by_fold(events)


@pytest.mark.parametrize("sdk", SDKS)
async def test_an_approval_is_a_part_that_changes_when_it_is_settled(front_ends: FrontEnds, sdk: str) -> None:
    events, view = read_events("approval-asked-and-given"), UiMessageStream()
    answer = await front_ends.read_ui_message("".join(view.encode(event).decode() for event in events), sdk)
    asked = [part["data"] for part in answer["message"]["parts"] if part["type"] == "data-approval"]
    assert [(one["call"], one["digest"], one.get("decision", "")) for one in asked] == [
        ("k1", "d1", "approved"),
        ("k2", "d2", ""),
    ]
