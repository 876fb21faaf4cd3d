"""What is known of models by their names, and what their endpoints tell."""

from __future__ import annotations

from typing import Any

import pytest

from quarterdeck.domain.usage import Price, Usage
from quarterdeck.providers.openai_models import read_entries, read_facts, read_ollama
from quarterdeck.providers.profiles import Facts, describe_model, is_chat, is_chat_name


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "text-embedding-3-small"),
        ("openai", "whisper-1"),
        ("openai", "tts-1-hd"),
        ("openai", "gpt-4o-mini-tts"),
        ("openai", "dall-e-3"),
        ("openai", "gpt-image-1"),
        ("openai", "omni-moderation-latest"),
        ("openai", "gpt-4o-realtime-preview"),
        ("openai", "gpt-4o-audio-preview"),
        ("openai", "gpt-4o-transcribe"),
        ("openai", "davinci-002"),
        ("openai", "gpt-3.5-turbo-instruct"),
        ("openai", "o1-pro"),
        ("openai", "sora-2"),
        ("groq", "whisper-large-v3"),
        ("groq", "playai-tts"),
        ("groq", "meta-llama/llama-prompt-guard-2-86m"),
        ("gemini", "gemini-embedding-001"),
        ("gemini", "imagen-4.0-generate-001"),
        ("gemini", "gemini-2.5-flash-image"),
        ("mistral", "mistral-embed"),
        ("mistral", "mistral-ocr-latest"),
        ("together", "BAAI/bge-large-en-v1.5"),
        ("together", "black-forest-labs/FLUX.1-schnell"),
        ("ollama", "nomic-embed-text:latest"),
    ],
)
def test_models_that_do_not_chat_are_known_by_name(provider: str, name: str) -> None:
    assert not is_chat(describe_model(provider, name))


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "gpt-5-mini"),
        ("openai", "gpt-4o"),
        ("openai", "o3"),
        ("openai", "chatgpt-4o-latest"),
        ("groq", "llama-3.3-70b-versatile"),
        ("groq", "openai/gpt-oss-120b"),
        ("anthropic", "claude-sonnet-5"),
        ("gemini", "gemini-2.5-flash"),
        ("mistral", "codestral-latest"),
        ("openrouter", "meta-llama/llama-3-70b-instruct"),
        ("huggingface", "Qwen/Qwen3-32B"),
        ("ollama", "gemma3:4b"),
        ("lab", "adamant-7b"),
        ("openrouter", "openai/o1-pro"),
    ],
)
def test_models_that_chat_are_kept(provider: str, name: str) -> None:
    assert is_chat_name(provider, name)
    assert is_chat(describe_model(provider, name))


def test_a_well_known_model_has_its_facts() -> None:
    profile = describe_model("openai", "gpt-4o-mini-2024-07-18")
    assert profile.id == "openai/gpt-4o-mini-2024-07-18"
    assert (profile.context_window, profile.max_output_tokens) == (128_000, 16_384)
    assert profile.input_modalities == ("text", "image")
    assert profile.can_call_tools
    assert not profile.can_reason
    assert profile.cost(Usage(1_000_000, 1_000_000, 500_000)) == pytest.approx(0.075 + 0.0375 + 0.60)


def test_an_unknown_model_is_not_guessed_about() -> None:
    profile = describe_model("lab", "mystery-1")
    assert (profile.context_window, profile.max_output_tokens, profile.price) == (None, None, None)
    assert not any((profile.can_reason, profile.can_call_tools, profile.can_prefill))


def test_a_makers_price_is_not_a_hosts_price() -> None:
    assert describe_model("openai", "gpt-4o").price is not None
    assert describe_model("openrouter", "openai/gpt-4o").price is None
    assert describe_model("lab", "gpt-4o").price is None


def test_what_the_endpoint_tells_counts_more() -> None:
    told = Facts(context_window=1, max_output_tokens=2, input_modalities=("text",), can_reason=True, price=Price(3, 4))
    profile = describe_model("openrouter", "openai/gpt-4o", told)
    assert (profile.context_window, profile.max_output_tokens) == (1, 2)
    assert profile.input_modalities == ("text",)
    assert profile.can_reason
    assert profile.price == Price(3, 4)


@pytest.mark.parametrize(
    ("provider", "name", "can"),
    [
        ("anthropic", "claude-sonnet-4-5", True),
        ("anthropic", "claude-3-5-haiku-latest", True),
        ("anthropic", "claude-opus-4-1-20250805", True),
        ("anthropic", "claude-opus-4-6", False),
        ("anthropic", "claude-sonnet-5", False),
        ("mistral", "mistral-small-latest", True),
        ("mistral", "magistral-medium-latest", False),
        ("vllm", "meta-llama/Llama-3.1-8B-Instruct", True),
        ("ollama", "llama3.2:3b", True),
        ("openai", "gpt-4o", False),
        ("gemini", "gemini-2.5-flash", False),
        ("lab", "llama3.2:3b", False),
    ],
)
def test_only_models_that_go_on_from_a_partial_answer_get_one(provider: str, name: str, can: bool) -> None:
    assert describe_model(provider, name).can_prefill is can


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"context_length": 8192}, Facts(context_window=8192)),
        (
            {"context_window": 131072, "max_completion_tokens": 32768, "active": True},
            Facts(context_window=131072, max_output_tokens=32768),
        ),
        ({"active": False}, Facts(is_chat=False)),
        ({"max_model_len": 4096, "owned_by": "vllm"}, Facts(context_window=4096)),
        (
            {
                "context_length": 1000,
                "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
                "pricing": {"prompt": "0.5", "completion": "0.25", "input_cache_read": "0.125"},
                "top_provider": {"max_completion_tokens": 500},
                "supported_parameters": ["tools", "reasoning", "seed"],
            },
            Facts(1000, 500, ("text", "image"), ("text",), True, True, price=Price(500_000, 250_000, 125_000)),
        ),
        (
            {"type": "chat", "context_length": 10, "pricing": {"input": 0.88, "output": 0.88}},
            Facts(context_window=10, is_chat=True, price=Price(0.88, 0.88)),
        ),
        ({"type": "embedding"}, Facts(is_chat=False)),
        (
            {"max_context_length": 32000}
            | {"capabilities": {"completion_chat": True, "function_calling": True, "vision": False}},
            Facts(context_window=32000, input_modalities=("text",), can_call_tools=True, is_chat=True),
        ),
        (
            {"providers": [{"context_length": 100, "supports_tools": True}, {"context_length": 300}]},
            Facts(context_window=300, can_call_tools=True),
        ),
        ({"context_length": "many", "pricing": {"prompt": "-1", "completion": "x"}, "capabilities": []}, Facts()),
        ({"providers": 5, "pricing": {"prompt": 10**400, "completion": 1}}, Facts()),
    ],
)  # fmt: skip
def test_each_vendors_words_for_its_models_are_read(entry: dict[str, Any], expected: Facts) -> None:
    assert read_facts(entry) == expected


@pytest.mark.parametrize("content", [None, "x", 3, {}, {"data": 1}, {"models": []}])
def test_what_is_no_list_of_models_is_not_taken_for_one(content: Any) -> None:
    assert read_entries(content) is None


def test_entries_without_a_name_are_passed_over() -> None:
    assert read_entries({"data": [{"id": "a"}, {"id": 3}, "b", {}]}) == [{"id": "a"}]
    assert read_entries([{"id": "a"}]) == [{"id": "a"}]


@pytest.mark.parametrize(
    ("content", "window"),
    [
        ({"model_info": {"llama.context_length": 131072}}, 4096),
        ({"model_info": {"llama.context_length": 131072}, "parameters": 'num_ctx    32768\nstop "x"'}, 32768),
        ({"model_info": {"llama.context_length": 2048}}, 2048),
        ({"parameters": "num_ctx ²"}, 4096),
        ({}, 4096),
    ],
)
def test_ollamas_window_is_the_one_it_runs_with(content: dict[str, Any], window: int) -> None:
    assert read_ollama(content).context_window == window
