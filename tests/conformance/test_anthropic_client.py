"""The official `anthropic` client against `/v1/messages`, taken at its types; behind it is another vendor's model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from tests.conftest import Report
from tests.fakes.pictures import PIXEL
from tests.fakes.script import Script, ScriptedCall, ScriptedUsage, words
from tests.harness.server import Server
from tests.harness.strict_api import Recorder, find_faults
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

HELLO: list[Any] = [{"role": "user", "content": "Hello?"}]
WEATHER: Any = {
    "name": "weather",
    "description": "The weather somewhere.",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}
CALL = ScriptedCall(id="call_1", name="weather", arguments=['{"place":', ' "Kiel"}'])


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """At the end it looks at all answers: which tests have run in this process is of no matter."""
    recorder = Recorder()
    yield recorder
    faults, _ = _look_at(recorder)
    assert faults == []


@pytest.fixture(scope="module")
def client(server: Server, recorder: Recorder) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=server.url, api_key=server.key, max_retries=0, http_client=httpx2.Client(transport=recorder)
    ) as opened:
        yield opened


def test_a_block_of_text_has_no_citations_that_are_null(http: httpx2.Client, upstream: Upstream) -> None:
    """Anthropic leaves them out, and Vercel's AI SDK takes an array or nothing."""
    asked = {"model": upstream.model(Script(pieces=["Aye."])), "max_tokens": 9, "messages": HELLO}
    assert http.post("/v1/messages", json=asked).json()["content"] == [{"type": "text", "text": "Aye."}]
    streamed = http.post("/v1/messages", json=asked | {"stream": True}).text
    assert '"content_block":{"type":"text","text":""}' in streamed


def test_an_answer_comes_whole(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=11, output=7, cached=3)))
    answer = client.messages.create(
        model=model, max_tokens=50, system=[{"type": "text", "text": "Be brief."}], messages=HELLO,
        stop_sequences=["END"], extra_body={"temperature": 0.5},
    )  # fmt: skip
    assert [block.text for block in answer.content if block.type == "text"] == ["Hello, world!"]
    assert (answer.stop_reason, answer.model) == ("end_turn", model)
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens, answer.usage.output_tokens) == (8, 3, 7)
    body = upstream.requests(model)[0].body
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["max_completion_tokens"], body["stop"], body["temperature"]) == (50, ["END"], 0.5)


def test_an_answer_streams(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(40), usage=ScriptedUsage(input=11, output=40)))
    with client.messages.stream(model=model, max_tokens=50, messages=HELLO) as stream:
        assert "".join(stream.text_stream) == "".join(words(40))
        final = stream.get_final_message()
    assert (final.stop_reason, final.usage.output_tokens, final.usage.input_tokens) == ("end_turn", 40, 11)
    with client.messages.stream(model=model, max_tokens=7, messages=HELLO) as stream:
        assert stream.get_final_message().stop_reason == "max_tokens"


def test_thoughts_are_told_where_they_were_asked_for(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script(reasoning=["Let me ", "see."]))
    asked: dict[str, Any] = {"model": model, "max_tokens": 4_000, "messages": HELLO}
    thinking: Any = {"type": "enabled", "budget_tokens": 2_000}
    with client.messages.stream(**asked, thinking=thinking) as stream:
        assert [block.type for block in stream.get_final_message().content] == ["thinking", "text"]
    whole = client.messages.create(**asked, thinking=thinking)
    assert [block.type for block in whole.content] == ["thinking", "text"]
    assert [block.type for block in client.messages.create(**asked).content] == ["text"]
    back: list[Any] = [*HELLO, {"role": "assistant", "content": whole.content}, {"role": "user", "content": "And?"}]
    client.messages.create(model=model, max_tokens=10, messages=back)
    assert upstream.requests(model)[-1].body["messages"][1] == {"role": "assistant", "content": "Hello, world!"}


def test_tools_are_called_and_their_results_taken(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["Let me look."], tool_calls=[CALL], finish="tool_calls"))
    choice: Any = {"type": "any", "disable_parallel_tool_use": True}
    answer = client.messages.create(model=model, max_tokens=50, messages=HELLO, tools=[WEATHER], tool_choice=choice)
    assert answer.stop_reason == "tool_use"
    called: Any = answer.content[1]
    assert (called.type, called.id, called.name, called.input) == ("tool_use", "call_1", "weather", {"place": "Kiel"})
    with client.messages.stream(model=model, max_tokens=50, messages=HELLO, tools=[WEATHER]) as stream:
        streamed: Any = stream.get_final_message().content[1]
    assert streamed.input == {"place": "Kiel"}
    upstream.change(model, Script(pieces=["Rain."]))
    result: Any = {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "rain"}]}
    more: Any = {"type": "text", "text": "And tomorrow?"}
    messages: Any = [
        *HELLO,
        {"role": "assistant", "content": [block.model_dump() for block in answer.content]},
        {"role": "user", "content": [result, more]},
    ]
    client.messages.create(model=model, max_tokens=50, messages=messages, tools=[WEATHER])
    sent = upstream.requests(model)
    assert sent[0].body["tool_choice"] == "required"
    assert sent[0].body["parallel_tool_calls"] is False
    assert sent[-1].body["messages"][-2:] == [
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"}, {"role": "user", "content": "And tomorrow?"},
    ]  # fmt: skip


def test_pictures_are_seen(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script())
    source: Any = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    messages: Any = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    client.messages.create(model=model, max_tokens=50, messages=messages)
    (piece,) = upstream.requests(model)[0].body["messages"][0]["content"]
    assert piece["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"


def test_tokens_are_counted_without_asking_a_model(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script())
    few = client.messages.count_tokens(model=model, messages=HELLO).input_tokens
    many = client.messages.count_tokens(
        model=model, system="Be brief. " * 50, messages=HELLO, tools=[WEATHER]
    ).input_tokens
    assert 0 < few < many
    assert upstream.requests(model) == []


@pytest.mark.parametrize(
    ("given", "error", "kind"),
    [
        ({"model": "nobody/none"}, anthropic.NotFoundError, "not_found_error"),
        ({"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
        ({"extra_body": {"colour": "red"}}, anthropic.BadRequestError, "invalid_request_error"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, anthropic.BadRequestError,
         "invalid_request_error"),
        ({"model": "openai/fake-status-429"}, anthropic.RateLimitError, "rate_limit_error"),
        ({"model": "openai/fake-fault-hang-up"}, anthropic.OverloadedError, "overloaded_error"),
    ],
)  # fmt: skip
def test_errors_are_those_that_the_client_knows(
    client: anthropic.Anthropic, given: dict[str, Any], error: type[anthropic.APIStatusError], kind: str
) -> None:
    asked: dict[str, Any] = {"model": "openai/fake-chat", "max_tokens": 50, "messages": HELLO} | given
    for stream in (False, True):
        with pytest.raises(error) as caught:
            client.messages.create(**asked, stream=stream)
        body: Any = caught.value.body
        assert (body["type"], body["error"]["type"]) == ("error", kind)


def test_a_wrong_key_is_refused(server: Server) -> None:
    stranger = anthropic.Anthropic(base_url=server.url, api_key="qd_nobody", max_retries=0)
    with stranger, pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(model="x", max_tokens=1, messages=HELLO)


def test_errors_about_models_are_those_that_the_client_knows(client: anthropic.Anthropic, server: Server) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.models.retrieve("openai/none")
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", "not_found_error")
    stranger = anthropic.Anthropic(base_url=server.url, api_key="qd_nobody", max_retries=0)
    with stranger, pytest.raises(anthropic.AuthenticationError) as refused:
        stranger.models.list()
    body = refused.value.body
    assert (body["type"], body["error"]["type"]) == ("error", "authentication_error")


def test_an_answer_that_breaks_off_says_so(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(9), fault="cut", fault_after=5))
    texts: list[str] = []
    stream = client.messages.stream(model=model, max_tokens=50, messages=HELLO)
    with stream as told, pytest.raises(anthropic.APIError):
        texts.extend(told.text_stream)
    assert "".join(texts) == "".join(words(5))


def test_a_refusal_is_one(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=[], fault="refusal"))
    assert client.messages.create(model=model, max_tokens=50, messages=HELLO).stop_reason == "refusal"
    with client.messages.stream(model=model, max_tokens=50, messages=HELLO) as stream:
        assert stream.get_final_message().stop_reason == "refusal"


def test_a_refusal_in_an_answer_is_a_block_of_its_own(client: anthropic.Anthropic, upstream: Upstream) -> None:
    model = upstream.model(Script(fault="filter"))
    whole = client.messages.create(model=model, max_tokens=50, messages=HELLO)
    with client.messages.stream(model=model, max_tokens=50, messages=HELLO) as stream:
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        texts = [block.text for block in message.content if block.type == "text"]
        assert (message.stop_reason, texts) == ("refusal", ["Hello", "OpenAI declined to answer."])


def test_who_leaves_is_not_paid_for_any_longer(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(2_000), delay_s=0.02))
    body = {"model": model, "max_tokens": 4_000, "messages": HELLO, "stream": True}
    with server.http() as http, http.stream("POST", "/v1/messages", json=body) as answer:
        assert next(answer.iter_raw())
    (asked,) = upstream.requests(model)
    wait_until(lambda: asked.outcome == "disconnected" or None, "the upstream to be left", 2.0)


def test_models_are_listed_in_the_shape_of_the_client_that_asks(client: anthropic.Anthropic) -> None:
    listed = [model.id for model in client.models.list()]
    assert "openai/fake-chat" in listed
    assert client.models.retrieve("openai/fake-chat").type == "model"


def test_no_answer_has_a_shape_that_the_client_does_not_know(
    client: anthropic.Anthropic, upstream: Upstream, recorder: Recorder, report: Report
) -> None:
    client.messages.create(model=upstream.model(Script()), max_tokens=50, messages=HELLO)
    report("answers of /v1/messages fit Anthropic's types", *_look_at(recorder))


def _look_at(recorder: Recorder) -> tuple[list[str], int]:
    """What is wrong with the answers so far, and how many there are."""
    faults: list[str] = []
    count = 0
    for answer in recorder.answers:
        if not answer.path.startswith("/v1/messages"):
            continue
        if answer.is_stream:
            told = [one for one in answer.events() if one["type"] not in ("ping", "error")]
            faults += [fault for one in told for fault in find_faults(RawMessageStreamEvent, one)]
            count += len(told)
        elif answer.status == 200:
            expected: Any = MessageTokensCount if answer.path.endswith("count_tokens") else Message
            faults += find_faults(expected, json.loads(answer.body))
            count += 1
    return faults, count
