"""OpenAI's chat completions, as OpenAI and everybody who copies it speaks them.

Wire format: https://platform.openai.com/docs/api-reference/chat. What others add and we read:
`reasoning_content` (DeepSeek, vLLM, llama.cpp), `reasoning` (OpenRouter, Groq, Ollama), content as a list
of pieces with `thinking` (Mistral), `error` objects in the stream, usage with `cost` (OpenRouter).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.domain.step import Delta, FinishReason, LogprobsChunk, StepRequest, TokenLogprob, ToolSpec
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.providers.answer import AnswerDecoder, cost_of, count_of
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.openai_messages import write_messages
from quarterdeck.providers.openai_models import fetch_models
from quarterdeck.providers.presets import Quirks, quirks_of
from quarterdeck.providers.transport import Call, Transport
from quarterdeck.providers.vendor_errors import fault_of_event

_OPTIONAL = (
    "temperature", "top_p", "seed", "stop", "reasoning_effort", "response_format", "tool_choice", "parallel_tool_calls",
    "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
)  # fmt: skip
_ABSENT: tuple[object, ...] = (None, [], False)
_FINISH: dict[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


class OpenAIDialect:
    def build_call(
        self, endpoint: Endpoint, request: StepRequest, *, stream: bool, without: frozenset[str] = frozenset()
    ) -> Call:
        body = _write_body(request, quirks_of(endpoint.name), stream, without)
        headers = _headers(endpoint) | {
            "Content-Type": "application/json",
            "Accept": "text/event-stream" if stream else "application/json",
            "Accept-Encoding": "identity" if stream else "gzip, deflate",
        }
        return Call("POST", f"{endpoint.base_url}/chat/completions", headers, msgspec.json.encode(body))

    def optional_parameters(self, request: StepRequest) -> set[str]:
        names = {name for name in _OPTIONAL if getattr(request, name) not in _ABSENT} | {"stream_options"}
        names |= {name for name in ("temperature", "top_p", "seed") if getattr(request, name) is not None}
        if request.parallel_tool_calls is not None:
            names.add("parallel_tool_calls")
        if request.max_output_tokens is not None:
            names |= {"max_tokens", "max_completion_tokens"}
        return names

    def new_decoder(self, request: StepRequest) -> AnswerDecoder:
        return OpenAIDecoder()

    async def fetch_models(self, endpoint: Endpoint, transport: Transport, timeout_s: float) -> list[ModelProfile]:
        return await fetch_models(endpoint, transport, _headers(endpoint), timeout_s)

    async def check_key(self, endpoint: Endpoint, transport: Transport, timeout_s: float) -> None:
        how = quirks_of(endpoint.name).key_check
        if how == "key":
            await transport.fetch(Call("GET", f"{endpoint.base_url}/key", _headers(endpoint)), timeout_s)
        elif how == "empty":
            await _try_empty_request(endpoint, transport, timeout_s)


def _headers(endpoint: Endpoint) -> dict[str, str]:
    return {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}


async def _try_empty_request(endpoint: Endpoint, transport: Transport, timeout_s: float) -> None:
    """A request without messages is refused, and why tells whether the key is good."""
    headers = _headers(endpoint) | {"Content-Type": "application/json"}
    call = Call("POST", f"{endpoint.base_url}/chat/completions", headers, b'{"model":"","messages":[]}')
    try:
        await transport.fetch(call, timeout_s)
    except UpstreamError as fault:
        if fault.kind in ("auth", "forbidden", "unreachable", "connect_timeout", "first_token_timeout", "not_an_api"):
            raise


def _write_body(request: StepRequest, quirks: Quirks, stream: bool, without: frozenset[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "messages": write_messages(request.messages),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
        "stop": request.stop or None,
        "reasoning_effort": request.reasoning_effort,
        "response_format": request.response_format,
        "tools": [_write_tool(tool) for tool in request.tools] or None,
        "tool_choice": _write_choice(request),
        "parallel_tool_calls": request.parallel_tool_calls if request.tools else None,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "logit_bias": request.logit_bias,
        "logprobs": request.logprobs or None,
        "top_logprobs": request.top_logprobs if request.logprobs else None,
    }
    if quirks.no_temperature and re.match(quirks.no_temperature, request.model):
        body["temperature"] = body["top_p"] = None
    _set_max_tokens(body, request, quirks, without)
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True} if quirks.takes_stream_options else None
    if request.prefill:
        _mark_prefill(body, quirks)
    return {name: value for name, value in body.items() if value is not None and name not in without}


def _set_max_tokens(body: dict[str, Any], request: StepRequest, quirks: Quirks, without: frozenset[str]) -> None:
    """The limit under the name this vendor takes; under the other one when that was refused."""
    first = quirks.max_tokens_field
    other = "max_tokens" if first == "max_completion_tokens" else "max_completion_tokens"
    body[other if first in without else first] = request.max_output_tokens


def _mark_prefill(body: dict[str, Any], quirks: Quirks) -> None:
    if quirks.prefill == "prefix":
        body["messages"][-1]["prefix"] = True
    elif quirks.prefill == "continue":
        body["continue_final_message"] = True
        body["add_generation_prompt"] = False


def _write_tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function if tool.strict is None else function | {"strict": tool.strict}}


def _write_choice(request: StepRequest) -> str | dict[str, Any] | None:
    if not request.tools:
        return None
    return {"type": "function", "function": {"name": request.only_tool}} if request.only_tool else request.tool_choice


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Piece(Struct):
    type: str = ""
    text: str = ""
    thinking: list[_Piece] | str = ""


class _Message(Struct, gc=False):
    content: str | list[_Piece] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Logprobs(Struct):
    content: list[TokenLogprob] | None = None


class _Choice(Struct, gc=False):
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None
    index: int = 0
    logprobs: msgspec.Raw = msgspec.Raw()


class _Chunk(Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _Details(Struct):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    cost: Any = None


_NULL = msgspec.Raw(b"null")
_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_logprobs_decoder = msgspec.json.Decoder(_Logprobs)
_usage_decoder = msgspec.json.Decoder(_Usage, strict=False)


class OpenAIDecoder(AnswerDecoder):
    """Chunks of a stream (`delta`) and whole answers (`message`) alike."""

    def decode(self, payload: bytes, out: list[Delta]) -> None:
        if payload[:6] == b"[DONE]":
            self.done = True
            return
        chunk = _decode_chunk(payload)
        if chunk.choices:
            choice = chunk.choices[0]
            message = choice.delta or choice.message
            if choice.logprobs and choice.logprobs != _NULL:
                self._take_logprobs(choice.logprobs, out)
            if message is not None and choice.index == 0:
                self._take_message(message, out)
            if choice.finish_reason:
                self._take_finish(choice.finish_reason)
        if chunk.usage and chunk.usage != _NULL:
            self._take_usage(chunk.usage)
        if chunk.error and chunk.error != _NULL:
            raise fault_of_event(msgspec.json.decode(chunk.error))

    def _take_message(self, message: _Message, out: list[Delta]) -> None:
        thought = message.reasoning_content or message.reasoning
        if thought:
            self.add_reasoning(thought, out)
        content = message.content
        if type(content) is str:
            if content:
                self.add_text(content, out)
        elif content:
            for piece in content:
                self._take_piece(piece, out)
        if message.tool_calls or message.refusal:
            self._take_rest(message, out)

    def _take_piece(self, piece: _Piece | str, out: list[Delta]) -> None:
        if isinstance(piece, str):
            self.add_text(piece, out)
        elif piece.type == "thinking":
            inner = piece.thinking
            text = inner if isinstance(inner, str) else "".join(part.text for part in inner)
            if text:
                self.add_reasoning(text, out)
        elif piece.text:
            self.add_text(piece.text, out)

    def _take_rest(self, message: _Message, out: list[Delta]) -> None:
        for position, call in enumerate(message.tool_calls or ()):
            function = call.function or _Function()
            index = position if call.index is None else call.index
            self.add_tool_call(out, index, call.id or "", function.name or "", function.arguments or "")
        if message.refusal:
            self.refusal = (self.refusal or "") + message.refusal

    def _take_logprobs(self, raw: msgspec.Raw, out: list[Delta]) -> None:
        try:
            tokens = _logprobs_decoder.decode(raw).content
        except msgspec.DecodeError:
            return
        if tokens:
            out.append(LogprobsChunk(tokens))

    def _take_finish(self, reason: str) -> None:
        if reason == "content_filter":
            self.refusal = self.refusal or ""
        elif reason == "error":
            raise UpstreamError("server", detail="finish_reason error")
        elif reason == "insufficient_system_resource":  # DeepSeek
            raise UpstreamError("server", "it ran out of resources in the middle of the answer")
        self.finish = _FINISH.get(reason, "stop")

    def _take_usage(self, raw: msgspec.Raw) -> None:
        """Some vendors repeat the usage in each chunk, some write it oddly: a bad one spoils no answer."""
        try:
            usage = _usage_decoder.decode(raw)
        except msgspec.DecodeError:
            return
        prompt = usage.prompt_tokens_details or _Details()
        completion = usage.completion_tokens_details or _Details()
        self.usage = Usage(
            count_of(usage.prompt_tokens),
            count_of(usage.completion_tokens),
            count_of(prompt.cached_tokens or usage.prompt_cache_hit_tokens),
            count_of(completion.reasoning_tokens),
            _cost(usage.cost),
        )


def _cost(value: Any) -> float | None:
    """OpenRouter says a number, Perplexity an object with `total_cost`; both US dollars."""
    if isinstance(value, dict):
        value = value.get("total_cost")
    return cost_of(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
