"""What a model is (its profile) and what a step used of it."""

from __future__ import annotations

import math

from msgspec import Struct


def to_micros(dollars: float) -> int:
    """Millionths of a US dollar, rounded up: what is counted is never less than what was used."""
    return math.ceil(round(dollars * 1_000_000, 3))


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens of one step as the provider reported them; `cost` in US dollars when the price is known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0  # of input_tokens, read from the provider's prompt cache
    reasoning_tokens: int = 0  # of output_tokens
    cost: float | None = None

    def plus(self, other: Usage) -> Usage:
        cost = None if self.cost is None and other.cost is None else (self.cost or 0.0) + (other.cost or 0.0)
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            cost,
        )


class Price(Struct, frozen=True, omit_defaults=True):
    """US dollars for a million tokens."""

    input: float
    output: float
    cached_input: float | None = None


class ModelProfile(Struct, frozen=True, omit_defaults=True):
    """Facts of one model. `id` is `provider/model`; sizes in tokens; None where nobody told us."""

    id: str
    provider: str
    name: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[str, ...] = ("text",)
    output_modalities: tuple[str, ...] = ("text",)
    can_reason: bool = False
    can_call_tools: bool = False
    can_prefill: bool = False  # goes on from a partial answer sent as the last message
    price: Price | None = None
    price_is_set: bool = False  # by an admin of this server: it counts more than what the provider says

    def cost(self, usage: Usage) -> float | None:
        """US dollars for `usage`, None without a price."""
        if self.price is None:
            return None
        cached_price = self.price.input if self.price.cached_input is None else self.price.cached_input
        fresh = max(usage.input_tokens - usage.cached_tokens, 0)
        total = fresh * self.price.input + usage.cached_tokens * cached_price + usage.output_tokens * self.price.output
        return total / 1_000_000

    def most_cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """US dollars at most, whatever comes from the provider's cache; None without a price."""
        if self.price is None:
            return None
        dearer = max(self.price.input, self.price.cached_input or 0.0)
        return (input_tokens * dearer + output_tokens * self.price.output) / 1_000_000
