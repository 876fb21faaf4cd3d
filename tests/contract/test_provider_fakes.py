"""The fakes are as strict as the vendors, and do what their scripts say."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import aiohttp
import pytest
from tests.contract.provider_cases import CASES, ask, collect, open_pair, text_of
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.gemini_server import FakeGemini
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import TAGGED, words
from tests.fakes.serving import FakeServer

from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import PromptMessage, StepRequest
from quarterdeck.errors import ProviderCutError, ProviderLimitError


@pytest.mark.parametrize(
    "change",
    [
        {"foo": 1},
        {"messages": []},
        {"temperature": "hot"},
        {"messages": [{"role": "user", "content": "x", "odd": 1}]},
        {"messages": [{"role": "tool", "content": "x", "tool_call_id": "none"}]},
        {"max_tokens": 5, "max_completion_tokens": 5},
        {"stream": False, "stream_options": {"include_usage": True}},
    ],
)
async def test_the_fake_of_openai_refuses_what_the_vendor_refuses(change: dict[str, Any]) -> None:
    await _expect_400(FakeOpenAI(), "/chat/completions", {"Authorization": "Bearer k"}, change)


@pytest.mark.parametrize(
    "change",
    [
        {"foo": 1},
        {"max_tokens": None},
        {"temperature": 1.5},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "odd": 1}]}]},
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "x "}]},
        {"thinking": {"type": "enabled", "budget_tokens": 4096}},
    ],
)
async def test_the_fake_of_anthropic_refuses_what_the_vendor_refuses(change: dict[str, Any]) -> None:
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    await _expect_400(FakeAnthropic(), "/messages", headers, change)


async def _expect_400(fake: FakeServer, path: str, headers: dict[str, str], change: dict[str, Any]) -> None:
    good = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 100, "stream": True}
    await _expect_only_good(fake, path, headers, good, change)


async def _expect_only_good(
    fake: FakeServer, path: str, headers: dict[str, str], good: dict[str, Any], change: dict[str, Any]
) -> None:
    """200 for `good`, 400 in the vendor's shape for `good` with `change`, 401 or 403 without the key."""
    async with fake, aiohttp.ClientSession() as session:
        url = fake.base_url + path
        async with session.post(url, json=good, headers=headers) as answer:
            assert answer.status == 200
        async with session.post(url, json=good | change, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["message"]
        async with session.post(url, json=good) as answer:
            assert answer.status in (401, 403)


@pytest.mark.parametrize(
    "change",
    [
        {"foo": 1},
        {"contents": []},
        {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]},
        {"contents": [{"role": "user", "parts": [{"text": "x", "odd": 1}]}]},
        {"generationConfig": {"temprature": 1}},
    ],
)
async def test_the_fake_of_gemini_refuses_what_the_vendor_refuses(change: dict[str, Any]) -> None:
    good = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    path = "/models/fake-chat:streamGenerateContent?alt=sse"
    await _expect_only_good(FakeGemini(), path, {"x-goog-api-key": "k"}, good, change)


async def test_the_tagged_model_streams_the_seed_by_characters() -> None:
    async with open_pair("openai") as pair:
        deltas, error = await collect(pair.provider, ask(model="fake-tagged"))
        assert error is None
        assert text_of(deltas) == TAGGED
        assert pair.fake.requests[-1].pieces_sent == len(TAGGED)


@pytest.mark.parametrize("name", list(CASES))
async def test_a_message_can_carry_its_own_script(name: str) -> None:
    async with open_pair(name) as pair:
        deltas, error = await collect(pair.provider, ask('/fake {"pieces": ["a", "b", "c"], "fault": "cut"}'))
        assert type(error) is ProviderCutError
        assert text_of(deltas) == "a"


async def test_model_names_choose_echo_words_statuses_and_faults() -> None:
    async with open_pair("openai") as pair:
        assert text_of((await collect(pair.provider, ask("say  it", model="fake-echo")))[0]) == "say  it"
        assert text_of((await collect(pair.provider, ask(model="fake-long-7")))[0]) == "".join(words(7))
        assert type((await collect(pair.provider, ask(model="fake-status-429")))[1]) is ProviderLimitError
        assert type((await collect(pair.provider, ask(model="fake-fault-cut")))[1]) is ProviderCutError


async def test_an_answer_goes_on_when_it_is_asked_to() -> None:
    messages = [
        PromptMessage("user", [TextPart("Go.")]),
        PromptMessage("assistant", [TextPart("".join(words(20))[:33])]),
        PromptMessage("user", [TextPart("Continue exactly where you stopped.")]),
    ]
    async with open_pair("openai") as pair:
        deltas, _ = await collect(pair.provider, StepRequest(model="fake-long-20", messages=messages))
        assert text_of(deltas) == "".join(words(20))[33:]


@pytest.mark.parametrize("fake", [FakeOpenAI(), FakeAnthropic(), FakeGemini()], ids=lambda fake: type(fake).__name__)
def test_a_fake_in_a_thread_is_controlled_over_http(fake: FakeServer) -> None:
    with fake.in_thread():
        order = {"default": {"pieces": ["x"]}, "by_model": {"m": {"status": 500}}, "unsupported": ["seed"]}
        request = urllib.request.Request(f"{fake.origin}/control", data=json.dumps(order).encode())
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 204
        with urllib.request.urlopen(f"{fake.origin}/control/requests", timeout=5) as answer:
            assert json.load(answer) == []
    assert fake.default.pieces == ["x"]
    assert fake.by_model["m"].status == 500
    assert fake.unsupported == {"seed"}
