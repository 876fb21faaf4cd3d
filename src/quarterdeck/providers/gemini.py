"""Google's Gemini API (v1beta): https://ai.google.dev/api/generate-content, streaming as SSE and whole."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from quarterdeck.domain.step import StepRequest
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.providers.answer import AnswerDecoder
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.gemini_decoder import GeminiDecoder
from quarterdeck.providers.gemini_messages import write_contents, write_system
from quarterdeck.providers.profiles import Facts, describe_model
from quarterdeck.providers.transport import Call, Transport

_BUDGETS = {"minimal": 512, "low": 1_024, "medium": 8_192, "high": 24_576}
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


class GeminiDialect:
    def build_call(
        self, endpoint: Endpoint, request: StepRequest, *, stream: bool, without: frozenset[str] = frozenset()
    ) -> Call:
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        url = f"{endpoint.base_url}/models/{quote(request.model, safe='')}:{method}"
        headers = _headers(endpoint) | {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        return Call("POST", url, headers, msgspec.json.encode(_write_body(request, without)))

    def optional_parameters(self, request: StepRequest) -> set[str]:
        return set(_write_config(request, frozenset())) | {"toolConfig"}

    def new_decoder(self, request: StepRequest) -> AnswerDecoder:
        return GeminiDecoder()

    async def fetch_models(self, endpoint: Endpoint, transport: Transport, timeout_s: float) -> list[ModelProfile]:
        call = Call("GET", f"{endpoint.base_url}/models?pageSize=1000", _headers(endpoint))
        content = await transport.fetch_json(call, timeout_s)
        entries = content.get("models") if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise UpstreamError("not_an_api", detail="no list of models came")
        return [
            describe_model(endpoint.name, entry["name"].removeprefix("models/"), _read_facts(entry))
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        ]

    async def check_key(self, endpoint: Endpoint, transport: Transport, timeout_s: float) -> None:
        return None  # listing models needs the key


def _headers(endpoint: Endpoint) -> dict[str, str]:
    return {"x-goog-api-key": endpoint.key} if endpoint.key else {}


def _write_body(request: StepRequest, without: frozenset[str]) -> dict[str, Any]:
    system = write_system(request.messages)
    config = _write_config(request, without)
    tools = [
        {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
        for tool in request.tools
    ]
    body: dict[str, Any] = {"contents": write_contents(request)}
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if config:
        body["generationConfig"] = config
    if tools:
        body["tools"] = [{"functionDeclarations": tools}]
        if request.tool_choice and "toolConfig" not in without:
            choice: dict[str, Any] = {"mode": _MODES[request.tool_choice]}
            if request.only_tool:
                choice["allowedFunctionNames"] = [request.only_tool]
            body["toolConfig"] = {"functionCallingConfig": choice}
    return body


def _write_config(request: StepRequest, without: frozenset[str]) -> dict[str, Any]:
    config: dict[str, Any] = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "maxOutputTokens": request.max_output_tokens,
        "stopSequences": request.stop or None,
        "seed": request.seed,
        "thinkingConfig": _write_thinking(request),
    }
    if request.response_format:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = (request.response_format.get("json_schema") or {}).get("schema")
    return {name: value for name, value in config.items() if value is not None and name not in without}


def _write_thinking(request: StepRequest) -> dict[str, Any] | None:
    """Up to 2.5 thinking has a budget of tokens, later models have levels."""
    if not describe_model("gemini", request.model).can_reason:
        return None
    thinking: dict[str, Any] = {"includeThoughts": True}
    if request.reasoning_effort:
        if request.model.startswith("gemini-2"):
            thinking["thinkingBudget"] = _BUDGETS[request.reasoning_effort]
        else:
            thinking["thinkingLevel"] = request.reasoning_effort.upper()
    return thinking


def _read_facts(entry: dict[str, Any]) -> Facts:
    methods = entry.get("supportedGenerationMethods")
    thinks = entry.get("thinking")
    return Facts(
        context_window=_positive(entry.get("inputTokenLimit")),
        max_output_tokens=_positive(entry.get("outputTokenLimit")),
        can_reason=thinks if isinstance(thinks, bool) else None,
        is_chat="generateContent" in methods if isinstance(methods, list) else None,
    )


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
