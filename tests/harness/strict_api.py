"""An official client's own models, taken at their word: what a server answers may have no field that they do not know.

`Recorder` is the transport that such a client is given: it keeps every answer as it came over the wire.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
from msgspec import Struct
from pydantic import BaseModel, TypeAdapter, ValidationError


class Answer(Struct):
    """`body` grows while a stream is read."""

    method: str
    path: str
    status: int
    kind: str
    body: bytearray

    @property
    def is_stream(self) -> bool:
        return self.kind.startswith("text/event-stream")

    def events(self) -> list[Any]:
        """The JSON of each event of a stream that ended; the end mark is no JSON and not among them."""
        lines = [line[5:].strip() for line in bytes(self.body).decode().split("\n") if line.startswith("data:")]
        return [json.loads(line) for line in lines if line != "[DONE]"]


class Recorder(httpx2.HTTPTransport):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        kind = response.headers.get("content-type", "")
        answer = Answer(request.method, request.url.path, response.status_code, kind, bytearray())
        self.answers.append(answer)
        response.stream = _Tee(response.stream, answer.body)
        return response


class _Tee(httpx2.SyncByteStream):
    def __init__(self, stream: Any, kept: bytearray) -> None:
        self._stream = stream
        self._kept = kept

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._kept.extend(piece)
            yield piece

    def close(self) -> None:
        self._stream.close()


def find_faults(expected: Any, told: Any) -> list[str]:
    """What of `told` (decoded JSON) does not fit the client's type `expected`, or is unknown to it."""
    try:
        read = TypeAdapter(expected).validate_python(told)
    except ValidationError as error:
        return [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()[:5]]
    return list(_unknown_fields(read, ""))


def _unknown_fields(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            yield f"{place}.{name}: {type(value).__name__} has no such field"
        for name in type(value).model_fields:
            yield from _unknown_fields(getattr(value, name), f"{place}.{name}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _unknown_fields(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unknown_fields(inner, f"{place}[{index}]")
