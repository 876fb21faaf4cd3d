"""Vectors of texts, as OpenAI's API gives them: https://platform.openai.com/docs/api-reference/embeddings."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from msgspec import Struct

from quarterdeck.domain.usage import Usage
from quarterdeck.providers.faults import MALFORMED, UpstreamError
from quarterdeck.providers.single_call import Asked, SingleCalls, usage_of

MOST_TEXTS = 256  # in one request; more are asked for in several


class Embedded(Struct, frozen=True):
    """A vector for each text, in their order; `usage` as reported, zeros where it was not."""

    vectors: list[list[float]]
    usage: Usage


class Embedder(Protocol):
    async def embed(self, model: str, texts: list[str], dimensions: int | None = None) -> Embedded:
        """`model` is the provider's own name; `dimensions`: shorter vectors, where the model can.

        Raises: `ProviderError`, after the retries that a chat has.
        """
        ...


class _Entry(Struct):
    embedding: list[float]
    index: int


class _Answer(Struct):
    data: list[_Entry]
    usage: msgspec.Raw = msgspec.Raw(b"null")


_decoder = msgspec.json.Decoder(_Answer)


class OpenAIEmbedder:
    def __init__(self, calls: SingleCalls) -> None:
        self._calls = calls

    async def embed(self, model: str, texts: list[str], dimensions: int | None = None) -> Embedded:
        vectors: list[list[float]] = []
        usage = Usage()
        for start in range(0, len(texts), MOST_TEXTS):
            some = await self._embed_some(model, texts[start : start + MOST_TEXTS], dimensions)
            vectors += some.vectors
            usage = usage.plus(some.usage)
        return Embedded(vectors, usage)

    async def _embed_some(self, model: str, texts: list[str], dimensions: int | None) -> Embedded:
        wanted: dict[str, Any] = {"model": model, "input": texts, "encoding_format": "float"}
        if dimensions is not None:
            wanted["dimensions"] = dimensions
        asked = Asked(kind="embed", path="/embeddings", model=model, body=msgspec.json.encode(wanted))
        body = await self._calls.fetch(asked)
        try:
            answer = _decoder.decode(body)
        except MALFORMED as error:
            raise self._calls.explain(UpstreamError("protocol", detail=repr(error)), model) from None
        by_index = {entry.index: entry.embedding for entry in answer.data}
        if sorted(by_index) != list(range(len(texts))):
            fault = UpstreamError("protocol", detail=f"{len(by_index)} vectors for {len(texts)} texts")
            raise self._calls.explain(fault, model)
        return Embedded([by_index[index] for index in range(len(texts))], usage_of(msgspec.json.decode(answer.usage)))
