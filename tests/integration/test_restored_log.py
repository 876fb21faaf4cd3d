"""Redis loses the logs of running turns: every surface goes on, and shows each character once."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import httpx2
from tests.conftest import MakeServer, MakeValkey
from tests.fakes.script import Script, words
from tests.harness.checks import Transcript
from tests.harness.full_client import FullClient, new_name, open_full
from tests.harness.server import Server
from tests.harness.simple_client import entries_of, open_simple
from tests.harness.stored import fetch_message, text_of
from tests.harness.upstream import Upstream
from tests.harness.valkey import ValkeyServer
from tests.harness.viewers import read_events

COUNT = 150
SLOW = Script(pieces=words(COUNT), delay_s=0.02)
TEXT = "".join(words(COUNT))


def fold_text(transcript: Transcript) -> str:
    """The text that the events add up to, and a restoration replaces."""
    text = ""
    for _, event in transcript:
        if event["type"] == "turn.restored":
            text = "".join(part["text"] for part in event.get("parts", []))
        elif event["type"] == "text.delta":
            text += event["text"]
    return text


async def lose_twice(valkey: ValkeyServer, watching: FullClient, turn: str) -> None:
    for count in (len(TEXT) // 5, 2 * len(TEXT) // 5):
        await watching.until_text(turn, count)
        assert valkey.ask("FLUSHALL") == "+OK"


async def read_sse(running: Server, turn: str, after: int | None = None) -> Transcript:
    url = f"{running.url}/api/turns/{turn}/events" + ("" if after is None else f"?after={after}")
    headers = {"Authorization": f"Bearer {running.key}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return [(seq, json.loads(event)) async for seq, event in read_events(answer)]


async def ask_in_one_go(running: Server, model: str) -> str:
    headers = {"Authorization": f"Bearer {running.key}"}
    async with httpx2.AsyncClient(base_url=running.url, headers=headers, timeout=30) as http:
        return (await http.post("/chat_batch", json={"message": "Slowly", "model": model})).text


async def ask_simply(running: Server, model: str) -> list[tuple[str, str]]:
    async with open_simple(running.port, running.key) as client:
        return entries_of(await client.ask("Slowly", "simple", model=model))


async def test_every_surface_goes_on_when_the_log_is_lost(
    make_server: MakeServer, make_valkey: MakeValkey, upstream: Upstream
) -> None:
    valkey = make_valkey()
    running = make_server(QUARTERDECK_REDIS_URL=valkey.url).start()
    model = upstream.model(SLOW)
    async with open_full(running.port, running.key) as client:
        in_one_go = asyncio.create_task(ask_in_one_go(running, model))
        simple = asyncio.create_task(ask_simply(running, model))
        accepted = await client.send(model=model)
        by_sse = asyncio.create_task(read_sse(running, accepted["turn"]))
        await lose_twice(valkey, client, accepted["turn"])
        transcript = await client.until_ended(accepted["turn"], 30)
        with running.http() as http:
            stored = fetch_message(http, accepted["conversation"], accepted["answer"])
    assert [event["type"] for _, event in transcript].count("turn.restored") >= 1
    assert not [frame for frame in client.frames if frame["type"] == "resync"]
    assert text_of(stored) == fold_text(transcript) == fold_text(await by_sse) == TEXT
    assert await in_one_go == TEXT
    assert await simple == [("message", TEXT)]


async def test_an_old_cursor_is_good_for_the_new_log(
    make_server: MakeServer, make_valkey: MakeValkey, upstream: Upstream
) -> None:
    valkey = make_valkey()
    running = make_server(QUARTERDECK_REDIS_URL=valkey.url).start()
    async with open_full(running.port, running.key) as client, open_full(running.port, running.key) as late:
        accepted = await client.send(model=upstream.model(SLOW), conversation=new_name("chat"))
        turn = accepted["turn"]
        before = list(await client.until_text(turn, 100))
        valkey.ask("FLUSHALL")
        await client.until_event(turn, "turn.restored")
        assert (await late.ask("follow", turn=turn, after=before[-1][0]))["type"] == "following"
        seen = before + await late.until_ended(turn, 30)
        by_sse = before + await read_sse(running, turn, before[-1][0])
    assert fold_text(seen) == fold_text(by_sse) == TEXT
    seqs = [seq for seq, _ in seen]
    assert seqs == sorted(set(seqs))
