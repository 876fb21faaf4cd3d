"""The dialects and their fakes, for the suites that hold every provider to the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import Struct
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.gemini_server import FakeGemini
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.serving import FakeServer

from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import Delta, PromptMessage, ReasoningChunk, StepRequest, TextChunk
from quarterdeck.errors import ProviderError
from quarterdeck.providers.anthropic import AnthropicDialect
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.dialect import Dialect
from quarterdeck.providers.gemini import GeminiDialect
from quarterdeck.providers.http_provider import HttpProvider
from quarterdeck.providers.openai_compatible import OpenAIDialect
from quarterdeck.providers.transport import Timeouts, Transport

KEY = "sk-canary-4f1d6a8e9b2c"
PATIENT = Timeouts(connect_s=5.0, first_token_s=5.0, idle_s=5.0)
IMPATIENT_TO_BEGIN = Timeouts(connect_s=5.0, first_token_s=0.8, idle_s=5.0)
IMPATIENT_TO_GO_ON = Timeouts(connect_s=5.0, first_token_s=5.0, idle_s=0.4)
CASES: dict[str, tuple[type[FakeServer], type[Dialect]]] = {
    "openai": (FakeOpenAI, OpenAIDialect),
    "anthropic": (FakeAnthropic, AnthropicDialect),
    "gemini": (FakeGemini, GeminiDialect),
}


class Pair(Struct):
    """A provider and the fake it talks to."""

    fake: FakeServer
    provider: HttpProvider
    transport: Transport


@asynccontextmanager
async def open_pair(
    name: str, *, key: str = KEY, timeouts: Timeouts = PATIENT, vendor: str = ""
) -> AsyncIterator[Pair]:
    """`vendor`: the name of the endpoint when it is not the dialect's own."""
    make_fake, make_dialect = CASES[name]
    transport = Transport(timeouts)
    async with make_fake(key=KEY) as fake:
        endpoint = Endpoint(name=vendor or name, label="Acme", dialect=name, base_url=fake.base_url, key=key)
        yield Pair(fake, HttpProvider(endpoint, make_dialect(), transport, backoff_s=0.01), transport)
        await transport.close()


def ask(text: str = "Hello?", model: str = "fake-chat") -> StepRequest:
    return StepRequest(model=model, messages=[PromptMessage("user", [TextPart(text)])])


async def collect(provider: HttpProvider, request: StepRequest) -> tuple[list[Delta], ProviderError | None]:
    """Everything that came, and the error that ended it."""
    deltas: list[Delta] = []
    try:
        async with asyncio.timeout(5):
            async for batch in provider.stream(request):
                assert batch, "an empty batch"
                deltas += batch
    except ProviderError as error:
        return deltas, error
    return deltas, None


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextChunk))


def reasoning_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, ReasoningChunk))


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines of the providers' room, before anything is redacted."""
    return [
        {"event": record.getMessage()} | record.__dict__["fields"]
        for record in caplog.records
        if record.name == "quarterdeck.providers"
    ]
