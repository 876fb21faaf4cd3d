"""Vercel's AI SDK as it comes (`AbstractChat` with its `DefaultChatTransport`) against a real server."""

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

Message = dict[str, Any]


def texts(message: Message, kind: str = "text") -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == kind)


def ideas(message: Message) -> list[str]:
    return [part["data"]["text"] for part in message["parts"] if part["type"] == "data-idea"]


def stored_in(http: httpx2.Client, chat: str) -> list[Message]:
    conversation = http.get(f"/api/conversations/{chat}").json()["id"]
    return fetch_messages(http, conversation)


async def test_a_chat_streams_an_answer_and_knows_it_by_its_stored_id(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds
) -> None:
    chat, model = new_name("chat"), upstream.model(Script(pieces=words(30), usage=ScriptedUsage(input=7, output=30)))
    answer = await front_ends.ui_chat(server.port, server.key, chat, [{"send": "Hello"}], body={"model": model})
    assert (answer["status"], answer["error"], answer["isError"]) == ("ready", None, False)
    question, told = answer["messages"]
    stored = stored_in(http, chat)
    assert texts(question) == text_of(stored[0]) == "Hello"
    assert told["id"] == stored[1]["id"]
    assert texts(told) == text_of(stored[1]) == "".join(words(30))
    assert answer["finishReason"] == "stop"
    assert told["metadata"]["usage"] == stored[1]["usage"]
    assert told["metadata"]["turn"] == stored[1]["turn"]
    assert all(part.get("state", "done") == "done" for part in told["parts"])


async def test_reasoning_and_ideas_are_parts_of_their_own(
    server: Server, upstream: Upstream, front_ends: FrontEnds
) -> None:
    thinking = upstream.model(Script(reasoning=["Let me ", "think."], pieces=["Done."]))
    tagged = upstream.model(Script(pieces=list(TAGGED)))
    one, two = await asyncio.gather(
        front_ends.ui_chat(server.port, server.key, new_name("chat"), [{"send": "Hm"}], body={"model": thinking}),
        front_ends.ui_chat(
            server.port, server.key, new_name("chat"), [{"send": "Cats"}], body={"model": tagged, "assistant": "ideas"}
        ),
    )
    assert (texts(one["messages"][1], "reasoning"), texts(one["messages"][1])) == ("Let me think.", "Done.")
    assert (ideas(two["messages"][1]), texts(two["messages"][1])) == (["Whiskers", "Fluffy"], "Saved them!")


async def test_a_failed_answer_keeps_its_text_and_says_why(
    server: Server, upstream: Upstream, front_ends: FrontEnds
) -> None:
    model = upstream.model(Script(pieces=words(10), fault="cut", fault_after=6))
    answer = await front_ends.ui_chat(
        server.port, server.key, new_name("chat"), [{"send": "Hello"}], body={"model": model}
    )
    assert answer["status"] == "error"
    assert answer["isError"]
    assert answer["error"].endswith(".")
    assert texts(answer["messages"][1]) == "".join(words(6))
    assert answer["messages"][1]["metadata"]["code"] == "provider_cut"


async def test_a_stopped_answer_ends_as_aborted_with_what_it_has(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds
) -> None:
    chat, model = new_name("chat"), upstream.model(Script(pieces=words(5), fault="stall", fault_after=5))
    asking = asyncio.create_task(
        front_ends.ui_chat(server.port, server.key, chat, [{"send": "Hello"}], body={"model": model})
    )
    turn = await wait_until_async(lambda: running_turn(http, chat), "the turn to run")
    async with open_full(server.port, server.key) as client:
        await client.ask("follow", turn=turn)
        await client.until_text(turn, len("".join(words(5))))
        assert http.post(f"/api/turns/{turn}/stop").status_code == 202
    answer = await asking
    assert (answer["status"], answer["error"]) == ("ready", None)
    assert answer["chunks"][-1] == {"type": "abort", "reason": "stopped"}
    assert texts(answer["messages"][1]) == "".join(words(5))
    assert answer["messages"][1]["metadata"]["status"] == "stopped"


async def running_turn(http: httpx2.Client, chat: str) -> str | None:
    found = http.get(f"/api/conversations/{chat}")
    running: str | None = found.json().get("running_turn") if found.status_code == 200 else None
    return running


async def test_a_chat_that_comes_back_resumes_the_answer_from_its_beginning(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds
) -> None:
    chat, model = new_name("chat"), upstream.model(Script(pieces=words(60), delay_s=0.02))
    sent = {"conversation": chat, "text": "Hello", "model": model}
    assert http.post("/api/messages", json=sent).status_code == 202
    answer = await front_ends.ui_chat(server.port, server.key, chat, [{"resume": True}])
    assert answer["statuses"] == [200]
    assert texts(answer["messages"][-1]) == "".join(words(60))
    again = await front_ends.ui_chat(server.port, server.key, chat, [{"resume": True}])
    assert (again["statuses"], again["messages"], again["status"]) == ([204], [], "ready")


async def test_a_chat_that_nobody_knows_has_nothing_to_resume(server: Server, front_ends: FrontEnds) -> None:
    answer = await front_ends.ui_chat(server.port, server.key, new_name("chat"), [{"resume": True}])
    assert (answer["statuses"], answer["error"]) == ([204], None)


async def test_regenerating_and_editing_make_branches(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds
) -> None:
    chat, model = new_name("chat"), upstream.model(Script(pieces=["one"]))
    first = await front_ends.ui_chat(
        server.port, server.key, chat, [{"send": "Hello"}, {"regenerate": None}], body={"model": model}
    )
    question, answer = first["messages"]
    stored = stored_in(http, chat)
    assert [message["id"] for message in stored] == [stored[0]["id"], answer["id"]]
    assert stored[1]["siblings"]["count"] == 2
    edited = await front_ends.ui_chat(
        server.port, server.key, chat, [{"edit": [question["id"], "Goodbye"]}],
        messages=first["messages"], body={"model": model},
    )  # fmt: skip
    assert [texts(message) for message in edited["messages"]] == ["Goodbye", "one"]
    stored = stored_in(http, chat)
    assert [text_of(message) for message in stored] == ["Goodbye", "one"]
    assert stored[0]["siblings"]["count"] == 2


async def test_the_stored_messages_are_what_the_stream_added_up_to(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds
) -> None:
    chat, model = new_name("chat"), upstream.model(Script(reasoning=["Hm."], pieces=words(9)))
    steps = [{"send": "One"}, {"send": "Two"}]
    answer = await front_ends.ui_chat(server.port, server.key, chat, steps, body={"model": model})
    listed = http.get(f"/api/ui/chat/{chat}/messages").json()
    assert [message["role"] for message in listed] == ["user", "assistant", "user", "assistant"]
    for told, kept in zip(answer["messages"], listed, strict=True):
        assert [shown(part) for part in told["parts"] if part["type"] != "step-start"] == list(
            map(shown, kept["parts"])
        )
    assert [answer["messages"][at]["id"] for at in (1, 3)] == [listed[at]["id"] for at in (1, 3)]


def shown(part: dict[str, Any]) -> tuple[str, str]:
    return part["type"], part["text"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"id": "a", "role": "assistant", "parts": [{"type": "text", "text": "Hi"}]}],
        [{"id": "m", "role": "user", "parts": [{"type": "file", "mediaType": "image/png", "url": "data:,x"}]}],
        [{"id": "m", "role": "user", "parts": []}],
    ],
)
def test_what_cannot_be_answered_is_refused_before_the_stream(http: httpx2.Client, messages: list[Message]) -> None:
    answer = http.post("/api/ui/chat", json={"id": new_name("chat"), "messages": messages})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")


def test_the_stream_names_its_protocol_and_its_turn(http: httpx2.Client, upstream: Upstream) -> None:
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
    sent = {"id": new_name("chat"), "messages": [message], "model": upstream.model(Script(pieces=["Hi"]))}
    answers = [http.post("/api/ui/chat", json=sent) for _ in range(2)]
    assert answers[0].headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert answers[0].text.endswith("data: [DONE]\n\n")
    assert answers[0].headers["x-turn-id"] == answers[1].headers["x-turn-id"]
    assert answers[0].text == answers[1].text  # the same message is the same turn


def test_somebody_elses_chat_is_none_at_all(http: httpx2.Client, stranger: httpx2.Client, upstream: Upstream) -> None:
    chat, model = new_name("chat"), upstream.model(Script(pieces=["x"], fault="stall", fault_after=1))
    accepted = http.post("/api/messages", json={"conversation": chat, "text": "Secret", "model": model}).json()
    for name in (chat, accepted["conversation"]):
        assert stranger.get(f"/api/ui/chat/{name}/stream").status_code == 204
        assert stranger.get(f"/api/ui/chat/{name}/messages").status_code == 404
    regenerate = {"id": accepted["conversation"], "messages": [], "trigger": "regenerate-message"}
    assert stranger.post("/api/ui/chat", json=regenerate | {"messageId": accepted["answer"]}).status_code == 404
    http.post(f"/api/turns/{accepted['turn']}/stop")
