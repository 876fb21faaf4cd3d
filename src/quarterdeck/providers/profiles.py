"""What is known of a model: the table `profile_table.py` by its name, and what its endpoint tells."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from quarterdeck.domain.usage import ModelProfile, Price
from quarterdeck.providers.presets import quirks_of
from quarterdeck.providers.profile_table import EMBEDS, NOT_CHAT, NOT_CHAT_AT, PRICED_BY, TABLE, Row


class Facts(Struct, frozen=True):
    """What an endpoint told of one of its models; None where it said nothing."""

    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[str, ...] | None = None
    output_modalities: tuple[str, ...] | None = None
    can_reason: bool | None = None
    can_call_tools: bool | None = None
    can_prefill: bool | None = None
    is_chat: bool | None = None
    price: Price | None = None


_NOTHING = Facts()
_EMBEDS = re.compile("|".join(EMBEDS), re.I)
_NOT_CHAT = re.compile("|".join(NOT_CHAT), re.I)


@lru_cache(maxsize=1024)
def describe_model(provider: str, name: str, told: Facts = _NOTHING) -> ModelProfile:
    """The profile of `provider/name`: what the endpoint told counts more than the table."""
    row = _find_row(name)
    inputs = told.input_modalities or (("text", "image") if row.sees else ("text",))
    outputs = told.output_modalities or ("text",)
    if told.is_chat is False or not is_chat_name(provider, name):
        outputs = tuple(word for word in outputs if word != "text") or ("other",)
    return ModelProfile(
        id=f"{provider}/{name}",
        provider=provider,
        name=name,
        context_window=told.context_window or row.window,
        max_output_tokens=told.max_output_tokens or row.max_output,
        input_modalities=inputs,
        output_modalities=outputs,
        can_reason=row.reasons if told.can_reason is None else told.can_reason,
        can_call_tools=row.tools if told.can_call_tools is None else told.can_call_tools,
        can_prefill=_can_prefill(provider, row, told),
        price=told.price or (row.price if _is_priced(provider, row) else None),
    )


def is_chat(profile: ModelProfile) -> bool:
    """True for models that take messages and answer with text."""
    return "text" in profile.output_modalities


def makes_vectors(profile: ModelProfile) -> bool:
    """True for models whose name says that they make vectors of texts; no list of models tells it."""
    return not is_chat(profile) and _EMBEDS.search(profile.name) is not None


def is_chat_name(provider: str, name: str) -> bool:
    """False for what its name gives away: embeddings, speech, pictures, moderation, completions only."""
    if _NOT_CHAT.search(name):
        return False
    pattern = NOT_CHAT_AT.get(provider)
    return pattern is None or re.search(pattern, name) is None


def _can_prefill(provider: str, row: Row, told: Facts) -> bool:
    if told.can_prefill is not None:
        return told.can_prefill
    if provider == "anthropic":
        return row.prefill
    # A model that thinks first would think in the middle of its own sentence.
    reasons = row.reasons if told.can_reason is None else told.can_reason
    return bool(quirks_of(provider).prefill) and not reasons


def _is_priced(provider: str, row: Row) -> bool:
    """The table's prices are the makers' own; a gateway or a host asks others."""
    return row.maker in PRICED_BY.get(provider, ())


@lru_cache(maxsize=4096)
def _find_row(name: str) -> Row:
    """The first row whose pattern fits the name without its maker's folder (`openai/gpt-4o` → `gpt-4o`)."""
    bare = name.rpartition("/")[2].lower()
    return next((row for row in TABLE if re.match(row.pattern, bare)), _UNKNOWN)


_UNKNOWN = Row("")
