"""Surfaces without a cursor, on connections that are cut at random bytes.

Half an answer is never taken for a whole one, and asked again the same message is the same turn. Those with a cursor
are in tests/faults/test_resume.py.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
from tests.conftest import Report
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
_CUTS = (300, 9_000)  # bytes; an encoded answer has some thousand
_MOST = 200


async def test_half_an_answer_is_never_taken_for_a_whole_one(
    server: Server, http: httpx2.Client, upstream: Upstream, front_ends: FrontEnds, report: Report
) -> None:
    wrong: list[str] = []
    cuts = attempts = 0
    for number in range(trials(3, 40)):
        async with ChaosProxy(server.port, seed=number, cut_after=_CUTS) as proxy:
            told = await asyncio.gather(
                by_ai_sdk(proxy.port, server.key, upstream, front_ends),
                by_ag_ui(proxy.port, server.key, upstream, front_ends),
                by_batch(proxy.port, server.key, upstream),
                by_simple_socket(proxy.port, server.key, upstream),
            )
            cuts += proxy.cuts
        for surface, chat, model, seen in told:
            attempts += len(seen)
            wrong += [f"trial {number}, {surface}: {sentence}" for sentence in find_wrong(seen)]
            wrong += [
                f"trial {number}, {surface}: stored {text!r}" for text in stored_texts(http, chat) if text != FINAL
            ]
            if len(upstream.requests(model)) != 1:
                wrong.append(f"trial {number}, {surface}: asked {len(upstream.requests(model))} times")
    assert cuts >= 3, f"the network was not bad: {cuts} cuts"
    report(f"surfaces without a cursor over {cuts} cuts", wrong, attempts)


Seen = tuple[str, bool]
"""What one attempt had of the answer, and whether its client took it for whole."""
Told = tuple[str, str, str, list[Seen]]


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
    return "the AI SDK", chat, model, [(_ui_text(one["message"]), one["whole"]) for one in attempts]


def _ui_text(message: dict[str, Any] | None) -> str:
    if message is None or message["role"] != "assistant":
        return ""
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


async def by_ag_ui(port: int, key: str, upstream: Upstream, front_ends: FrontEnds) -> Told:
    thread, model = new_name("thread"), new_model(upstream)
    question = {"id": "m1", "role": "user", "content": "Hello"}
    attempts = await front_ends.ag_ui_through(port, key, thread, [question], model=model)
    texts = ["".join(message.get("content") or "" for message in one["messages"]) for one in attempts]
    return "AG-UI", thread, model, [(text, one["whole"]) for text, one in zip(texts, attempts, strict=True)]


async def by_batch(port: int, key: str, upstream: Upstream) -> Told:
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
    return "chat_batch", chat, model, seen


async def by_simple_socket(port: int, key: str, upstream: Upstream) -> Told:
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
    return "the simple socket", chat, model, seen
