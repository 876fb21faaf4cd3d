"""Answers in the shape of OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat.

Reasoning is told as `reasoning_content`, as DeepSeek and vLLM do: OpenAI's own types have no place for it, and its
clients keep fields that they do not know.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.domain.step import (
    Delta,
    FinishChunk,
    LogprobsChunk,
    ReasoningChunk,
    TextChunk,
    TokenLogprob,
    ToolCallChunk,
    UsageChunk,
)
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import ProviderRefusedError, QuarterdeckError
from quarterdeck.views.openai_errors import openai_error

DONE = b"data: [DONE]\n\n"
HEARTBEAT = b": heartbeat\n\n"

_encode = msgspec.json.encode


class ChatIdentity(Struct, frozen=True):
    """What every chunk of an answer repeats; `created` in seconds."""

    id: str
    model: str
    created: int

    @classmethod
    def of(cls, name: str, model: str) -> ChatIdentity:
        return cls(f"chatcmpl-{name}", model, int(time.time()))


class ChatStream:
    """Deltas to chunks. A token costs a few microseconds: what all chunks share is written once."""

    def __init__(self, identity: ChatIdentity, choices: int, *, includes_usage: bool) -> None:
        head = _encode(
            {
                "id": identity.id, "object": "chat.completion.chunk", "created": identity.created,
                "model": identity.model, "service_tier": "default", "system_fingerprint": None,
            }
        )  # fmt: skip
        self._head = b"data: " + head[:-1] + b',"choices":['
        self._end = b'],"usage":null}\n\n' if includes_usage else b"]}\n\n"
        self._includes_usage = includes_usage
        self._texts = [self._head + b'{"index":%d,"delta":{"content":' % index for index in range(choices)]
        self._text_end = b'},"logprobs":null,"finish_reason":null}' + self._end
        self._called: list[bool] = [False] * choices
        self._usage = Usage()
        self._logprobs: list[list[TokenLogprob]] = [[] for _ in range(choices)]  # of the text that comes next

    def begin(self, index: int) -> bytes:
        return self._chunk(index, {"role": "assistant", "content": "", "refusal": None})

    def encode_text(self, index: int, text: str) -> bytes:
        """As `encode` of a chunk of text."""
        if self._logprobs[index]:
            return self._chunk(index, {"content": text}, logprobs=self._take_logprobs(index))
        return self._texts[index] + _encode(text) + self._text_end

    def encode(self, index: int, deltas: list[Delta]) -> bytes:
        """The chunks of what came together; empty when nothing of it is told."""
        texts = [delta.text for delta in deltas if type(delta) is TextChunk]
        if len(texts) == len(deltas) and not self._logprobs[index]:
            return self.encode_text(index, "".join(texts))
        out: list[bytes] = []
        for delta in deltas:
            match delta:
                case TextChunk(text=text):
                    out.append(self.encode_text(index, text))
                case ReasoningChunk(text=text):
                    out.append(self._chunk(index, {"reasoning_content": text}))
                case ToolCallChunk():
                    out.append(self._chunk(index, {"tool_calls": [self._call(index, delta)]}))
                case LogprobsChunk(tokens=tokens):
                    self._logprobs[index] += tokens
                case UsageChunk(usage=usage):
                    self._usage = self._usage.plus(usage)
                case FinishChunk(reason=reason):
                    out.append(self._chunk(index, {}, reason))
        return b"".join(out)

    def refuse(self, index: int, refusal: ProviderRefusedError) -> bytes:
        return self._chunk(index, {"refusal": refusal.message}) + self._chunk(index, {}, "content_filter")

    def close(self) -> bytes:
        """After the last choice has ended."""
        if not self._includes_usage:
            return DONE
        return self._head + b'],"usage":' + _encode(chat_usage(self._usage)) + b"}\n\n" + DONE

    def fail(self, error: QuarterdeckError) -> bytes:
        """In place of the rest; clients raise it."""
        return b"data: " + _encode(openai_error(error)) + b"\n\n"

    def _call(self, index: int, delta: ToolCallChunk) -> dict[str, Any]:
        self._called[index] = True
        function: dict[str, Any] = {"arguments": delta.arguments}
        if not delta.call:
            return {"index": delta.index, "function": function}
        begun = {"index": delta.index, "id": delta.call, "type": "function"}
        return begun | {"function": {"name": delta.name} | function}

    def _take_logprobs(self, index: int) -> dict[str, Any] | None:
        taken, self._logprobs[index] = self._logprobs[index], []
        return logprobs_of(taken)

    def _chunk(
        self, index: int, delta: dict[str, Any], finish: str | None = None, logprobs: dict[str, Any] | None = None
    ) -> bytes:
        if finish == "stop" and self._called[index]:
            finish = "tool_calls"
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._head + _encode(choice) + self._end


class ChatAnswer:
    """Deltas to one whole answer."""

    def __init__(self, identity: ChatIdentity, choices: int) -> None:
        self._identity = identity
        self._choices = [_Choice() for _ in range(choices)]
        self._usage = Usage()

    def take(self, index: int, deltas: list[Delta]) -> None:
        choice = self._choices[index]
        for delta in deltas:
            match delta:
                case TextChunk(text=text):
                    choice.texts.append(text)
                case ReasoningChunk(text=text):
                    choice.thoughts.append(text)
                case ToolCallChunk():
                    choice.take_call(delta)
                case LogprobsChunk(tokens=tokens):
                    choice.logprobs += tokens
                case UsageChunk(usage=usage):
                    self._usage = self._usage.plus(usage)
                case FinishChunk(reason=reason):
                    choice.finish = reason

    def refuse(self, index: int, refusal: ProviderRefusedError) -> None:
        self._choices[index].refusal = refusal.message
        self._choices[index].finish = "content_filter"

    def encode(self) -> dict[str, Any]:
        identity = self._identity
        return {
            "id": identity.id, "object": "chat.completion", "created": identity.created, "model": identity.model,
            "choices": [choice.encode(index) for index, choice in enumerate(self._choices)],
            "usage": chat_usage(self._usage), "service_tier": "default", "system_fingerprint": None,
        }  # fmt: skip


class _Choice:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.calls: dict[int, list[str]] = {}  # by index: id, name, arguments
        self.logprobs: list[TokenLogprob] = []
        self.refusal: str | None = None
        self.finish = "stop"

    def take_call(self, delta: ToolCallChunk) -> None:
        call = self.calls.setdefault(delta.index, ["", "", ""])
        call[0] = call[0] or delta.call
        call[1] = call[1] or delta.name
        call[2] += delta.arguments

    def encode(self, index: int) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant", "content": "".join(self.texts) if self.texts else None, "refusal": self.refusal,
            "annotations": [],
        }  # fmt: skip
        if self.thoughts:
            message["reasoning_content"] = "".join(self.thoughts)
        if self.calls:
            message["tool_calls"] = [
                {"id": call, "type": "function", "function": {"name": name, "arguments": arguments}}
                for call, name, arguments in self.calls.values()
            ]
        elif message["content"] is None and self.refusal is None:
            message["content"] = ""
        finish = "tool_calls" if self.calls and self.finish == "stop" else self.finish
        return {"index": index, "message": message, "logprobs": logprobs_of(self.logprobs), "finish_reason": finish}


def chat_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }  # fmt: skip


def logprobs_of(tokens: list[TokenLogprob]) -> dict[str, Any] | None:
    return {"content": msgspec.to_builtins(tokens), "refusal": None} if tokens else None
