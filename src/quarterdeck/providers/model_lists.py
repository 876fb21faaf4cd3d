"""The models of all endpoints: asked for in parallel, kept for a while, failures for a shorter one."""

from __future__ import annotations

import asyncio
import math
from time import monotonic

from msgspec import Struct

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.errors import ProviderError
from quarterdeck.providers.base import Endpoint, Provider
from quarterdeck.providers.discovery import Probe, find_servers
from quarterdeck.providers.profiles import is_chat, makes_vectors
from quarterdeck.providers.transport import Transport

KEEP_S = 600.0
KEEP_FAILURE_S = 30.0
KEEP_FOUND_S = 30.0
_LIMIT_S = 8.0  # for a provider that keeps none of its own time-outs

_logger = get_logger("quarterdeck.providers")


class ModelListError(Struct, frozen=True):
    """Why a provider's models are missing; `message` is one sentence for the user."""

    provider: str
    message: str


class ModelList(Struct, frozen=True):
    items: list[ModelProfile]
    errors: list[ModelListError]


class EndpointState(Struct, frozen=True):
    """`state`: "ok", "failing", or "unknown" while nobody has looked yet; `models` counts chat models."""

    state: str = "unknown"
    message: str = ""
    models: int = 0


class _Kept(Struct, frozen=True):
    endpoint: Endpoint
    until: float  # monotonic
    models: list[ModelProfile]
    error: str = ""
    embedding: tuple[str, ...] = ()  # ids of models that make vectors


class ModelLists:
    """What each provider answered last, and the servers found on this machine."""

    def __init__(self, transport: Transport, probes: tuple[Probe, ...]) -> None:
        self._transport = transport
        self._probes = probes
        self._kept: dict[str, _Kept] = {}
        self._by_id: dict[str, ModelProfile] = {}
        self._lock = asyncio.Lock()
        self._searching = asyncio.Lock()
        self._searched_at = -math.inf  # monotonic
        self.found: list[Endpoint] = []

    def may_be_found(self, name: str) -> bool:
        """Whether a server of that name would be looked for on this machine."""
        return any(probe.name == name for probe in self._probes)

    async def search(self, own_port: int, connected: set[str], keep_s: float) -> None:
        """Looks for servers of this machine, but for those that are `connected` by other means, unless that was done
        within `keep_s`. Who comes while it is done gets what it finds."""
        asked_at = monotonic()
        async with self._searching:
            if not self._probes or self._searched_at > asked_at - keep_s:
                return
            probes = [probe for probe in self._probes if probe.name not in connected]
            self.found = await find_servers(self._transport, probes, own_port)
            self._searched_at = monotonic()

    async def collect(self, providers: list[Provider], refresh: bool) -> ModelList:
        """Asks those whose answer is not kept any more; in the order of `providers`."""
        async with self._lock:
            due = [provider for provider in providers if refresh or not self._is_fresh(provider)]
            for provider, kept in zip(due, await asyncio.gather(*map(_ask, due)), strict=True):
                self._kept[provider.endpoint.name] = kept
        lists = [self._kept[provider.endpoint.name] for provider in providers]
        items = [profile for kept in lists for profile in kept.models]
        self._by_id = {profile.id: profile for profile in items}
        errors = [ModelListError(kept.endpoint.name, kept.error) for kept in lists if kept.error]
        return ModelList(items, errors)

    def embedding_models(self) -> list[str]:
        """Ids of models that make vectors, as the last lists had them."""
        return [name for kept in self._kept.values() for name in kept.embedding]

    def profile(self, model_id: str) -> ModelProfile | None:
        return self._by_id.get(model_id)

    def state_of(self, name: str) -> EndpointState:
        kept = self._kept.get(name)
        if kept is None:
            return EndpointState()
        return EndpointState("failing" if kept.error else "ok", kept.error, len(kept.models))

    def _is_fresh(self, provider: Provider) -> bool:
        kept = self._kept.get(provider.endpoint.name)
        return kept is not None and kept.endpoint == provider.endpoint and monotonic() < kept.until


async def _ask(provider: Provider) -> _Kept:
    endpoint = provider.endpoint
    try:
        async with asyncio.timeout(_LIMIT_S):
            listed = await provider.list_models()
    except (ProviderError, TimeoutError) as error:
        sentence = error.message if isinstance(error, ProviderError) else f"{endpoint.label} did not list its models."
        detail = error.detail if isinstance(error, ProviderError) else ""
        _logger.warning("provider.models_failed", provider=endpoint.name, reason=sentence, detail=detail)
        return _Kept(endpoint, monotonic() + KEEP_FAILURE_S, [], sentence)
    models = [profile for profile in listed if is_chat(profile)]
    embedding = tuple(profile.id for profile in listed if makes_vectors(profile))
    return _Kept(endpoint, monotonic() + KEEP_S, models, embedding=embedding)
