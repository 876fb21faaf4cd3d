"""Anthropic's messages API: https://platform.claude.com/docs/en/api/messages, streaming and whole."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from quarterdeck.domain.step import StepRequest
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.providers.answer import AnswerDecoder
from quarterdeck.providers.anthropic_decoder import AnthropicDecoder
from quarterdeck.providers.anthropic_messages import trailing_space, write_messages, write_system
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.profiles import Facts, describe_model
from quarterdeck.providers.transport import Call, Transport

_VERSION = "2023-06-01"  # 2026-10-21 differs in refusing `temperature` and `top_p`, which older models take
_DEFAULT_MAX_TOKENS = 8_192  # the API wants a limit; where we do not know the model's own
_MOST_MAX_TOKENS = 32_000
_LEAST_THOUGHT = 1_024  # tokens; fewer are refused
_BUDGETS = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384}
_EFFORTS = {"minimal": "low"}
_TOOL_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
# From Opus 4.7 on `temperature` and `top_p` are refused.
_NO_SAMPLING = re.compile(r"^claude-(opus-4-[7-9]|(opus|sonnet|haiku)-[5-9]|fable|mythos)")
# Up to the 4.5 family thinking has a budget of tokens; later models are told an effort.
_BUDGET_MODELS = re.compile(r"^claude-(3-7|(opus|sonnet|haiku)-4(-[015])?(-2025\d*)?$)")


class AnthropicDialect:
    def build_call(
        self, endpoint: Endpoint, request: StepRequest, *, stream: bool, without: frozenset[str] = frozenset()
    ) -> Call:
        body = {
            name: value
            for name, value in _write_body(request, without).items()
            if value is not None and name not in without
        }
        if stream:
            body["stream"] = True
        headers = _headers(endpoint) | {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        return Call("POST", f"{_base_url(endpoint)}/messages", headers, msgspec.json.encode(body))

    def optional_parameters(self, request: StepRequest) -> set[str]:
        return {
            "temperature",
            "top_p",
            "top_k",
            "stop_sequences",
            "thinking",
            "output_config",
            "cache_control",
            "tool_choice",
        }

    def new_decoder(self, request: StepRequest) -> AnswerDecoder:
        decoder = AnthropicDecoder()
        if request.prefill:
            decoder.overlap = trailing_space(request.messages)
        return decoder

    async def fetch_models(self, endpoint: Endpoint, transport: Transport, timeout_s: float) -> list[ModelProfile]:
        call = Call("GET", f"{_base_url(endpoint)}/models?limit=1000", _headers(endpoint))
        content = await transport.fetch_json(call, timeout_s)
        entries = content.get("data") if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise UpstreamError("not_an_api", detail="no list of models came")
        return [
            describe_model(endpoint.name, entry["id"], _read_facts(entry))
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("id"), str)
        ]

    async def check_key(self, endpoint: Endpoint, transport: Transport, timeout_s: float) -> None:
        return None  # listing models needs the key


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"anthropic-version": _VERSION}
    return headers | {"x-api-key": endpoint.key} if endpoint.key else headers


def _base_url(endpoint: Endpoint) -> str:
    """The official client takes the address without `/v1`; both are understood."""
    return endpoint.base_url if endpoint.base_url.endswith("/v1") else f"{endpoint.base_url}/v1"


def _write_body(request: StepRequest, without: frozenset[str]) -> dict[str, Any]:
    profile = describe_model("anthropic", request.model)
    limit = min(profile.max_output_tokens or _DEFAULT_MAX_TOKENS, _MOST_MAX_TOKENS)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_output_tokens or limit,
        "system": write_system(request.messages) or None,
        "messages": write_messages(request.messages, request.prefill),
        "temperature": None if request.temperature is None else min(request.temperature, 1.0),
        "top_p": request.top_p if request.temperature is None else None,  # one of the two only
        "stop_sequences": request.stop or None,
        "tools": [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in request.tools
        ]
        or None,
        "tool_choice": _write_choice(request),
        "top_k": request.top_k,
        "cache_control": {"type": "ephemeral"},
        "output_config": _write_format(request.response_format),
    }
    if request.tail and _mark_cached(body["messages"], request.tail):
        body["cache_control"] = None
    if _NO_SAMPLING.match(request.model):
        body["temperature"] = body["top_p"] = body["top_k"] = None
    if request.reasoning_effort and profile.can_reason and not request.prefill and "thinking" not in without:
        _ask_to_think(body, request, request.reasoning_effort)
    return body


def _write_choice(request: StepRequest) -> dict[str, Any] | None:
    if not request.tools:
        return None
    choice = {"type": _TOOL_CHOICES[request.tool_choice or "auto"]}
    if request.only_tool:
        choice = {"type": "tool", "name": request.only_tool}
    if request.parallel_tool_calls is False and choice["type"] != "none":
        return choice | {"disable_parallel_tool_use": True}
    return choice if request.tool_choice or request.only_tool else None


def _mark_cached(messages: list[dict[str, Any]], tail: int) -> bool:
    """Without a mark the cache ends with the request: with an end that never comes again it would be of no use."""
    blocks = messages[-1]["content"] if messages else []
    if len(blocks) <= tail:
        return False
    blocks[-1 - tail]["cache_control"] = {"type": "ephemeral"}
    return True


def _ask_to_think(body: dict[str, Any], request: StepRequest, effort: str) -> None:
    if not _BUDGET_MODELS.match(request.model):
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
        body["output_config"] = (body["output_config"] or {}) | {"effort": _EFFORTS.get(effort, effort)}
        return
    if request.messages[-1].role == "tool":
        return  # it would want its own signed thoughts back, which are not kept
    budget = _BUDGETS[effort]
    if request.max_output_tokens is not None:  # thoughts count as output: a bound is a bound
        budget = min(budget, request.max_output_tokens - _LEAST_THOUGHT)
        if budget < _LEAST_THOUGHT:
            return
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    body["max_tokens"] = max(body["max_tokens"], budget + _LEAST_THOUGHT)
    body["temperature"] = body["top_p"] = body["top_k"] = None


def _write_format(response_format: dict[str, Any] | None) -> dict[str, Any] | None:
    schema = ((response_format or {}).get("json_schema") or {}).get("schema")
    return {"format": {"type": "json_schema", "schema": schema}} if isinstance(schema, dict) else None


def _read_facts(entry: dict[str, Any]) -> Facts:
    told = entry.get("capabilities")
    capabilities = told if isinstance(told, dict) else {}
    sees = _supports(capabilities, "image_input")
    return Facts(
        context_window=_positive(entry.get("max_input_tokens")),
        max_output_tokens=_positive(entry.get("max_tokens")),
        input_modalities=None if sees is None else ("text", "image") if sees else ("text",),
        can_reason=_supports(capabilities, "thinking"),
        is_chat=False if entry.get("lifecycle") == "retired" else None,
    )


def _supports(capabilities: dict[str, Any], name: str) -> bool | None:
    told = capabilities.get(name)
    supported = told.get("supported") if isinstance(told, dict) else None
    return supported if isinstance(supported, bool) else None


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
