"""The official `openai` client for Python against `/v1/responses`, taken at its types; also through a bad network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel
from tests.conftest import MakeServer, Report
from tests.fakes.pictures import PIXEL
from tests.fakes.script import Script, ScriptedCall, ScriptedUsage, words
from tests.harness.chaos_proxy import ChaosProxy
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.strict_api import Recorder, find_faults
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather somewhere.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    "strict": False,
}
CALL = ScriptedCall(id="call_1", name="weather", arguments=['{"place":', ' "Kiel"}'])
PICTURE: Any = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PIXEL}"}
LOST = 30  # cuts after which a test gives up


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """At the end it looks at all answers: which tests have run in this process is of no matter."""
    recorder = Recorder()
    yield recorder
    faults, _ = _look_at(recorder)
    assert faults == []


@pytest.mark.parametrize("store", [True, False])
def test_an_answer_comes_whole(client: openai.OpenAI, upstream: Upstream, store: bool) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=11, output=7, cached=3, reasoning=2)))
    answer = client.responses.create(
        model=model, input="Hello?", instructions="Be brief.", store=store, metadata={"from": "a test"},
        temperature=0.5, top_p=0.5, max_output_tokens=100,
    )  # fmt: skip
    assert (answer.output_text, answer.status, answer.model) == ("Hello, world!", "completed", model)
    assert (answer.instructions, answer.metadata) == ("Be brief.", {"from": "a test"})
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (11, 7)
    body = upstream.requests(model)[0].body
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
    assert (body["temperature"], body["top_p"], body["max_completion_tokens"]) == (0.5, 0.5, 100)
    if store:
        again = client.responses.retrieve(answer.id)
        assert (again.output_text, again.status, again.usage) == (answer.output_text, "completed", answer.usage)
    else:
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(answer.id)


@pytest.mark.parametrize("store", [True, False])
def test_an_answer_streams(client: openai.OpenAI, upstream: Upstream, store: bool) -> None:
    model = upstream.model(Script(pieces=words(40), reasoning=["Let me ", "see."]))
    with client.responses.stream(model=model, input="Hello?", store=store) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "".join(words(40))
    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert final.output_text == "".join(words(40))
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers))


def test_what_went_before_is_sent_again(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["Whiskers."]))
    first = client.responses.create(model=model, input="A name?", instructions="Like a cat.")
    second = client.responses.create(model=model, input="Another?", previous_response_id=first.id)
    client.responses.create(model=model, input="And one?", previous_response_id=second.id, instructions="As a dog.")
    assert second.previous_response_id == first.id
    assert [message["content"] for message in upstream.requests(model)[2].body["messages"]] == [
        "As a dog.", "A name?", "Whiskers.", "Another?", "Whiskers.", "And one?",
    ]  # fmt: skip
    client.responses.delete(first.id)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=model, input="More?", previous_response_id=first.id)
    assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")


def test_what_was_deleted_in_the_page_is_not_sent_again(
    client: openai.OpenAI, upstream: Upstream, http: httpx2.Client
) -> None:
    model, name = upstream.model(Script(pieces=["Whiskers."])), new_name("cats")
    first = client.responses.create(model=model, input="My word is quokka.", conversation=name)
    question, answer = http.get(f"/api/conversations/{name}/messages").json()["items"]
    second: str = client.responses.create(model=model, input="Another?", previous_response_id=first.id).id
    for message in (question, answer):
        gone = http.delete(f"/api/messages/{message['id']}")
        assert gone.status_code == 200, gone.text
    for before in (first.id, second):
        client.responses.create(model=model, input="And one?", previous_response_id=before)
    *_, then, now, later = [asked.body["messages"] for asked in upstream.requests(model)]
    assert [message["content"] for message in then][-2:] == ["Whiskers.", "Another?"]
    assert [message["content"] for message in now] == ["And one?"]
    assert [message["content"] for message in later] == ["Another?", "Whiskers.", "And one?"]


@pytest.mark.parametrize("store", [True, False])
def test_tools_are_called_and_their_results_taken(client: openai.OpenAI, upstream: Upstream, store: bool) -> None:
    model = upstream.model(Script(pieces=[], tool_calls=[CALL], finish="tool_calls"))
    asked: dict[str, Any] = {"model": model, "tools": [WEATHER], "store": store}
    answer = client.responses.create(input="Rain?", tool_choice="required", **asked)
    called: Any = answer.output[0]
    assert (called.type, called.call_id, called.name) == ("function_call", "call_1", "weather")
    assert json.loads(called.arguments) == {"place": "Kiel"}
    with client.responses.stream(input="Rain?", **asked) as stream:
        streamed: Any = stream.get_final_response().output[0]
    assert json.loads(streamed.arguments) == {"place": "Kiel"}
    upstream.change(model, Script(pieces=["Rain."]))
    result: Any = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    if store:
        after = client.responses.create(input=[result], previous_response_id=answer.id, **asked)
    else:
        items: Any = [{"role": "user", "content": "Rain?"}, called.model_dump(exclude_none=True), result]
        after = client.responses.create(input=items, **asked)
    assert after.output_text == "Rain."
    sent = upstream.requests(model)
    assert sent[0].body["tool_choice"] == "required"
    assert sent[-1].body["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "rain"}
    assert sent[-1].body["messages"][-2]["tool_calls"][0]["function"]["name"] == "weather"


class Verdict(BaseModel):
    good: bool


def test_an_answer_is_json_by_a_schema(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=['{"good"', ": true}"]))
    parsed = client.responses.parse(model=model, input="Well?", text_format=Verdict)
    assert parsed.output_parsed == Verdict(good=True)
    sent = upstream.requests(model)[0].body["response_format"]["json_schema"]
    assert (sent["name"], sent["strict"]) == ("Verdict", True)


def test_the_background_goes_on_and_is_read_later(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(30), delay_s=0.01))
    begun = client.responses.create(model=model, input="Hello?", background=True)
    assert begun.status in ("queued", "in_progress")
    done = wait_until(lambda: _ended(client, begun.id), "the response to end")
    assert (done.status, done.output_text, done.background) == ("completed", "".join(words(30)), True)
    events = list(client.responses.retrieve(begun.id, stream=True))
    for cut in (0, 1, len(events) // 2, len(events) - 2):
        rest = client.responses.retrieve(begun.id, stream=True, starting_after=events[cut].sequence_number)
        assert [event.to_dict() for event in rest] == [event.to_dict() for event in events[cut + 1 :]]
    last = events[-1].sequence_number
    assert list(client.responses.retrieve(begun.id, stream=True, starting_after=last)) == []


def test_a_cursor_ahead_of_a_response_is_refused_and_never_met_with_silence(
    client: openai.OpenAI, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(3_000), delay_s=0.02))
    begun = client.responses.create(model=model, input="Hello?", background=True)
    wait_until(lambda: upstream.requests(model) or None, "the model to be asked")
    for is_over in (False, True):
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.retrieve(begun.id, stream=True, starting_after=100_000_000)
        assert caught.value.param == "starting_after"
        if not is_over:
            client.responses.cancel(begun.id)


def test_a_response_is_cancelled(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(3_000), delay_s=0.02))
    begun = client.responses.create(model=model, input="Hello?", background=True)
    wait_until(lambda: upstream.requests(model) or None, "the model to be asked")
    assert client.responses.cancel(begun.id).status == "cancelled"
    assert client.responses.retrieve(begun.id).status == "cancelled"
    wait_until(lambda: upstream.requests(model)[0].outcome == "disconnected" or None, "the upstream to be left")


def test_who_leaves_a_stream_that_is_in_no_background_ends_it(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(3_000), delay_s=0.02))
    body = {"model": model, "input": "Hello?", "stream": True}
    with server.http() as http, http.stream("POST", "/v1/responses", json=body) as answer:
        pieces = answer.iter_raw()
        while b"output_text.delta" not in next(pieces):
            pass
    wait_until(lambda: _outcomes(upstream, model) <= {"disconnected"} or None, "the upstream to be left")


def test_the_input_is_listed(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script())
    content: Any = [{"type": "input_text", "text": "What is it?"}, PICTURE]
    items: Any = [
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": content},
    ]
    answer = client.responses.create(model=model, input=items)
    listed = list(client.responses.input_items.list(answer.id, order="asc", limit=2))
    assert [item.role for item in listed if item.type == "message"] == ["user", "assistant", "user"]
    assert upstream.requests(model)[0].body["messages"][2]["content"][1]["type"] == "image_url"


def test_it_is_in_no_list_of_conversations_and_not_found_by_a_search(
    client: openai.OpenAI, upstream: Upstream, http: httpx2.Client
) -> None:
    model = upstream.model(Script(pieces=["periwinkle"]))
    client.responses.create(model=model, input="zanzibar")
    for archived in ("false", "true"):
        listed = http.get("/api/conversations", params={"archived": archived, "limit": 100}).json()["items"]
        assert "zanzibar" not in [one["title"] for one in listed]
    assert http.get("/api/search", params={"q": "zanzibar"}).json()["items"] == []
    assert http.get("/api/search", params={"q": "periwinkle"}).json()["items"] == []


def test_a_named_conversation_keeps_it(client: openai.OpenAI, upstream: Upstream, http: httpx2.Client) -> None:
    model, name = upstream.model(Script(pieces=words(5))), new_name("kept")
    client.responses.create(model=model, input="Hello?", conversation=name)
    answer = client.responses.create(model=model, input="And?", conversation=name)
    assert answer.output_text == "".join(words(5))
    assert answer.conversation is not None
    kept = http.get(f"/api/conversations/{name}/messages").json()["items"]
    assert [message["role"] for message in kept] == ["user", "assistant"] * 2
    assert client.responses.retrieve(answer.id).output_text == answer.output_text


def test_an_exchange_of_a_conversation_takes_pictures_and_wishes(
    client: openai.OpenAI, upstream: Upstream, http: httpx2.Client
) -> None:
    model, name = upstream.model(Script()), new_name("pictures")
    content: Any = [{"type": "input_text", "text": "What is it?"}, PICTURE]
    items: Any = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": content}]
    answer = client.responses.create(
        model=model, input=items, conversation=name, top_p=0.5, max_output_tokens=50, reasoning={"effort": "low"}
    )
    body = upstream.requests(model)[0].body
    assert (body["top_p"], body["max_completion_tokens"], body["reasoning_effort"]) == (0.5, 50, "low")
    assert PICTURE["image_url"] in json.dumps(body["messages"])
    assert "Be brief." in json.dumps(body["messages"])
    kept = http.get(f"/api/conversations/{name}/messages").json()["items"]
    assert [part["kind"] for part in kept[0]["parts"]] == ["text", "image"]
    after = client.responses.create(model=model, input="And?", previous_response_id=answer.id)
    assert after.output_text == "Hello, world!"
    assert PICTURE["image_url"] in json.dumps(upstream.requests(model)[1].body["messages"])


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"tools": [WEATHER]}, "tools"),
        ({"tool_choice": "none"}, "tool_choice"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"text": {"format": {"type": "json_object"}}}, "text.format"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"store": False}, "store"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"max_tool_calls": 2}, "max_tool_calls"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"previous_response_id": "resp_x"}, "previous_response_id"),
        ({"input": [{"role": "user", "content": "One."}, {"role": "user", "content": "Two."}]}, "input"),
    ],
)
def test_what_a_conversation_has_no_room_for_is_refused(
    client: openai.OpenAI, upstream: Upstream, http: httpx2.Client, given: dict[str, Any], param: str
) -> None:
    model, name = upstream.model(Script()), new_name("refused")
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(**({"model": model, "input": "Hello?", "conversation": name} | given))
    assert caught.value.param == param
    assert upstream.requests(model) == []
    assert http.get(f"/api/conversations/{name}").status_code == 404


@pytest.mark.parametrize(
    ("given", "error", "code", "param"),
    [
        ({"model": "nobody/none"}, openai.NotFoundError, "model_not_found", "model"),
        ({"extra_body": {"colour": "red"}}, openai.BadRequestError, "unknown_parameter", "colour"),
        ({"input": []}, openai.BadRequestError, "empty_array", "input"),
        ({"input": ""}, openai.BadRequestError, "missing_required_parameter", "input"),
        ({"input": "", "conversation": "empty"}, openai.BadRequestError, None, "input"),
        ({"input": [{"role": "user"}]}, openai.BadRequestError, "missing_required_parameter", "input[0].content"),
        ({"input": [{"role": "user", "content": None}]}, openai.BadRequestError, "invalid_type", "input[0].content"),
        ({"tools": [{"type": "web_search"}]}, openai.BadRequestError, None, "tools[0].type"),
        ({"background": True, "store": False}, openai.BadRequestError, None, "background"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, openai.BadRequestError, "invalid_value", "input[0]"),
        ({"model": "openai/fake-status-429"}, openai.RateLimitError, "rate_limit_exceeded", None),
        ({"model": "openai/fake-status-429", "store": False}, openai.RateLimitError, "rate_limit_exceeded", None),
    ],
)
def test_errors_are_those_that_the_client_knows(
    client: openai.OpenAI, given: dict[str, Any], error: type[openai.APIStatusError], code: str | None, param: str
) -> None:
    with pytest.raises(error) as caught:
        client.responses.create(**({"model": "openai/fake-chat", "input": "Hello?"} | given))
    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize("content", ["", [], [{"type": "input_text", "text": ""}]])
def test_an_empty_message_and_further_fields_of_a_message_are_taken(
    client: openai.OpenAI, upstream: Upstream, content: Any
) -> None:
    model = upstream.model(Script())
    said: Any = {"role": "user", "content": content, "colour": "red"}
    assert client.responses.create(model=model, input=[said]).output_text == "Hello, world!"
    assert upstream.requests(model)[-1].body["messages"] == [{"role": "user", "content": ""}]


@pytest.mark.parametrize("store", [True, False])
def test_a_stream_that_fails_says_so(client: openai.OpenAI, upstream: Upstream, store: bool) -> None:
    model = upstream.model(Script(pieces=words(9), fault="cut", fault_after=5))
    events = list(client.responses.create(model=model, input="Hello?", stream=True, store=store))
    last = events[-1]
    assert last.type == "response.failed"
    assert (last.response.status, last.response.output_text) == ("failed", "".join(words(5)))
    assert last.response.error is not None


def test_somebody_elses_response_is_not_there(
    client: openai.OpenAI, upstream: Upstream, server: Server, stranger_key: str
) -> None:
    answer = client.responses.create(model=upstream.model(Script()), input="Hello?")
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=stranger_key, max_retries=0) as stranger:
        asks: list[Callable[[], object]] = [
            lambda: stranger.responses.retrieve(answer.id),
            lambda: stranger.responses.retrieve(answer.id, stream=True),
            lambda: stranger.responses.cancel(answer.id),
            lambda: stranger.responses.delete(answer.id),
            lambda: stranger.responses.input_items.list(answer.id),
        ]
        for ask in asks:
            with pytest.raises(openai.NotFoundError):
                ask()
    assert client.responses.retrieve(answer.id).output_text == "Hello, world!"


async def test_a_background_response_is_read_whole_through_a_network_that_cuts(
    server: Server, upstream: Upstream, report: Report
) -> None:
    lost: list[str] = []
    cuts = 0
    count = trials(4, 40)
    for seed in range(count):
        model = upstream.model(Script(pieces=words(150), delay_s=0.002))
        async with ChaosProxy(server.port, seed, (300, 12_000)) as proxy:
            events = await _read_through(proxy, server, model)
            cuts += proxy.cuts
        text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        numbers = [event["sequence_number"] for event in events]
        if text != "".join(words(150)) or numbers != sorted(set(numbers)):
            lost.append(f"seed {seed}: {text[:200]}")
    assert cuts
    report("background responses through a network that cuts", lost, count, f"{cuts} cuts")


def test_a_background_response_survives_a_kill(make_server: MakeServer, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(100), delay_s=0.02))
    server = make_server().start()
    events: list[Any] = []
    with _open(server) as client:
        begun = client.responses.create(model=model, input="Hello?", background=True, instructions="Be brief.")
        for event in client.responses.retrieve(begun.id, stream=True):
            events.append(event)
            if sum(one.type == "response.output_text.delta" for one in events) >= 5:
                break
    server.kill()
    server.start()
    with _open(server) as client:
        events += client.responses.retrieve(begun.id, stream=True, starting_after=events[-1].sequence_number)
        final = client.responses.retrieve(begun.id)
    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == "".join(words(100))
    assert final.output_text == "".join(words(100))
    again = upstream.requests(model)[-1].body["messages"]
    assert again[0] == {"role": "system", "content": "Be brief."}


def test_no_answer_has_a_shape_that_the_client_does_not_know(
    client: openai.OpenAI, upstream: Upstream, recorder: Recorder, report: Report
) -> None:
    client.responses.create(model=upstream.model(Script()), input="Hello?")
    report("answers of /v1/responses fit OpenAI's types", *_look_at(recorder))


def _look_at(recorder: Recorder) -> tuple[list[str], int]:
    """What is wrong with the answers so far, and how many there are."""
    faults: list[str] = []
    count = 0
    for answer in recorder.answers:
        if answer.status != 200 or not answer.path.startswith("/v1/responses") or answer.method == "DELETE":
            continue
        if answer.is_stream:
            for told in answer.events():
                faults += find_faults(ResponseStreamEvent, told)
                count += 1
        elif not answer.path.endswith("/input_items"):
            faults += find_faults(Response, json.loads(answer.body))
            count += 1
    return faults, count


def _outcomes(upstream: Upstream, model: str) -> set[str]:
    return {asked.outcome for asked in upstream.requests(model)}


def _open(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0)


def _ended(client: openai.OpenAI, response: str) -> Response | None:
    found = client.responses.retrieve(response)
    return None if found.status in ("queued", "in_progress") else found


async def _read_through(proxy: ChaosProxy, server: Server, model: str) -> list[dict[str, Any]]:
    """All events of a new background response, however often it has to be asked for the rest."""
    headers = {"authorization": f"Bearer {server.key}", "idempotency-key": new_name("key")}
    body = {"model": model, "input": "Hello?", "background": True}
    events: list[dict[str, Any]] = []
    response = ""
    for _ in range(LOST):
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{proxy.port}", headers=headers) as http:
            try:
                if not response:
                    response = (await http.post("/v1/responses", json=body)).json()["id"]
                after = {"starting_after": events[-1]["sequence_number"]} if events else {}
                params = {"stream": "true", **after}
                async with http.stream("GET", f"/v1/responses/{response}", params=params) as answer:
                    async for line in answer.aiter_lines():
                        if line.startswith("data: ") and line.endswith("}"):
                            events += _whole(line[6:])
                if events and events[-1]["type"] == "response.completed":
                    return events
            except (httpx2.HTTPError, ValueError):
                await asyncio.sleep(0)
    return events


def _whole(line: str) -> list[dict[str, Any]]:
    """An event that was cut off in the middle is none."""
    try:
        return [json.loads(line)]
    except ValueError:
        return []
