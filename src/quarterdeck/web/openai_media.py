"""What is no chat, as in OpenAI's API: vectors, speech, transcripts, pictures; by the provider that the model names."""

from __future__ import annotations

import base64
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.relaying import PURPOSE
from quarterdeck.accounts.spending import Call
from quarterdeck.domain.tokens import estimate_text
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.errors import ParameterError
from quarterdeck.providers.embeddings import Embedded
from quarterdeck.providers.single_call import Asked, SingleCalls, usage_of
from quarterdeck.web.api_models import find_target
from quarterdeck.web.dependencies import TheHouse
from quarterdeck.web.foreign_route import ApiCaller, OpenAIRoute, while_connected
from quarterdeck.web.house import House
from quarterdeck.web.multipart import Field as FormField
from quarterdeck.web.multipart import read_fields, write_fields
from quarterdeck.web.streams import BoundedStream, wait_signed_in

router = APIRouter(prefix="/v1", tags=["OpenAI's API"], route_class=OpenAIRoute)

MOST_TEXTS = 2_048
_SOUNDS = {
    "mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav",
    "pcm": "audio/pcm",
}  # fmt: skip
_PLAIN = ("text", "srt", "vtt")

ModelName = Annotated[str, Field(min_length=1, max_length=300)]


def _no_tokens(given: object) -> object:
    """What LangChain sends unless told otherwise: numbers that only OpenAI's own models could read."""
    if isinstance(given, list) and given and isinstance(given[0], (int, list)):
        raise PydanticCustomError(
            "tokens", "Send texts, not lists of tokens (LangChain: check_embedding_ctx_length=False)"
        )
    return given


class EmbeddingsRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: ModelName
    input: Annotated[
        str | Annotated[list[str], Field(min_length=1, max_length=MOST_TEXTS)], BeforeValidator(_no_tokens)
    ]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1, le=100_000)] | None = None
    user: str | None = None


class SpeechRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: ModelName
    input: Annotated[str, Field(min_length=1, max_length=100_000)]
    voice: str
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None


class PictureRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: ModelName
    prompt: Annotated[str, Field(min_length=1, max_length=100_000)]
    n: Annotated[int, Field(ge=1, le=10)] | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    moderation: str | None = None
    output_format: str | None = None
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    user: str | None = None


@router.post("/embeddings", response_model=None)
async def embed(house: TheHouse, caller: ApiCaller, request: Request, asked: EmbeddingsRequest) -> Response:
    """Vectors of texts."""
    target = await find_target(house, caller, asked.model)
    embedder, profile = house.registry.embedder_for(target.model)
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    if not all(texts):
        raise ParameterError("A text must not be empty.", "input")

    async def work() -> AsyncGenerator[Embedded | Usage, None]:
        embedded = await embedder.embed(profile.name, texts, asked.dimensions)
        yield embedded.usage
        yield embedded

    embedded = await _only(house, caller, request, _call(caller, profile, texts), work())
    as_text = asked.encoding_format == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if as_text else vector}
        for index, vector in enumerate(embedded.vectors)
    ]
    used = embedded.usage.input_tokens
    told = {
        "object": "list",
        "data": data,
        "model": asked.model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }
    return Response(msgspec.json.encode(told), media_type="application/json")


@router.post("/audio/speech", response_class=BoundedStream)
async def speak(house: TheHouse, caller: ApiCaller, request: Request, asked: SpeechRequest) -> Response:
    """A text, spoken; the recording as it arrives."""
    calls, profile = await _calls(house, caller, asked.model)
    body = asked.model_dump(exclude_none=True) | {"model": profile.name}
    wanted = Asked(kind="speak", path="/audio/speech", model=profile.name, body=msgspec.json.encode(body))
    pieces = house.relay.metered(_call(caller, profile, [asked.input]), calls.stream(wanted))
    first = await while_connected(request, wait_signed_in(house.connections, caller, anext(pieces, b"")))
    return BoundedStream(_rest(first, pieces), media_type=_SOUNDS[asked.response_format or "mp3"])


@router.post(
    "/audio/transcriptions",
    response_model=None,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file", "model"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "model": {"type": "string"},
                            "language": {"type": "string"},
                            "prompt": {"type": "string"},
                            "response_format": {"type": "string"},
                        },
                    }
                }
            },
        }
    },
)
async def transcribe(house: TheHouse, caller: ApiCaller, request: Request) -> Response:
    """A recording, written down. A form with `file` and `model`; the other fields are the provider's."""
    fields = read_fields(request.headers.get("content-type", ""), await request.body())
    named = {field.name: field for field in fields}
    for name in ("model", "file"):
        if name not in named:
            raise ParameterError(f"Missing required parameter: '{name}'.", name, reason="missing_required_parameter")
    if "stream" in named and named["stream"].text.lower() == "true":
        raise ParameterError("Transcripts are not streamed here.", "stream")
    calls, profile = await _calls(house, caller, named["model"].text)
    sent = [FormField("model", profile.name.encode()), *(field for field in fields if field.name != "model")]
    content_type, body = write_fields(sent)
    wanted = Asked(
        kind="transcribe", path="/audio/transcriptions", model=profile.name, body=body, content_type=content_type
    )

    async def work() -> AsyncGenerator[bytes | Usage, None]:
        yield await calls.fetch(wanted)

    answer = await _only(house, caller, request, _call(caller, profile, []), work())
    response_format = named["response_format"].text if "response_format" in named else "json"
    return Response(answer, media_type="text/plain" if response_format in _PLAIN else "application/json")


@router.post("/images/generations", response_model=None)
async def draw(house: TheHouse, caller: ApiCaller, request: Request, asked: PictureRequest) -> Response:
    """Pictures, by a description."""
    calls, profile = await _calls(house, caller, asked.model)
    body = asked.model_dump(exclude_none=True) | {"model": profile.name}
    wanted = Asked(kind="draw", path="/images/generations", model=profile.name, body=msgspec.json.encode(body))

    async def work() -> AsyncGenerator[dict[str, Any] | Usage, None]:
        told = await calls.fetch_json(wanted)
        yield usage_of(told.get("usage") if isinstance(told, dict) else None)
        yield told

    return JSONResponse(await _only(house, caller, request, _call(caller, profile, [asked.prompt]), work()))


async def _calls(house: House, caller: Principal, model: str) -> tuple[SingleCalls, ModelProfile]:
    target = await find_target(house, caller, model)
    return house.registry.calls_for(target.model)


def _call(caller: Principal, profile: ModelProfile, texts: list[str]) -> Call:
    tokens = sum(map(estimate_text, texts))
    return Call(user=caller.user, profile=profile, input_tokens=tokens, output_tokens=1, purpose=PURPOSE)


async def _only(house: House, caller: Principal, request: Request, call: Call, work: AsyncGenerator[Any, None]) -> Any:
    """The one thing that is made, and its use written down."""

    async def take() -> Any:
        async with aclosing(house.relay.metered(call, work)) as made:
            items = [item async for item in made]
        return items[-1]

    return await while_connected(request, wait_signed_in(house.connections, caller, take()))


async def _rest(first: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


def _packed(vector: list[float]) -> str:
    """As the official clients ask for it: little-endian floats of 32 bits, in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
