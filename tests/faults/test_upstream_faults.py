"""A model's provider fails in every way: what was received is kept, and every surface says the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import Report
from tests.fakes.script import Script, words
from tests.harness.checks import find_differences, find_disorder, texts_of
from tests.harness.full_client import FullClient, new_name, open_full
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.stored import fetch_message
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until_async

RECEIVED = words(10)
FAULTS: dict[str, tuple[Script, str, int, bool]] = {
    # name: (script, code, status, whether the ten words were received)
    "cut": (Script(pieces=words(20), fault="cut", fault_after=10), "provider_cut", 502, True),
    "no end": (Script(pieces=words(20), fault="no_end", fault_after=10), "provider_cut", 502, True),
    "malformed": (Script(pieces=words(20), fault="malformed", fault_after=10), "provider_malformed", 502, True),
    "error": (Script(pieces=words(20), fault="error", fault_after=10), "provider_unavailable", 503, True),
    "filter": (Script(pieces=words(20), fault="filter", fault_after=10), "provider_refused", 502, True),
    "stall": (Script(pieces=words(20), fault="stall", fault_after=10), "provider_timeout", 504, True),
    "silence": (Script(first_delay_s=3600), "provider_timeout", 504, False),
    "empty": (Script(fault="empty"), "provider_empty", 502, False),
    "no words": (Script(fault="no_words"), "provider_empty", 502, False),
    "refusal": (Script(fault="refusal"), "provider_refused", 502, False),
    "wrong key": (Script(status=401), "provider_key_refused", 502, False),
    "too often": (Script(status=429, retry_after="300"), "provider_rate_limited", 429, False),
    "down": (Script(status=500), "provider_unavailable", 503, False),
    "rejected": (Script(status=400), "provider_rejected_request", 502, False),
    "no such model": (Script(status=404), "model_not_found", 404, False),
}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    """A server that waits a second for a provider."""
    short = {"QUARTERDECK_IDLE_TIMEOUT_S": "1", "QUARTERDECK_FIRST_TOKEN_TIMEOUT_S": "1"}
    running = Server(tmp_path_factory.mktemp("impatient"), **upstream.environment, **short).start()
    yield running
    running.close()


@pytest.mark.parametrize("name", FAULTS)
async def test_what_was_received_is_kept_and_the_fault_is_told_everywhere(
    impatient: Server, upstream: Upstream, report: Report, name: str
) -> None:
    script, code, status, is_kept = FAULTS[name]
    model = upstream.model(script)
    async with open_full(impatient.port, impatient.key) as client:
        accepted = await client.send(model=model)
        transcript = await client.until_ended(accepted["turn"], 15)
    with impatient.http() as http:
        stored = fetch_message(http, accepted["conversation"], accepted["answer"])
        answer = None if is_kept else http.post("/chat_batch", json={"message": "Hi", "model": model})
    wrong = find_disorder(transcript) + find_differences(transcript, stored)
    wrong += [] if (stored["status"], stored["error"]["code"]) == ("failed", code) else [f"stored {stored['error']}"]
    kept = ["".join(RECEIVED)] if is_kept else []
    wrong += [] if [text for text in texts_of(transcript) if text] == kept else [f"kept {texts_of(transcript)}"]
    if answer is not None and (answer.status_code, answer.json()["code"]) != (status, code):
        wrong.append(f"/chat_batch: {answer.status_code} {answer.text}")
    wrong += await _find_wrong_frames(impatient, model, stored["error"]["message"], "".join(kept))
    report(f"upstream {name}", wrong, 3)


async def _find_wrong_frames(running: Server, model: str, sentence: str, kept: str) -> list[str]:
    async with open_simple(running.port, running.key) as client:
        frames = await client.ask("Hi", new_name("chat"), model=model)
    told = frames[-1]
    received = "".join(frame["chunk"] for frame in frames[:-1])
    wrong = [] if (told["tag"], told["done"]) == ("error", True) else [f"the last frame is {told}"]
    wrong += [] if told["chunk"] == sentence else [f"{told['chunk']!r} is not {sentence!r}"]
    return wrong + ([] if received == kept else [f"simple clients got {received!r}"])


@pytest.mark.parametrize("script", [Script(status=500, failures=1), Script(status=429, failures=1, retry_after="0")])
async def test_a_provider_that_recovers_is_asked_again_and_nobody_is_told_of_a_failure(
    impatient: Server, upstream: Upstream, script: Script
) -> None:
    model = upstream.model(script)
    async with open_full(impatient.port, impatient.key) as client:
        good = await client.send(model=upstream.model(Script()))  # the fake counts failures since its last success
        await client.until_ended(good["turn"])
        accepted = await client.send(model=model)
        transcript = await client.until_ended(accepted["turn"], 10)
    assert texts_of(transcript) == ["Hello, world!"]
    assert transcript[-1][1]["status"] == "complete"
    assert [event["type"] for _, event in transcript].count("step.retrying") == 1
    assert len(upstream.requests(model)) == 2


async def test_without_a_crash_nobody_pays_twice(server: Server, upstream: Upstream, report: Report) -> None:
    model = upstream.model(Script(pieces=words(5)))
    async with open_full(server.port, server.key) as client:
        sent = [await client.send(model=model) for _ in range(50)]
        for accepted in sent:
            await client.until_ended(accepted["turn"])
    extra = len(upstream.requests(model)) - len(sent)
    report("G7 no extra request without a crash", ["an extra request"] * extra, len(sent))


@pytest.mark.parametrize("delay_s", [0.001, 0.005, 0.05, 3600], ids=["dense", "quick", "slow", "silent"])
async def test_stopping_leaves_the_upstream_within_a_second_and_keeps_the_text(
    server: Server, upstream: Upstream, report: Report, delay_s: float
) -> None:
    wrong: list[str] = []
    async with open_full(server.port, server.key) as client:
        for _ in range(5):
            wrong += await stop_one(client, upstream, delay_s)
    report(f"G7 stop leaves the upstream ({delay_s} s a piece)", wrong, 5)


async def stop_one(client: FullClient, upstream: Upstream, delay_s: float) -> list[str]:
    is_silent = delay_s > 1
    script = Script(first_delay_s=delay_s) if is_silent else Script(pieces=words(100_000), delay_s=delay_s)
    model = upstream.model(script)
    accepted = await client.send(model=model)
    await wait_until_async(lambda: _is_asked(upstream, model), "the request")
    if not is_silent:
        await client.until_text(accepted["turn"], 20)
    await client.ask("stop", turn=accepted["turn"])
    transcript = await client.until_ended(accepted["turn"])
    wrong = find_disorder(transcript) + _find_wrong_stop(transcript, is_silent)
    try:
        await wait_until_async(lambda: _is_left(upstream, model), "the upstream to be left", 1.0)
    except TimeoutError as late:
        wrong.append(str(late))
    return wrong


def _find_wrong_stop(transcript: list[tuple[int, dict[str, Any]]], is_silent: bool) -> list[str]:
    text = "".join(texts_of(transcript))
    is_kept = not text if is_silent else "".join(words(100_000)).startswith(text) and len(text) >= 20
    is_stopped = transcript[-1][1]["status"] == "stopped"
    return ([] if is_kept else [f"kept {text!r}"]) + ([] if is_stopped else [f"ended {transcript[-1][1]}"])


async def _is_asked(upstream: Upstream, model: str) -> bool:
    return bool(upstream.requests(model))


async def _is_left(upstream: Upstream, model: str) -> bool:
    return upstream.requests(model)[0].ended_at is not None
