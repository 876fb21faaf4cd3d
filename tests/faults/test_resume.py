"""G2, G3, G4: sends are idempotent; who resumes by cursor sees every event once; a bad cursor is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from tests.conftest import Report
from tests.fakes.script import TAGGED, Script, words
from tests.harness.chaos_proxy import ChaosProxy
from tests.harness.checks import Transcript, find_differences, find_disorder
from tests.harness.deployments import FLEETS, WORKERS, open_deployment
from tests.harness.full_client import FullClient, new_name, open_full
from tests.harness.polling import watch_by_frame_stream, watch_by_frames, watch_by_poll
from tests.harness.postgres import Databases
from tests.harness.server import Server
from tests.harness.stored import add_member, fetch_message, fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_socket, watch_by_sse
from tests.harness.waiting import trials

pytestmark = pytest.mark.xdist_group("resume")  # the deployments are made once

_CUTS = (150, 4_000)  # bytes; the opening of a socket takes about 500
_WAYS = {
    "tab 1": watch_by_socket,
    "events 1": watch_by_sse,
    "tab 2": watch_by_socket,
    "events 2": watch_by_sse,
    "tab 3": watch_by_socket,
    "poll": watch_by_poll,
    "frames by poll": watch_by_frames,
    "frames as a stream": watch_by_frame_stream,
}


@dataclass(frozen=True)
class Place:
    """Where a client may go: one server after the other, all with the same conversations."""

    name: str
    servers: list[Server]
    key: str
    stranger_key: str

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]

    def http(self, key: str = "") -> AbstractContextManager[httpx2.Client]:
        return self.servers[-1].http(key or self.key)


@pytest.fixture(scope="module", params=["one server on SQLite", *FLEETS])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, postgres: Databases
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("resume")
    if request.param not in FLEETS:
        server = Server(folder, **upstream.environment).start()
        yield Place(request.param, [server], server.key, add_member(server.data_dir, "stranger"))
        server.close()
        return
    with open_deployment(request.param, folder, postgres, 2, **upstream.environment) as deployment:
        fleet = deployment.fleet
        if request.param == WORKERS:
            fleet.serve("--workers", "0")
        stranger = add_member(folder, "stranger", fleet.database_url)
        yield Place(request.param, fleet.servers, fleet.key, stranger)


async def test_a_message_sent_many_times_over_two_connections_becomes_one_turn(
    place: Place, upstream: Upstream, report: Report
) -> None:
    chance = random.Random(2)
    model = upstream.model(Script(pieces=["ok"]))
    wrong: list[str] = []
    count = trials(40, 1_000)
    async with (
        open_full(place.ports[0], place.key) as one,
        open_full(place.ports[-1], place.key) as other,
    ):
        for _ in range(count):
            wrong += await send_many_times(place, one, other, model, chance)
        wrong += [f"resync: {frame}" for client in (one, other) for frame in client.frames if frame["type"] == "resync"]
        wrong += _find_disorders(one, other)
    if len(upstream.requests(model)) != count:
        wrong.append(f"{len(upstream.requests(model))} requests for {count} messages")
    report(f"G2 sends are idempotent ({place.name})", wrong, count)


async def send_many_times(
    place: Place, one: FullClient, other: FullClient, model: str, chance: random.Random
) -> list[str]:
    """One message."""
    name = new_name("m")
    sent = {"id": name, "conversation": name, "text": f"the text of {name}", "model": model}
    times = chance.randint(1, 5)
    asked = (chance.choice((one, other)).ask("send", **sent) for _ in range(times))
    replies = await asyncio.gather(*asked)
    wrong = _find_doubles(replies, name)
    refused = await chance.choice((one, other)).ask("send", **(sent | {"text": "another"}))
    if refused.get("code") != "conflict":
        wrong.append(f"{name}: another body with the same id: {refused}")
    await _until_ended_on_either(one, other, replies[0]["turn"])
    stored = await asyncio.to_thread(_count_messages, place, name)
    return wrong + ([] if stored == 2 else [f"{name}: {stored} messages for {times} sends"])


def _count_messages(place: Place, conversation: str) -> int:
    with place.http() as http:
        return len(fetch_messages(http, conversation))


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
    place: Place, upstream: Upstream, report: Report
) -> None:
    wrong: list[str] = []
    cuts = 0
    count = trials(3, 60)
    for number in range(count):
        found, cut = await watch_behind_bad_network(place, upstream, number)
        wrong += found
        cuts += cut
    assert cuts >= 3 * count, f"the network was not bad: {cuts} cuts"
    report(f"G3 resumed by cursor over {cuts} cuts ({place.name})", wrong, len(_WAYS) * count)


async def watch_behind_bad_network(place: Place, upstream: Upstream, number: int) -> tuple[list[str], int]:
    """What was wrong with one answer, and how often the network was cut."""
    script = Script(reasoning=words(20), pieces=words(250), delay_s=0.004)
    if number % 3 == 2:
        script = Script(pieces=list(TAGGED * 6), delay_s=0.003)
    wrong: list[str] = []
    async with AsyncExitStack() as opened:
        client = await opened.enter_async_context(open_full(place.ports[0], place.key))
        proxies = [
            await opened.enter_async_context(ChaosProxy(port, seed=number, cut_after=_CUTS)) for port in place.ports
        ]
        assistant = "ideas" if number % 3 == 2 else ""
        accepted = await client.send(model=upstream.model(script), follow=False, assistant=assistant)
        found = await _watch([proxy.port for proxy in proxies], place.key, accepted["turn"])
        with place.http() as http:
            stored = fetch_message(http, accepted["conversation"], accepted["answer"])
        for viewer, transcript in found.items():
            sentences = find_disorder(transcript) + find_differences(transcript, stored)
            wrong += [f"trial {number}, {viewer}: {sentence}" for sentence in sentences]
        return wrong, sum(proxy.cuts for proxy in proxies)


async def _watch(ports: list[int], key: str, turn: str) -> dict[str, Transcript]:
    """Three tabs, and readers without a socket, each from beginning to end, at one server or another."""
    seen: dict[str, Transcript] = {name: [] for name in _WAYS}
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for number, (viewer, watch) in enumerate(_WAYS.items()):
            group.create_task(watch(ports[number // 2 % len(ports)], key, turn, seen[viewer]))
    return seen


async def test_a_bad_cursor_is_told_and_never_silence_or_somebody_elses_text(
    place: Place, upstream: Upstream, report: Report
) -> None:
    wrong: list[str] = []
    model = upstream.model(Script(pieces=["my ", "secret ", "words"]))
    async with open_full(place.ports[0], place.key) as mine, open_full(place.ports[-1], place.stranger_key) as theirs:
        accepted = await mine.send(model=model)
        turn = accepted["turn"]
        end = len(await mine.until_ended(turn))
        foreign = [turn, accepted["conversation"], accepted["answer"], f"feed:{mine.hello['user']['id']}"]
        told = await ask_badly(mine, turn, end) + await ask_for_foreign(theirs, foreign, [0, 1, end, 10**9])
        wrong += find_untold(told)
        assert (await theirs.ask("ping"))["type"] == "pong"
        wrong += [f"somebody else's text: {text}" for text in theirs.transcripts if theirs.transcripts[text]]
    with place.http(place.stranger_key) as other:
        statuses = [other.get(f"/api/turns/{name}/events").status_code for name in foreign]
        statuses += [
            other.post(f"/api/turns/{turn}/stop").status_code,
            other.get(f"/api/turns/{turn}/context").status_code,
        ]
    wrong += [f"status {status} over HTTP" for status in statuses if status != 404]
    with place.http() as http:
        ahead = [http.get(f"/api/turns/{turn}/events", params={"after": end + more}).status_code for more in (1, 10**9)]
    wrong += [f"status {status} for a cursor ahead" for status in ahead if status != 410]
    statuses += ahead
    report(f"G4 bad cursors are told ({place.name})", wrong, len(told) + len(statuses))


Told = tuple[dict[str, Any], tuple[str, str]]
"""A reply, and what it should be: its type, and its reason or code."""


async def ask_badly(mine: FullClient, turn: str, end: int) -> list[Told]:
    """For one's own turn, from where it cannot be followed."""
    return [
        (await mine.ask("follow", turn=turn, after=end + 1), ("resync", "ahead")),
        (await mine.ask("follow", turn=turn, after=10**15), ("resync", "ahead")),
        (await mine.ask("follow", turn=turn, after=-1), ("resync", "expired")),
        (await mine.ask("follow", turn="nothing", after=0), ("error", "not_found")),
        (await mine.ask("follow", turn="", after=0), ("error", "not_found")),
        (await ask_feed(mine, after=10**9), ("resync", "ahead")),
    ]


async def ask_feed(mine: FullClient, after: int) -> dict[str, Any]:
    """Once there is one: a user's first feed begins some 50 ms after what it tells of."""
    for _ in range(500):
        reply: dict[str, Any] = await mine.ask("feed", after=after)
        if reply.get("reason") != "unknown":
            break
        await asyncio.sleep(0.02)
    return reply


async def ask_for_foreign(theirs: FullClient, foreign: list[str], cursors: list[int]) -> list[Told]:
    told = []
    for name in foreign:
        replies = [await theirs.ask("follow", turn=name, after=after) for after in cursors]
        replies.append(await theirs.ask("stop", turn=name))
        told += [(reply, ("error", "not_found")) for reply in replies]
    return told


def find_untold(told: list[Told]) -> list[str]:
    return [
        f"expected {expected}, got {reply}"
        for reply, expected in told
        if (reply["type"], reply.get("reason", reply.get("code"))) != expected
    ]
