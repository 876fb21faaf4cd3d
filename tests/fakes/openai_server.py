"""A strict fake of OpenAI's chat completions; bodies are checked against the types of the `openai` package."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import time
from typing import Any

import msgspec
from aiohttp import web
from openai.types.audio.speech_create_params import SpeechCreateParams
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.embedding_create_params import EmbeddingCreateParams
from openai.types.image_generate_params import ImageGenerateParamsNonStreaming
from tests.fakes.command import serve
from tests.fakes.playing import Playback
from tests.fakes.script import Script
from tests.fakes.serving import Asked, FakeServer, Received
from tests.fakes.strict import StrictType

_STREAMING = StrictType(CompletionCreateParamsStreaming)
_WHOLE = StrictType(CompletionCreateParamsNonStreaming)
_SPEECH = StrictType(SpeechCreateParams)
_PICTURE = StrictType(ImageGenerateParamsNonStreaming)
_EMBEDDING = StrictType(EmbeddingCreateParams)
_TYPES = {401: "invalid_request_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}


class FakeOpenAI(FakeServer):
    base_path = "/v1"
    vendor_fields: frozenset[str] = frozenset()  # further fields that a vendor of this dialect takes

    def usual_models(self) -> list[dict[str, Any]]:
        names = ["fake-chat", "fake-echo", "fake-slow", "fake-tagged", "fake-think", "text-embedding-3-small"]
        return [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "fake"} for name in names]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1/models", self._models)
        router.add_post("/v1/chat/completions", self._chat)
        router.add_post("/v1/embeddings", self._embed)
        router.add_post("/v1/audio/speech", self._speak)
        router.add_post("/v1/audio/transcriptions", self._transcribe)
        router.add_post("/v1/images/generations", self._draw)

    def error_body(self, status: int, message: str, code: str = "", param: str = "") -> bytes:
        kind = _TYPES.get(status, "invalid_request_error")
        return msgspec.json.encode(
            {"error": {"message": message, "type": kind, "param": param or None, "code": code or None}}
        )

    def new_playback(self, script: Script, asked: Asked) -> Playback:
        playback = _OpenAIPlayback(script, asked.model, asked.stream, asked.wants_usage)
        if asked.most_tokens is not None:
            playback.end_after(asked.most_tokens)
        return playback

    async def _models(self, request: web.Request) -> web.Response:
        return self._refuse_key(request, None) or web.Response(
            body=msgspec.json.encode({"object": "list", "data": self.models}), content_type="application/json"
        )

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError as error:
            return self.reject(None, 400, f"We could not parse the JSON body of your request: {error}")
        received = self.record(request, body, str(body.get("model", "")))
        refused = self._refuse_key(request, received) or self._refuse_body(request, received)
        if refused is not None:
            return refused
        return await self.answer(request, received, _read_asked(body))

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        """A vector of 8 numbers, the same for the same text; the failures of the model's script."""
        body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        received = self.record(request, body, str(body.get("model", "")))
        fault = _EMBEDDING.find_fault(body)
        refused = self._refuse_key(request, received) or (self.reject(received, 400, fault) if fault else None)
        if refused is not None:
            return refused
        script = self.find_script(Asked(body["model"], "", "", False, False))
        if (failed := self.fail_as_told(script, received)) is not None:
            return failed
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [
            {"object": "embedding", "index": index, "embedding": embed(str(text), body.get("dimensions") or 8)}
            for index, text in enumerate(texts)
        ]
        received.outcome = "complete"
        usage = {"prompt_tokens": 2 * len(texts), "total_tokens": 2 * len(texts)}
        return web.json_response({"object": "list", "data": data, "model": body["model"], "usage": usage})

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        """The text's own bytes, for a recording."""
        body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        refused = self._check(request, body, _SPEECH)
        return refused or web.Response(body=b"RIFF" + body["input"].encode(), content_type="audio/wav")

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        """What `_speak` has said."""
        form = await request.post()
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        recording: Any = form["file"]
        self.record(request, given | {"filename": recording.filename}, given["model"])
        said = recording.file.read().removeprefix(b"RIFF").decode()
        return self._refuse_key(request, None) or web.json_response({"text": said})

    async def _draw(self, request: web.Request) -> web.StreamResponse:
        body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        refused = self._check(request, body, _PICTURE)
        picture = {"b64_json": base64.b64encode(body["prompt"].encode()).decode()}
        usage = {
            "input_tokens": 7, "output_tokens": 9, "total_tokens": 16,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 7},
        }  # fmt: skip
        told = {"created": 1_700_000_000, "data": [picture] * body.get("n", 1), "usage": usage}
        return refused or web.json_response(told)

    def _check(self, request: web.Request, body: dict[str, Any], expected: StrictType) -> web.Response | None:
        received = self.record(request, body, str(body.get("model", "")))
        fault = expected.find_fault(body)
        return self._refuse_key(request, received) or (self.reject(received, 400, fault) if fault else None)

    def _refuse_key(self, request: web.Request, received: Received | None) -> web.Response | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            return self.reject(received, 401, "You didn't provide an API key.")
        if self.key is not None and key != self.key:
            return self.reject(received, 401, f"Incorrect API key provided: {key}.", "invalid_api_key")
        return None

    def _refuse_body(self, request: web.Request, received: Received) -> web.Response | None:
        if request.content_type != "application/json":
            return self.reject(received, 400, "The content type has to be application/json.")
        body = received.body
        for name in sorted(self.unsupported & body.keys()):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            return self.reject(received, 400, message, "unsupported_parameter", name)
        known = {name: value for name, value in body.items() if name not in self.vendor_fields}
        found = (_STREAMING if body.get("stream") is True else _WHOLE).find_fault(known) or _find_nonsense(body)
        return self.reject(received, 400, found) if found else None


def _find_nonsense(body: dict[str, Any]) -> str:
    """What the types allow and the API does not."""
    if not body["messages"]:
        return "[] is too short - 'messages'"
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        return "max_tokens and max_completion_tokens cannot both be set"
    if body.get("stream_options") and not body.get("stream"):
        return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if body.get("tool_choice") and not body.get("tools"):
        return "'tool_choice' is only allowed when 'tools' are specified."
    open_calls: set[str] = set()
    for message in body["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            return "An assistant message with 'tool_calls' must be followed by tool messages for each 'tool_call_id'."
        open_calls |= {call["id"] for call in message.get("tool_calls") or []}
        if message["role"] == "assistant" and not message.get("content") and not message.get("tool_calls"):
            return "an assistant message needs content or tool_calls"
        for image in _images_of(message):
            if not _is_data_url(image):
                return "Invalid image data."
    return "the last tool_calls were not answered" if open_calls else ""


def embed(text: str, dimensions: int) -> list[float]:
    """A vector of length 1 that only depends on the text."""
    raw = hashlib.shake_256(text.encode()).digest(dimensions)
    numbers = [byte - 127.5 for byte in raw]
    length = sum(number * number for number in numbers) ** 0.5
    return [number / length for number in numbers]


def _images_of(message: dict[str, Any]) -> list[str]:
    content = message.get("content")
    pieces = content if isinstance(content, list) else []
    return [piece["image_url"]["url"] for piece in pieces if piece["type"] == "image_url"]


def _is_data_url(url: str) -> bool:
    head, _, data = url.partition(",")
    try:
        return (
            head.startswith("data:image/") and head.endswith(";base64") and bool(base64.b64decode(data, validate=True))
        )
    except binascii.Error:
        return False


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(piece.get("text", "") for piece in content)


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
        (body.get("stream_options") or {}).get("include_usage") is True,
        body.get("max_completion_tokens") or body.get("max_tokens"),
    )


class _OpenAIPlayback(Playback):
    def _chunk(self, delta: dict[str, Any], finish: str | None = None, logprobs: Any = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        padding = secrets.token_hex(8)[len(delta.get("content") or "") :]
        return self._event({"choices": [choice], "usage": None, "obfuscation": padding})

    def _event(self, fields: dict[str, Any]) -> bytes:
        base = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": int(time.time())}
        return b"data: " + msgspec.json.encode(base | {"model": self.model} | fields) + b"\n\n"

    def head(self) -> list[bytes]:
        return [self._chunk({"role": "assistant", "content": ""})]

    def think(self, text: str) -> bytes:
        return self._chunk({"reasoning_content": text})

    def say(self, text: str) -> bytes:
        return self._chunk({"content": text}, logprobs=self._logprobs([text]))

    def call_tools(self) -> list[bytes]:
        events = []
        for index, call in enumerate(self.script.tool_calls):
            begun = {"index": index, "id": call.id, "type": "function"}
            events.append(self._chunk({"tool_calls": [begun | {"function": {"name": call.name, "arguments": ""}}]}))
            events += [
                self._chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
                for piece in call.arguments
            ]
        return events

    def tail(self, *, filtered: bool = False, refused: bool = False) -> list[bytes]:
        finish = "content_filter" if filtered else self._finish
        words = [self._chunk({"refusal": "I can't help with that."})] if refused else []
        usage = [self._event({"choices": [], "usage": self._usage})] if self.wants_usage else []
        return [*words, self._chunk({}, finish), *usage, b"data: [DONE]\n\n"]

    def fail(self) -> bytes:
        error = {"message": "The server had an error while processing your request.", "type": "server_error"}
        return b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"

    def whole(self) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self.script.pieces), "refusal": None}
        if self.script.fault == "refusal":
            message |= {"content": None, "refusal": "I can't help with that."}
        if self.script.fault == "no_words":
            message |= {"content": ""}
        if self.script.reasoning:
            message["reasoning_content"] = "".join(self.script.reasoning)
        if self.script.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": "".join(call.arguments)},
                }
                for call in self.script.tool_calls
            ]
        finish = "content_filter" if self.script.fault == "filter" else self._finish
        logprobs = self._logprobs(self.script.pieces)
        choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish}
        base = {"id": "chatcmpl-fake", "object": "chat.completion", "created": int(time.time()), "model": self.model}
        return msgspec.json.encode(base | {"choices": [choice], "usage": self._usage})

    def _logprobs(self, pieces: list[str]) -> dict[str, Any] | None:
        if not self.script.logprobs:
            return None
        told = [{"token": piece, "logprob": -0.5, "bytes": list(piece.encode())} for piece in pieces]
        return {"content": [one | {"top_logprobs": [one]} for one in told], "refusal": None}

    @property
    def _finish(self) -> str:
        return "tool_calls" if self.script.tool_calls else self.script.finish

    @property
    def _usage(self) -> dict[str, Any]:
        usage = self.script.usage
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        }


if __name__ == "__main__":
    serve(FakeOpenAI)
