"""Negative controls of G1, G2, G3, G4, G7, G12 for a server on SQLite, with the protection switched off."""

from __future__ import annotations

import asyncio
import random

from tests.conftest import Control, MakeServer
from tests.fakes.script import Script, words
from tests.faults.test_drain import begin, stop
from tests.faults.test_kill import kill_amid_messages, kill_twice
from tests.faults.test_resume import (
    Place,
    ask_for_foreign,
    find_untold,
    send_many_times,
    watch_behind_bad_network,
)
from tests.faults.test_upstream_faults import stop_one
from tests.harness.checks import Transcript, find_disorder
from tests.harness.full_client import open_full
from tests.harness.losses import find_losses
from tests.harness.server import Server
from tests.harness.stored import add_member, fetch_message
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_socket
from tests.harness.waiting import wait_until_async


async def test_a_message_acknowledged_before_its_commit_would_be_seen_to_be_lost(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    without = "commit before acknowledgement"
    running = make_server(WITHOUT=without).start()
    sent, acked = await kill_amid_messages(running, upstream.model(Script(pieces=["ok"])), random.Random(1))
    running.restart()
    with running.http() as http:
        control("G1 kill -9", without, find_losses(http, sent, acked))


async def test_a_message_that_is_sent_again_and_doubled_would_be_seen(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    without = "ids of messages"
    running = make_server(WITHOUT=without).start()
    place = Place("one server", [running], running.key, "")
    model, chance = upstream.model(Script(pieces=["ok"])), random.Random(2)
    async with open_full(running.port, running.key) as one, open_full(running.port, running.key) as other:
        wrong = [found for _ in range(3) for found in await send_many_times(place, one, other, model, chance)]
    control("G2 sends are idempotent", without, wrong)


async def test_an_event_that_is_shown_twice_would_be_seen(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    without = "exact cursors"
    running = make_server(WITHOUT=without).start()
    wrong, _ = await watch_behind_bad_network(Place("one server", [running], running.key, ""), upstream, 0)
    assert any("was due" in sentence for sentence in wrong)
    control("G3 resumed by cursor", without, wrong)


async def test_silence_and_somebody_elses_text_would_be_seen(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    cursors, owners = "checked cursors", "owners"
    running = make_server(WITHOUT=f"{cursors},{owners}").start()
    stranger = await asyncio.to_thread(add_member, running.data_dir, "stranger")
    async with open_full(running.port, running.key) as mine, open_full(running.port, stranger) as theirs:
        accepted = await mine.send(model=upstream.model(Script()))
        end = len(await mine.until_ended(accepted["turn"]))
        followed = await mine.ask("follow", turn=accepted["turn"], after=end + 1)
        control("G4 bad cursors are told", cursors, find_untold([(followed, ("resync", "ahead"))]))
        foreign = await ask_for_foreign(theirs, [accepted["turn"]], [0])
        control("G4 nobody else's turns", owners, find_untold(foreign))


async def test_a_third_request_would_be_seen(make_server: MakeServer, upstream: Upstream, control: Control) -> None:
    without = "counted attempts"
    running = make_server(WITHOUT=without).start()
    _, wrong = await kill_twice(running, upstream, upstream.model(Script(pieces=words(300), delay_s=0.03)))
    assert "3 requests" in wrong
    control("G7 at most 2 requests", without, wrong)


async def test_an_upstream_that_stays_open_would_be_seen(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    without = "leaving the upstream"
    running = make_server(WITHOUT=without).start()
    async with open_full(running.port, running.key) as client:
        control("G7 stop leaves the upstream", without, await stop_one(client, upstream, 0.05))


async def test_a_server_that_dies_of_sigterm_would_be_seen(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    without = "draining"
    running = make_server(WITHOUT=without).start()
    async with open_full(running.port, running.key) as client:
        await begin(client, upstream)
        control("G12 SIGTERM", without, await stop(running, client))


async def crash_and_restart(running: Server, upstream: Upstream) -> list[str]:
    """While a model says nothing. What is wrong with the answer that it gives in the end."""
    model = upstream.model(Script(first_delay_s=3600))
    async with open_full(running.port, running.key) as client:
        accepted = await client.send(model=model)
        await wait_until_async(lambda: _is_asked(upstream, model, 1), "the first request", 20)
        await client.until_event(accepted["turn"], "step.started")
    running.kill()
    await asyncio.to_thread(running.restart)
    await wait_until_async(lambda: _is_asked(upstream, model, 2), "the second request", 20)
    await asyncio.to_thread(running.terminate)
    upstream.change(model, Script(pieces=["At last."]))
    await asyncio.to_thread(running.restart)
    transcript: Transcript = []
    async with asyncio.timeout(10):
        await watch_by_socket(running.port, running.key, accepted["turn"], transcript)
    with running.http() as http:
        stored = fetch_message(http, accepted["conversation"], accepted["answer"])
    wrong = find_disorder(transcript)
    return wrong + ([] if stored["status"] == "complete" else [f"ended {stored['status']}: {stored['error']}"])


async def _is_asked(upstream: Upstream, model: str, times: int) -> bool:
    return len(upstream.requests(model)) == times


async def test_a_restart_that_counts_as_a_crash_would_be_seen(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    without = "forgiven restarts"
    wrong = await crash_and_restart(make_server(WITHOUT=without).start(), upstream)
    control("G12 a restart after a crash", without, wrong)
