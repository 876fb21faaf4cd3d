"""The surface matrix: one turn, seen over every surface, is the same message.

Each surface is a way to get at the turn's text and ideas; each script is something that a turn can do.
To add a surface: what it shows, as a `Seen`, and its line in `see_everywhere`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import httpx2
import msgspec
import pytest
from msgspec import Struct
from tests.conftest import MakeServer
from tests.fakes.script import TAGGED, Script, ScriptedCall, ScriptedUsage, words
from tests.harness.checks import Transcript, fold_transcript
from tests.harness.front_ends import FrontEnds
from tests.harness.full_client import FullClient, new_name, open_full
from tests.harness.polling import watch_by_client, watch_by_frame_stream, watch_by_frames, watch_by_poll
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.stored import fetch_message
from tests.harness.upstream import Upstream

from quarterdeck.domain.events import Event
from quarterdeck.domain.fold import FoldedTurn, fold
from quarterdeck.web.encoded import message_key


class Case(Struct):
    """What a turn does, and how it ends."""

    script: Script
    status: str
    assistant: str = ""
    stops: bool = False
    error: str = ""


CASES = {
    "text": Case(Script(pieces=words(40), usage=ScriptedUsage(input=7)), "complete"),
    "text of many scripts": Case(Script(pieces=["Grüße, ", "漢字 🧭", "\u200d", "é\n\"'\\\x7f", "\u2028"]), "complete"),
    "reasoning": Case(Script(reasoning=["Let me ", "think."], pieces=["I ", "thought."]), "complete"),
    "a tool that nobody offered": Case(
        Script(pieces=["Looking. "], tool_calls=[ScriptedCall("k1", "look", ['{"a":', "1}"])], finish="tool_calls"),
        "complete",
    ),
    "ideas": Case(Script(pieces=list(TAGGED)), "complete", assistant="ideas"),
    "ideas and no message": Case(Script(pieces=['idea: "One"\n', "idea: Two\n"]), "complete", assistant="ideas"),
    "no format where one was asked for": Case(Script(pieces=["Just ", "text: ", '"quoted"']), "complete", "ideas"),
    "failure in the middle": Case(
        Script(pieces=words(10), fault="cut", fault_after=6), "failed", error="provider_cut"
    ),
    "failure inside an idea": Case(
        Script(pieces=['idea: "Whiskers"\n', 'idea: "Flu', "ff"], fault="cut", fault_after=3),
        "failed", assistant="ideas", error="provider_cut",
    ),
    "refusal": Case(Script(fault="refusal"), "failed", error="provider_refused"),
    "stop": Case(Script(pieces=words(5), fault="stall", fault_after=5), "stopped", stops=True),
    "stop inside an idea": Case(
        Script(pieces=['idea: "Whiskers"\n', 'idea: "Flu'], fault="stall", fault_after=2),
        "stopped", assistant="ideas", stops=True,
    ),
    "stop while reasoning": Case(Script(reasoning=["Hm"], fault="stall", fault_after=0), "stopped", "", True),
}  # fmt: skip


class Seen(Struct):
    """What one surface shows of an answer; None where it does not show such a thing."""

    text: str
    ideas: list[str] | None
    error: str | None  # the sentence
    reasoning: str | None = None


def seen_in(parts: list[dict[str, Any]], error: dict[str, Any] | None) -> Seen:
    return Seen(
        "".join(part["text"] for part in parts if part["kind"] == "text"),
        [part["text"] for part in parts if part["kind"] == "idea"],
        error["message"] if error else None,
        "".join(part["text"] for part in parts if part["kind"] == "reasoning"),
    )


def seen_in_fold(folded: FoldedTurn) -> Seen:
    error = None if folded.error is None else msgspec.to_builtins(folded.error)
    return seen_in(msgspec.to_builtins(folded.parts), error)


def seen_in_simple(frames: list[dict[str, Any]]) -> Seen:
    seen, idea = Seen("", [], None), ""
    assert seen.ideas is not None
    for frame in frames:
        match frame["tag"]:
            case "message":
                seen.text += frame["chunk"]
            case "idea":
                idea += frame["chunk"]
                if frame.get("done"):
                    seen.ideas.append(idea)
                    idea = ""
            case "error":
                seen.error = frame["chunk"]
    if idea:
        seen.ideas.append(idea)  # cut off
    return seen


def owner_of(server: Server) -> httpx2.AsyncClient:
    headers = {"authorization": f"Bearer {server.key}"}
    return httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=10)


async def read_sse(server: Server, turn: str, after: int = 0) -> Transcript:
    """Events of the turn until the server closes."""
    transcript: Transcript = []
    async with (
        owner_of(server) as http,
        http.stream("GET", f"/api/turns/{turn}/events", params={"after": after}) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        for block in (await response.aread()).decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":") and line)
            if lines:
                transcript.append((int(lines["id"]), json.loads(lines["data"])))
    return transcript


async def read_batch(server: Server, sent: dict[str, Any]) -> Seen:
    """The plain text; an answer that fails after its first byte breaks the connection off."""
    text, error = b"", None
    async with owner_of(server) as http, http.stream("POST", "/chat_batch", json=sent) as response:
        if response.status_code != 200:
            assert response.headers["content-type"] == "application/problem+json"
            return Seen("", None, json.loads(await response.aread())["detail"])
        assert response.headers["x-turn-id"]
        try:
            async for piece in response.aiter_bytes():
                text += piece
        except httpx2.RemoteProtocolError:
            error = "broken off"
    return Seen(text.decode(), None, error)


def seen_by_ui(answer: dict[str, Any]) -> Seen:
    parts = [part for message in answer["messages"][1:] for part in message["parts"]]
    return Seen(
        "".join(part["text"] for part in parts if part["type"] == "text"),
        [part["data"]["text"] for part in parts if part["type"] == "data-idea"],
        answer["error"],
        "".join(part["text"] for part in parts if part["type"] == "reasoning"),
    )


def seen_by_ag_ui(answer: dict[str, Any]) -> Seen:
    told = answer["messages"][1:]
    return Seen(
        "".join(message["content"] for message in told if message["role"] == "assistant"),
        [event["value"]["text"] for event in answer["events"] if event["type"] == "CUSTOM"],
        answer["error"]["message"] if answer["error"] else None,
        "".join(message["content"] for message in told if message["role"] == "reasoning"),
    )


async def until_all_is_said(client: FullClient, turn: str, script: Script) -> None:
    said = len("".join(script.reasoning or script.pieces))
    if script.pieces and script.pieces[0].startswith("idea"):
        said = len("WhiskersFlu")
    await client.until_text(turn, said)


class Asked(Struct):
    """One message, as every surface is to send it: the same one, so that it is one turn."""

    chat: str
    model: str
    assistant: str
    name: str  # of the message, as its client calls it

    @property
    def key(self) -> str:
        return message_key(self.chat, self.name)

    @property
    def sent(self) -> dict[str, Any]:
        named = {"chatId": self.chat, "id": self.key, "model": self.model}
        return {"message": "Hello", **named, **({"assistant": self.assistant} if self.assistant else {})}

    @property
    def props(self) -> dict[str, Any]:
        return {"model": self.model, **({"assistant": self.assistant} if self.assistant else {})}

    def by_ui(self, server: Server, front_ends: FrontEnds) -> Coroutine[Any, Any, dict[str, Any]]:
        steps = [{"send": "Hello", "id": self.name}]
        return front_ends.ui_chat(server.port, server.key, self.chat, steps, body=self.props)

    def by_ag_ui(self, server: Server, front_ends: FrontEnds) -> Coroutine[Any, Any, dict[str, Any]]:
        question = {"id": self.name, "role": "user", "content": "Hello"}
        return front_ends.ag_ui(server.port, server.key, self.chat, [question], **self.props)


async def follow_every_way(server: Server, turn: str) -> dict[str, Transcript]:
    """What each way that has a cursor shows of the turn, to its end."""
    seen: dict[str, Transcript] = {"poll": [], "frames by poll": [], "frames as a stream": []}
    seen["the Python client"] = []
    ways = (watch_by_poll, watch_by_frames, watch_by_frame_stream, watch_by_client)
    await asyncio.gather(
        *(way(server.port, server.key, turn, found) for way, found in zip(ways, seen.values(), strict=True))
    )
    return seen | {"server-sent events": await read_sse(server, turn)}


@pytest.mark.parametrize("name", CASES)
async def test_a_turn_is_the_same_message_over_every_surface(
    server: Server, upstream: Upstream, front_ends: FrontEnds, name: str
) -> None:
    case = CASES[name]
    asked = Asked(new_name("chat"), upstream.model(case.script), case.assistant, new_name("m"))
    async with open_full(server.port, server.key) as client, open_simple(server.port, server.key) as simple:
        await simple.say(asked.sent)
        batch = asyncio.ensure_future(read_batch(server, asked.sent))  # the same id: the same turn
        ui = asyncio.ensure_future(asked.by_ui(server, front_ends))
        ag_ui = asyncio.ensure_future(asked.by_ag_ui(server, front_ends))
        accepted = await client.ask("send", id=asked.key, conversation=asked.chat, text="Hello", **asked.props)
        assert accepted["type"] == "accepted", accepted
        turn = accepted["turn"]
        live = asyncio.ensure_future(follow_every_way(server, turn))
        if case.stops:
            await until_all_is_said(client, turn, case.script)
            assert (await client.ask("stop", turn=turn))["type"] == "stopping"
        transcript = await client.until_ended(turn)
        frames = await simple.until_over(asked.chat)
        replayed = await read_sse(server, turn)
        with server.http() as http:
            message = fetch_message(http, accepted["conversation"], accepted["answer"])
            ideas = http.get("/api/ideas", params={"conversation": accepted["conversation"]}).json()["items"]

        folded = fold_transcript(transcript)
        assert folded.status == message["status"] == case.status
        assert (message["error"] or {}).get("code", "") == case.error
        assert all(seen == transcript for seen in [replayed, *(await live).values()])
        assert msgspec.to_builtins(folded.parts) == message["parts"]
        stored = seen_in(message["parts"], message["error"])
        assert seen_in_fold(folded) == stored
        check_simple(seen_in_simple(frames), stored)
        check_batch(await batch, stored)
        assert seen_by_ui(await ui) == stored
        assert seen_by_ag_ui(await ag_ui) == stored
        assert [idea["text"] for idea in reversed(ideas)] == stored.ideas
        assert len(upstream.requests(asked.model)) == 1  # ten viewers, one turn


def check_simple(seen: Seen, stored: Seen) -> None:
    assert seen == msgspec.structs.replace(
        stored, reasoning=None
    )  # of a failed turn, too: what was received is sent before the error


def check_batch(seen: Seen, stored: Seen) -> None:
    assert seen.text == stored.text
    if stored.error is None:
        assert seen.error is None
    else:
        assert seen.error == ("broken off" if stored.text else stored.error)


@pytest.mark.parametrize("name", ["text", "reasoning", "ideas", "failure in the middle"])
async def test_from_any_cursor_the_rest_completes_the_same_message(
    server: Server, upstream: Upstream, name: str
) -> None:
    case = CASES[name]
    async with open_full(server.port, server.key) as client:
        accepted = await client.send(model=upstream.model(case.script), assistant=case.assistant)
        whole = await client.until_ended(accepted["turn"])
    for cut in range(len(whole) + 1):
        rest = await read_sse(server, accepted["turn"], cut)
        assert rest == whole[cut:]
        events = msgspec.convert([event for _, event in whole[:cut] + rest], list[Event])
        assert fold(events) == fold_transcript(whole)


async def test_an_answer_that_outlives_its_server_is_the_same_over_every_surface(
    make_server: MakeServer, upstream: Upstream, front_ends: FrontEnds
) -> None:
    server = make_server().start()
    port, key = server.port, server.key
    script = Script(pieces=words(80), delay_s=0.02, fault="stall", fault_after=60)
    asked = Asked(new_name("chat"), upstream.model(script), "", new_name("m"))
    ui = asyncio.ensure_future(
        front_ends.ui_chat_through(port, key, asked.chat, "Hello", id=asked.name, body=asked.props)
    )
    question = {"id": asked.name, "role": "user", "content": "Hello"}
    ag_ui = asyncio.ensure_future(front_ends.ag_ui_through(port, key, asked.chat, [question], **asked.props))
    async with open_full(port, key) as client:
        accepted = await client.ask("send", id=asked.key, conversation=asked.chat, text="Hello", **asked.props)
        seen: dict[str, Transcript] = {"poll": [], "frames by poll": [], "frames as a stream": [], "client": []}
        ways = (watch_by_poll, watch_by_frames, watch_by_frame_stream, watch_by_client)
        watching = [
            asyncio.ensure_future(way(port, key, accepted["turn"], found))
            for way, found in zip(ways, seen.values(), strict=True)
        ]
        await client.until_text(accepted["turn"], 100)
        server.kill()
    upstream.change(asked.model, Script(pieces=words(80), delay_s=0.02))
    await asyncio.to_thread(server.restart)
    ui_attempts, ag_ui_attempts = await ui, await ag_ui
    await asyncio.gather(*watching)
    with server.http() as http:
        message = fetch_message(http, accepted["conversation"], accepted["answer"])
    stored = seen_in(message["parts"], message["error"])
    assert (message["status"], len(message["continuations"])) == ("complete", 1)
    assert all(seen_in_fold(fold_transcript(transcript)) == stored for transcript in seen.values())
    assert [one["whole"] for one in ui_attempts] == [False] * (len(ui_attempts) - 1) + [True]
    assert seen_by_ui({"messages": [None, ui_attempts[-1]["message"]], "error": None}) == stored
    assert [one["whole"] for one in ag_ui_attempts] == [False] * (len(ag_ui_attempts) - 1) + [True]
    last = {"messages": [None, *ag_ui_attempts[-1]["messages"]], "events": [], "error": None}
    assert seen_by_ag_ui(last) == stored
    assert len(upstream.requests(asked.model)) == 2
