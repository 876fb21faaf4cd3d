"""The registry over real (fake) endpoints: what is connected, what is offered, what a model's id means."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.contract.provider_cases import KEY, ask
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.gemini_server import FakeGemini
from tests.fakes.openai_server import FakeOpenAI

from quarterdeck.config import Settings
from quarterdeck.domain.step import Delta, FinishChunk, StepRequest, TextChunk
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.errors import ModelNotFoundError
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.registry import LAST_RESORT, Registry


class LogReader:
    """A provider that needs no endpoint, as the built-in one."""

    endpoint = Endpoint(name="builtin", label="Built in", dialect="builtin", base_url="", origin="builtin")

    async def stream(self, request: StepRequest) -> AsyncGenerator[list[Delta], None]:
        yield [TextChunk("It is in your log."), FinishChunk("stop")]

    async def complete(self, request: StepRequest) -> list[Delta]:
        return [TextChunk("It is in your log."), FinishChunk("stop")]

    async def list_models(self) -> list[ModelProfile]:
        return [ModelProfile(LAST_RESORT, "builtin", "log-reader")]


@asynccontextmanager
async def open_registry(environment: dict[str, str], model: str = "") -> AsyncIterator[Registry]:
    settings = Settings(discover=False, model=model)
    settings.__dict__["environment"] = environment
    registry = Registry(settings, backoff_s=0.01)
    registry.register(LogReader())
    try:
        yield registry
    finally:
        await registry.close()


def stored(name: str, base_url: str, key: str = KEY, dialect: str = "openai") -> Endpoint:
    return Endpoint(name=name, label=name.title(), dialect=dialect, base_url=base_url, key=key, origin="settings")


async def test_with_nothing_connected_there_is_the_log_reader() -> None:
    async with open_registry({}) as registry:
        offered = await registry.models()
        assert [profile.id for profile in offered.items] == [LAST_RESORT]
        assert offered.errors == []
        assert await registry.default_model() == LAST_RESORT
        provider, profile = registry.provider_for(LAST_RESORT)
        assert profile.id == LAST_RESORT
        assert [batch async for batch in provider.stream(ask())]


async def test_all_dialects_are_merged_and_only_chat_models_are_offered() -> None:
    async with FakeOpenAI(key=KEY) as openai, FakeAnthropic(key=KEY) as anthropic, FakeGemini(key=KEY) as gemini:
        environment = {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": openai.base_url,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": anthropic.origin,
            "GEMINI_API_KEY": KEY,
            "GEMINI_BASE_URL": gemini.base_url,
        }
        async with open_registry(environment) as registry:
            offered = await registry.models()
    ids = {profile.id for profile in offered.items}
    assert {"openai/fake-chat", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", LAST_RESORT} <= ids
    assert not any("embedding" in model for model in ids)
    assert offered.errors == []
    told = {profile.id: profile.context_window for profile in offered.items}
    assert told["gemini/fake-chat"] == 1_048_576


async def test_a_failing_provider_is_an_error_beside_the_others() -> None:
    async with FakeOpenAI(key="another") as wrong, FakeOpenAI(key=KEY) as right:
        environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": wrong.base_url}
        async with open_registry(environment) as registry:
            registry.set_stored([stored("lab", right.base_url)])
            offered = await registry.models()
            assert "lab/fake-chat" in {profile.id for profile in offered.items}
            assert [(error.provider, error.message) for error in offered.errors] == [
                ("openai", "OpenAI refused the key. Check it in the settings.")
            ]
            assert registry.state_of("openai").state == "failing"
            assert registry.state_of("lab").state == "ok"
            assert registry.state_of("groq").state == "unknown"


async def test_an_address_that_is_none_is_an_error_and_stops_nobody_else() -> None:
    async with open_registry({"OPENAI_BASE_URL": "ftp://example.org/v1"}) as registry:
        registry.set_stored([stored("odd", "http://127.0.0.1:9/v1", dialect="klingon"), stored("half", "http://[::1")])
        offered = await registry.models()
        assert [error.provider for error in offered.errors] == ["odd", "half", "openai"]
        assert [profile.id for profile in offered.items] == [LAST_RESORT]
        assert registry.state_of("odd").state == "failing"
        result = await registry.test(stored("lab", "ftp://example.org/v1"))
        assert (result.ok, result.message) == (False, "The address of Lab is not of the form https://host/path.")


async def test_lists_are_kept_until_they_are_asked_for_again() -> None:
    async with FakeOpenAI(key=KEY) as fake, open_registry({}) as registry:
        registry.set_stored([stored("lab", fake.base_url)])
        first = await registry.models()
        fake.models.append({"id": "brand-new", "object": "model", "created": 0, "owned_by": "fake"})
        assert await registry.models() == first
        again = await registry.models(refresh=True)
        assert "lab/brand-new" in {profile.id for profile in again.items}


async def test_a_new_key_is_used_at_once() -> None:
    async with FakeOpenAI(key=KEY) as fake, open_registry({}) as registry:
        registry.set_stored([stored("lab", fake.base_url, key="old")])
        assert [error.provider for error in (await registry.models()).errors] == ["lab"]
        registry.set_stored([stored("lab", fake.base_url)])
        assert (await registry.models()).errors == []


async def test_a_stored_endpoint_takes_the_place_of_the_environments() -> None:
    async with open_registry({"OPENAI_API_KEY": "from-environment"}) as registry:
        registry.set_stored([stored("openai", "http://127.0.0.1:9/v1")])
        assert [(endpoint.origin, endpoint.key) for endpoint in registry.endpoints()] == [("settings", KEY)]
        registry.set_stored([])
        assert [endpoint.origin for endpoint in registry.endpoints()] == ["environment"]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("gpt-4o", "A model's name is provider/model, for example openai/gpt-5-mini; “gpt-4o” is not."),
        ("openai/", "A model's name is provider/model, for example openai/gpt-5-mini; “openai/” is not."),
        ("", "A model's name is provider/model, for example openai/gpt-5-mini; “” is not."),
        ("groq/llama", "Groq is not connected. Set GROQ_API_KEY, or add its key in the settings."),
        ("lab/llama", "No provider named “lab” is connected. Add it in the settings."),
    ],
)
async def test_a_model_of_nobody_is_refused_with_what_to_do(model: str, sentence: str) -> None:
    async with open_registry({}) as registry:
        with pytest.raises(ModelNotFoundError) as caught:
            registry.provider_for(model)
        assert caught.value.message == sentence


async def test_a_model_in_no_list_may_be_used_and_its_name_may_have_slashes() -> None:
    async with FakeOpenAI(key=KEY) as fake:
        environment = {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE_URL": fake.base_url}
        async with open_registry(environment) as registry:
            provider, profile = registry.provider_for("openrouter/meta-llama/llama-3-70b")
            assert (profile.provider, profile.name) == ("openrouter", "meta-llama/llama-3-70b")
            await provider.complete(ask(model=profile.name))
            assert fake.requests[-1].model == "meta-llama/llama-3-70b"


async def test_the_default_is_what_was_set_then_what_was_stored() -> None:
    async with open_registry({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:9"}, "a/b") as registry:
        registry.stored_default = "c/d"
        assert await registry.default_model() == "a/b"
    async with open_registry({}) as registry:
        registry.stored_default = "c/d"
        assert await registry.default_model() == "c/d"


async def test_the_default_is_the_preferred_chat_model_of_the_first_provider() -> None:
    names = ["text-embedding-3-small", "gpt-4o", "gpt-4.1-mini", "gpt-5.4-mini"]
    async with FakeOpenAI(key=KEY, models=[{"id": name} for name in names]) as fake:
        environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": fake.base_url}
        async with open_registry(environment) as registry:
            assert await registry.default_model() == "openai/gpt-5.4-mini"


async def test_the_default_is_still_the_connected_provider_when_its_list_fails() -> None:
    async with open_registry({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}) as registry:
        assert (await registry.default_model()).startswith("openai/")


async def test_trying_an_endpoint_tells_what_is_wrong_and_keeps_nothing() -> None:
    async with FakeOpenAI(key=KEY) as fake, open_registry({}) as registry:
        good = await registry.test(stored("lab", fake.base_url))
        assert (good.ok, good.models, good.code) == (True, len(fake.models), "")
        assert good.message == f"Lab answered: {len(fake.models)} models."
        refused = await registry.test(stored("lab", fake.base_url, key="wrong-key"))
        assert (refused.ok, refused.code) == (False, "provider_key_refused")
        lost = await registry.test(stored("lab", f"{fake.origin}/elsewhere"))
        assert (lost.ok, lost.models) == (False, 0)
        gone = await registry.test(stored("lab", "http://127.0.0.1:9/v1"))
        assert (gone.ok, gone.code) == (False, "provider_unavailable")
        assert registry.endpoints() == []


async def test_a_key_is_tried_where_listing_models_needs_none() -> None:
    async with FakeOpenAI(key=KEY) as fake, open_registry({}) as registry:
        good = await registry.test(stored("perplexity", fake.base_url))
        bad = await registry.test(stored("perplexity", fake.base_url, key="wrong-key"))
    assert (good.ok, good.code) == (True, "")
    assert (bad.ok, bad.code) == (False, "provider_key_refused")


@pytest.mark.parametrize("typed", ["{0}/v1", "{0}/v1/", " {0}/v1/chat/completions "])
async def test_an_address_is_understood_as_people_paste_it(typed: str) -> None:
    async with FakeOpenAI(key=KEY) as fake, open_registry({}) as registry:
        endpoint = stored("lab", typed.format(fake.origin), key=f" {KEY}\n")
        assert (await registry.test(endpoint)).ok
        registry.set_stored([endpoint])
        assert registry.endpoints()[0].base_url == fake.base_url
        provider, profile = registry.provider_for("lab/fake-chat")
        assert await provider.complete(ask(model=profile.name))


async def test_an_address_that_only_lacks_v1_is_corrected_in_the_message() -> None:
    async with FakeOpenAI(key=KEY) as fake, open_registry({}) as registry:
        result = await registry.test(stored("lab", fake.origin))
        assert (result.ok, result.message) == (False, f"Lab answers at {fake.base_url}: use this address.")


async def test_a_preset_of_the_settings_page_needs_no_address() -> None:
    async with open_registry({}) as registry:
        registry.set_stored([stored("groq", "")])
        assert registry.endpoints()[0].base_url == "https://api.groq.com/openai/v1"
