"""Answers in the shape of Anthropic's messages: a list of blocks, whole or as a stream of events."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from quarterdeck.domain.step import Delta, FinishChunk, ReasoningChunk, TextChunk, ToolCallChunk, UsageChunk
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import ProviderRefusedError, QuarterdeckError
from quarterdeck.views.anthropic_errors import anthropic_error

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
BlockKind = Literal["text", "thinking", "tool_use"]

_encode = msgspec.json.encode


class MessageIdentity(Struct, frozen=True):
    """`has_thoughts`: they were asked for."""

    id: str
    model: str
    has_thoughts: bool = False


class _Ending:
    """How the message ends, and what it used."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.reason = "end_turn"
        self.has_called = False

    def take(self, delta: Delta) -> None:
        match delta:
            case UsageChunk(usage=usage):
                self.usage = usage
            case FinishChunk(reason=reason):
                self.reason = "tool_use" if self.has_called and reason == "stop" else _STOPS[reason]


class MessageStream:
    """Deltas to events. One block is open at a time."""

    def __init__(self, identity: MessageIdentity) -> None:
        self._identity = identity
        self._ending = _Ending()
        self._index = -1
        self._kind: BlockKind | None = None
        self._call = -1
        self._text_head = b""

    def begin(self) -> bytes:
        message = _message(self._identity, [], None, Usage())
        return _event({"type": "message_start", "message": message}) + PING

    def encode(self, deltas: list[Delta]) -> bytes:
        return b"".join([piece for delta in deltas for piece in self._tell(delta)])

    def refuse(self, refusal: ProviderRefusedError) -> bytes:
        self._ending.reason = "refusal"
        return b"".join([*self._open("text"), self._delta("text_delta", "text", refusal.message)])

    def close(self) -> bytes:
        ending = self._ending
        told = {
            "type": "message_delta",
            "delta": {"stop_reason": ending.reason, "stop_sequence": None},
            "usage": _usage(ending.usage),
        }
        return b"".join([*self._end(), _event(told), _event({"type": "message_stop"})])

    def fail(self, error: QuarterdeckError) -> bytes:
        return _event(anthropic_error(error))

    def _tell(self, delta: Delta) -> list[bytes]:
        match delta:
            case TextChunk(text=text):
                opened = [] if self._kind == "text" else self._open("text")
                return [*opened, self._text_head + _encode(text) + b"}}\n\n"]
            case ReasoningChunk(text=text):
                if not self._identity.has_thoughts:
                    return []
                opened = [] if self._kind == "thinking" else self._open("thinking")
                return [*opened, self._delta("thinking_delta", "thinking", text)]
            case ToolCallChunk():
                return self._tell_call(delta)
        self._ending.take(delta)
        return []

    def _tell_call(self, delta: ToolCallChunk) -> list[bytes]:
        told: list[bytes] = []
        if self._kind != "tool_use" or delta.index != self._call:
            told += self._open("tool_use", id=delta.call, name=delta.name)
            self._call, self._ending.has_called = delta.index, True
        if delta.arguments:
            told.append(self._delta("input_json_delta", "partial_json", delta.arguments))
        return told

    def _open(self, kind: BlockKind, **fields: str) -> list[bytes]:
        ended = self._end()
        self._index += 1
        self._kind = kind
        self._text_head = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"text_delta","text":' % self._index
        )
        empty: dict[BlockKind, dict[str, Any]] = {
            "text": {"text": ""}, "thinking": {"thinking": "", "signature": ""},
            "tool_use": {"input": {}},
        }  # fmt: skip
        block = {"type": kind, **fields, **empty[kind]}
        return [*ended, _event({"type": "content_block_start", "index": self._index, "content_block": block})]

    def _delta(self, kind: str, field: str, text: str) -> bytes:
        delta = {"type": kind, field: text}
        return _event({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _end(self) -> list[bytes]:
        if self._kind is None:
            return []
        self._kind = None
        return [_event({"type": "content_block_stop", "index": self._index})]


class WholeMessage:
    """Deltas to one message."""

    def __init__(self, identity: MessageIdentity) -> None:
        self._identity = identity
        self._ending = _Ending()
        self._blocks: list[dict[str, Any]] = []
        self._calls: dict[int, dict[str, Any]] = {}

    def take(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            match delta:
                case TextChunk(text=text):
                    self._block("text", {"text": ""})["text"] += text
                case ReasoningChunk(text=text):
                    if self._identity.has_thoughts:
                        self._block("thinking", {"thinking": "", "signature": ""})["thinking"] += text
                case ToolCallChunk():
                    self._take_call(delta)
                case _:
                    self._ending.take(delta)

    def refuse(self, refusal: ProviderRefusedError) -> None:
        self._ending.reason = "refusal"
        self._blocks.append({"type": "text", "text": refusal.message})  # no part of the answer

    def encode(self) -> dict[str, Any]:
        for block in self._calls.values():
            block["input"] = _arguments(block["input"])
        self._calls = {}
        return _message(self._identity, self._blocks, self._ending.reason, self._ending.usage)

    def _take_call(self, delta: ToolCallChunk) -> None:
        self._ending.has_called = True
        if delta.index not in self._calls:
            block = {"type": "tool_use", "id": delta.call, "name": delta.name, "input": ""}
            self._calls[delta.index] = block
            self._blocks.append(block)
        self._calls[delta.index]["input"] += delta.arguments

    def _block(self, kind: BlockKind, empty: dict[str, Any]) -> dict[str, Any]:
        if not self._blocks or self._blocks[-1]["type"] != kind:
            self._blocks.append({"type": kind, **empty})
        return self._blocks[-1]


def _arguments(text: str) -> dict[str, Any]:
    """What the model wrote wrongly becomes an empty object."""
    try:
        found = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _message(
    identity: MessageIdentity, blocks: list[dict[str, Any]], reason: str | None, usage: Usage
) -> dict[str, Any]:
    return {
        "id": identity.id, "type": "message", "role": "assistant", "model": identity.model, "content": blocks,
        "stop_reason": reason, "stop_sequence": None, "usage": _usage(usage),
    }  # fmt: skip


def _usage(usage: Usage) -> dict[str, Any]:
    """Anthropic counts what came from the cache apart."""
    return {
        "input_tokens": max(usage.input_tokens - usage.cached_tokens, 0),
        "output_tokens": usage.output_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
    }


def _event(told: dict[str, Any]) -> bytes:
    name: str = told["type"]
    return b"event: " + name.encode() + b"\ndata: " + _encode(told) + b"\n\n"
