"""G1, G5, G7: `kill -9`. Nothing acknowledged is lost, the same turn goes on, nobody pays twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conftest import MakeServer, Report
from tests.fakes.script import TAGGED, Script, words
from tests.harness.checks import Transcript, find_differences, find_disorder, find_shrinking, texts_of
from tests.harness.full_client import FullClient, SocketClosedError, new_name, open_full
from tests.harness.locks import hold, select
from tests.harness.losses import find_losses
from tests.harness.server import Server
from tests.harness.stored import fetch_message, fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_socket
from tests.harness.waiting import trials, wait_until_async

TAKEN_OVER_S = 12.0


async def send_without_end(port: int, key: str, model: str, sent: dict[str, str], acked: dict[str, Any]) -> None:
    """One message after the other, each in a conversation named like its id, until the connection breaks."""
    async with open_full(port, key) as client:
        while True:
            name = new_name("m")
            sent[name] = f"the text of {name}"
            acked[name] = await client.send(sent[name], id=name, conversation=name, model=model, follow=False)


async def test_every_acknowledged_message_survives_a_kill(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    running = make_server().start()
    chance = random.Random(1)
    model = upstream.model(Script(pieces=["ok"]))
    wrong: list[str] = []
    count = trials(3, 40)
    total = 0
    for _ in range(count):
        sent, acked = await kill_amid_messages(running, model, chance)
        running.restart()
        with running.http() as http:
            wrong += find_losses(http, sent, acked)
            await _send_again(running, model, sent, acked, wrong)
            wrong += find_losses(http, sent, acked)
        total += len(acked)
    report("G1 acknowledged messages survive kill -9", wrong, total)


async def kill_amid_messages(
    running: Server, model: str, chance: random.Random
) -> tuple[dict[str, str], dict[str, Any]]:
    """What was sent until then, and what was acknowledged."""
    sent: dict[str, str] = {}
    acked: dict[str, Any] = {}
    senders = [asyncio.create_task(send_without_end(running.port, running.key, model, sent, acked)) for _ in range(3)]
    enough = chance.randint(3, 25)
    await wait_until_async(lambda: _is_enough(acked, enough), "acknowledgements")
    await asyncio.sleep(chance.random() / 50)
    running.kill()
    for sender in senders:
        with pytest.raises(SocketClosedError):
            await sender
    return sent, acked


async def _is_enough(acked: dict[str, Any], enough: int) -> bool:
    return len(acked) >= enough


async def _send_again(
    running: Server, model: str, sent: dict[str, str], acked: dict[str, Any], wrong: list[str]
) -> None:
    """What a client does after a break: everything again with the same ids."""
    async with open_full(running.port, running.key) as client:
        for name, text in sent.items():
            again = await client.send(text, id=name, conversation=name, model=model, follow=False)
            before = acked.setdefault(name, again)
            if again["turn"] != before["turn"]:
                wrong.append(f"{name} became a second turn")


async def test_the_loss_of_an_acknowledged_message_would_be_seen(make_server: MakeServer, upstream: Upstream) -> None:
    """The negative control: the same check against a server that has forgotten."""
    running = make_server().start()
    name = new_name("m")
    async with open_full(running.port, running.key) as client:
        model = upstream.model(Script())
        acked = {name: await client.send("text", id=name, conversation=name, model=model)}
        await client.until_ended(acked[name]["turn"])
    with running.http() as http:
        assert find_losses(http, {name: "text"}, acked) == []
        assert find_losses(http, {name: "another text"}, acked)
        http.delete(f"/api/conversations/{name}")
        assert find_losses(http, {name: "text"}, acked)


def stage_scripts() -> dict[str, Script]:
    return {
        "before the first token": Script(pieces=words(40), first_delay_s=3600),
        "in the middle of the text": Script(pieces=words(200), delay_s=0.02),
        "in the reasoning": Script(reasoning=[f"thought {n} " for n in range(200)], pieces=words(20), delay_s=0.02),
        "in a tagged answer": Script(pieces=list(TAGGED), delay_s=0.03),
        "after the last word": Script(pieces=words(20), fault="stall", fault_after=20),
        "after the model's end": Script(pieces=words(20)),
    }


class Stages:
    """Six turns, each to be killed at a stage of its own."""

    def __init__(self, running: Server, upstream: Upstream) -> None:
        self._upstream = upstream
        self._running = running
        self.models = {stage: upstream.model(script) for stage, script in stage_scripts().items()}
        self.accepted: dict[str, dict[str, Any]] = {}
        self.transcripts: dict[str, Transcript] = {}

    async def begin(self, client: FullClient, chance: random.Random) -> None:
        for stage, model in self.models.items():
            if stage != "after the model's end":
                assistant = "ideas" if stage == "in a tagged answer" else ""
                self.accepted[stage] = await client.send(stage, model=model, assistant=assistant)
        await client.until_text(self._turn("in the middle of the text"), chance.randint(1, 200))
        await client.until_text(self._turn("in the reasoning"), 1)
        await client.until_text(self._turn("in a tagged answer"), chance.randint(1, 12))
        await client.until_text(self._turn("after the last word"), len("".join(words(20))))

    async def kill(self, client: FullClient) -> None:
        """The sixth turn has its answer in the log and not in the database when the process dies."""
        stage = "after the model's end"
        self._upstream.change(self.models[stage], Script(pieces=words(20), delay_s=0.02))
        self.accepted[stage] = await client.send(stage, model=self.models[stage])
        with hold(self._running.data_dir / "quarterdeck.sqlite3"):
            await client.until_event(self._turn(stage), "step.ended")
            self._running.kill()
        with pytest.raises(SocketClosedError):
            await client.until(lambda: None, "the end of the socket")
        self.transcripts = {stage: client.transcript(self._turn(stage)) for stage in self.models}

    async def go_on(self) -> None:
        for stage, script in stage_scripts().items():
            script.first_delay_s = 0
            script.delay_s = 0.002
            script.fault = ""
            self._upstream.change(self.models[stage], script)
        self._running.restart()
        viewers = (
            watch_by_socket(self._running.port, self._running.key, self._turn(stage), self.transcripts[stage])
            for stage in self.models
        )
        async with asyncio.timeout(TAKEN_OVER_S):
            await asyncio.gather(*viewers)

    def _turn(self, stage: str) -> str:
        return str(self.accepted[stage]["turn"])


def find_wrong_continuations(stages: Stages, http: httpx2.Client, shown: dict[str, list[str]]) -> list[str]:
    wrong = []
    for stage, transcript in stages.transcripts.items():
        accepted = stages.accepted[stage]
        stored = fetch_message(http, accepted["conversation"], accepted["answer"])
        found = find_disorder(transcript) + find_differences(transcript, stored)
        found += find_shrinking(shown[stage], texts_of(transcript))
        if stored["status"] != "complete" or len(stored["continuations"]) != 1:
            found.append(f"status {stored['status']}, error {stored['error']}, continued {stored['continuations']}")
        wrong += [f"{stage}: {sentence}" for sentence in found]
    return wrong


async def test_a_killed_turn_goes_on_from_where_it_was(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    running = make_server().start()
    chance = random.Random(5)
    wrong: list[str] = []
    count = trials(2, 20)
    for _ in range(count):
        stages = Stages(running, upstream)
        async with open_full(running.port, running.key) as client:
            await stages.begin(client, chance)
            await stages.kill(client)
        shown = {stage: texts_of(transcript) for stage, transcript in stages.transcripts.items()}
        await stages.go_on()
        with running.http() as http:
            wrong += find_wrong_continuations(stages, http, shown)
        wrong += find_wrong_texts(stages)
        for stage, model in stages.models.items():
            asked = len(upstream.requests(model))
            if asked != (1 if stage == "after the model's end" else 2):
                wrong.append(f"{stage}: {asked} requests")
    report("G5, G7 killed turns go on, at most 2 requests", wrong, count * len(stage_scripts()))


def find_wrong_texts(stages: Stages) -> list[str]:
    """The upstream goes on exactly, so the answers must be exact, too."""
    texts = {stage: texts_of(transcript) for stage, transcript in stages.transcripts.items()}
    expected = {
        "before the first token": ["".join(words(40))],
        "in the middle of the text": ["".join(words(200))],
        "in a tagged answer": ["Whiskers", "Fluffy", "Saved them!"],
        "after the last word": ["".join(words(20))],
        "after the model's end": ["".join(words(20))],
    }
    wrong = [f"{stage}: {texts[stage]!r}" for stage, text in expected.items() if texts[stage] != text]
    if texts["in the reasoning"][-1] != "".join(words(20)):
        wrong.append(f"in the reasoning: {texts['in the reasoning'][-1]!r}")
    return wrong


async def test_a_turn_killed_between_its_message_and_its_last_event_ends_once(
    make_server: MakeServer, upstream: Upstream
) -> None:
    running = make_server().start()
    model = upstream.model(Script(pieces=words(5), delay_s=0.1))
    database, log = (running.data_dir / f"{name}.sqlite3" for name in ("quarterdeck", "log"))
    async with open_full(running.port, running.key) as client:
        accepted = await client.send(model=model)
        with contextlib.ExitStack() as held:
            held.enter_context(hold(database))
            await client.until_event(accepted["turn"], "step.ended")
            with hold(log):
                held.close()
                await wait_until_async(lambda: _is_stored(database, accepted["turn"]), "the message to be stored")
                running.kill()
        transcript = await _last_seen(client, accepted["turn"])
    assert find_disorder(transcript), "its end was not said before"
    running.restart()
    async with asyncio.timeout(TAKEN_OVER_S):
        await watch_by_socket(running.port, running.key, accepted["turn"], transcript)
    assert find_disorder(transcript) == []
    with running.http() as http:
        stored = fetch_message(http, accepted["conversation"], accepted["answer"])
    assert find_differences(transcript, stored) == []
    assert len(upstream.requests(model)) == 1


async def test_what_waited_for_the_index_of_the_search_is_found_after_a_kill(
    make_server: MakeServer, upstream: Upstream
) -> None:
    running = make_server().start()
    model = upstream.model(Script(pieces=["Of narwhals."]))
    database = running.data_dir / "quarterdeck.sqlite3"
    entries = "SELECT count(*) FROM search_entries AS e JOIN messages AS m ON m.id = e.message_id WHERE m.turn_id = ?"
    for _ in range(10):
        async with open_full(running.port, running.key) as client:
            accepted = await client.send("What do you know of narwhals?", model=model)
            await client.until_ended(accepted["turn"])
        running.kill()
        was_lost = select(database, entries, accepted["turn"]) == [(0,)]
        running.restart()
        await wait_until_async(lambda accepted=accepted: _are_found(running, accepted), "both messages to be found")  # type: ignore[misc]
        if was_lost:
            return
    pytest.fail("the server was never killed before it had written its index")


async def _are_found(running: Server, accepted: dict[str, Any]) -> bool:
    with running.http() as http:
        hits = http.get("/api/search", params={"q": "narwhals", "conversation": accepted["conversation"]}).json()[
            "items"
        ]
    return [hit["role"] for hit in hits] == ["assistant", "user"] and hits[0]["message"] == accepted["answer"]


async def _is_stored(database: Path, turn: str) -> bool:
    return select(database, "SELECT status FROM turns WHERE id = ?", turn) == [("complete",)]


async def _last_seen(client: FullClient, turn: str) -> Transcript:
    """What the viewer had when the connection broke."""
    with pytest.raises(SocketClosedError):
        await client.until(lambda: None, "the end of the socket")
    return client.transcript(turn)


async def test_a_turn_killed_before_its_log_began_is_answered_once(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    """Stored, but neither acknowledged nor begun: sending it again finds it."""
    running = make_server().start()
    model = upstream.model(Script(pieces=words(5)))
    database, log = (running.data_dir / f"{name}.sqlite3" for name in ("quarterdeck", "log"))
    name = new_name("m")
    sent = {"id": name, "conversation": name, "text": "Hi", "model": model}
    async with open_full(running.port, running.key) as client:
        with hold(log):
            await client.say({"type": "send", "ref": "1", **sent})
            await wait_until_async(lambda: _count_turns(database), "the turn to be stored")
            running.kill()
    running.restart()
    async with open_full(running.port, running.key) as client:
        accepted = await client.send(**sent)
        await _read_to_the_end(client, accepted["turn"])
        again = await client.send(**sent, follow=False)
    wrong = find_disorder(client.transcript(accepted["turn"]))
    wrong += [] if again["turn"] == accepted["turn"] else ["a second turn"]
    wrong += [] if len(upstream.requests(model)) == 1 else ["a second request"]
    report("G2 a message killed before its answer began", wrong, 1)


async def _read_to_the_end(client: FullClient, turn: str) -> None:
    """The log may begin a moment after the acknowledgement: who is told to resync follows again."""
    while True:
        await client.until(lambda: client.frames[-1] if _is_told(client, turn) else None, "the end, or a resync")
        if client.transcript(turn)[-1:] and client.transcript(turn)[-1][1]["type"] == "turn.ended":
            return
        client.frames.clear()
        await client.ask("follow", turn=turn, after=len(client.transcript(turn)))


def _is_told(client: FullClient, turn: str) -> bool:
    is_ended = any(event["type"] == "turn.ended" for _, event in client.transcript(turn))
    return is_ended or any(frame["type"] == "resync" for frame in client.frames)


async def _count_turns(database: Path) -> bool:
    return bool(select(database, "SELECT id FROM turns"))


async def test_a_turn_killed_again_and_again_fails_honestly_and_keeps_its_text(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    running = make_server().start()
    model = upstream.model(Script(pieces=words(300), delay_s=0.03))
    accepted, wrong = await kill_twice(running, upstream, model)
    with running.http() as http:
        stored = fetch_message(http, accepted["conversation"], accepted["answer"])
        assert (stored["status"], stored["error"]["code"]) == ("failed", "provider_cut")
        assert stored["error"]["retryable"] is True
        upstream.change(model, Script(pieces=["Better."]))
        async with open_full(running.port, running.key) as client:
            again = await client.ask("retry", id=new_name("key"), message=accepted["answer"])
            await client.until_ended(again["turn"])
        assert text_of(fetch_messages(http, accepted["conversation"])[-1]) == "Better."
    report("G7 killed again and again, at most 2 requests", wrong, 1)


async def kill_twice(running: Server, upstream: Upstream, model: str) -> tuple[dict[str, Any], list[str]]:
    """An answer of `model` whose server dies in its middle, and again; it is watched to its end."""
    async with open_full(running.port, running.key) as client:
        accepted = await client.send("Long", model=model)
        await client.until_text(accepted["turn"], 20)
        running.kill()
        transcript = await _last_seen(client, accepted["turn"])
    shown = texts_of(transcript)
    running.restart()
    async with open_full(running.port, running.key) as client:
        await client.ask("follow", turn=accepted["turn"], after=0)
        await client.until_text(accepted["turn"], len(shown[0]) + 20)
        running.kill()
        transcript = await _last_seen(client, accepted["turn"])
    wrong = find_shrinking(shown, texts_of(transcript))
    shown = texts_of(transcript)
    upstream.change(model, Script(pieces=words(300)))  # in case that it is asked once more
    running.restart()
    async with asyncio.timeout(TAKEN_OVER_S):
        await watch_by_socket(running.port, running.key, accepted["turn"], transcript)
    with running.http() as http:
        stored = fetch_message(http, accepted["conversation"], accepted["answer"])
    wrong += find_disorder(transcript) + find_differences(transcript, stored)
    wrong += find_shrinking(shown, texts_of(transcript))
    asked = len(upstream.requests(model))
    return accepted, wrong + ([] if asked == 2 else [f"{asked} requests"])
