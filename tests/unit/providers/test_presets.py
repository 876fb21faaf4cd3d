"""Which variables connect which provider, and what people write into them."""

from __future__ import annotations

import pytest

from quarterdeck.providers.presets import BY_NAME, PRESETS, complete_base_url, endpoints_of


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("OPENAI_API_KEY", "openai"),
        ("GROQ_API_KEY", "groq"),
        ("HF_TOKEN", "huggingface"),
        ("ANTHROPIC_API_KEY", "anthropic"),
        ("GEMINI_API_KEY", "gemini"),
        ("MISTRAL_API_KEY", "mistral"),
        ("OPENROUTER_API_KEY", "openrouter"),
        ("PERPLEXITY_API_KEY", "perplexity"),
        ("DEEPSEEK_API_KEY", "deepseek"),
        ("TOGETHER_API_KEY", "together"),
    ],
)
def test_a_key_in_the_environment_connects_its_provider(variable: str, name: str) -> None:
    (endpoint,) = endpoints_of({variable: " 'secret' "})
    assert (endpoint.name, endpoint.key, endpoint.origin) == (name, "secret", "environment")
    assert endpoint.base_url == BY_NAME[name].base_url
    assert endpoint.base_url.startswith("https://")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_base_url_can_be_overridden(preset: object) -> None:
    name = getattr(preset, "name")  # noqa: B009 - the ids function wants an untyped parameter
    (endpoint,) = endpoints_of({f"{name.upper()}_BASE_URL": "http://127.0.0.1:9/some/path/"})
    assert (endpoint.name, endpoint.base_url) == (name, "http://127.0.0.1:9/some/path")


def test_an_empty_environment_connects_nothing() -> None:
    assert endpoints_of({}) == []
    assert endpoints_of({"OPENAI_API_KEY": "  ", "HF_TOKEN": ""}) == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000/v1"),
        (":5000", "http://127.0.0.1:5000/v1"),
        ("box", "http://box:11434/v1"),
        ("box:5000", "http://box:5000/v1"),
        ("[::1]", "http://[::1]:11434/v1"),
        ("[::]:5000", "http://127.0.0.1:5000/v1"),
        ("http://box:5000", "http://box:5000/v1"),
        ("https://ollama.example.org", "https://ollama.example.org/v1"),
        ("http://box:5000/v1/", "http://box:5000/v1"),
        ("http://box:5000/ollama", "http://box:5000/ollama"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(written: str, expected: str) -> None:
    (endpoint,) = endpoints_of({"OLLAMA_HOST": written})
    assert (endpoint.name, endpoint.base_url) == ("ollama", expected)


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    [
        ("openai", "http://127.0.0.1:9", "http://127.0.0.1:9/v1"),
        ("groq", "https://proxy.example.org", "https://proxy.example.org/openai/v1"),
        ("perplexity", "https://proxy.example.org/", "https://proxy.example.org"),
        ("openai", "proxy.example.org/v1", "https://proxy.example.org/v1"),
        ("openai", "http://[::1", "http://[::1"),
    ],
)
def test_a_base_url_without_a_path_gets_the_usual_one(name: str, written: str, expected: str) -> None:
    assert complete_base_url(BY_NAME[name], written) == expected


def test_preset_names_are_unique_and_fit_into_model_ids() -> None:
    assert len(BY_NAME) == len(PRESETS)
    assert not any("/" in preset.name or not preset.label for preset in PRESETS)
