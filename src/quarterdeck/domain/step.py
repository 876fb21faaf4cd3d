"""What one step sends to a model (`StepRequest`) and what streams back (`Delta`).

Providers translate both ways; nothing above them knows a vendor's wire format.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from quarterdeck.domain.parts import Part
from quarterdeck.domain.usage import Usage

Role = Literal["system", "user", "assistant", "tool"]


class PromptMessage(Struct, frozen=True):
    role: Role
    parts: list[Part]


class ToolSpec(Struct, frozen=True):
    """A tool as the model sees it; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: dict[str, Any]
    strict: bool | None = None  # the arguments must fit the schema, where the vendor can promise that


class StepRequest(Struct, frozen=True, kw_only=True):
    """One model call. `model` is the provider's own name (without our `provider/` prefix).

    What a vendor does not know is left out. `only_tool`: the one that must be called, with `tool_choice` "required".

    When `prefill` is set, the last message is the assistant's partial answer and the model is to go
    on from its last character (only sent to models whose profile says `can_prefill`).
    """

    model: str
    messages: list[PromptMessage]
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    stop: list[str] = []
    seed: int | None = None
    reasoning_effort: Literal["minimal", "low", "medium", "high"] | None = None
    tools: list[ToolSpec] = []
    tool_choice: Literal["auto", "none", "required"] | None = None
    only_tool: str = ""
    parallel_tool_calls: bool | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, int] | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    top_k: int | None = None
    response_format: dict[str, Any] | None = None  # OpenAI's shape
    prefill: bool = False
    goes_on: bool = False  # the messages end with what was said of this answer, so nothing more may be its end
    owner: str = ""  # whose log the built-in log reader may quote; never sent to a vendor
    conversation: str = ""  # where it is asked; never sent either
    question: str = ""  # what the user wrote, without what we put before it; nor is this
    is_kept: bool = True  # whether what was asked, and what comes of it, is stored: what an error may promise
    tail: int = 0  # how many parts at the end are others in the next request: a provider that is told what to
    # keep in its cache is told what comes before them


class TextChunk(Struct, frozen=True):
    text: str


class ReasoningChunk(Struct, frozen=True):
    text: str


class ToolCallChunk(Struct, frozen=True):
    """A piece of a tool call: `call` and `name` come with the first piece of `index`, then `arguments` grow."""

    index: int
    call: str = ""
    name: str = ""
    arguments: str = ""


class Alternative(Struct, frozen=True):
    """A token that the model could have written, with the logarithm of its probability."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class TokenLogprob(Struct, frozen=True):
    """A token that it wrote, and which others were likely there."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[Alternative] = []


class LogprobsChunk(Struct, frozen=True):
    """Of the text that comes next."""

    tokens: list[TokenLogprob]


class UsageChunk(Struct, frozen=True):
    usage: Usage


FinishReason = Literal["stop", "length", "tool_calls"]


class FinishChunk(Struct, frozen=True):
    """The model's own end. A refusal or a filter is an error (`ProviderRefusedError`), not a reason."""

    reason: FinishReason


class RetryChunk(Struct, frozen=True):
    """Before the first token only: the provider was busy, the next try is in `wait_s` seconds."""

    reason: str  # one sentence for the user
    wait_s: float


Delta = TextChunk | ReasoningChunk | ToolCallChunk | LogprobsChunk | UsageChunk | FinishChunk | RetryChunk
