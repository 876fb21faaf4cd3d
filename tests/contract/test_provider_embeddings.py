"""Vectors from an endpoint that speaks OpenAI's dialect, against the strict fake."""

from __future__ import annotations

import pytest
from tests.contract.provider_cases import KEY, open_pair
from tests.fakes.openai_server import embed
from tests.fakes.script import Script

from quarterdeck.domain.usage import Usage
from quarterdeck.errors import ModelNotFoundError, ProviderAuthError, ProviderError, ProviderUnavailableError
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.embeddings import MOST_TEXTS, OpenAIEmbedder
from quarterdeck.providers.single_call import SingleCalls
from quarterdeck.providers.transport import Transport

MODEL = "text-embedding-3-small"


async def test_vectors_come_in_the_order_of_their_texts_with_what_was_used() -> None:
    async with open_pair("openai") as pair:
        embedder = OpenAIEmbedder(SingleCalls(pair.provider.endpoint, pair.transport))
        embedded = await embedder.embed(MODEL, ["one", "two", "three"])
        assert embedded.vectors == [embed(text, 8) for text in ("one", "two", "three")]
        assert embedded.usage == Usage(6, 0)
        assert len((await embedder.embed(MODEL, ["one"], dimensions=3)).vectors[0]) == 3


async def test_many_texts_are_asked_for_in_several_requests() -> None:
    async with open_pair("openai") as pair:
        embedder = OpenAIEmbedder(SingleCalls(pair.provider.endpoint, pair.transport))
        texts = [f"text {number}" for number in range(MOST_TEXTS + 1)]
        embedded = await embedder.embed(MODEL, texts)
        assert embedded.vectors == [embed(text, 8) for text in texts]
        assert [len(request.body["input"]) for request in pair.fake.requests] == [MOST_TEXTS, 1]


async def test_a_busy_provider_is_asked_again_and_a_broken_one_is_told_of() -> None:
    async with open_pair("openai") as pair:
        embedder = OpenAIEmbedder(SingleCalls(pair.provider.endpoint, pair.transport, backoff_s=0.01))
        pair.fake.by_model["busy"] = Script(status=503, failures=1)
        assert len((await embedder.embed("busy", ["one"])).vectors) == 1
        pair.fake.by_model["broken"] = Script(status=500)
        with pytest.raises(ProviderUnavailableError, match="Acme has a problem on its side"):
            await embedder.embed("broken", ["one"])


async def test_a_wrong_key_is_named_and_not_shown() -> None:
    async with open_pair("openai", key="sk-canary-wrong-key") as pair:
        embedder = OpenAIEmbedder(SingleCalls(pair.provider.endpoint, pair.transport))
        with pytest.raises(ProviderAuthError) as caught:
            await embedder.embed(MODEL, ["one"])
        assert "canary" not in caught.value.message + caught.value.detail
    with pytest.raises(ProviderError):
        await embedder.embed(MODEL, ["one"])  # nobody is there any more


async def test_a_vendor_without_embeddings_says_so() -> None:
    endpoint = Endpoint(name="anthropic", label="Anthropic", dialect="anthropic", base_url="http://x.test", key=KEY)
    with pytest.raises(ModelNotFoundError, match="Anthropic offers no models for this"):
        SingleCalls(endpoint, Transport())
