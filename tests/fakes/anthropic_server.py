"""A strict fake of Anthropic's messages API; bodies are checked against the types of the `anthropic` package."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from aiohttp import web
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from tests.fakes.command import serve
from tests.fakes.playing import Playback
from tests.fakes.script import Script
from tests.fakes.serving import Asked, FakeServer, Received
from tests.fakes.strict import StrictType

_STREAMING = StrictType(MessageCreateParamsStreaming)
_WHOLE = StrictType(MessageCreateParamsNonStreaming)
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_OLD_VERSION, _NEW_VERSION = "2023-06-01", "2026-10-21"
# The package has the types of the new version; in the old one these two are allowed too, for older models.
_SAMPLING = frozenset({"temperature", "top_p"})
_NO_SAMPLING = re.compile(r"claude-(opus-4-[7-9]|(opus|sonnet|haiku)-[5-9]|fable|mythos)")
_FINISH = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


class FakeAnthropic(FakeServer):
    base_path = "/v1"

    def usual_models(self) -> list[dict[str, Any]]:
        return [
            {
                "id": name,
                "type": "model",
                "display_name": name,
                "created_at": "2026-01-01T00:00:00Z",
                "lifecycle": "active",
                "max_input_tokens": 200_000,
                "max_tokens": 64_000,
                "capabilities": {"thinking": {"supported": True}, "image_input": {"supported": True}},
            }
            for name in ("claude-sonnet-4-5", "fake-chat")
        ]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1/models", self._models)
        router.add_post("/v1/messages", self._messages)

    def error_body(self, status: int, message: str, code: str = "", param: str = "") -> bytes:
        kind = code or _TYPES.get(status, "api_error")
        return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": None})

    def new_playback(self, script: Script, asked: Asked) -> Playback:
        return _AnthropicPlayback(script, asked.model, asked.stream)

    async def _models(self, request: web.Request) -> web.Response:
        listed = {"data": self.models, "has_more": False, "first_id": None, "last_id": None}
        return self._refuse_headers(request, None) or web.Response(
            body=msgspec.json.encode(listed), content_type="application/json"
        )

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        except msgspec.DecodeError as error:
            return self.reject(None, 400, f"The request body is not valid JSON: {error}")
        received = self.record(request, body, str(body.get("model", "")))
        refused = self._refuse_headers(request, received) or self._refuse_body(request, received)
        return refused or await self.answer(request, received, _read_asked(body))

    def _refuse_headers(self, request: web.Request, received: Received | None) -> web.Response | None:
        key = request.headers.get("x-api-key", "")
        if not key:
            return self.reject(received, 401, "x-api-key header is required")
        if self.key is not None and key != self.key:
            return self.reject(received, 401, "invalid x-api-key")
        if request.headers.get("anthropic-version") not in (_OLD_VERSION, _NEW_VERSION):
            return self.reject(received, 400, "anthropic-version: header is required")
        return None

    def _refuse_body(self, request: web.Request, received: Received) -> web.Response | None:
        if request.content_type != "application/json":
            return self.reject(received, 400, "The content type has to be application/json.")
        body = received.body
        for name in sorted(self.unsupported & body.keys()):
            return self.reject(received, 400, f"`{name}` is not supported by this model.")
        for name in sorted(_SAMPLING & body.keys()):
            if request.headers["anthropic-version"] == _NEW_VERSION or _NO_SAMPLING.match(received.model):
                return self.reject(received, 400, f"`{name}` is deprecated for this model.")
        known = {name: value for name, value in body.items() if name not in _SAMPLING}
        found = (_STREAMING if body.get("stream") is True else _WHOLE).find_fault(known) or _find_nonsense(body)
        return self.reject(received, 400, found) if found else None


def _find_nonsense(body: dict[str, Any]) -> str:
    """What the types allow and the API does not."""
    messages = body["messages"]
    if not messages:
        return "messages: at least one message is required"
    for name in _SAMPLING & body.keys():
        if not isinstance(body[name], (int, float)) or not 0 <= body[name] <= 1:
            return f"{name}: range: 0..1"
    last = messages[-1]
    text = _text_of(last)
    if last["role"] == "assistant" and text != text.rstrip():
        return "messages: final assistant content cannot end with trailing whitespace"
    if any(not block.get("text", "x").strip() for message in messages for block in _blocks_of(message)):
        return "messages: text content blocks must contain non-whitespace text"
    if fault := _find_loose_call(body):
        return fault
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        if thinking["budget_tokens"] >= body["max_tokens"]:
            return "`max_tokens` must be greater than `thinking.budget_tokens`."
        if body.get("temperature", 1) != 1:
            return "`temperature` may only be set to 1 when thinking is enabled."
        if last["role"] == "assistant":
            return "a prefilled answer and thinking exclude each other"
    return ""


def _find_loose_call(body: dict[str, Any]) -> str:
    """Each use of a tool is answered at the beginning of the very next message; and there are tools to be used."""
    open_uses: set[str] = set()
    for message in body["messages"]:
        blocks = _blocks_of(message)
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if set(answered) != open_uses or len(answered) != len(open_uses):
            return "messages: each `tool_use` block must have a corresponding `tool_result` block in the next message"
        if any(block["type"] != "tool_result" for block in blocks[: len(answered)]):
            return "messages: tool_result blocks come first"
        open_uses = {block["id"] for block in blocks if block["type"] == "tool_use"}
        if (answered or open_uses) and not body.get("tools"):
            return "Requests which include `tool_use` or `tool_result` blocks must define tools."
    return "messages: the last tool_use was not answered" if open_uses else ""


def _blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _text_of(message: dict[str, Any]) -> str:
    return "".join(block.get("text", "") for block in _blocks_of(message))


def _read_asked(body: dict[str, Any]) -> Asked:
    messages = body["messages"]
    users = [_text_of(message) for message in messages if message["role"] == "user"]
    answers = [_text_of(message) for message in messages if message["role"] == "assistant"]
    return Asked(
        body["model"],
        users[-1] if users else "",
        answers[-1] if answers else "",
        messages[-1]["role"] == "assistant",
        body.get("stream") is True,
    )


class _AnthropicPlayback(Playback):
    """Block 0 is the thinking when there is any, then the text, then the tool calls."""

    def _event(self, kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: ".encode() + msgspec.json.encode({"type": kind} | fields) + b"\n\n"

    @property
    def _text_block(self) -> int:
        return 1 if self.script.reasoning else 0

    def head(self) -> list[bytes]:
        message: dict[str, Any] = {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": None,
            "usage": self._usage(1),
        }
        events = [self._event("message_start", message=message), self._event("ping")]
        if self.script.reasoning:
            thinking = {"type": "thinking", "thinking": "", "signature": ""}
            events.append(self._event("content_block_start", index=0, content_block=thinking))
        text = {"type": "text", "text": ""}
        return [*events, self._event("content_block_start", index=self._text_block, content_block=text)]

    def think(self, text: str) -> bytes:
        return self._event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": text})

    def say(self, text: str) -> bytes:
        delta = {"type": "text_delta", "text": text}
        return self._event("content_block_delta", index=self._text_block, delta=delta)

    def call_tools(self) -> list[bytes]:
        events = []
        for index, call in enumerate(self.script.tool_calls, self._text_block + 1):
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            events.append(self._event("content_block_start", index=index, content_block=block))
            events += [
                self._event(
                    "content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": piece}
                )
                for piece in call.arguments
            ]
            events.append(self._event("content_block_stop", index=index))
        return events

    def tail(self, *, filtered: bool = False, refused: bool = False) -> list[bytes]:
        delta = self._end("refusal" if filtered or refused else self._finish)
        return [
            self._event("content_block_stop", index=self._text_block),
            self._event("message_delta", delta=delta, usage={"output_tokens": self.output_tokens}),
            self._event("message_stop"),
        ]

    def fail(self) -> bytes:
        return self._event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def whole(self) -> bytes:
        script = self.script
        content: list[dict[str, Any]] = []
        if script.reasoning:
            content.append({"type": "thinking", "thinking": "".join(script.reasoning), "signature": "c2ln"})
        if script.fault not in ("no_words", "refusal"):
            content.append({"type": "text", "text": "".join(script.pieces)})
        for call in script.tool_calls:
            arguments = msgspec.json.decode("".join(call.arguments))
            content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
        end = self._end("refusal" if script.fault in ("refusal", "filter") else self._finish)
        base = {"id": "msg_fake", "type": "message", "role": "assistant", "model": self.model, "content": content}
        return msgspec.json.encode(base | end | {"usage": self._usage(self.output_tokens)})

    @property
    def _finish(self) -> str:
        return "tool_use" if self.script.tool_calls else _FINISH[self.script.finish]

    def _end(self, reason: str) -> dict[str, Any]:
        end: dict[str, Any] = {"stop_reason": reason, "stop_sequence": None}
        if reason == "refusal":
            end["stop_details"] = {"type": "refusal", "category": None, "explanation": "I can't help with that."}
        return end

    def _usage(self, output_tokens: int) -> dict[str, Any]:
        """Tokens read from the cache are not part of `input_tokens` here."""
        cached = self.script.usage.cached
        return {
            "input_tokens": self.input_tokens - cached,
            "output_tokens": output_tokens,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens_details": {"thinking_tokens": self.script.usage.reasoning},
        }


if __name__ == "__main__":
    serve(FakeAnthropic)
