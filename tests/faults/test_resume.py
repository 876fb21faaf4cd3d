"""G2, G3, G4: sends are idempotent; who resumes by cursor sees every event once; a bad cursor is told."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import httpx2
from tests.conftest import Report
from tests.fakes.script import TAGGED, Script, words
from tests.harness.chaos_proxy import ChaosProxy
from tests.harness.checks import Transcript, find_differences, find_disorder
from tests.harness.full_client import FullClient, new_name, open_full
from tests.harness.server import Server
from tests.harness.stored import fetch_message, fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_socket, watch_by_sse
from tests.harness.waiting import trials

_CUTS = (150, 4_000)  # bytes; the opening of a socket takes about 500


async def test_a_message_sent_many_times_over_two_connections_becomes_one_turn(
    server: Server, http: httpx2.Client, upstream: Upstream, report: Report
) -> None:
    chance = random.Random(2)
    model = upstream.model(Script(pieces=["ok"]))
    wrong: list[str] = []
    count = trials(40, 1_000)
    async with open_full(server.port, server.key) as one, open_full(server.port, server.key) as other:
        for number in range(count):
            name = new_name("m")
            sent = {"id": name, "conversation": name, "text": f"message {number}", "model": model}
            times = chance.randint(1, 5)
            asked = (chance.choice((one, other)).ask("send", **sent) for _ in range(times))
            replies = await asyncio.gather(*asked)
            wrong += _find_doubles(replies, name)
            refused = await chance.choice((one, other)).ask("send", **(sent | {"text": "another"}))
            if refused.get("code") != "conflict":
                wrong.append(f"{name}: another body with the same id: {refused}")
            await _until_ended_on_either(one, other, replies[0]["turn"])
            if len(fetch_messages(http, name)) != 2:
                wrong.append(f"{name}: {len(fetch_messages(http, name))} messages for {times} sends")
        wrong += [f"resync: {frame}" for client in (one, other) for frame in client.frames if frame["type"] == "resync"]
        wrong += _find_disorders(one, other)
    if len(upstream.requests(model)) != count:
        wrong.append(f"{len(upstream.requests(model))} requests for {count} messages")
    report("G2 sends are idempotent", wrong, count)


def _find_doubles(replies: list[dict[str, Any]], name: str) -> list[str]:
    turns = {reply.get("turn") for reply in replies}
    return [] if len(turns) == 1 and None not in turns else [f"{name}: {replies}"]


async def _until_ended_on_either(one: FullClient, other: FullClient, turn: str) -> None:
    ends = [asyncio.create_task(client.until_ended(turn)) for client in (one, other)]
    _, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in pending:
        end.cancel()


def _find_disorders(*clients: FullClient) -> list[str]:
    found = []
    for client in clients:
        for turn, transcript in client.transcripts.items():
            # a turn that had ended when it was sent again is shown once more, from its beginning
            runs = _split_at_the_end(transcript)
            found += [f"{turn}: {sentence}" for run in runs for sentence in find_disorder(run)]
    return found


def _split_at_the_end(transcript: Transcript) -> list[Transcript]:
    runs: list[Transcript] = [[]]
    for entry in transcript:
        if entry[0] == 1 and runs[-1]:
            runs.append([])
        runs[-1].append(entry)
    return [run for run in runs if run]


async def test_viewers_behind_a_bad_network_see_every_event_once_and_in_order(
    server: Server, http: httpx2.Client, upstream: Upstream, report: Report
) -> None:
    wrong: list[str] = []
    cuts = 0
    count = trials(3, 60)
    for number in range(count):
        script = Script(reasoning=words(20), pieces=words(250), delay_s=0.004)
        if number % 3 == 2:
            script = Script(pieces=list(TAGGED * 6), delay_s=0.003)
        async with (
            open_full(server.port, server.key) as client,
            ChaosProxy(server.port, seed=number, cut_after=_CUTS) as proxy,
        ):
            assistant = "ideas" if number % 3 == 2 else ""
            accepted = await client.send(model=upstream.model(script), follow=False, assistant=assistant)
            found = await _watch(proxy, server.key, accepted["turn"])
            stored = fetch_message(http, accepted["conversation"], accepted["answer"])
            for viewer, transcript in found.items():
                sentences = find_disorder(transcript) + find_differences(transcript, stored)
                wrong += [f"trial {number}, {viewer}: {sentence}" for sentence in sentences]
            cuts += proxy.cuts
    assert cuts >= 3 * count, f"the network was not bad: {cuts} cuts"
    report(f"G3 resumed by cursor over {cuts} cuts", wrong, 5 * count)


async def _watch(proxy: ChaosProxy, key: str, turn: str) -> dict[str, Transcript]:
    """Three tabs and two readers of server-sent events, each from the beginning to the end."""
    seen: dict[str, Transcript] = {name: [] for name in ("tab 1", "tab 2", "tab 3", "events 1", "events 2")}
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for viewer, transcript in seen.items():
            watch = watch_by_socket if viewer.startswith("tab") else watch_by_sse
            group.create_task(watch(proxy.port, key, turn, transcript))
    return seen


async def test_a_bad_cursor_is_told_and_never_silence_or_somebody_elses_text(
    server: Server, http: httpx2.Client, stranger_key: str, upstream: Upstream, report: Report
) -> None:
    wrong: list[str] = []
    model = upstream.model(Script(pieces=["my ", "secret ", "words"]))
    async with open_full(server.port, server.key) as mine, open_full(server.port, stranger_key) as theirs:
        accepted = await mine.send(model=model)
        turn = accepted["turn"]
        end = len(await mine.until_ended(turn))
        told = [
            (await mine.ask("follow", turn=turn, after=end + 1), ("resync", "ahead")),
            (await mine.ask("follow", turn=turn, after=10**15), ("resync", "ahead")),
            (await mine.ask("follow", turn=turn, after=-1), ("resync", "expired")),
            (await mine.ask("follow", turn="nothing", after=0), ("error", "not_found")),
            (await mine.ask("follow", turn="", after=0), ("error", "not_found")),
            (await mine.ask("feed", after=10**9), ("resync", "ahead")),
        ]
        foreign = [turn, accepted["conversation"], accepted["answer"], f"feed:{mine.hello['user']['id']}"]
        for name in foreign:
            for after in (0, 1, end, 10**9):
                reply = await theirs.ask("follow", turn=name, after=after)
                told.append((reply, ("error", "not_found")))
            told.append((await theirs.ask("stop", turn=name), ("error", "not_found")))
        for reply, expected in told:
            if (reply["type"], reply.get("reason", reply.get("code"))) != expected:
                wrong.append(f"expected {expected}, got {reply}")
        assert (await theirs.ask("ping"))["type"] == "pong"
        wrong += [f"somebody else's text: {text}" for text in theirs.transcripts if theirs.transcripts[text]]
    with server.http(stranger_key) as other:
        statuses = [other.get(f"/api/turns/{name}/events").status_code for name in foreign]
        statuses += [
            other.post(f"/api/turns/{turn}/stop").status_code,
            other.get(f"/api/turns/{turn}/context").status_code,
        ]
    wrong += [f"status {status} over HTTP" for status in statuses if status != 404]
    assert http.get(f"/api/turns/{turn}/events", params={"after": end + 1}).status_code == 410
    report("G4 bad cursors are told", wrong, len(told) + len(statuses))
