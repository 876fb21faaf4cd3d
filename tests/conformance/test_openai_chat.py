"""The official `openai` client for Python against `/v1/chat/completions` and `/v1/models`, taken at its types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import pytest
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel
from tests.conftest import MakeServer, Report
from tests.fakes.pictures import PIXEL
from tests.fakes.script import Script, ScriptedCall, ScriptedUsage, words
from tests.harness.full_client import new_name
from tests.harness.people import add_person
from tests.harness.server import Server
from tests.harness.strict_api import Recorder, find_faults
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

HELLO: list[Any] = [{"role": "user", "content": "Hello?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather somewhere.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """At the end it looks at all answers: which tests have run in this process is of no matter."""
    recorder = Recorder()
    yield recorder
    faults, _ = _look_at(recorder)
    assert faults == []


def test_an_answer_comes_whole(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=11, output=7, cached=3, reasoning=2)))
    answer = client.chat.completions.create(model=model, messages=HELLO)
    assert answer.choices[0].message.content == "Hello, world!"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == model
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (11, 7, 18)
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 3


def test_an_answer_streams_and_says_what_it_used_when_asked_to(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(40), reasoning=["Let me see."]))
    chunks = list(client.chat.completions.create(model=model, messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "".join(words(40))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)
    counted = list(
        client.chat.completions.create(model=model, messages=HELLO, stream=True, stream_options={"include_usage": True})
    )
    assert counted[-1].choices == []
    assert counted[-1].usage is not None
    assert counted[-1].usage.prompt_tokens == 11


@pytest.mark.parametrize("is_kept", [False, True])
def test_thoughts_are_told_as_a_further_field(client: openai.OpenAI, upstream: Upstream, is_kept: bool) -> None:
    model = upstream.model(Script(pieces=words(5), reasoning=["Let me ", "see."]))
    kept: dict[str, Any] = {"conversation": new_name("thinking")} if is_kept else {}
    whole = client.chat.completions.create(model=model, messages=HELLO, extra_body=kept)
    message: Any = whole.choices[0].message
    assert (message.reasoning_content, message.content) == ("Let me see.", "".join(words(5)))
    deltas: list[Any] = [
        chunk.choices[0].delta
        for chunk in client.chat.completions.create(model=model, messages=HELLO, stream=True, extra_body=kept)
    ]
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas) == "Let me see."
    assert "".join(delta.content or "" for delta in deltas) == "".join(words(5))
    upstream.change(model, Script())
    plain = client.chat.completions.create(model=model, messages=[*HELLO, message.to_dict(), *HELLO])
    assert "reasoning_content" not in plain.choices[0].message.to_dict()
    assert "Let me see." not in json.dumps(upstream.requests(model)[-1].body)


def test_tools_are_called_and_their_results_taken(client: openai.OpenAI, upstream: Upstream) -> None:
    call = ScriptedCall(id="call_1", name="weather", arguments=['{"place":', ' "Kiel"}'])
    model = upstream.model(Script(pieces=[], tool_calls=[call], finish="tool_calls"))
    answer = client.chat.completions.create(
        model=model, messages=HELLO, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    called: Any = (answer.choices[0].message.tool_calls or [])[0]
    assert (called.id, called.function.name, json.loads(called.function.arguments)) == (
        "call_1", "weather", {"place": "Kiel"},
    )  # fmt: skip
    with client.chat.completions.stream(model=model, messages=HELLO, tools=[WEATHER]) as stream:
        final = stream.get_final_completion()
    streamed: Any = (final.choices[0].message.tool_calls or [])[0]
    assert json.loads(streamed.function.arguments) == {"place": "Kiel"}
    upstream.change(model, Script(pieces=["Rain."]))
    message: Any = answer.choices[0].message.model_dump(exclude_none=True)
    result: Any = {"role": "tool", "tool_call_id": "call_1", "content": "rain"}
    after = client.chat.completions.create(model=model, messages=[*HELLO, message, result], tools=[WEATHER])
    assert after.choices[0].message.content == "Rain."
    sent = upstream.requests(model)
    assert sent[0].body["tool_choice"] == "required"
    assert sent[0].body["parallel_tool_calls"] is False
    assert sent[-1].body["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "rain"}


def test_one_tool_can_be_demanded(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script())
    choice: Any = {"type": "function", "function": {"name": "weather"}}
    client.chat.completions.create(model=model, messages=HELLO, tools=[WEATHER], tool_choice=choice)
    assert upstream.requests(model)[0].body["tool_choice"] == choice


class Verdict(BaseModel):
    good: bool


def test_an_answer_is_json_by_a_schema(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=['{"good"', ": true}"]))
    parsed = client.chat.completions.parse(model=model, messages=HELLO, response_format=Verdict)
    assert parsed.choices[0].message.parsed == Verdict(good=True)
    sent = upstream.requests(model)[0].body["response_format"]
    assert sent["json_schema"]["schema"]["properties"]["good"]["type"] == "boolean"
    assert sent["json_schema"]["strict"] is True


def test_what_shapes_an_answer_reaches_the_provider(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script())
    given: dict[str, Any] = {
        "temperature": 0.5, "top_p": 0.5, "stop": ["END"], "seed": 7, "presence_penalty": 0.5,
        "frequency_penalty": -0.5, "logit_bias": {"50256": -100}, "max_completion_tokens": 50,
        "reasoning_effort": "low", "logprobs": True, "top_logprobs": 2,
    }  # fmt: skip
    client.chat.completions.create(model=model, messages=HELLO, user="me", store=True, **given)
    body = upstream.requests(model)[0].body
    assert {name: body.get(name) for name in given} == given


def test_logprobs_are_passed_on(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(logprobs=True))
    whole = client.chat.completions.create(model=model, messages=HELLO, logprobs=True, top_logprobs=1)
    assert whole.choices[0].logprobs is not None
    tokens = whole.choices[0].logprobs.content or []
    assert "".join(token.token for token in tokens) == "Hello, world!"
    assert tokens[0].top_logprobs[0].token == "Hello"
    told = []
    for chunk in client.chat.completions.create(model=model, messages=HELLO, logprobs=True, stream=True):
        if (logprobs := chunk.choices[0].logprobs) is not None:
            told += [token.token for token in logprobs.content or []]
    assert "".join(told) == "Hello, world!"


def test_several_choices_are_several_answers(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=10, output=4)))
    answer = client.chat.completions.create(model=model, messages=HELLO, n=3, seed=5)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {choice.message.content for choice in answer.choices} == {"Hello, world!"}
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12
    assert sorted(request.body["seed"] for request in upstream.requests(model)) == [5, 6, 7]
    texts = dict.fromkeys(range(2), "")
    for chunk in client.chat.completions.create(model=model, messages=HELLO, n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert set(texts.values()) == {"Hello, world!"}


def test_pictures_are_seen(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script())
    picture: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture]}]
    client.chat.completions.create(model=model, messages=messages)
    sent = upstream.requests(model)[0].body["messages"][0]["content"]
    assert sent == [{"type": "text", "text": "What is it?"}, picture]


def test_a_picture_in_the_local_network_is_not_fetched(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script())
    picture: Any = {"type": "image_url", "image_url": {"url": f"{upstream.base_url}/models"}}
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": [picture]}])
    assert caught.value.code == "invalid_image_url"
    assert upstream.requests(model) == []


@pytest.mark.parametrize(
    ("given", "error", "code", "param"),
    [
        ({"model": "openai/none", "messages": []}, openai.BadRequestError, "empty_array", "messages"),
        ({"messages": [{"role": "user"}]}, openai.BadRequestError, "missing_required_parameter",
         "messages[0].content"),
        ({"messages": [*HELLO, {"role": "user", "content": None}]}, openai.BadRequestError, None,
         f"messages.[{len(HELLO)}].content"),
        ({"messages": [{"role": "user", "content": " "}], "extra_body": {"conversation": "empty"}},
         openai.BadRequestError, None, "messages.[0].content"),
        ({"model": "nobody/none"}, openai.NotFoundError, "model_not_found", "model"),
        ({"extra_body": {"colour": "red"}}, openai.BadRequestError, "unknown_parameter", "colour"),
        ({"temperature": 3}, openai.BadRequestError, "invalid_value", "temperature"),
        ({"tool_choice": "auto"}, openai.BadRequestError, None, "tool_choice"),
        ({"stream_options": {"include_usage": True}}, openai.BadRequestError, None, "stream_options"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, openai.BadRequestError, None,
         "messages.[0].tool_call_id"),
        ({"modalities": ["text", "audio"]}, openai.BadRequestError, None, "modalities"),
        ({"model": "openai/fake-status-401"}, openai.APIStatusError, "provider_key_refused", None),
        ({"model": "openai/fake-status-429"}, openai.RateLimitError, "rate_limit_exceeded", None),
        ({"model": "openai/fake-status-400"}, openai.BadRequestError, "provider_rejected_request", None),
        ({"model": "openai/fake-fault-hang-up"}, openai.InternalServerError, "provider_unavailable", None),
    ],
)  # fmt: skip
def test_errors_are_those_that_the_client_knows(
    client: openai.OpenAI, given: dict[str, Any], error: type[openai.APIStatusError], code: str | None, param: str
) -> None:
    asked: dict[str, Any] = {"model": "openai/fake-chat", "messages": HELLO} | given
    for stream in (False, True):
        if stream and "stream_options" in given:
            continue
        with pytest.raises(error) as caught:
            client.chat.completions.create(**asked, stream=stream)
        assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}]])
def test_an_empty_message_and_further_fields_of_a_message_are_taken(
    client: openai.OpenAI, upstream: Upstream, content: Any
) -> None:
    model = upstream.model(Script())
    said: Any = {"role": "user", "content": content, "colour": "red"}
    assert client.chat.completions.create(model=model, messages=[said]).choices[0].message.content == "Hello, world!"
    assert upstream.requests(model)[-1].body["messages"] == [{"role": "user", "content": ""}]


def test_a_wrong_key_is_refused_before_the_body_is_read(server: Server) -> None:
    stranger = openai.OpenAI(base_url=f"{server.url}/v1", api_key="qd_nobody", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError) as caught:
        stranger.chat.completions.create(model="", messages=[])
    assert caught.value.code == "invalid_api_key"


@pytest.mark.parametrize("path", ["chat/completions", "responses", "conversations", "images/generations"])
@pytest.mark.parametrize("body", [b"\xff\xfe", b"\xc2\xb6\x8eQRa", b"{", b"[]", b""])
def test_a_body_that_cannot_be_read_is_an_error_of_theirs(http: httpx2.Client, path: str, body: bytes) -> None:
    answer = http.post(f"/v1/{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_an_answer_that_breaks_off_says_so(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(9), fault="cut", fault_after=5))
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIError) as caught:
        chunks.extend(client.chat.completions.create(model=model, messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "".join(words(5))
    assert caught.value.code == "provider_cut"


def test_a_refusal_is_one(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=[], fault="refusal"))
    answer = client.chat.completions.create(model=model, messages=HELLO)
    assert answer.choices[0].finish_reason == "content_filter"
    assert answer.choices[0].message.refusal
    chunks = list(client.chat.completions.create(model=model, messages=HELLO, stream=True))
    assert chunks[-1].choices[0].finish_reason == "content_filter"


@pytest.mark.parametrize(
    ("path", "given", "param", "reason"),
    [
        ("embeddings", {"input": ["Hi", {}]}, "input[1]", "Input should be a valid string."),
        ("embeddings", {"input": [[1, 2]]}, "input",
         "Send texts, not lists of tokens (LangChain: check_embedding_ctx_length=False)."),
        ("embeddings", {"input": 5}, "input", "Input should be a valid string, or a valid list."),
        ("embeddings", {"input": {}}, "input", "Input should be a valid string, or a valid list."),
        ("chat/completions", {"messages": [{"role": "user", "content": 5}]}, "messages[0].content",
         "Input should be a valid string, or a valid list."),
        ("chat/completions", {"messages": HELLO, "stop": [5]}, "stop[0]", "Input should be a valid string."),
        ("chat/completions", {"messages": HELLO, "tool_choice": "any"}, "tool_choice",
         "Input should be 'none', 'auto' or 'required'."),
        ("responses", {"input": ["Hi"]}, "input[0]", "Input should be an object."),
        ("responses", {"input": "Hi", "conversation": 5}, "conversation",
         "Input should be a valid string, or an object."),
    ],
)  # fmt: skip
def test_what_may_be_of_several_types_is_named_as_it_was_sent(
    http: httpx2.Client, path: str, given: dict[str, Any], param: str, reason: str
) -> None:
    error = http.post(f"/v1/{path}", json={"model": "openai/fake-chat"} | given).json()["error"]
    assert (error["param"], error["message"]) == (param, f"Invalid value for '{param}': {reason}")


def test_who_is_deleted_in_mid_answer_leaves_no_fault_behind(
    server: Server, upstream: Upstream, http: httpx2.Client
) -> None:
    """What the answer has used belongs to nobody then."""
    person = add_person(server.data_dir, new_name("leaver"))
    model = upstream.model(Script(pieces=words(2_000), delay_s=0.02))
    with server.http(person.session) as client:
        body = _body(model, stream=True)
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            pieces = answer.iter_raw()
            next(pieces)
            http.request("DELETE", f"/api/admin/users/{person.id}", json={"name": person.name}).raise_for_status()
            with pytest.raises(httpx2.RemoteProtocolError):
                list(pieces)
    (asked,) = upstream.requests(model)
    wait_until(lambda: asked.outcome == "disconnected" or None, "the upstream to be left")
    wait_until(lambda: f'"user": "{person.id}"' in server.log_text() or None, "what it used to be told of")
    assert "Task exception was never retrieved" not in server.log_text()


@pytest.mark.parametrize("fault", ["status", "cut", "refusal"])
def test_an_error_promises_only_what_is_kept(client: openai.OpenAI, upstream: Upstream, fault: Any) -> None:
    script = Script(status=401) if fault == "status" else Script(fault=fault)
    model, said = upstream.model(script), []
    for kept in ({}, {"conversation": new_name("kept")}):
        try:
            answer = client.chat.completions.create(model=model, messages=HELLO, extra_body=kept)
            said.append(answer.choices[0].message.refusal or "")
        except openai.APIStatusError as error:
            said.append(error.message)
    assert ["kept" in sentence for sentence in said] == [False, True]


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_is_not_paid_for_any_longer(
    client: openai.OpenAI, upstream: Upstream, server: Server, stream: bool
) -> None:
    model = upstream.model(Script(pieces=words(2_000), delay_s=0.02, first_delay_s=0.0 if stream else 30.0))
    with server.http() as http:
        if stream:
            with http.stream("POST", "/v1/chat/completions", json=_body(model, stream=True)) as answer:
                assert next(answer.iter_raw())
        else:
            with pytest.raises(httpx2.ReadTimeout):
                http.post("/v1/chat/completions", json=_body(model), timeout=0.5)
    (asked,) = upstream.requests(model)
    wait_until(lambda: asked.outcome == "disconnected" or None, "the upstream to be left", 2.0)


def test_a_server_that_goes_down_ends_its_streams_with_a_reason(make_server: MakeServer, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(2_000), delay_s=0.02))
    server = make_server().start()
    with server.http() as http, http.stream("POST", "/v1/chat/completions", json=_body(model, stream=True)) as answer:
        lines = answer.iter_lines()
        next(lines)
        server.ask_to_stop()
        last = [line for line in lines if line][-1]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "overloaded"
    assert server.wait() == 0
    wait_until(lambda: upstream.requests(model)[0].outcome == "disconnected" or None, "the upstream to be left")


def test_a_bare_name_is_found(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="fake-chat", messages=HELLO)
    assert (answer.model, answer.choices[0].message.content) == ("fake-chat", "Hello, world!")


def test_nothing_is_kept_but_what_was_used(client: openai.OpenAI, upstream: Upstream, http: httpx2.Client) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=21, output=5)))
    before = http.get("/api/conversations").json()
    raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO)
    assert http.get("/api/conversations").json() == before
    assert http.get(f"/api/turns/{raw.headers['x-turn-id']}/events").status_code == 404
    used = json.dumps(http.get("/api/usage").json())
    assert model in used


def test_budgets_and_rules_hold_for_api_clients(
    server: Server, upstream: Upstream, http: httpx2.Client, report: Report
) -> None:
    """Each request has 100 tokens, the budget 1,000; eight at once ask for as much as they can get."""
    person = add_person(server.data_dir, new_name("spender"))
    model = upstream.model(Script(pieces=words(80), usage=ScriptedUsage(input=20, output=80)))
    forbidden = upstream.model(Script())
    subject = f"user:{person.id}"
    http.post("/api/admin/budgets", json={"subject": subject, "period": "day", "max_tokens": 1_000}).raise_for_status()
    rule = {"subject": subject, "pattern": forbidden, "is_allowed": False}
    http.post("/api/admin/rules", json=rule).raise_for_status()

    def ask(_: int) -> str:
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key=person.session, max_retries=0) as client:
            try:
                client.chat.completions.create(model=model, messages=HELLO, max_completion_tokens=300)
            except openai.RateLimitError as error:
                return error.code or ""
        return "answered"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(ask, range(24)))
    with server.http(person.session) as client:
        used = client.get("/api/usage").json()
        refused = client.post("/v1/chat/completions", json=_body(forbidden))
    assert set(outcomes) == {"answered", "insufficient_quota"}
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "model_forbidden")
    assert upstream.requests(forbidden) == []
    spent = 100 * len(upstream.requests(model))
    report("budgets over /v1", [f"{spent} tokens, {used}"] if spent > 1_000 else [], 24, f"{spent} of 1,000 tokens")


def test_a_named_conversation_keeps_the_exchange(
    client: openai.OpenAI, upstream: Upstream, http: httpx2.Client
) -> None:
    model = upstream.model(Script(pieces=words(20)))
    name = new_name("kept")
    for metadata, body in (({"conversation_id": name}, {}), ({}, {"conversation": name})):
        raw = client.chat.completions.with_raw_response.create(
            model=model, messages=HELLO, metadata=metadata, extra_body=body
        )
        assert raw.parse().choices[0].message.content == "".join(words(20))
        assert http.get(f"/api/turns/{raw.headers['x-turn-id']}/context").status_code == 200
    streamed = client.chat.completions.create(
        model=model, messages=HELLO, metadata={"conversation_id": name}, stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) == "".join(words(20))
    kept = http.get(f"/api/conversations/{name}/messages").json()["items"]
    assert [message["role"] for message in kept] == ["user", "assistant"] * 3
    assert len(upstream.requests(model)[-1].body["messages"]) > 4


def test_what_shapes_an_answer_reaches_the_provider_from_a_conversation_too(
    client: openai.OpenAI, upstream: Upstream
) -> None:
    model, name = upstream.model(Script()), new_name("wishes")
    given: dict[str, Any] = {
        "temperature": 0.5, "top_p": 0.5, "stop": ["END"], "seed": 7, "presence_penalty": 0.5,
        "frequency_penalty": -0.5, "logit_bias": {"50256": -100}, "max_completion_tokens": 50,
        "reasoning_effort": "low",
    }  # fmt: skip
    client.chat.completions.create(model=model, messages=HELLO, extra_body={"conversation": name}, **given)
    client.chat.completions.create(model=model, messages=HELLO, extra_body={"conversation": name})
    first, second = (asked.body for asked in upstream.requests(model))
    assert {key: first.get(key) for key in given} == given
    assert second["temperature"] == 0.5  # chosen for the conversation; all else for the one answer
    assert not {"top_p", "stop", "seed", "presence_penalty", "logit_bias", "reasoning_effort"} & set(second)


def test_a_conversation_keeps_pictures_and_instructions(
    client: openai.OpenAI, upstream: Upstream, http: httpx2.Client
) -> None:
    model, name = upstream.model(Script()), new_name("pictures")
    picture: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content: Any = [{"type": "text", "text": "Look: "}, picture, {"type": "text", "text": "What is it?"}]
    told: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}]
    client.chat.completions.create(model=model, messages=told, extra_body={"conversation": name})
    told = [{"role": "user", "content": [picture]}]
    client.chat.completions.create(model=model, messages=told, extra_body={"conversation": name})
    kept = http.get(f"/api/conversations/{name}/messages").json()["items"]
    assert [part["kind"] for part in kept[0]["parts"]] == ["text", "image", "text"]
    assert [part["kind"] for part in kept[2]["parts"]] == ["image"]
    sent = json.dumps(upstream.requests(model)[1].body["messages"])
    assert (sent.count(PIXEL), "Be brief." in sent) == (2, True)


@pytest.mark.parametrize(
    "given",
    [
        {"n": 2}, {"tools": [WEATHER]}, {"tool_choice": "none"}, {"parallel_tool_calls": False}, {"logprobs": True},
        {"response_format": {"type": "json_object"}}, {"store": False}, {"verbosity": "low"},
        {"modalities": ["text", "audio"]}, {"moderation": {"x": 1}},
    ],
)  # fmt: skip
def test_what_a_conversation_has_no_room_for_is_refused(
    client: openai.OpenAI, upstream: Upstream, http: httpx2.Client, given: dict[str, Any]
) -> None:
    model, name = upstream.model(Script()), new_name("refused")
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=HELLO, extra_body={"conversation": name, **given})
    assert caught.value.param == next(iter(given))
    assert upstream.requests(model) == []
    assert http.get(f"/api/conversations/{name}").status_code == 404


def test_an_assistant_is_asked_like_a_model(client: openai.OpenAI, upstream: Upstream, http: httpx2.Client) -> None:
    model = upstream.model(Script())
    made = http.post("/api/assistants", json={"name": "Pirate", "instructions": "Talk like a pirate.", "model": model})
    name = f"assistant/{made.json()['id']}"
    assert name in [listed.id for listed in client.models.list()]
    assert client.models.retrieve(name).owned_by == "quarterdeck"
    answer = client.chat.completions.create(model=name, messages=HELLO)
    assert answer.model == name
    assert upstream.requests(model)[0].body["messages"][0] == {"role": "system", "content": "Talk like a pirate."}


def test_models_are_listed(client: openai.OpenAI, http: httpx2.Client) -> None:
    listed = {model.id for model in client.models.list()}
    assert {model["id"] for model in http.get("/api/models").json()["items"]} <= listed
    assert client.models.retrieve("openai/fake-chat").owned_by == "openai"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("openai/none-such")


def test_no_answer_has_a_shape_that_the_client_does_not_know(
    client: openai.OpenAI, upstream: Upstream, recorder: Recorder, report: Report
) -> None:
    client.chat.completions.create(model=upstream.model(Script()), messages=HELLO)
    report("answers of /v1/chat/completions fit OpenAI's types", *_look_at(recorder))


def _look_at(recorder: Recorder) -> tuple[list[str], int]:
    """What is wrong with the answers so far, and how many there are."""
    faults: list[str] = []
    count = 0
    for answer in recorder.answers:
        if answer.status != 200:
            error = json.loads(answer.body)
            faults += [] if set(error["error"]) == {"message", "type", "param", "code"} else [str(error)]
        elif answer.path.endswith("/chat/completions"):
            expected: Any = ChatCompletionChunk if answer.is_stream else ChatCompletion
            for told in answer.events() if answer.is_stream else [json.loads(answer.body)]:
                if "error" not in told:
                    found = find_faults(expected, told)
                    faults += [fault for fault in found if ".reasoning_content: " not in fault]  # others' field
                count += 1
        elif answer.path.startswith("/v1/models/"):
            faults += find_faults(Model, json.loads(answer.body))
    return faults, count


def _body(model: str, **further: Any) -> dict[str, Any]:
    return {"model": model, "messages": HELLO, **further}
