"""Surfaces without a cursor, on connections that are cut at random bytes.

Half an answer is never taken for a whole one, and asked again the same message is the same turn. Those with a cursor
are in tests/faults/test_resume.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from tests.conftest import Control, Report
from tests.fakes.script import Script, words
from tests.harness.chaos_proxy import ChaosProxy
from tests.harness.front_ends import FrontEnds
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.stored import fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials
from websockets.exceptions import WebSocketException

PIECES = words(120)
FINAL = "".join(PIECES)
_GUARANTEE = "surfaces without a cursor"
_MOST_TRIALS = 60  # until each surface was cut: more than one trial in five cuts any of them
_MOST = 200


async def test_half_an_answer_is_never_taken_for_a_whole_one(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds, report: Report
) -> None:
    wrong: list[str] = []
    cuts, attempts = dict.fromkeys(SURFACES, 0), 0
    least = trials(3, 40)
    for number in range(_MOST_TRIALS):
        if number >= least and all(cuts.values()):
            break
        for surface, chat, model, seen, cut in await ask_over_a_bad_network(number, server, upstream, front_ends):
            attempts += len(seen)
            cuts[surface] += cut
            wrong += [f"trial {number}, {surface}: {sentence}" for sentence in find_wrong(seen)]
            wrong += [
                f"trial {number}, {surface}: stored {text!r}" for text in stored_texts(http, chat) if text != FINAL
            ]
            if len(upstream.requests(model)) != 1:
                wrong.append(f"trial {number}, {surface}: asked {len(upstream.requests(model))} times")
    assert all(cuts.values()), f"the network was not bad: {cuts} cuts"
    report(_GUARANTEE, wrong, attempts, f"cuts: {', '.join(f'{name} {count}' for name, count in cuts.items())}")


async def test_a_client_that_does_not_resume_is_seen_to_lose_text(
    server: Server, upstream: Upstream, front_ends: FrontEnds, control: Control
) -> None:
    """The negative control: the first connection's text, taken for whole as it is."""
    lost: dict[str, list[str]] = {surface: [] for surface in SURFACES}
    for number in range(_MOST_TRIALS):
        if all(lost.values()):
            break
        for surface, _, _, seen, _ in await ask_over_a_bad_network(number, server, upstream, front_ends):
            lost[surface] += find_wrong([(seen[0][0], True)])
    assert all(lost.values()), lost
    control(_GUARANTEE, "resuming", [sentence for sentences in lost.values() for sentence in sentences])


Seen = tuple[str, bool]
"""What one attempt had of the answer, and whether its client took it for whole."""
Told = tuple[str, str, list[Seen]]
"""The chat, the model, and the attempts."""


async def ask_over_a_bad_network(
    number: int, server: Server, upstream: Upstream, front_ends: FrontEnds
) -> list[tuple[str, str, str, list[Seen], int]]:
    """Every surface at once, each through connections of its own: its name, what it told, and how often it was cut."""

    async def ask(surface: str) -> tuple[str, str, str, list[Seen], int]:
        by, cut_after = SURFACES[surface]
        async with ChaosProxy(server.port, seed=number, cut_after=cut_after) as proxy:
            chat, model, seen = await by(proxy.port, server.key, upstream, front_ends)
            return surface, chat, model, seen, proxy.cuts

    return await asyncio.gather(*map(ask, SURFACES))


def find_wrong(seen: list[Seen]) -> list[str]:
    wrong = [f"{text[-40:]!r} was taken for whole" for text, is_whole in seen if is_whole and text != FINAL]
    wrong += [f"{text[-40:]!r} is not its beginning" for text, _ in seen if not FINAL.startswith(text)]
    return wrong if seen[-1][1] else [*wrong, f"never whole in {len(seen)} attempts"]


def stored_texts(http: httpx2.Client, chat: str) -> list[str]:
    conversation = http.get(f"/api/conversations/{chat}").json()["id"]
    return [text_of(message) for message in fetch_messages(http, conversation) if message["role"] == "assistant"]


def new_model(upstream: Upstream) -> str:
    return upstream.model(Script(pieces=PIECES, delay_s=0.004))


async def by_ai_sdk(port: int, key: str, upstream: Upstream, front_ends: FrontEnds) -> Told:
    chat, model = new_name("chat"), new_model(upstream)
    attempts = await front_ends.ui_chat_through(port, key, chat, "Hello", id="m1", body={"model": model})
    return chat, model, [(_ui_text(one["message"]), one["whole"]) for one in attempts]


def _ui_text(message: dict[str, Any] | None) -> str:
    if message is None or message["role"] != "assistant":
        return ""
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


async def by_ag_ui(port: int, key: str, upstream: Upstream, front_ends: FrontEnds) -> Told:
    thread, model = new_name("thread"), new_model(upstream)
    question = {"id": "m1", "role": "user", "content": "Hello"}
    attempts = await front_ends.ag_ui_through(port, key, thread, [question], model=model)
    texts = ["".join(message.get("content") or "" for message in one["messages"]) for one in attempts]
    return thread, model, [(text, one["whole"]) for text, one in zip(texts, attempts, strict=True)]


async def by_batch(port: int, key: str, upstream: Upstream, _: FrontEnds) -> Told:
    chat, model, seen = new_name("chat"), new_model(upstream), list[Seen]()
    sent = {"message": "Hello", "chatId": chat, "id": new_name("key"), "model": model}
    headers = {"authorization": f"Bearer {key}"}
    while len(seen) < _MOST and not (seen and seen[-1][1]):
        text = b""
        try:
            async with (
                httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10) as client,
                client.stream("POST", "/chat_batch", json=sent) as answer,
            ):
                async for piece in answer.aiter_bytes():
                    text += piece
            seen.append((text.decode(), True))
        except httpx2.TransportError:
            seen.append((text.decode(errors="ignore"), False))
    return chat, model, seen


async def by_simple_socket(port: int, key: str, upstream: Upstream, _: FrontEnds) -> Told:
    chat, model, seen = new_name("chat"), new_model(upstream), list[Seen]()
    sent = {"message": "Hello", "chatId": chat, "id": new_name("key"), "model": model}
    while len(seen) < _MOST and not (seen and seen[-1][1]):
        try:
            async with open_simple(port, key, open_timeout=5, close_timeout=0.2) as client:
                await client.say(sent)
                try:
                    await client.until_over(chat)
                finally:
                    frames = client.of(chat)
                    is_whole = any(frame.get("done") for frame in frames)
                    seen.append(("".join(frame["chunk"] for frame in frames), is_whole))
        except (OSError, EOFError, WebSocketException, TimeoutError):
            await asyncio.sleep(0.01)
    return chat, model, seen


SURFACES: dict[str, tuple[Callable[[int, str, Upstream, FrontEnds], Awaitable[Told]], tuple[int, int]]] = {
    "the AI SDK": (by_ai_sdk, (300, 9_000)),
    "AG-UI": (by_ag_ui, (300, 9_000)),
    "chat_batch": (by_batch, (300, 3_000)),
    "the simple socket": (by_simple_socket, (300, 9_000)),
}
"""How each is asked, and after how many bytes its connections are cut: some answers have thousands, the batch's few."""
