"""G1, G7 in a fleet: `kill -9` of any process, at random moments and right at an acknowledgement."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conftest import Report
from tests.fakes.script import Script
from tests.fakes.serving import as_written
from tests.harness.deployments import FLEETS, SERVERS, Deployment, kill_process, open_deployment
from tests.harness.full_client import FullClient, open_full
from tests.harness.losses import Sender, find_losses
from tests.harness.postgres import Databases
from tests.harness.stored import fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until_async

_SENDERS = 3
_ANSWERED_S = 30.0
_HONEST = "provider_cut"  # how a turn ends whose process was lost twice


class Killer:
    """Kills one process after the other while messages are sent, and starts it again."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self._deployment = deployment
        self._chance = random.Random(seed)
        self._victim: int | None = None
        self._hit = asyncio.Event()
        self.kills = 0

    def note_ack(self, _turn: str) -> None:
        """The victim that waits for it dies in this moment."""
        if self._victim is not None:
            kill_process(self._victim)
            self._victim = None
            self._hit.set()

    async def kill_some(self, count: int) -> None:
        for number in range(count):
            victims = self._choose(number)
            self._hit.clear()
            victim = self._victim = self._chance.choice(victims)
            if number % 2:
                await asyncio.sleep(self._chance.random() / 2)
                self.note_ack("")
            async with asyncio.timeout(_ANSWERED_S):
                await self._hit.wait()
            self.kills += 1
            await self._restore(victim)

    def _choose(self, number: int) -> list[int]:
        """Who runs turns; every third time the supervisor, or whoever answers."""
        if number % 3 == 1:
            return [server.pid for server in self._deployment.fleet.servers]
        return self._deployment.runners()

    async def _restore(self, victim: int) -> None:
        await asyncio.to_thread(self._deployment.wait_dead, victim)
        for process in self._deployment.fleet.processes:
            await asyncio.to_thread(self._deployment.replace, process)
        await wait_until_async(self._is_complete, "all processes to be there again", _ANSWERED_S)

    async def _is_complete(self) -> bool:
        return len(self._deployment.runners()) == 2


def find_wrong_answers(http: httpx2.Client, acked: dict[str, Any]) -> list[str]:
    wrong = []
    for name in acked:
        answer = fetch_messages(http, name)[-1]
        if answer["status"] == "failed" and answer["error"]["code"] == _HONEST:
            continue
        if (answer["status"], text_of(answer)) != ("complete", "ok, done"):
            wrong.append(f"{name} was answered by {text_of(answer)!r}, {answer['status']}, {answer['error']}")
    return wrong


def find_extra_requests(upstream: Upstream, model: str, sent: dict[str, str], kills: int) -> list[str]:
    """At most two for a message, and a second one only for what ran when a process died."""
    asked = Counter(_question_of(request.body) for request in upstream.requests(model))
    wrong = [f"{text!r} was asked {asked[text]} times" for text in sent.values() if not 1 <= asked[text] <= 2]
    doubled = sum(count == 2 for count in asked.values())
    if doubled > kills * _SENDERS * 4:
        wrong.append(f"{doubled} messages were asked twice for {kills} kills")
    return wrong


def _question_of(body: dict[str, Any]) -> str:
    return next(as_written(str(message["content"])) for message in body["messages"] if message["role"] == "user")


@pytest.mark.parametrize("name", FLEETS)
async def test_every_acknowledged_message_survives_the_kill_of_any_process(
    name: str, tmp_path: Path, postgres: Databases, upstream: Upstream, report: Report
) -> None:
    model = upstream.model(Script(pieces=["ok, ", "done"], delay_s=0.1))
    with open_deployment(name, tmp_path, postgres, 2, **upstream.environment) as deployment:
        killer = Killer(deployment, seed=len(name))
        senders = [Sender(deployment.fleet.port, deployment.key, model, killer.note_ack) for _ in range(_SENDERS)]
        tasks = [asyncio.create_task(sender.run()) for sender in senders]
        await killer.kill_some(trials(2, 24))
        for sender in senders:
            sender.is_enough = True
        async with asyncio.timeout(_ANSWERED_S):
            await asyncio.gather(*tasks)
        await wait_until_async(lambda: _all_ended(deployment), "the ends of all turns", _ANSWERED_S)
        sent = {name: text for sender in senders for name, text in sender.sent.items()}
        acked = {name: reply for sender in senders for name, reply in sender.acked.items()}
        with deployment.fleet.http() as http:
            wrong = find_losses(http, sent, acked) + find_wrong_answers(http, acked)
        wrong += await _send_again(deployment, model, sent, acked)
        wrong += [sentence for sender in senders for sentence in sender.wrong]
    report(f"G1 acknowledged messages survive {killer.kills} kills of any process ({name})", wrong, len(acked))
    extra = find_extra_requests(upstream, model, sent, killer.kills)
    report(f"G7 nobody pays twice without a crash ({name})", extra, len(sent))


async def _all_ended(deployment: Deployment) -> bool:
    statuses = await asyncio.to_thread(deployment.find_statuses)
    return not set(statuses.values()) & {"queued", "running"}


async def _send_again(deployment: Deployment, model: str, sent: dict[str, str], acked: dict[str, Any]) -> list[str]:
    """The same ids once more, to whoever answers now: the same turns."""
    wrong = []
    async with open_full(deployment.fleet.port, deployment.key) as client:
        for name, text in sent.items():
            again = await client.send(text, id=name, conversation=name, model=model, follow=False)
            if again["turn"] != acked[name]["turn"]:
                wrong.append(f"{name} became a second turn")
    return wrong


async def test_stop_at_any_process_closes_the_upstream_within_a_second(
    tmp_path: Path, postgres: Databases, upstream: Upstream, report: Report
) -> None:
    with open_deployment(SERVERS, tmp_path, postgres, 2, **upstream.environment) as deployment:
        wrong, late_s = await _stop_some(deployment, upstream, trials(6, 60))
    report(f"G7 Stop closes the upstream (longest {max(late_s):.2f} s)", wrong, len(late_s))


async def _stop_some(deployment: Deployment, upstream: Upstream, count: int) -> tuple[list[str], list[float]]:
    wrong, took_s = [], []
    for number in range(count):
        model = upstream.model(Script(pieces=["word "] * 2_000, delay_s=0.02))
        ports = deployment.ports
        async with open_full(ports[0], deployment.key) as sender, open_full(ports[-1], deployment.key) as other:
            sent = await sender.send(model=model)
            await sender.until_text(sent["turn"], 20)
            took_s.append(await _stop(other, sent["turn"], upstream, model))
            await sender.until_ended(sent["turn"], 10)
        if took_s[-1] > 1.0:
            wrong.append(f"stop {number} took {took_s[-1]:.2f} s")
        if len(upstream.requests(model)) != 1:
            wrong.append(f"stop {number}: {len(upstream.requests(model))} requests")
    return wrong, took_s


async def _stop(client: FullClient, turn: str, upstream: Upstream, model: str) -> float:
    """Seconds from the wish until the upstream was left."""
    asked_s = asyncio.get_running_loop().time()
    await client.ask("stop", turn=turn)

    async def is_left() -> bool:
        return upstream.requests(model)[0].outcome == "disconnected"

    await wait_until_async(is_left, "the upstream to be left", 10)
    return asyncio.get_running_loop().time() - asked_s
