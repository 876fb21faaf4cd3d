"""`GET /models` in OpenAI's shape, with the facts that some vendors add to each model.

OpenRouter, Together, Groq, Mistral, vLLM, Hugging Face's router and LM Studio each say more than the
name, under different words; Ollama and llama.cpp say it at addresses of their own.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from quarterdeck.domain.usage import ModelProfile, Price
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.presets import quirks_of
from quarterdeck.providers.profiles import Facts, describe_model
from quarterdeck.providers.transport import Call, Transport

MAX_MODELS = 5_000
_MAX_SHOWN = 40  # Ollama is asked about each model; not about more than these
_OLLAMA_DEFAULT_WINDOW = 4_096  # what Ollama really runs with unless told otherwise


async def fetch_models(
    endpoint: Endpoint, transport: Transport, headers: dict[str, str], timeout_s: float
) -> list[ModelProfile]:
    """Raises: `UpstreamError` ("not_an_api" when what came is no list of models)."""
    quirks = quirks_of(endpoint.name)
    if quirks.models:
        return [describe_model(endpoint.name, name) for name in quirks.models]
    content = await transport.fetch_json(Call("GET", f"{endpoint.base_url}/models", headers), timeout_s)
    entries = read_entries(content)
    if entries is None:
        raise UpstreamError("not_an_api", detail="no list of models came")
    facts = [(str(entry["id"]), read_facts(entry)) for entry in entries[:MAX_MODELS]]
    if endpoint.name == "ollama":
        facts = await _ask_ollama(endpoint, transport, headers, facts, timeout_s)
    elif endpoint.name == "llamacpp":
        facts = await _ask_llamacpp(endpoint, transport, headers, facts)
    return [describe_model(endpoint.name, name, told) for name, told in facts]


def read_entries(content: Any) -> list[dict[str, Any]] | None:
    """The entries of `{"data": […]}` or of a bare list (Together); None when it is neither."""
    entries = content.get("data") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        return None
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def read_facts(entry: dict[str, Any]) -> Facts:
    """What one entry says beyond its name. Unknown or odd values are passed over."""
    top = _dict(entry.get("top_provider"))
    capabilities = _dict(entry.get("capabilities"))
    architecture = _dict(entry.get("architecture"))
    told = entry.get("providers")
    offers = [offer for offer in told if isinstance(offer, dict)] if isinstance(told, list) else []
    parameters = entry.get("supported_parameters") or entry.get("supported_features") or []
    return Facts(
        context_window=_size(entry, "context_length", "context_window", "max_context_length", "max_model_len")
        or max((_size(offer, "context_length") or 0 for offer in offers), default=0)
        or None,
        max_output_tokens=_size(top, "max_completion_tokens") or _size(entry, "max_completion_tokens"),
        input_modalities=_modalities(architecture.get("input_modalities"), capabilities.get("vision")),
        output_modalities=_modalities(architecture.get("output_modalities"), None),
        can_call_tools=_says(capabilities.get("function_calling"), parameters, "tools")
        or (True if any(offer.get("supports_tools") is True for offer in offers) else None),
        can_reason=_says(capabilities.get("reasoning"), parameters, "reasoning"),
        is_chat=_is_chat(entry, capabilities),
        price=_price(entry.get("pricing")),
    )


def _is_chat(entry: dict[str, Any], capabilities: dict[str, Any]) -> bool | None:
    told = capabilities.get("completion_chat")
    if isinstance(told, bool):
        return told
    if entry.get("active") is False:
        return False
    kind = entry.get("type")
    return kind in ("chat", "language", "llm", "vlm", "model") if isinstance(kind, str) else None


def _says(told: Any, listed: Any, word: str) -> bool | None:
    if isinstance(told, bool):
        return told
    return word in listed if isinstance(listed, list) and listed else None


def _price(pricing: Any) -> Price | None:
    """OpenRouter: strings, dollars a token (`prompt`); Together: numbers, dollars a million (`input`)."""
    if not isinstance(pricing, dict):
        return None
    for names, factor in (
        (("prompt", "completion", "input_cache_read"), 1e6),
        (("input", "output", "cached_input"), 1.0),
    ):
        paid, got, cached = (_amount(pricing.get(name)) for name in names)
        if paid is not None and got is not None:
            return Price(paid * factor, got * factor, None if cached is None else cached * factor)
    return None


def _amount(value: Any) -> float | None:
    try:
        amount = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return amount if 0 <= amount < 1e6 else None


def _modalities(told: Any, vision: Any) -> tuple[str, ...] | None:
    if isinstance(told, list) and told:
        return tuple(str(word) for word in told)
    if isinstance(vision, bool):
        return ("text", "image") if vision else ("text",)
    return None


def _size(entry: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = entry.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def origin_of(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


async def _ask_ollama(
    endpoint: Endpoint,
    transport: Transport,
    headers: dict[str, str],
    facts: list[tuple[str, Facts]],
    timeout_s: float,
) -> list[tuple[str, Facts]]:
    """https://docs.ollama.com/api/show of each model, together; a model that fails keeps what is known."""
    address = f"{origin_of(endpoint.base_url)}/api/show"

    async def show(name: str, told: Facts) -> tuple[str, Facts]:
        body = msgspec.json.encode({"model": name})
        call = Call("POST", address, headers | {"Content-Type": "application/json"}, body)
        try:
            content = _dict(await transport.fetch_json(call, timeout_s / 2))
        except UpstreamError:
            return name, told
        return name, read_ollama(content)

    asked = await asyncio.gather(*(show(name, told) for name, told in facts[:_MAX_SHOWN]))
    return list(asked) + facts[_MAX_SHOWN:]


def read_ollama(content: dict[str, Any]) -> Facts:
    """`capabilities`, and the window Ollama runs with: `num_ctx` of the model, else its default."""
    told = content.get("capabilities")
    capabilities = told if isinstance(told, list) else []
    lengths = [
        value
        for name, value in _dict(content.get("model_info")).items()
        if name.endswith(".context_length") and isinstance(value, int)
    ]
    window = _OLLAMA_DEFAULT_WINDOW
    for line in str(content.get("parameters") or "").splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "num_ctx" and re.fullmatch("[0-9]{1,9}", words[1]):
            window = int(words[1])
    return Facts(
        context_window=min([window, *lengths]),
        input_modalities=("text", "image") if "vision" in capabilities else ("text",),
        can_call_tools="tools" in capabilities if capabilities else None,
        can_reason="thinking" in capabilities if capabilities else None,
        is_chat="completion" in capabilities if capabilities else None,
    )


async def _ask_llamacpp(
    endpoint: Endpoint, transport: Transport, headers: dict[str, str], facts: list[tuple[str, Facts]]
) -> list[tuple[str, Facts]]:
    """`/props` says the window the server was started with."""
    try:
        content = await transport.fetch_json(Call("GET", f"{origin_of(endpoint.base_url)}/props", headers), 2.0)
    except UpstreamError:
        return facts
    window = _size(_dict(_dict(content).get("default_generation_settings")), "n_ctx")
    if window is None:
        return facts
    return [(name, msgspec.structs.replace(told, context_window=window)) for name, told in facts]
