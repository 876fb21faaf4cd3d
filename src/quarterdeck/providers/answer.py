"""What every dialect's decoder knows of the answer so far, and how an answer may end."""

from __future__ import annotations

from abc import ABC, abstractmethod

from quarterdeck.domain.step import (
    Delta,
    FinishChunk,
    FinishReason,
    ReasoningChunk,
    TextChunk,
    ToolCallChunk,
    UsageChunk,
)
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.providers.faults import UpstreamError

_MOST_TOKENS = 10**12
_MOST_COST = 1e6


class AnswerDecoder(ABC):
    """One per call. `decode` takes the data of one event, or the whole body of a batch answer.

    Subclasses set `usage` and `finish` (the last word counts), `refusal` when the model or a filter
    declines, and `done` when nothing more has to come.
    """

    def __init__(self) -> None:
        self.has_words = False
        self.has_reasoning = False
        self.finish: FinishReason | None = None
        self.refusal: str | None = None
        self.usage: Usage | None = None
        self.done = False
        self.overlap = ""  # white space cut off the prefill, which the model may say again

    @abstractmethod
    def decode(self, payload: bytes, out: list[Delta]) -> None:
        """Appends what `payload` says. Raises: `UpstreamError`, `msgspec.DecodeError`, `UnicodeDecodeError`."""

    def add_text(self, text: str, out: list[Delta]) -> None:
        if self.overlap:
            text = self._skip_overlap(text)
        if text:
            self.has_words = True
            out.append(TextChunk(text))

    def add_reasoning(self, text: str, out: list[Delta]) -> None:
        self.has_reasoning = True
        out.append(ReasoningChunk(text))

    def add_tool_call(self, out: list[Delta], index: int, call: str = "", name: str = "", arguments: str = "") -> None:
        self.has_words = True
        self.overlap = ""
        out.append(ToolCallChunk(index, call, name, arguments))

    def _skip_overlap(self, text: str) -> str:
        while text and self.overlap and text[0] == self.overlap[0]:
            text, self.overlap = text[1:], self.overlap[1:]
        if text:
            self.overlap = ""
        return text

    @property
    def says_text_alone(self) -> bool:
        """Nothing of what came before changes what text means, or has to be told when the answer ends.

        Then an event that says nothing but text leaves the decoder as another one with the same words around it would.
        """
        return self.has_words and self.finish is None and self.refusal is None and not (self.done or self.overlap)

    @property
    def has_begun(self) -> bool:
        return self.has_words or self.has_reasoning

    def conclude(self, out: list[Delta], profile: ModelProfile, may_be_empty: bool) -> None:
        """The upstream has ended: the usage (with its cost) and the model's own end.

        `may_be_empty`: an answer that is gone on from may have been complete already.
        Raises: `UpstreamError`: "refused", "cut" (no end was said), "empty".
        """
        if self.usage is not None:
            out.append(UsageChunk(with_cost(self.usage, profile)))
        if self.refusal is not None:
            raise UpstreamError("refused", self.refusal)
        if self.finish is None and not self.done:
            raise UpstreamError("cut" if self.has_begun else "empty", detail="the stream ended without an end")
        if not self.has_words and self.finish != "length" and not may_be_empty:
            raise UpstreamError("empty")
        out.append(FinishChunk(self.finish or "stop"))


def count_of(told: int | None) -> int:
    """Tokens as a vendor told them; 0, as if nothing was told, for what cannot be: no database could add it up."""
    return told if told is not None and 0 < told <= _MOST_TOKENS else 0


def cost_of(told: float) -> float | None:
    """US dollars of one request as a vendor told them; None for what cannot be."""
    return float(told) if 0 <= told <= _MOST_COST else None


def with_cost(usage: Usage, profile: ModelProfile) -> Usage:
    """The usage with the vendor's own cost, or what the model's price makes of it."""
    if usage.cost is not None or profile.price is None:
        return usage
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
        profile.cost(usage),
    )
