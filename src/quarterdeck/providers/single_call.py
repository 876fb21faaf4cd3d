"""Requests to a model that are answered in one piece and are no chat: vectors, speech, transcripts, pictures.

They are made in OpenAI's shape, which nearly everybody who offers such models speaks; Gemini does at an address of
its own (https://ai.google.dev/gemini-api/docs/openai). Errors and retries are those of a chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from quarterdeck.domain.usage import Usage
from quarterdeck.errors import ModelNotFoundError
from quarterdeck.late import Late
from quarterdeck.providers.answer import count_of
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.call_log import CallRecord
from quarterdeck.providers.faults import MALFORMED, UpstreamError, explain
from quarterdeck.providers.retry import FIRST_BACKOFF_S, seconds_before_retry
from quarterdeck.providers.transport import Call, Transport

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = Late("aiohttp")

TIMEOUT_S = 300.0
_PREFIX = {"openai": "", "gemini": "/openai"}  # by dialect; Anthropic offers nothing but chat


class Asked(Struct, frozen=True, kw_only=True):
    """`kind` is what the server's log calls it: `embed`, `speak`, …"""

    kind: str
    path: str
    model: str
    body: bytes
    content_type: str = "application/json"


class SingleCalls:
    """One endpoint's. Raises: `ModelNotFoundError` when its vendor offers nothing but chat."""

    def __init__(self, endpoint: Endpoint, transport: Transport, backoff_s: float = FIRST_BACKOFF_S) -> None:
        if endpoint.dialect not in _PREFIX:
            raise ModelNotFoundError(f"{endpoint.label} offers no models for this.")
        self.endpoint = endpoint
        self._transport = transport
        self._backoff_s = backoff_s

    async def fetch_json(self, asked: Asked) -> Any:
        """Raises: `ProviderError`."""
        body = await self.fetch(asked)
        try:
            return msgspec.json.decode(body)
        except MALFORMED as error:
            raise self.explain(UpstreamError("protocol", detail=repr(error)), asked.model) from None

    async def fetch(self, asked: Asked) -> bytes:
        """The whole answer. Raises: `ProviderError`."""
        return b"".join([piece async for piece in self.stream(asked)])

    async def stream(self, asked: Asked) -> AsyncGenerator[bytes, None]:
        """The answer's bytes as they arrive. Raises: `ProviderError`."""
        record = CallRecord(self.endpoint, asked.model, asked.kind)
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._open(asked, record)
            record.status = response.status
            while piece := await _read(response):
                yield piece
            record.outcome = "complete"
        except UpstreamError as fault:
            error = explain(fault, self.endpoint, asked.model, "nothing")
            record.note_error(fault, error)
            raise error from None
        finally:
            if response is not None:
                response.close()
            record.close()

    def explain(self, fault: UpstreamError, model: str) -> Exception:
        return explain(fault, self.endpoint, model, "nothing")

    async def _open(self, asked: Asked, record: CallRecord) -> aiohttp.ClientResponse:
        retries = 0
        while True:
            try:
                return await self._transport.send(self._call(asked), TIMEOUT_S)
            except UpstreamError as fault:
                wait_s = seconds_before_retry(fault, retries, self._backoff_s)
                if wait_s is None:
                    raise
            retries += 1
            record.tries += 1
            await asyncio.sleep(wait_s)

    def _call(self, asked: Asked) -> Call:
        endpoint = self.endpoint
        headers = {"Content-Type": asked.content_type}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        return Call("POST", f"{endpoint.base_url}{_PREFIX[endpoint.dialect]}{asked.path}", headers, asked.body)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await response.content.readany()
    except TimeoutError:
        raise UpstreamError("idle_timeout", limit_s=TIMEOUT_S) from None
    except (aiohttp.ClientError, OSError) as error:
        raise UpstreamError("cut", detail=f"{type(error).__name__}: {error}") from None


def usage_of(told: Any) -> Usage:
    """Of `usage` in an answer, under either of OpenAI's pairs of names; zeros where nothing was told."""
    fields = told if isinstance(told, dict) else {}
    return Usage(
        _count(fields.get("prompt_tokens", fields.get("input_tokens"))),
        _count(fields.get("completion_tokens", fields.get("output_tokens"))),
    )


def _count(value: Any) -> int:
    return count_of(value) if isinstance(value, int) and not isinstance(value, bool) else 0
