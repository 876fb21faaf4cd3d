"""What an API client may wish for in an exchange that a conversation keeps: passed on, or refused in a sentence.

docs/openai.md has the same as a table.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.asked import ApiRequest
from quarterdeck.domain.step import StepRequest
from quarterdeck.errors import ParameterError
from quarterdeck.views.openai_chat_request import ChatRequest, effort_of
from quarterdeck.views.openai_responses_request import ResponsesRequest

_NO_TOOLS = "A conversation has the tools of this server: `{}` cannot be used with it."
_NO_FORMAT = "A conversation is for people to read: `{}` cannot be used with it."
_NOT_HERE = "`{}` cannot be used with a conversation."


def kept_chat_wishes(asked: ChatRequest) -> ApiRequest | None:
    """None when it has none. Raises: `ParameterError` for what a conversation has no room for."""
    _refuse_tools(asked)
    if asked.response_format is not None and asked.response_format.type != "text":
        raise ParameterError(_NO_FORMAT.format("response_format"), "response_format")
    if (asked.n or 1) > 1:
        raise ParameterError("A conversation has one answer: `n` must be 1.", "n")
    for name in ("logprobs", "top_logprobs", "verbosity", "moderation"):
        _refuse(name, getattr(asked, name))
    _refuse_unstored(asked.store)
    step = StepRequest(
        model="",
        messages=[],
        top_p=asked.top_p,
        max_output_tokens=asked.max_completion_tokens or asked.max_tokens,
        stop=[asked.stop] if isinstance(asked.stop, str) else asked.stop or [],
        seed=asked.seed,
        reasoning_effort=effort_of(asked.reasoning_effort),
        presence_penalty=asked.presence_penalty,
        frequency_penalty=asked.frequency_penalty,
        logit_bias=asked.logit_bias or None,
    )
    return None if step == StepRequest(model="", messages=[]) else ApiRequest(step=step, is_alone=False)


def kept_response_wishes(asked: ResponsesRequest, wanted: ApiRequest) -> ApiRequest:
    """`wanted` without what the conversation keeps itself. Raises: as `kept_chat_wishes`."""
    _refuse_tools(asked)
    if wanted.step.response_format is not None:
        raise ParameterError(_NO_FORMAT.format("text.format"), "text.format")
    _refuse("text.verbosity", asked.text.verbosity if asked.text is not None else None)
    for name in ("top_logprobs", "max_tool_calls", "context_management", "moderation"):
        _refuse(name, getattr(asked, name))
    _refuse_unstored(asked.store)
    step = msgspec.structs.replace(wanted.step, messages=[])
    return msgspec.structs.replace(wanted, step=step, items=[], instructions="")


def _refuse_tools(asked: ChatRequest | ResponsesRequest) -> None:
    if asked.tools:
        raise ParameterError(_NO_TOOLS.format("tools"), "tools")
    if asked.tool_choice not in (None, "auto"):
        raise ParameterError(_NO_TOOLS.format("tool_choice"), "tool_choice")
    if asked.parallel_tool_calls is False:
        raise ParameterError(_NO_TOOLS.format("parallel_tool_calls"), "parallel_tool_calls")


def _refuse(name: str, value: Any) -> None:
    if value:
        raise ParameterError(_NOT_HERE.format(name), name)


def _refuse_unstored(store: bool | None) -> None:
    if store is False:
        raise ParameterError("What is said in a conversation is kept: `store` cannot be false.", "store")
