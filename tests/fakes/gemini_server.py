"""A strict fake of the Gemini API; bodies are checked against the types of the `google-genai` package."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from google.genai import types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from tests.fakes.command import serve
from tests.fakes.playing import Playback
from tests.fakes.script import Script
from tests.fakes.serving import Asked, FakeServer, Received
from tests.fakes.strict import first_line

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}


class _Body(BaseModel):
    """The fields of `generateContent` (https://ai.google.dev/api/generate-content), their types from the client."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    contents: list[types.Content]
    system_instruction: types.Content | None = None
    generation_config: types.GenerationConfig | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None
    cached_content: str | None = None


class FakeGemini(FakeServer):
    base_path = "/v1beta"

    def usual_models(self) -> list[dict[str, Any]]:
        chat = ["generateContent", "countTokens"]
        facts = {"version": "001", "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536}
        return [
            facts | {"name": "models/gemini-2.5-flash", "supportedGenerationMethods": chat, "thinking": True},
            facts | {"name": "models/fake-chat", "supportedGenerationMethods": chat},
            facts | {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent"]},
        ]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1beta/models", self._models)
        router.add_post("/v1beta/models/{model}:{method}", self._generate)

    def error_body(self, status: int, message: str, code: str = "", param: str = "") -> bytes:
        kind = code or _STATUSES.get(status, "UNKNOWN")
        return msgspec.json.encode({"error": {"code": status, "message": message, "status": kind}})

    def new_playback(self, script: Script, asked: Asked) -> Playback:
        return _GeminiPlayback(script, asked.model, asked.stream)

    async def _models(self, request: web.Request) -> web.Response:
        return self._refuse_key(request, None) or web.Response(
            body=msgspec.json.encode({"models": self.models}), content_type="application/json"
        )

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError as error:
            return self.reject(None, 400, f"Invalid JSON payload received: {error}")
        received = self.record(request, body, request.match_info["model"])
        refused = self._refuse_key(request, received) or self._refuse_body(request, received, raw)
        return refused or await self.answer(request, received, self._read_asked(request, body))

    def _refuse_key(self, request: web.Request, received: Received | None) -> web.Response | None:
        key = request.headers.get("x-goog-api-key", "")
        if "key" in request.query:
            return self.reject(received, 400, "The key belongs into the header, where no log sees it.")
        if not key:
            return self.reject(received, 403, "Method doesn't allow unregistered callers.")
        if self.key is not None and key != self.key:
            return self.reject(received, 400, "API key not valid. Please pass a valid API key.")
        return None

    def _refuse_body(self, request: web.Request, received: Received, raw: bytes) -> web.Response | None:
        if request.content_type != "application/json":
            return self.reject(received, 400, "The content type has to be application/json.")
        method, alt = request.match_info["method"], request.query.get("alt")
        if (method, alt) not in {("streamGenerateContent", "sse"), ("generateContent", None)}:
            return self.reject(received, 404, f"{method} with alt={alt} is not found.")
        config = received.body.get("generationConfig") or {}
        for name in sorted(self.unsupported & (received.body.keys() | config.keys())):
            message = f'Invalid JSON payload received. Unknown name "{name}": it is not supported.'
            return self.reject(received, 400, message)
        found = _find_fault(raw) or _find_nonsense(received.body)
        return self.reject(received, 400, found) if found else None

    def _read_asked(self, request: web.Request, body: dict[str, Any]) -> Asked:
        contents = body["contents"]
        users = [_text_of(content) for content in contents if content["role"] == "user"]
        answers = [_text_of(content) for content in contents if content["role"] == "model"]
        return Asked(
            request.match_info["model"],
            users[-1] if users else "",
            answers[-1] if answers else "",
            contents[-1]["role"] == "model",
            request.match_info["method"].startswith("stream"),
        )


def _find_fault(raw: bytes) -> str:
    try:
        _Body.model_validate_json(raw)
    except ValidationError as error:
        return first_line(error)
    return ""


def _find_nonsense(body: dict[str, Any]) -> str:
    """What the types allow and the API does not."""
    if not body["contents"]:
        return "GenerateContentRequest.contents: contents is not specified"
    if any(content.get("role") not in ("user", "model") for content in body["contents"]):
        return "Please use a valid role: user, model."
    if any(not content.get("parts") for content in body["contents"]):
        return "GenerateContentRequest.contents.parts: must not be empty."
    called = 0
    for content in body["contents"]:
        returned = sum("functionResponse" in part for part in content["parts"])
        if returned != called:
            return "Please ensure that the number of function response parts is equal to that of function call parts."
        called = sum("functionCall" in part for part in content["parts"])
    return "" if not called else "Please ensure that function call turn comes before a function response turn."


def _text_of(content: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in content["parts"])


class _GeminiPlayback(Playback):
    def _chunk(self, parts: list[dict[str, Any]], finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish is not None:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "modelVersion": self.model, "usageMetadata": self._usage}

    def _event(self, chunk: dict[str, Any]) -> bytes:
        return b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n"

    def head(self) -> list[bytes]:
        return []

    def think(self, text: str) -> bytes:
        return self._event(self._chunk([{"text": text, "thought": True}]))

    def say(self, text: str) -> bytes:
        return self._event(self._chunk([{"text": text}]))

    def call_tools(self) -> list[bytes]:
        return [self._event(self._chunk([self._call(number)])) for number in range(len(self.script.tool_calls))]

    def _call(self, number: int) -> dict[str, Any]:
        call = self.script.tool_calls[number]
        arguments = msgspec.json.decode("".join(call.arguments))
        return {"functionCall": {"id": call.id, "name": call.name, "args": arguments}, "thoughtSignature": "c2ln"}

    def tail(self, *, filtered: bool = False, refused: bool = False) -> list[bytes]:
        if refused:
            feedback = {"blockReason": "PROHIBITED_CONTENT"}
            return [self._event({"promptFeedback": feedback, "usageMetadata": self._usage})]
        return [self._event(self._chunk([{"text": ""}], "SAFETY" if filtered else _FINISH[self.script.finish]))]

    def fail(self) -> bytes:
        error = {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}
        return self._event({"error": error})

    def whole(self) -> bytes:
        script = self.script
        if script.fault == "refusal":
            return msgspec.json.encode({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
        parts: list[dict[str, Any]] = []
        if script.reasoning:
            parts.append({"text": "".join(script.reasoning), "thought": True})
        if script.fault != "no_words":
            parts.append({"text": "".join(script.pieces)})
        parts += [self._call(number) for number in range(len(script.tool_calls))]
        return msgspec.json.encode(self._chunk(parts, "SAFETY" if script.fault == "filter" else _FINISH[script.finish]))

    @property
    def _usage(self) -> dict[str, Any]:
        usage = self.script.usage
        return {
            "promptTokenCount": self.input_tokens,
            "candidatesTokenCount": self.output_tokens - usage.reasoning,
            "thoughtsTokenCount": usage.reasoning,
            "cachedContentTokenCount": usage.cached,
            "totalTokenCount": self.input_tokens + self.output_tokens,
        }


if __name__ == "__main__":
    serve(FakeGemini)
