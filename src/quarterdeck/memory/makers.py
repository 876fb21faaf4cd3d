"""What makes vectors with one model: a provider, or a sentence model on this machine."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Protocol

from quarterdeck.errors import QuarterdeckError
from quarterdeck.memory.local_places import SentenceModel, find_local, open_local
from quarterdeck.memory.spaces import digest_of, model_of, version_of
from quarterdeck.providers.registry import Registry


class EmbeddingError(QuarterdeckError):
    """No vectors just now: what is found is found by words."""

    code = "embedding"
    status = 503
    retryable = True


class Maker(Protocol):
    """Makes vectors with one model."""

    async def embed(self, texts: list[str]) -> list[list[float]]:
        """Raises: `QuarterdeckError`."""
        ...


class ProviderMaker:
    def __init__(self, registry: Registry, model: str) -> None:
        self._registry = registry
        self._model = model

    async def embed(self, texts: list[str]) -> list[list[float]]:
        await self._registry.look_for(self._model)
        embedder, _ = self._registry.embedder_for(self._model)
        made = await embedder.embed(self._model.partition("/")[2], texts)
        return made.vectors


class LocalMaker:
    """Computes in threads of its own, so that nobody else's work waits; a single text does not wait for many.

    `version`: the digest that the model's files must have; any where it is empty.
    """

    def __init__(self, name: str, version: str = "", models: Path | None = None) -> None:
        self._name = name
        self._version = version
        self._models = models
        self._model: SentenceModel | None = None
        self._loading = Lock()
        self._many = ThreadPoolExecutor(1, thread_name_prefix="embedding")
        self._single = ThreadPoolExecutor(1, thread_name_prefix="embedding-query")

    async def embed(self, texts: list[str]) -> list[list[float]]:
        threads = self._single if len(texts) == 1 else self._many
        return await asyncio.get_running_loop().run_in_executor(threads, self._embed, texts)

    def close(self) -> None:
        """Who waits for vectors still gets them."""
        self._many.shutdown(wait=False)
        self._single.shutdown(wait=False)

    def _embed(self, texts: list[str]) -> list[list[float]]:
        try:
            return self._load().embed(texts)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise EmbeddingError(
                f"The embedding model {self._name} cannot be used: it is no sentence model that is computed here.",
                detail=repr(error),
            ) from error

    def _load(self) -> SentenceModel:
        with self._loading:
            if self._model is None:
                place = find_local(self._name, self._models)
                model = open_local(place)
                if self._version and digest_of(place) != self._version:
                    raise EmbeddingError(
                        f"The files of the embedding model {self._name} on this machine are not those that the "
                        "vectors were made with."
                    )
                self._model = model
            return self._model


def make_maker(registry: Registry, space: str, models: Path | None) -> Maker:
    model = model_of(space)
    kind, _, name = model.partition("/")
    return LocalMaker(name, version_of(space), models) if kind == "local" else ProviderMaker(registry, model)
