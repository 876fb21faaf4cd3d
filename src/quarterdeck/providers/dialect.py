"""What an adapter for one vendor's dialect has to say; `http_provider.HttpProvider` does the rest."""

from __future__ import annotations

from typing import Protocol

from quarterdeck.domain.step import StepRequest
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.providers.answer import AnswerDecoder
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.transport import Call, Transport


class Dialect(Protocol):
    def build_call(
        self, endpoint: Endpoint, request: StepRequest, *, stream: bool, without: frozenset[str] = frozenset()
    ) -> Call:
        """The HTTP request for one step, leaving out the optional parameters named in `without`."""
        ...

    def optional_parameters(self, request: StepRequest) -> set[str]:
        """The names, on the wire, of parameters that could be left out of this request."""
        ...

    def new_decoder(self, request: StepRequest) -> AnswerDecoder: ...

    async def fetch_models(self, endpoint: Endpoint, transport: Transport, timeout_s: float) -> list[ModelProfile]:
        """Every model the endpoint offers, chat or not. Raises: `UpstreamError`."""
        ...

    async def check_key(self, endpoint: Endpoint, transport: Transport, timeout_s: float) -> None:
        """Where listing models needs no key: asks something that needs it and costs nothing.

        Raises: `UpstreamError`.
        """
        ...
