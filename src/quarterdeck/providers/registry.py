"""Which providers are connected, which models they offer, and which one a model's id means.

Endpoints come from the settings page (they win), from the environment, and from the servers found on
this machine, in this order; providers that need no endpoint (`builtin`) are registered by hand.
"""

from __future__ import annotations

import asyncio
from time import monotonic, perf_counter
from urllib.parse import urlsplit

from msgspec import Struct, structs

from quarterdeck.config import Settings
from quarterdeck.domain.usage import ModelProfile, Price
from quarterdeck.errors import ModelNotFoundError, ProviderError, ProviderProtocolError
from quarterdeck.providers.anthropic import AnthropicDialect
from quarterdeck.providers.base import Endpoint, Provider
from quarterdeck.providers.dialect import Dialect
from quarterdeck.providers.discovery import Probe, usual_probes
from quarterdeck.providers.embeddings import Embedder, OpenAIEmbedder
from quarterdeck.providers.gemini import GeminiDialect
from quarterdeck.providers.http_provider import HttpProvider
from quarterdeck.providers.model_lists import KEEP_FOUND_S, EndpointState, ModelList, ModelListError, ModelLists
from quarterdeck.providers.openai_compatible import OpenAIDialect
from quarterdeck.providers.presets import BY_NAME, endpoints_of, settle_endpoint
from quarterdeck.providers.profiles import describe_model
from quarterdeck.providers.retry import FIRST_BACKOFF_S
from quarterdeck.providers.single_call import SingleCalls
from quarterdeck.providers.transport import Timeouts, Transport

LAST_RESORT = "builtin/log-reader"
_CHOOSE_AGAIN_S = 30.0
_LOOK_AGAIN_S = 2.0  # for a server of this machine that somebody wants and that was not there
_DIALECTS: dict[str, Dialect] = {
    "openai": OpenAIDialect(),
    "anthropic": AnthropicDialect(),
    "gemini": GeminiDialect(),
}


class TestResult(Struct, frozen=True):
    """What a try of an endpoint gave; `code` and `message` as in the error tree, code "" when it is good."""

    __test__ = False  # not a test, whatever its name says

    ok: bool
    models: int
    latency_ms: int
    code: str
    message: str


class _Default(Struct, frozen=True):
    """The default model, for what was connected when it was chosen (monotonic seconds)."""

    connected: list[Endpoint]
    model: str
    at: float


class Registry:
    """One per process, used in one loop. `close` it at the end.

    `own_port`: the port this server listens on, so that it is not found as a model server; set it when
    the port is known.
    """

    def __init__(
        self, settings: Settings, *, probes: tuple[Probe, ...] | None = None, backoff_s: float = FIRST_BACKOFF_S
    ) -> None:
        self._settings = settings
        self._transport = Transport(
            Timeouts(settings.connect_timeout_s, settings.first_token_timeout_s, settings.idle_timeout_s)
        )
        self._backoff_s = backoff_s
        self._environment = endpoints_of(settings.environment)
        self._stored: list[Endpoint] = []
        self._registered: dict[str, Provider] = {}
        self._providers: dict[str, HttpProvider] = {}
        probes = usual_probes() if probes is None else probes
        self._lists = ModelLists(self._transport, probes if settings.discover else ())
        self._default: _Default | None = None
        self._choosing: asyncio.Task[None] | None = None
        self._prices: dict[str, Price] = {}
        self.own_port = settings.port
        self.stored_default = ""

    def register(self, provider: Provider) -> None:
        """A provider that is no HTTP endpoint; its models come from its `list_models`."""
        self._registered[provider.endpoint.name] = provider

    def set_stored(self, endpoints: list[Endpoint]) -> None:
        """The endpoints of the settings page, all of them. One with a known name replaces that one."""
        self._stored = [settle_endpoint(endpoint) for endpoint in endpoints]

    def set_prices(self, prices: dict[str, Price]) -> None:
        """Those that an admin has set, all of them, by model id."""
        self._prices = prices

    def profile_of(self, model_id: str) -> ModelProfile:
        """What is known of a model, whether its provider is connected or not. Any thread may ask."""
        name, _, model = model_id.partition("/")
        return self._priced(self._lists.profile(model_id) or describe_model(name, model))

    def _priced(self, profile: ModelProfile) -> ModelProfile:
        price = self._prices.get(profile.id)
        return profile if price is None else structs.replace(profile, price=price, price_is_set=True)

    def endpoints(self) -> list[Endpoint]:
        """What is connected now, each name once, the default's first choice first."""
        chosen: dict[str, Endpoint] = {}
        for endpoint in (*self._stored, *self._environment, *self._lists.found):
            chosen.setdefault(endpoint.name, endpoint)
        return list(chosen.values())

    async def look_for(self, model_id: str) -> None:
        """Before `provider_for`: a server of this machine that was not found yet is looked for."""
        name = model_id.partition("/")[0]
        if self._lists.may_be_found(name) and not any(endpoint.name == name for endpoint in self.endpoints()):
            await self._search(_LOOK_AGAIN_S)

    def provider_for(self, model_id: str) -> tuple[Provider, ModelProfile]:
        """The provider of `provider/model` and what is known of the model, be it in a list or not.

        It finds servers of this machine that `look_for` has found. Raises: `ModelNotFoundError` with a sentence that
        helps.
        """
        name, slash, model = model_id.partition("/")
        if not slash or not name or not model:
            raise ModelNotFoundError(
                f"A model's name is provider/model, for example openai/gpt-5-mini; {_quote(model_id)} is not."
            )
        provider = self._registered.get(name) or self._provider_of(name)
        if provider is None:
            raise ModelNotFoundError(_not_connected(name))
        return provider, self.profile_of(model_id)

    def embedder_for(self, model_id: str) -> tuple[Embedder, ModelProfile]:
        """Who makes vectors with `provider/model`. Raises: `ModelNotFoundError`."""
        calls, profile = self.calls_for(model_id)
        return OpenAIEmbedder(calls), profile

    def calls_for(self, model_id: str) -> tuple[SingleCalls, ModelProfile]:
        """For what is no chat. Raises: `ModelNotFoundError`, also for a vendor that offers nothing but chat."""
        provider, profile = self.provider_for(model_id)
        return SingleCalls(provider.endpoint, self._transport, self._backoff_s), profile

    async def models(self, refresh: bool = False) -> ModelList:
        """All chat models of all providers, asked in parallel; kept for a while unless `refresh`."""
        await self._search(0.0 if refresh else KEEP_FOUND_S)
        usable = [endpoint.name for endpoint in self.endpoints() if not _find_fault(endpoint)]
        http = [provider for name in usable if (provider := self._provider_of(name))]
        listed = await self._lists.collect([*http, *self._registered.values()], refresh)
        faults = [
            ModelListError(endpoint.name, fault) for endpoint in self.endpoints() if (fault := _find_fault(endpoint))
        ]
        return ModelList([self._priced(profile) for profile in listed.items], faults + listed.errors)

    async def embedding_models(self) -> list[str]:
        """Ids of the models that make vectors, of all providers that list them."""
        await self.models()
        usable = {endpoint.name for endpoint in self.endpoints()}
        return [name for name in self._lists.embedding_models() if name.partition("/")[0] in usable]

    async def default_model(self) -> str:
        """`QUARTERDECK_MODEL`, the stored choice, the first good chat model of the first provider, the log-reader.

        Known once, it is answered at once and looked up again beside: a message never waits for lists.
        """
        chosen = self._settings.model or self.stored_default
        if chosen:
            return chosen
        connected = self._connected()
        if self._default is None or self._default.connected != connected:
            self._default = _Default(connected, await self._choose_default(), monotonic())
        elif monotonic() > self._default.at + _CHOOSE_AGAIN_S and self._choosing is None:
            self._choosing = asyncio.create_task(self._choose_again(connected))
        return self._default.model

    async def _choose_again(self, connected: list[Endpoint]) -> None:
        try:
            self._default = _Default(connected, await self._choose_default(), monotonic())
        finally:
            self._choosing = None

    async def _choose_default(self) -> str:
        offered = (await self.models()).items
        for endpoint in self.endpoints():
            names = [profile.name for profile in offered if profile.provider == endpoint.name]
            if names:
                return f"{endpoint.name}/{_best_of(names, _preferred(endpoint.name))}"
        for endpoint in self._connected():  # its list cannot be had just now, but it is what people connected
            if _preferred(endpoint.name):
                return f"{endpoint.name}/{_preferred(endpoint.name)[0]}"
        return LAST_RESORT

    def state_of(self, name: str) -> EndpointState:
        """How the last look at the endpoint's models went."""
        endpoint = next((endpoint for endpoint in self.endpoints() if endpoint.name == name), None)
        fault = _find_fault(endpoint) if endpoint else ""
        return EndpointState("failing", fault) if fault else self._lists.state_of(name)

    async def test(self, endpoint: Endpoint) -> TestResult:
        """Asks an endpoint (stored or not) for its models, with its key; nothing is kept."""
        endpoint = settle_endpoint(endpoint)
        started = perf_counter()
        try:
            models = await self._make_provider(endpoint).check()
        except ProviderError as error:
            hint = await self._find_better_address(endpoint) if isinstance(error, ProviderProtocolError) else ""
            return TestResult(False, 0, _elapsed_ms(started), error.code, hint or error.message)
        count = len(models)
        message = f"{endpoint.label} answered: {count} model{'' if count == 1 else 's'}."
        return TestResult(True, count, _elapsed_ms(started), "", message)

    async def _find_better_address(self, endpoint: Endpoint) -> str:
        """A sentence with the address that was meant, when only `/v1` is missing; else ""."""
        better = structs.replace(endpoint, base_url=f"{endpoint.base_url}/v1")
        try:
            await self._make_provider(better).list_models()
        except ProviderError:
            return ""
        return f"{endpoint.label} answers at {better.base_url}: use this address."

    async def close(self) -> None:
        if self._choosing is not None:
            self._choosing.cancel()
        await self._transport.close()

    async def _search(self, keep_s: float) -> None:
        await self._lists.search(self.own_port, {endpoint.name for endpoint in self._connected()}, keep_s)

    def _connected(self) -> list[Endpoint]:
        return [endpoint for endpoint in self.endpoints() if endpoint.origin != "found"]

    def _provider_of(self, name: str) -> HttpProvider | None:
        endpoint = next((endpoint for endpoint in self.endpoints() if endpoint.name == name), None)
        if endpoint is None:
            return None
        provider = self._providers.get(name)
        if provider is None or provider.endpoint != endpoint:
            provider = self._providers[name] = self._make_provider(endpoint)
        return provider

    def _make_provider(self, endpoint: Endpoint) -> HttpProvider:
        """Raises: `ProviderError` for an endpoint that cannot be asked at all."""
        fault = _find_fault(endpoint)
        if fault:
            raise ProviderError(fault)
        return HttpProvider(endpoint, _DIALECTS[endpoint.dialect], self._transport, self._backoff_s)


def _find_fault(endpoint: Endpoint) -> str:
    """One sentence about an endpoint that cannot be asked at all, "" for the others."""
    if endpoint.dialect not in _DIALECTS:
        return f"{endpoint.label} is set up with a dialect that does not exist."
    try:
        parts = urlsplit(endpoint.base_url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    return "" if is_usable else f"The address of {endpoint.label} is not of the form https://host/path."


def _preferred(name: str) -> tuple[str, ...]:
    preset = BY_NAME.get(name)
    return preset.preferred if preset else ()


def _best_of(names: list[str], preferred: tuple[str, ...]) -> str:
    for beginning in preferred:
        for name in names:
            if name.startswith(beginning):
                return name
    return names[0]


def _not_connected(name: str) -> str:
    preset = BY_NAME.get(name)
    if preset is None:
        return f"No provider named {_quote(name)} is connected. Add it in the settings."
    if preset.needs_key:
        return f"{preset.label} is not connected. Set {preset.keys[0]}, or add its key in the settings."
    return f"No {preset.label} server was found on this machine. Start it, or add its address in the settings."


def _quote(text: str) -> str:
    return f"“{text[:60]}”"


def _elapsed_ms(started: float) -> int:
    return round((perf_counter() - started) * 1000)
