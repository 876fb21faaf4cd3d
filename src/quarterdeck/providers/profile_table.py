"""Facts of well-known models by name, as of 2026-11; only what their makers publish. Unknown stays None.

The first pattern that matches the beginning of the name counts, so the special comes before the general.
Prices are US dollars for a million tokens: input, output, input read from the cache.
"""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.domain.usage import Price


class Row(Struct, frozen=True):
    pattern: str
    maker: str = ""
    window: int | None = None
    max_output: int | None = None
    sees: bool = False
    tools: bool = False
    reasons: bool = False
    prefill: bool = False  # Anthropic's models only; elsewhere the endpoint decides
    price: Price | None = None


def _openai(
    pattern: str, window: int, max_output: int, price: Price | None, *, reasons: bool = False, sees: bool = True
) -> Row:
    return Row(pattern, "openai", window, max_output, sees, True, reasons, False, price)


def _claude(
    pattern: str, max_output: int | None, price: Price | None, *, reasons: bool = True, prefill: bool = False
) -> Row:
    return Row(pattern, "anthropic", 200_000, max_output, True, True, reasons, prefill, price)


def _gemini(pattern: str, max_output: int, price: Price | None, *, reasons: bool = True) -> Row:
    return Row(pattern, "google", 1_048_576, max_output, True, True, reasons, False, price)


def _open(pattern: str, window: int | None, *, sees: bool = False, tools: bool = True, reasons: bool = False) -> Row:
    """Open weights: many hosts, each with its own price and limits."""
    return Row(pattern, "open", window, None, sees, tools, reasons)


TABLE: tuple[Row, ...] = (
    _openai(r"gpt-4\.1-nano", 1_047_576, 32_768, Price(0.10, 0.40, 0.025)),
    _openai(r"gpt-4\.1-mini", 1_047_576, 32_768, Price(0.40, 1.60, 0.10)),
    _openai(r"gpt-4\.1", 1_047_576, 32_768, Price(2.00, 8.00, 0.50)),
    _openai(r"gpt-4o-mini", 128_000, 16_384, Price(0.15, 0.60, 0.075)),
    _openai(r"gpt-4o", 128_000, 16_384, Price(2.50, 10.00, 1.25)),
    _openai(r"gpt-4-turbo", 128_000, 4_096, Price(10.00, 30.00)),
    _openai(r"gpt-4(-0613)?$", 8_192, 8_192, Price(30.00, 60.00), sees=False),
    _openai(r"gpt-3\.5-turbo", 16_385, 4_096, Price(0.50, 1.50), sees=False),
    _openai(r"gpt-5(\.\d)?-chat", 128_000, 16_384, None),
    _openai(r"gpt-5-nano", 400_000, 128_000, Price(0.05, 0.40, 0.005), reasons=True),
    _openai(r"gpt-5-mini", 400_000, 128_000, Price(0.25, 2.00, 0.025), reasons=True),
    _openai(r"gpt-5-pro", 400_000, 272_000, Price(15.00, 120.00), reasons=True),
    _openai(r"gpt-5(-20\d\d.*)?$", 400_000, 128_000, Price(1.25, 10.00, 0.125), reasons=True),
    _openai(r"gpt-5\.1(-20\d\d.*)?$", 400_000, 128_000, Price(1.25, 10.00, 0.125), reasons=True),
    _openai(r"gpt-5\.2(-20\d\d.*)?$", 400_000, 128_000, Price(1.75, 14.00, 0.175), reasons=True),
    Row(r"gpt-[5-9]", "openai", sees=True, tools=True, reasons=True),
    _openai(r"o1(-20\d\d.*)?$", 200_000, 100_000, Price(15.00, 60.00, 7.50), reasons=True),
    _openai(r"o3-mini", 200_000, 100_000, Price(1.10, 4.40, 0.55), reasons=True, sees=False),
    _openai(r"o3(-20\d\d.*)?$", 200_000, 100_000, Price(2.00, 8.00, 0.50), reasons=True),
    _openai(r"o4-mini", 200_000, 100_000, Price(1.10, 4.40, 0.275), reasons=True),
    _claude(r"claude-3-haiku", 4_096, Price(0.25, 1.25, 0.03), reasons=False, prefill=True),
    _claude(r"claude-3-5-haiku", 8_192, Price(0.80, 4.00, 0.08), reasons=False, prefill=True),
    _claude(r"claude-3-5-sonnet", 8_192, Price(3.00, 15.00, 0.30), reasons=False, prefill=True),
    _claude(r"claude-3-7-sonnet", 64_000, Price(3.00, 15.00, 0.30), prefill=True),
    _claude(r"claude-3", 4_096, None, reasons=False, prefill=True),
    _claude(r"claude-haiku-4-5", 64_000, Price(1.00, 5.00, 0.10), prefill=True),
    _claude(r"claude-sonnet-4(-0|-5|-2025|$)", 64_000, Price(3.00, 15.00, 0.30), prefill=True),
    _claude(r"claude-opus-4-5", 64_000, Price(5.00, 25.00, 0.50), prefill=True),
    _claude(r"claude-opus-4(-0|-1|-2025|$)", 32_000, Price(15.00, 75.00, 1.50), prefill=True),
    _claude(r"claude-opus-4-6", 128_000, Price(5.00, 25.00, 0.50)),
    _claude(r"claude-", None, None),
    _gemini(r"gemini-2\.0-flash-lite", 8_192, Price(0.075, 0.30), reasons=False),
    _gemini(r"gemini-2\.0-flash", 8_192, Price(0.10, 0.40, 0.025), reasons=False),
    _gemini(r"gemini-2\.5-flash-lite", 65_536, Price(0.10, 0.40, 0.01)),
    _gemini(r"gemini-2\.5-flash", 65_536, Price(0.30, 2.50, 0.03)),
    _gemini(r"gemini-2\.5-pro", 65_536, None),  # its price depends on the prompt's length
    _gemini(r"gemini-[3-9]", 65_536, None),
    _open(r"gpt-oss", 131_072, reasons=True),
    _open(r"(meta-)?llama-?3\.[123]", 131_072),
    _open(r"(meta-)?llama-4", None, sees=True),
    _open(r"(meta-)?llama-?3", 8_192, tools=False),
    _open(r"deepseek-(r1|reasoner)", None, reasons=True),
    _open(r"deepseek", None),
    _open(r"qwen-?3.*(vl|omni)", None, sees=True),
    _open(r"qwq|qwen-?3.*thinking", None, reasons=True),
    _open(r"qwen", None),
    _open(r"gemma-?3", 131_072, sees=True, tools=False),
    Row(r"(mistral|ministral|codestral|devstral|open-mi)", "mistral", tools=True),
    Row(r"magistral", "mistral", tools=True, reasons=True),
    Row(r"pixtral", "mistral", sees=True, tools=True),
    Row(r"sonar-reasoning|sonar-deep", "perplexity", reasons=True),
    Row(r"sonar", "perplexity"),
    _open(r".*(thinking|reasoner|-r1\b)", None, reasons=True),
    _open(r".*(-vl\b|vision)", None, sees=True),
)

PRICED_BY: dict[str, tuple[str, ...]] = {"openai": ("openai",), "anthropic": ("anthropic",), "gemini": ("google",)}

EMBEDS: tuple[str, ...] = (
    r"embed",
    r"(^|[/_-])(bge|e5|gte|minilm)[-_]",
)

NOT_CHAT: tuple[str, ...] = (
    *EMBEDS,
    r"rerank",
    r"whisper|transcribe|parakeet|voxtral-mini-(tts|transcribe)",
    r"(^|[/_-])tts\b|playai|orpheus|text-to-speech|kokoro",
    r"dall-e|gpt-image|chatgpt-image|imagen|flux|stable-diffusion|sdxl|-image(-|$)|sora|veo-|nano-banana",
    r"moderation|prompt-guard|llama-guard|safeguard|shieldgemma",
    r"realtime|-audio(-|$)|native-audio|-live(-|$)|lyria|gpt-audio",
    r"-ocr",
    r"^(davinci|babbage|curie|ada)(-|$)|turbo-instruct",
    r"(^|/)aqa$|robotics",
)
# Only through OpenAI's Responses API.
NOT_CHAT_AT: dict[str, str] = {
    "openai": r"^(o1-pro|o3-pro|codex-|computer-use|gpt-5[\d.]*-(pro|codex))|deep-research",
}
