"""The contract every provider keeps; `tests/contract/test_provider_contract.py` holds each to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from msgspec import Struct

from quarterdeck.domain.step import Delta, StepRequest
from quarterdeck.domain.usage import ModelProfile


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where a provider is reached. `key` is a secret: it never enters a log, an error or a page.

    `origin` says who told us: the environment, the settings page, or a local server we found.
    """

    name: str  # the `provider` in `provider/model`
    label: str  # for people
    dialect: str  # "openai", "anthropic", "gemini", "builtin"
    base_url: str
    key: str = ""
    origin: str = "environment"  # "environment" | "settings" | "found" | "builtin"
    needs_key: bool = True

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.base_url!r}, key={'set' if self.key else 'none'})"


class Provider(Protocol):
    endpoint: Endpoint

    def stream(self, request: StepRequest) -> AsyncGenerator[list[Delta], None]:
        """Stream one step. Each item holds the deltas that arrived together; none is empty.

        Ends normally after the model's own end (a `FinishChunk` was yielded). Closing the iterator
        (or cancelling its task) closes the upstream connection at once.

        Raises: a `ProviderError` subclass with one sentence for the user. What was yielded before
        stays valid. Retries (429, 5xx, connection refused) happen inside, before the first token
        only, announced by a `RetryChunk`.
        """
        ...

    async def complete(self, request: StepRequest) -> list[Delta]:
        """The same step asked for in one piece (no stream): all its deltas. Raises: as `stream`."""
        ...

    async def list_models(self) -> list[ModelProfile]:
        """The models this endpoint offers now, with what is known of each. Raises: `ProviderError`."""
        ...
