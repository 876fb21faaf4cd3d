"""Anthropic's stream events and whole answers: https://platform.claude.com/docs/en/build-with-claude/streaming."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from quarterdeck.domain.step import Delta, FinishReason
from quarterdeck.domain.usage import Usage
from quarterdeck.providers.answer import AnswerDecoder, count_of
from quarterdeck.providers.vendor_errors import fault_of_event

_FINISH: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}


class _Block(Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw()


class _OutputDetails(Struct):
    thinking_tokens: int | None = None


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _StopDetails(Struct):
    explanation: str | None = None


class _Message(Struct):
    usage: _Usage | None = None


class _DeltaFields(Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None


class _Event(Struct):
    """An event of any type; of a whole answer: `content`, `stop_reason`, `usage`."""

    type: str = ""
    index: int = 0
    delta: _DeltaFields | None = None
    content_block: _Block | None = None
    message: _Message | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw()
    content: list[_Block] | None = None
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None


_decode_event = msgspec.json.Decoder(_Event).decode


class AnthropicDecoder(AnswerDecoder):
    def __init__(self) -> None:
        super().__init__()
        self._tool_of_block: dict[int, int] = {}

    def decode(self, payload: bytes, out: list[Delta]) -> None:
        event = _decode_event(payload)
        match event.type:
            case "content_block_delta":
                if event.delta is not None:
                    self._take_delta(event.index, event.delta, out)
            case "content_block_start":
                if event.content_block is not None:
                    self._take_block(event.index, event.content_block, out)
            case "message_start":
                if event.message is not None:
                    self._add_usage(event.message.usage)
            case "message_delta":
                self._add_usage(event.usage)
                if event.delta is not None:
                    self._take_end(event.delta.stop_reason, event.delta.stop_details)
            case "message_stop":
                self.done = True
            case "error":
                raise fault_of_event(msgspec.json.decode(event.error) if event.error else None)
            case "message":
                self._take_whole(event, out)

    def _take_delta(self, index: int, delta: _DeltaFields, out: list[Delta]) -> None:
        if delta.text:
            self.add_text(delta.text, out)
        elif delta.thinking:
            self.add_reasoning(delta.thinking, out)
        elif delta.partial_json:
            self.add_tool_call(out, self._tool_of_block.get(index, 0), arguments=delta.partial_json)

    def _take_block(self, index: int, block: _Block, out: list[Delta]) -> None:
        if block.type == "tool_use":
            number = self._tool_of_block[index] = len(self._tool_of_block)
            self.add_tool_call(out, number, block.id, block.name)
        elif block.text:
            self.add_text(block.text, out)
        elif block.thinking:
            self.add_reasoning(block.thinking, out)

    def _take_whole(self, event: _Event, out: list[Delta]) -> None:
        for index, block in enumerate(event.content or ()):
            self._take_block(index, block, out)
            if block.type == "tool_use" and block.input:
                arguments = bytes(block.input).decode()
                self.add_tool_call(out, self._tool_of_block[index], arguments=arguments)
        self._add_usage(event.usage)
        self._take_end(event.stop_reason, event.stop_details)
        self.done = True

    def _take_end(self, reason: str | None, details: _StopDetails | None) -> None:
        if reason == "refusal":
            self.refusal = (details.explanation if details else None) or ""
        if reason is not None:
            self.finish = _FINISH.get(reason, "stop")

    def _add_usage(self, told: _Usage | None) -> None:
        """Counts are cumulative. Tokens read from and written to the cache are not in `input_tokens`; here they are."""
        if told is None:
            return
        known = self.usage or Usage()
        thought = told.output_tokens_details.thinking_tokens if told.output_tokens_details else None
        if told.input_tokens is None:
            fresh, cached = known.input_tokens, known.cached_tokens
        else:
            cached = count_of(told.cache_read_input_tokens)
            fresh = count_of(told.input_tokens) + cached + count_of(told.cache_creation_input_tokens)
        written, thought = count_of(told.output_tokens), count_of(thought)
        self.usage = Usage(fresh, written or known.output_tokens, cached, thought or known.reasoning_tokens)
