"""LangChain's `ChatOpenAI` and `OpenAIEmbeddings`, as they come, against a running server."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr
from tests.fakes.openai_server import embed
from tests.fakes.script import Script, ScriptedCall, ScriptedUsage, words
from tests.harness.server import Server
from tests.harness.upstream import Upstream

CALL = ScriptedCall(id="call_1", name="weather", arguments=['{"place":', ' "Kiel"}'])


def weather(place: str) -> str:
    """The weather somewhere."""
    return f"Rain in {place}"


WEATHER = tool(weather)


class Verdict(BaseModel):
    """Whether it is good."""

    good: bool


def chat(server: Server, model: str, *, key: str = "", **given: Any) -> ChatOpenAI:
    secret = SecretStr(key or server.key)
    return ChatOpenAI(base_url=f"{server.url}/v1", api_key=secret, model=model, max_retries=0, **given)


def test_an_answer_comes_whole_with_what_it_used(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=11, output=7, cached=3)))
    answer = chat(server, model).invoke([("system", "Be brief."), ("human", "Hello?")])
    assert answer.content == "Hello, world!"
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata is not None
    used = answer.usage_metadata
    assert (used["input_tokens"], used["output_tokens"], used["total_tokens"]) == (11, 7, 18)
    assert used["input_token_details"]["cache_read"] == 3
    assert [message["role"] for message in upstream.requests(model)[0].body["messages"]] == ["system", "user"]


def test_an_answer_streams_with_what_it_used(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(40), usage=ScriptedUsage(input=11, output=40), delay_s=0.01))
    chunks = list(chat(server, model, stream_usage=True).stream("Hello?"))
    assert "".join(str(chunk.content) for chunk in chunks) == "".join(words(40))
    assert len([chunk for chunk in chunks if chunk.content]) > 2
    used = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert [(one["input_tokens"], one["output_tokens"]) for one in used] == [(11, 40)]


async def test_the_same_for_asyncio_and_many_at_once(server: Server, upstream: Upstream) -> None:
    model = chat(server, upstream.model(Script(pieces=words(9))))
    streamed = [str(chunk.content) async for chunk in model.astream("Hello?")]
    answers = await model.abatch(["One?", "Two?", "Three?"])
    assert {"".join(streamed), *(str(answer.content) for answer in answers)} == {"".join(words(9))}


def test_tools_are_called_and_their_results_taken(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=[], tool_calls=[CALL], finish="tool_calls"))
    able = chat(server, model).bind_tools([WEATHER], tool_choice="weather")
    messages: list[BaseMessage] = [HumanMessage("What is the weather?")]
    answer = able.invoke(messages)
    called = {"name": "weather", "args": {"place": "Kiel"}, "id": "call_1", "type": "tool_call"}
    assert answer.tool_calls == [called]
    added: Any = None
    for chunk in able.stream(messages):
        added = chunk if added is None else added + chunk
    assert isinstance(added, AIMessageChunk)
    assert added.tool_calls == [called]
    result: ToolMessage = WEATHER.invoke(answer.tool_calls[0])
    upstream.change(model, Script(pieces=["It rains."]))
    after = chat(server, model).bind_tools([WEATHER]).invoke([*messages, answer, result])
    assert after.content == "It rains."
    first, *_, last = upstream.requests(model)
    assert first.body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert first.body["tools"][0]["function"]["parameters"]["properties"]["place"]["type"] == "string"
    assert last.body["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "Rain in Kiel"}


def test_an_answer_has_the_structure_that_was_asked_for(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=['{"good"', ": true}"]))
    assert chat(server, model).with_structured_output(Verdict).invoke("Is it?") == Verdict(good=True)
    assert chat(server, model).with_structured_output(Verdict, method="json_mode").invoke("Is it?") == Verdict(
        good=True
    )
    by_schema, by_mode = (request.body["response_format"] for request in upstream.requests(model))
    assert by_schema["json_schema"]["schema"]["properties"]["good"]["type"] == "boolean"
    assert by_mode == {"type": "json_object"}
    call = ScriptedCall(id="call_1", name="Verdict", arguments=[json.dumps({"good": False})])
    upstream.change(model, Script(pieces=[], tool_calls=[call], finish="tool_calls"))
    by_call = chat(server, model).with_structured_output(Verdict, method="function_calling")
    assert by_call.invoke("Is it?") == Verdict(good=False)


def test_responses_go_on_from_each_other(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(12), usage=ScriptedUsage(input=5, output=12)))
    responding = chat(server, model, use_responses_api=True, use_previous_response_id=True)
    first = responding.invoke("One?")
    assert first.text == "".join(words(12))
    assert first.usage_metadata is not None
    assert first.usage_metadata["output_tokens"] == 12
    added: Any = None
    for chunk in responding.stream([HumanMessage("One?"), first, HumanMessage("Two?")]):
        added = chunk if added is None else added + chunk
    assert added.text == "".join(words(12))
    said = [message["content"] for message in upstream.requests(model)[-1].body["messages"]]
    assert said == ["One?", "".join(words(12)), "Two?"]


def test_a_named_conversation_keeps_the_exchange(server: Server, upstream: Upstream, http: httpx2.Client) -> None:
    model = upstream.model(Script())
    kept = chat(server, model, extra_body={"conversation": "langchain-cats"})
    assert kept.invoke("Hello?").content == "Hello, world!"
    messages = http.get("/api/conversations/langchain-cats/messages").json()["items"]
    assert [message["role"] for message in messages] == ["user", "assistant"]


def test_a_wrong_key_and_an_unknown_model_are_told_as_openai_tells_them(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script())
    for ask in (ChatOpenAI.invoke, lambda asked, text: list(asked.stream(text))):
        with pytest.raises(openai.AuthenticationError) as refused:
            ask(chat(server, model, key="qd_nobody"), "Hello?")
        assert refused.value.code == "invalid_api_key"
        with pytest.raises(openai.NotFoundError) as unknown:
            ask(chat(server, "nobody/none"), "Hello?")
        assert unknown.value.code == "model_not_found"
    assert upstream.requests(model) == []


def test_an_answer_that_breaks_off_is_not_taken_for_whole(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(9), fault="cut", fault_after=5))
    texts: list[str] = []
    with pytest.raises(openai.APIError):
        texts.extend(str(chunk.content) for chunk in chat(server, model).stream("Hello?"))
    assert "".join(texts) == "".join(words(5))


def test_texts_become_vectors(server: Server) -> None:
    place: dict[str, Any] = {"base_url": f"{server.url}/v1", "api_key": server.key}  # aliases, which mypy does not know
    made = OpenAIEmbeddings(**place, model="openai/text-embedding-3-small", check_embedding_ctx_length=False)
    found = made.embed_documents(["one", "two"])
    assert found[1] == pytest.approx(embed("two", 8), abs=1e-6)
