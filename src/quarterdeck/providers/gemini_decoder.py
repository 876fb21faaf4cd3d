"""Gemini's chunks and whole answers, which are the same type: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from quarterdeck.domain.ids import new_id
from quarterdeck.domain.step import Delta
from quarterdeck.domain.usage import Usage
from quarterdeck.providers.answer import AnswerDecoder, count_of
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.vendor_errors import fault_of_event

_REFUSALS = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR", "LANGUAGE"}
)
_FAILURES = frozenset(
    {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE"}
)


class _FunctionCall(Struct):
    name: str = ""
    id: str | None = None
    args: msgspec.Raw = msgspec.Raw()


class _Part(Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    function_call: _FunctionCall | None = None


class _Content(Struct):
    parts: list[_Part] | None = None


class _Candidate(Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class _Feedback(Struct, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class _Usage(Struct, rename="camel"):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None


class _Chunk(Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw()


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_chunks = msgspec.json.Decoder(list[_Chunk]).decode


class GeminiDecoder(AnswerDecoder):
    """There is no end marker: the stream's own end after a finish reason is it."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0

    def decode(self, payload: bytes, out: list[Delta]) -> None:
        if payload.lstrip()[:1] == b"[":  # a gateway that ignored `alt=sse`
            for chunk in _decode_chunks(payload):
                self._take_chunk(chunk, out)
        else:
            self._take_chunk(_decode_chunk(payload), out)

    def _take_chunk(self, chunk: _Chunk, out: list[Delta]) -> None:
        if chunk.error:
            raise fault_of_event(msgspec.json.decode(chunk.error))
        if chunk.usage_metadata is not None:
            self._take_usage(chunk.usage_metadata)
        if chunk.candidates:
            candidate = chunk.candidates[0]
            if candidate.content is not None:
                for part in candidate.content.parts or ():
                    self._take_part(part, out)
            if candidate.finish_reason:
                self._take_finish(candidate.finish_reason, candidate.finish_message)
        elif chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            self.refusal = chunk.prompt_feedback.block_reason_message or _in_words(chunk.prompt_feedback.block_reason)
            self.finish = "stop"

    def _take_part(self, part: _Part, out: list[Delta]) -> None:
        if part.text:
            if part.thought:
                self.add_reasoning(part.text, out)
            else:
                self.add_text(part.text, out)
        elif part.function_call is not None:
            call = part.function_call
            arguments = bytes(call.args).decode() if call.args else "{}"
            self.add_tool_call(out, self._calls, call.id or f"call_{new_id()}", call.name, arguments)
            self._calls += 1

    def _take_finish(self, reason: str, message: str | None) -> None:
        if reason in _REFUSALS:
            self.refusal = message or _in_words(reason)
        elif reason in _FAILURES:
            raise UpstreamError("server", message or _in_words(reason))
        if reason == "MAX_TOKENS":
            self.finish = "length"
        else:
            self.finish = "tool_calls" if self._calls else "stop"

    def _take_usage(self, told: _Usage) -> None:
        thought = count_of(told.thoughts_token_count)
        self.usage = Usage(
            count_of(told.prompt_token_count),
            count_of(told.candidates_token_count) + thought,
            count_of(told.cached_content_token_count),
            thought,
        )


def _in_words(reason: str) -> str:
    return reason.replace("_", " ").lower()
