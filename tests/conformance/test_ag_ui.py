"""AG-UI's own client (`HttpAgent` of `@ag-ui/client`), which verifies the order of events, against a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from tests.fakes.script import TAGGED, Script, ScriptedUsage, words
from tests.harness.front_ends import FrontEnds
from tests.harness.full_client import new_name, open_full
from tests.harness.server import Server
from tests.harness.stored import fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until_async


def question(text: str = "Hello") -> dict[str, Any]:
    return {"id": new_name("m"), "role": "user", "content": text}


def of_type(answer: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [event for event in answer["events"] if event["type"] == kind]


async def test_an_agent_answers_and_its_message_has_the_stored_id(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds
) -> None:
    thread = new_name("thread")
    model = upstream.model(Script(pieces=words(30), usage=ScriptedUsage(input=7, output=30)))
    answer = await front_ends.ag_ui(server.port, server.key, thread, [question()], model=model)
    assert answer["error"] is None
    stored = fetch_messages(http, http.get(f"/api/conversations/{thread}").json()["id"])
    said = answer["messages"][-1]
    assert (said["id"], said["role"], said["content"]) == (stored[1]["id"], "assistant", "".join(words(30)))
    assert text_of(stored[1]) == said["content"]
    kinds = [event["type"] for event in answer["events"]]
    assert (kinds[0], kinds[1], kinds[-2], kinds[-1]) == (
        "RUN_STARTED",
        "STEP_STARTED",
        "STEP_FINISHED",
        "RUN_FINISHED",
    )
    assert answer["ended"]["outcome"] == {"type": "success"}
    assert answer["ended"]["usage"] == [
        {"provider": "openai", "model": model.partition("/")[2], "inputTokens": 7, "outputTokens": 30}
    ]


async def test_a_thread_is_a_conversation(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds
) -> None:
    thread, model = new_name("thread"), upstream.model(Script(pieces=["ok"]))
    first = await front_ends.ag_ui(server.port, server.key, thread, [question("One")], model=model)
    messages = [*first["messages"], question("Two")]
    second = await front_ends.ag_ui(server.port, server.key, thread, messages)
    stored = fetch_messages(http, http.get(f"/api/conversations/{thread}").json()["id"])
    assert [text_of(message) for message in stored] == ["One", "ok", "Two", "ok"]
    assert [message["content"] for message in second["messages"]] == ["One", "ok", "Two", "ok"]


async def test_reasoning_and_ideas_are_told_as_such(server: Server, upstream: Upstream, front_ends: FrontEnds) -> None:
    thinking = upstream.model(Script(reasoning=["Let me ", "think."], pieces=["Done."]))
    tagged = upstream.model(Script(pieces=list(TAGGED)))
    one, two = await asyncio.gather(
        front_ends.ag_ui(server.port, server.key, new_name("t"), [question()], model=thinking),
        front_ends.ag_ui(server.port, server.key, new_name("t"), [question()], model=tagged, assistant="ideas"),
    )
    assert (one["error"], two["error"]) == (None, None)
    said = [(message["role"], message["content"]) for message in one["messages"][1:]]
    assert said == [("reasoning", "Let me think."), ("assistant", "Done.")]
    ideas = [event["value"]["text"] for event in of_type(two, "CUSTOM") if event["name"] == "idea"]
    assert (ideas, two["messages"][-1]["content"]) == (["Whiskers", "Fluffy"], "Saved them!")


async def test_a_failed_run_keeps_its_text_and_says_why(
    server: Server, upstream: Upstream, front_ends: FrontEnds
) -> None:
    model = upstream.model(Script(pieces=words(10), fault="cut", fault_after=6))
    answer = await front_ends.ag_ui(server.port, server.key, new_name("t"), [question()], model=model)
    assert answer["error"]["code"] == "provider_cut"
    assert answer["messages"][-1]["content"] == "".join(words(6))


async def test_a_stopped_run_ends_as_cancelled_with_what_it_has(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds
) -> None:
    thread, model = new_name("t"), upstream.model(Script(pieces=words(5), fault="stall", fault_after=5))
    running = asyncio.create_task(front_ends.ag_ui(server.port, server.key, thread, [question()], model=model))
    turn = await wait_until_async(lambda: running_turn(http, thread), "the turn to run")
    async with open_full(server.port, server.key) as client:
        await client.ask("follow", turn=turn)
        await client.until_text(turn, len("".join(words(5))))
        assert http.post(f"/api/turns/{turn}/stop").status_code == 202
    answer = await running
    assert answer["error"] is None
    assert answer["ended"]["outcome"] == {"type": "cancelled"}
    assert answer["messages"][-1]["content"] == "".join(words(5))


async def running_turn(http: httpx2.Client, thread: str) -> str | None:
    found = http.get(f"/api/conversations/{thread}")
    running: str | None = found.json().get("running_turn") if found.status_code == 200 else None
    return running


async def test_the_same_message_run_again_is_the_same_turn(
    server: Server, upstream: Upstream, front_ends: FrontEnds
) -> None:
    thread, asked, model = new_name("t"), question(), upstream.model(Script(pieces=words(9)))
    answers = [await front_ends.ag_ui(server.port, server.key, thread, [asked], model=model) for _ in range(2)]
    assert answers[0]["messages"] == answers[1]["messages"]
    assert len(upstream.requests(model)) == 1


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"id": "a", "role": "assistant", "content": "Hi"}],
        [{"id": "m", "role": "user", "content": [{"type": "image", "source": {"type": "url", "value": "x"}}]}],
        [{"id": "m", "role": "user", "content": "  "}],
    ],
)
def test_what_cannot_be_answered_is_refused_before_the_stream(
    http: httpx2.Client, messages: list[dict[str, Any]]
) -> None:
    answer = http.post("/api/ag-ui", json={"threadId": new_name("t"), "runId": "r", "messages": messages})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")


def test_tools_of_the_front_end_are_refused_in_a_sentence(http: httpx2.Client, upstream: Upstream) -> None:
    """Else it would wait for calls that never come. An empty list, as its clients always send it, is none."""
    model = upstream.model(Script())
    tool = {"name": "paint", "description": "Paint the page.", "parameters": {"type": "object", "properties": {}}}
    run = {"threadId": new_name("t"), "runId": "r", "messages": [question()], "forwardedProps": {"model": model}}
    refused = http.post("/api/ag-ui", json=run | {"tools": [tool]})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_input")
    assert "Tools of a front end" in refused.json()["detail"]
    assert upstream.requests(model) == []
    assert http.post("/api/ag-ui", json=run | {"tools": []}).status_code == 200
