"""What is particular to one vendor: its words for the same thing, its oddities, its prefill."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.contract.provider_cases import ask, collect, open_pair, reasoning_of, text_of
from tests.fakes.script import Script, words

from quarterdeck.domain.parts import IdeaPart, ReasoningPart, TextPart
from quarterdeck.domain.step import Delta, FinishChunk, PromptMessage, StepRequest, TextChunk, UsageChunk
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import ProviderRefusedError, ProviderUnavailableError
from quarterdeck.providers.answer import AnswerDecoder
from quarterdeck.providers.anthropic import AnthropicDialect
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.dialect import Dialect
from quarterdeck.providers.gemini import GeminiDialect
from quarterdeck.providers.openai_compatible import OpenAIDecoder, OpenAIDialect
from quarterdeck.providers.profiles import describe_model


def body_of(dialect: Dialect, request: StepRequest, provider: str) -> dict[str, Any]:
    endpoint = Endpoint(name=provider, label="Acme", dialect="x", base_url="http://127.0.0.1/v1", key="k")
    call = dialect.build_call(endpoint, request, stream=True)
    assert call.body is not None
    content: dict[str, Any] = json.loads(call.body)
    return content


def decode(decoder: AnswerDecoder, *payloads: Any) -> list[Delta]:
    out: list[Delta] = []
    for payload in payloads:
        decoder.decode(payload if isinstance(payload, bytes) else json.dumps(payload).encode(), out)
    return out


def prefilled(model: str, said: str) -> StepRequest:
    messages = [PromptMessage("user", [TextPart("Go.")]), PromptMessage("assistant", [TextPart(said)])]
    return StepRequest(model=model, messages=messages, prefill=True)


# --- OpenAI's dialect


@pytest.mark.parametrize(
    ("provider", "model", "present", "absent"),
    [
        ("openai", "gpt-4o", ["temperature", "max_completion_tokens", "stream_options"], ["max_tokens"]),
        ("openai", "gpt-5-mini", ["max_completion_tokens"], ["temperature", "top_p", "max_tokens"]),
        ("openai", "o3", ["max_completion_tokens"], ["temperature"]),
        ("mistral", "mistral-small-latest", ["temperature", "max_tokens"], ["stream_options", "max_completion_tokens"]),
        ("lab", "gpt-5-mini", ["temperature", "max_tokens", "stream_options"], ["max_completion_tokens"]),
    ],
)
def test_each_vendor_gets_the_parameters_it_takes(
    provider: str, model: str, present: list[str], absent: list[str]
) -> None:
    request = StepRequest(model=model, messages=ask().messages, temperature=0.5, top_p=0.9, max_output_tokens=50)
    body = body_of(OpenAIDialect(), request, provider)
    assert set(present) <= body.keys()
    assert not set(absent) & body.keys()


async def test_the_other_name_of_the_token_limit_is_tried_when_one_is_refused() -> None:
    async with open_pair("openai", vendor="lab") as pair:
        pair.fake.unsupported = {"max_tokens"}
        request = StepRequest(model="fake-chat", messages=ask().messages, max_output_tokens=50)
        _, error = await collect(pair.provider, request)
        assert error is None
        assert pair.fake.requests[-1].body["max_completion_tokens"] == 50


async def test_several_parameters_that_a_model_does_not_take_are_left_out_one_after_the_other() -> None:
    async with open_pair("openai", vendor="lab") as pair:
        pair.fake.unsupported = {"temperature", "top_p", "stream_options"}
        request = StepRequest(model="fake-chat", messages=ask().messages, temperature=0.5, top_p=0.9)
        deltas, error = await collect(pair.provider, request)
        assert error is None
        assert text_of(deltas) == "Hello, world!"
        await collect(pair.provider, request)
        assert len(pair.fake.requests) == 5, "what was learnt is used"


async def test_an_endpoint_without_stream_options_still_answers() -> None:
    async with open_pair("openai", vendor="lab") as pair:
        pair.fake.unsupported = {"stream_options"}
        deltas, error = await collect(pair.provider, ask())
        assert error is None
        assert text_of(deltas) == "Hello, world!"
        assert not any(isinstance(delta, UsageChunk) for delta in deltas)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_under_both_names(field: str) -> None:
    out = decode(OpenAIDecoder(), {"choices": [{"delta": {field: "Hm. ", "content": "Yes."}}]})
    assert (reasoning_of(out), text_of(out)) == ("Hm. ", "Yes.")


def test_reasoning_under_both_names_at_once_counts_once() -> None:
    out = decode(OpenAIDecoder(), {"choices": [{"delta": {"reasoning": "Hm.", "reasoning_content": "Hm."}}]})
    assert reasoning_of(out) == "Hm."


def test_content_in_pieces_is_read_as_mistral_writes_it() -> None:
    pieces = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm. "}]},
        {"type": "text", "text": "Yes."},
    ]
    out = decode(OpenAIDecoder(), {"choices": [{"delta": {"content": pieces}}]})
    assert (reasoning_of(out), text_of(out)) == ("Hm. ", "Yes.")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7}, Usage(5, 7)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3},
                "cost": 0.25,
            },
            Usage(5, 7, 2, 3, 0.25),
        ),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_cache_hit_tokens": 4}, Usage(5, 7, 4)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "cost": {"total_cost": 0.5}}, Usage(5, 7, 0, 0, 0.5)),
        ({"prompt_tokens": "5", "completion_tokens": None}, Usage(5, 0)),
        ({"prompt_tokens": {"odd": 1}}, None),
        ({"prompt_tokens": 10**30, "completion_tokens": 7, "cost": 1e308}, Usage(0, 7)),
        ({"prompt_tokens": -5, "completion_tokens": 2**63, "cost": -1}, Usage(0, 0)),
        (None, None),
    ],
)
def test_usage_is_read_in_each_vendors_way_and_spoils_no_answer(usage: Any, expected: Usage | None) -> None:
    decoder = OpenAIDecoder()
    decode(decoder, {"choices": [{"delta": {"content": "x"}}], "usage": usage})
    assert decoder.usage == expected


def test_usage_repeated_in_each_chunk_is_reported_once() -> None:
    decoder = OpenAIDecoder()
    chunk = {"choices": [{"delta": {"content": "x"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 3}}
    out = decode(decoder, chunk, chunk, end, b"[DONE]")
    decoder.conclude(out, describe_model("lab", "x"), may_be_empty=False)
    assert [delta for delta in out if isinstance(delta, UsageChunk)] == [UsageChunk(Usage(1, 3))]


def test_the_cost_comes_from_the_models_price() -> None:
    decoder = OpenAIDecoder()
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}
    out = decode(decoder, {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}], "usage": usage})
    decoder.conclude(out, describe_model("openai", "gpt-4o-mini"), may_be_empty=False)
    (reported,) = (delta.usage for delta in out if isinstance(delta, UsageChunk))
    assert reported.cost == pytest.approx(0.75)


@pytest.mark.parametrize("chunk", [{}, {"choices": []}, {"choices": None}, {"choices": [{}]}, {"x": 1}])
def test_chunks_that_say_nothing_are_passed_over(chunk: Any) -> None:
    assert decode(OpenAIDecoder(), chunk) == []


@pytest.mark.parametrize(
    ("reason", "finish"), [("stop", "stop"), ("eos", "stop"), ("length", "length"), ("function_call", "tool_calls")]
)
def test_finish_reasons_are_translated(reason: str, finish: str) -> None:
    decoder = OpenAIDecoder()
    decode(decoder, {"choices": [{"delta": {"content": "x"}, "finish_reason": reason}]})
    assert decoder.finish == finish


async def test_only_thinking_up_to_the_limit_is_an_end_and_not_an_empty_answer() -> None:
    async with open_pair("openai") as pair:
        pair.fake.default = Script(reasoning=["Hm."], pieces=[], finish="length")
        deltas, error = await collect(pair.provider, ask())
        assert error is None
        assert deltas[-1] == FinishChunk("length")


def test_reasoning_is_never_sent_back_and_ideas_are_in_their_format() -> None:
    messages = [
        PromptMessage("user", [TextPart("Cats?")]),
        PromptMessage("assistant", [ReasoningPart("secret thought"), IdeaPart('A "cat"'), TextPart("Saved.")]),
        PromptMessage("assistant", [ReasoningPart("only thought")]),
        PromptMessage("user", [TextPart("More.")]),
    ]
    body = body_of(OpenAIDialect(), StepRequest(model="x", messages=messages), "lab")
    assert [message["content"] for message in body["messages"]] == ["Cats?", 'idea: "A \\"cat\\""\nSaved.', "More."]


# --- going on from a partial answer


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("mistral", {"prefix": True}),
        ("vllm", {"continue_final_message": True, "add_generation_prompt": False}),
        ("llamacpp", {}),
    ],
)
def test_a_prefill_is_marked_as_the_vendor_wants_it(provider: str, expected: dict[str, bool]) -> None:
    body = body_of(OpenAIDialect(), prefilled("x", "The tide "), provider)
    last = body["messages"][-1]
    assert (last["role"], last["content"]) == ("assistant", "The tide ")
    marks = {name: value for name, value in {**body, **last}.items() if value is True or value is False}
    assert {name: marks.get(name) for name in expected} == expected
    assert not {"prefix", "continue_final_message"} - expected.keys() & marks.keys()


@pytest.mark.parametrize("said", ["", "The harbour", "The harbour0 lay1 ", "".join(words(50))])
async def test_an_answer_goes_on_from_its_last_character(said: str) -> None:
    """Anthropic takes no white space at the end of a prefill, and the model may say it again."""
    full = "".join(words(50))
    said = full[: len(said)]
    async with open_pair("anthropic") as pair:
        pair.fake.default = Script(pieces=words(50))
        deltas, error = await collect(pair.provider, prefilled("claude-sonnet-4-5", said))
        assert error is None
        assert said + text_of(deltas) == full


def test_white_space_that_the_model_repeats_is_skipped_once() -> None:
    decoder = AnthropicDialect().new_decoder(prefilled("claude-sonnet-4-5", "One,\n\n "))
    out: list[Delta] = []
    for piece in ("\n", "\n", " two", " \n three"):
        decoder.add_text(piece, out)
    assert out == [TextChunk("two"), TextChunk(" \n three")]


# --- Anthropic's and Gemini's own


def test_anthropic_gets_the_system_prompt_apart_and_neighbours_joined() -> None:
    messages = [
        PromptMessage("system", [TextPart("One.")]),
        PromptMessage("system", [TextPart("Two.")]),
        PromptMessage("user", [TextPart("A")]),
        PromptMessage("system", [TextPart("It is noon.")]),
        PromptMessage("assistant", [TextPart("B")]),
        PromptMessage("user", [TextPart("C")]),
    ]
    body = body_of(AnthropicDialect(), StepRequest(model="claude-sonnet-5", messages=messages), "anthropic")
    assert body["system"] == "One.\n\nTwo."
    texts = [[block["text"] for block in message["content"]] for message in body["messages"]]
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert texts == [["A", "It is noon."], ["B"], ["C"]]


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-sonnet-4-5", {"type": "enabled", "budget_tokens": 8192}),
        ("claude-sonnet-5", {"type": "adaptive", "display": "summarized"}),
        ("claude-3-5-haiku-latest", None),
    ],
)
async def test_anthropic_models_are_asked_to_think_in_their_own_way(model: str, thinking: Any) -> None:
    request = StepRequest(model=model, messages=ask().messages, reasoning_effort="medium", temperature=0.5)
    async with open_pair("anthropic") as pair:
        _, error = await collect(pair.provider, request)
        assert error is None
        (sent,) = pair.fake.requests
        assert sent.body.get("thinking") == thinking


@pytest.mark.parametrize(
    ("model", "key"), [("gemini-2.5-flash", "thinkingBudget"), ("gemini-3-pro-preview", "thinkingLevel")]
)
async def test_gemini_models_are_asked_to_think_in_their_own_way(model: str, key: str) -> None:
    request = StepRequest(model=model, messages=ask().messages, reasoning_effort="low")
    async with open_pair("gemini") as pair:
        _, error = await collect(pair.provider, request)
        assert error is None
        thinking = pair.fake.requests[-1].body["generationConfig"]["thinkingConfig"]
        assert thinking["includeThoughts"] is True
        assert key in thinking


@pytest.mark.parametrize("dialect", [OpenAIDialect(), AnthropicDialect(), GeminiDialect()])
async def test_an_answers_json_shape_is_asked_for(dialect: Dialect) -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    shape = {"type": "json_schema", "json_schema": {"name": "title", "schema": schema}}
    request = StepRequest(model="gemini-2.5-flash", messages=ask().messages, response_format=shape)
    assert '"title"' in json.dumps(body_of(dialect, request, "lab"))


async def test_a_gateway_that_streams_gemini_as_a_json_list_is_understood() -> None:
    decoder = GeminiDialect().new_decoder(ask())
    chunks = [
        {"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}]},
    ]
    assert text_of(decode(decoder, chunks)) == "Hello"
    assert decoder.finish == "stop"


async def test_the_reasons_of_a_refusal_are_told() -> None:
    async with open_pair("gemini") as pair:
        pair.fake.default = Script(fault="filter")
        _, error = await collect(pair.provider, ask())
        assert type(error) is ProviderRefusedError
        assert error.message == "Acme declined to answer: safety. What was written so far is kept."
    async with open_pair("anthropic") as pair:
        pair.fake.default = Script(fault="error")
        _, error = await collect(pair.provider, ask())
        assert type(error) is ProviderUnavailableError
        assert error.message == "Acme has a problem on its side: Overloaded. What was written so far is kept."
