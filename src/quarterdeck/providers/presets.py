"""The vendors we know by name: where they are, which variables hold their keys, what is odd about them.

To add a vendor that speaks OpenAI's dialect: one row here. Addresses and variables as of 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct, structs

from quarterdeck.providers.base import Endpoint

PrefillStyle = Literal["", "plain", "prefix", "continue"]


class Quirks(Struct, frozen=True):
    """Where a vendor differs from OpenAI's dialect.

    `prefill`: how a partial answer is gone on from: "" not at all, "plain" when it is the last message,
    "prefix" with a flag on that message (Mistral), "continue" with flags on the request (vLLM).
    `no_temperature`: a pattern of models that refuse `temperature` and `top_p`.
    `key_check`: listing models needs no key here, so a key is tried at "key" (a GET) or with an "empty"
    request, which costs nothing.
    """

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    takes_stream_options: bool = True
    prefill: PrefillStyle = ""
    no_temperature: str = ""
    models: tuple[str, ...] = ()  # for vendors that list none
    key_check: Literal["", "key", "empty"] = ""


class Preset(Struct, frozen=True):
    name: str
    label: str
    base_url: str
    keys: tuple[str, ...] = ()  # variables, the first that is set counts; none: no key is needed
    base_urls: tuple[str, ...] = ()  # variables beside `<NAME>_BASE_URL`
    dialect: str = "openai"
    key_url: str = ""  # the page where people get a key
    preferred: tuple[str, ...] = ()  # beginnings of model names, the best default first
    quirks: Quirks = Quirks()

    @property
    def needs_key(self) -> bool:
        return bool(self.keys)

    @property
    def base_url_variables(self) -> tuple[str, ...]:
        return (f"{self.name.upper()}_BASE_URL", *self.base_urls)


_OPENAI_REASONING = r"^(o\d|gpt-(5(?!-chat)|[6-9]))"

PRESETS: tuple[Preset, ...] = (
    Preset(
        name="openai",
        label="OpenAI",
        base_url="https://api.openai.com/v1",
        keys=("OPENAI_API_KEY",),
        key_url="https://platform.openai.com/api-keys",
        preferred=("gpt-5.4-mini", "gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini", "gpt-"),
        quirks=Quirks(max_tokens_field="max_completion_tokens", no_temperature=_OPENAI_REASONING),
    ),
    Preset(
        name="anthropic",
        label="Anthropic",
        base_url="https://api.anthropic.com/v1",
        keys=("ANTHROPIC_API_KEY",),
        dialect="anthropic",
        key_url="https://console.anthropic.com/settings/keys",
        preferred=("claude-sonnet-5", "claude-sonnet", "claude-haiku", "claude-"),
    ),
    Preset(
        name="gemini",
        label="Google Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        dialect="gemini",
        key_url="https://aistudio.google.com/apikey",
        preferred=("gemini-flash-latest", "gemini-3-flash", "gemini-2.5-flash", "gemini-"),
    ),
    Preset(
        name="groq",
        label="Groq",
        base_url="https://api.groq.com/openai/v1",
        keys=("GROQ_API_KEY",),
        key_url="https://console.groq.com/keys",
        preferred=("llama-3.3-70b-versatile", "openai/gpt-oss-120b", "llama"),
        quirks=Quirks(max_tokens_field="max_completion_tokens", prefill="plain"),
    ),
    Preset(
        name="mistral",
        label="Mistral",
        base_url="https://api.mistral.ai/v1",
        keys=("MISTRAL_API_KEY",),
        key_url="https://console.mistral.ai/api-keys",
        preferred=("mistral-medium-latest", "mistral-small-latest", "mistral"),
        quirks=Quirks(takes_stream_options=False, prefill="prefix"),
    ),
    Preset(
        name="deepseek",
        label="DeepSeek",
        base_url="https://api.deepseek.com",
        keys=("DEEPSEEK_API_KEY",),
        key_url="https://platform.deepseek.com/api_keys",
        preferred=("deepseek-chat", "deepseek"),
    ),
    Preset(
        name="openrouter",
        label="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        keys=("OPENROUTER_API_KEY",),
        key_url="https://openrouter.ai/settings/keys",
        preferred=("openrouter/auto", "openai/gpt-5", "anthropic/claude-sonnet"),
        quirks=Quirks(key_check="key"),
    ),
    Preset(
        name="together",
        label="Together",
        base_url="https://api.together.xyz/v1",
        keys=("TOGETHER_API_KEY",),
        key_url="https://api.together.ai/settings/api-keys",
        preferred=("meta-llama/Llama-3.3-70B-Instruct-Turbo", "meta-llama/", "Qwen/"),
    ),
    Preset(
        name="huggingface",
        label="Hugging Face",
        base_url="https://router.huggingface.co/v1",
        keys=("HF_TOKEN", "HUGGINGFACE_API_KEY", "HUGGING_FACE_HUB_TOKEN"),
        base_urls=("HF_BASE_URL",),
        key_url="https://huggingface.co/settings/tokens",
        preferred=("openai/gpt-oss-120b", "meta-llama/Llama-3.3-70B-Instruct", "meta-llama/", "Qwen/"),
        quirks=Quirks(key_check="empty"),
    ),
    Preset(
        name="perplexity",
        label="Perplexity",
        base_url="https://api.perplexity.ai",
        keys=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
        key_url="https://www.perplexity.ai/account/api/keys",
        preferred=("sonar",),
        quirks=Quirks(
            takes_stream_options=False,
            models=("sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research"),
            key_check="empty",
        ),
    ),
    Preset(
        name="ollama",
        label="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        base_urls=("OLLAMA_HOST",),
        key_url="https://ollama.com/download",
        quirks=Quirks(prefill="plain"),
    ),
    Preset(
        name="lmstudio",
        label="LM Studio",
        base_url="http://127.0.0.1:1234/v1",
        key_url="https://lmstudio.ai",
    ),
    Preset(
        name="llamacpp",
        label="llama.cpp",
        base_url="http://127.0.0.1:8080/v1",
        key_url="https://github.com/ggml-org/llama.cpp",
        quirks=Quirks(prefill="plain"),
    ),
    Preset(
        name="vllm",
        label="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        key_url="https://docs.vllm.ai",
        quirks=Quirks(prefill="continue"),
    ),
)
BY_NAME: dict[str, Preset] = {preset.name: preset for preset in PRESETS}


def quirks_of(provider: str) -> Quirks:
    """The vendor's oddities; none for an endpoint that no preset names."""
    preset = BY_NAME.get(provider)
    return preset.quirks if preset else Quirks()


def endpoints_of(environment: Mapping[str, str]) -> list[Endpoint]:
    """The providers that these variables connect, in the order of `PRESETS`.

    A key connects its vendor; so does an address alone, since a server of one's own may need no key.
    """
    found = []
    for preset in PRESETS:
        key = _first(environment, preset.keys or (f"{preset.name.upper()}_API_KEY",))
        address = _first(environment, preset.base_url_variables)
        if address or (key and preset.needs_key):
            found.append(make_endpoint(preset, base_url=address, key=key, origin="environment"))
    return found


def make_endpoint(preset: Preset, *, base_url: str = "", key: str = "", origin: str) -> Endpoint:
    return Endpoint(
        name=preset.name,
        label=preset.label,
        dialect=preset.dialect,
        base_url=complete_base_url(preset, base_url) if base_url else preset.base_url,
        key=key,
        origin=origin,
        needs_key=preset.needs_key,
    )


def settle_endpoint(endpoint: Endpoint) -> Endpoint:
    """An endpoint as people typed it, its address made whole as far as it is plain what is meant."""
    url = endpoint.base_url.strip().rstrip("/").removesuffix("/chat/completions").rstrip("/")
    preset = BY_NAME.get(endpoint.name)
    if preset is not None:
        url = complete_base_url(preset, url) if url else preset.base_url
    return structs.replace(endpoint, base_url=url, key=endpoint.key.strip())


def complete_base_url(preset: Preset, url: str) -> str:
    """What people write in a variable, as a base URL: scheme, port and path are filled in.

    "0.0.0.0:11434" → "http://127.0.0.1:11434/v1"; "https://api.groq.com" → "https://api.groq.com/openai/v1".
    What is no address at all stays as it is; the registry says so.
    """
    try:
        return _complete(preset, url)
    except ValueError:
        return url


def _complete(preset: Preset, url: str) -> str:
    usual = urlsplit(preset.base_url)
    text = url.strip().rstrip("/")
    has_scheme = "://" in text
    if text.startswith(":") and not has_scheme:
        text = f"127.0.0.1{text}"
    parts = urlsplit(text if has_scheme else f"{'http' if not preset.needs_key else usual.scheme}://{text}")
    place = parts.netloc
    if parts.hostname in ("0.0.0.0", "::"):  # nosec B104  # noqa: S104 - where a server listens is no place to call
        place = place.replace("0.0.0.0", "127.0.0.1").replace("[::]", "127.0.0.1")  # nosec B104  # noqa: S104
    if not has_scheme and usual.port and ":" not in place.rpartition("]")[2]:
        place = f"{place}:{usual.port}"
    return urlunsplit((parts.scheme, place, parts.path or usual.path, "", ""))


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    for name in names:
        value = environment.get(name, "").strip().strip("\"'").strip()
        if value:
            return value
    return ""
