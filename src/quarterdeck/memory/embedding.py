"""What makes vectors: a provider's embedding model, or a sentence model on this machine.

A model is `provider/model`, or `local/NAME` (`local_places.py` says what NAME may be). An admin chooses it
(`embedding_choice.py`); as long as nobody has, it is that of `QUARTERDECK_EMBEDDING_MODEL`.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Protocol

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError, SetupError
from quarterdeck.memory.local_places import SentenceModel, find_local, open_local
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import AnyConnection, Database
from quarterdeck.store.embedding_choice import read_choice
from quarterdeck.store.vectors import marking

logger = get_logger("quarterdeck.memory")

_KEPT_QUERIES = 256
_MOST_CHARS = 8_000  # of a text: models read no more of it
_LOOK_S = 5.0
_TRIAL_S = 60.0  # a large local model is read from a slow disk in that time
_TRIAL = ("I grew up in Lisbon.", "My mother is a carpenter.")


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
    """Computes in threads of its own, so that nobody else's work waits; a single text does not wait for many."""

    def __init__(self, name: str, models: Path | None = None) -> None:
        self._name = name
        self._models = models
        self._model: SentenceModel | None = None
        self._loading = Lock()
        self._many = ThreadPoolExecutor(1, thread_name_prefix="embedding")
        self._single = ThreadPoolExecutor(1, thread_name_prefix="embedding-query")

    async def embed(self, texts: list[str]) -> list[list[float]]:
        threads = self._single if len(texts) == 1 else self._many
        return await asyncio.get_running_loop().run_in_executor(threads, self._embed, texts)

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
                self._model = open_local(find_local(self._name, self._models))
            return self._model


class Embedding:
    """One per process: the model that is chosen, and those whose vectors still serve. `watch` it.

    `default` is chosen as long as no admin has; `model` is empty where none is. `models`: the folder for local ones.
    """

    def __init__(self, registry: Registry, default: str, models: Path | None = None) -> None:
        self._registry = registry
        self._makers: dict[str, Maker] = {}
        self._queries: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self.models = models
        self.default = default
        self.model = ""
        if default:
            check_model(default, models)
        self.use(default)

    def use(self, model: str) -> None:
        """Vectors are made with this one from now on; with none: of what is written now there are none."""
        if model != self.model:
            logger.info("embedding_model", model=model or "none")
        self.model = model
        marking.is_on = bool(model)

    def chosen(self, connection: AnyConnection) -> str:
        """The model that is chosen now, maybe a moment before this process uses it."""
        choice = read_choice(connection)
        return self.default if choice is None else choice

    async def load(self, database: Database) -> None:
        self.use(await database.read(self.chosen))

    async def watch(self, database: Database) -> None:
        """Until cancelled: what was chosen by way of another process, should its bell not have been heard."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self.load(database)
            except QuarterdeckError as error:  # the next look may see it
                logger.warning("embedding_model_not_read", reason=error.message, detail=error.detail)

    async def embed(self, texts: list[str], model: str = "") -> list[list[float]]:
        """Raises: `QuarterdeckError`."""
        model = model or self.model
        if model not in self._makers:
            check_model(model, self.models)
            self._makers[model] = _make_maker(self._registry, model, self.models)
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

    async def prove(self, model: str) -> int:
        """Has a model make vectors of two texts; their length. Raises: `QuarterdeckError` saying why it cannot."""
        check_model(model, self.models)
        try:
            async with asyncio.timeout(_TRIAL_S):
                made = await self.embed(list(_TRIAL), model)
        except TimeoutError as error:
            raise EmbeddingError(f"The model {model} made no vectors within {_TRIAL_S:.0f} s.") from error
        sizes = {len(vector) for vector in made}
        if len(made) != len(_TRIAL) or len(sizes) != 1 or not all(map(_has_direction, made)):
            raise EmbeddingError(f"What the model {model} gives for two texts are no vectors of one length.")
        return sizes.pop()


def check_model(model: str, models: Path | None = None) -> None:
    """Raises: `SetupError` with one sentence that says what to do."""
    name, slash, rest = model.partition("/")
    if not slash or not name or not rest or not model.isprintable():
        raise SetupError(f"An embedding model is provider/model or local/NAME; {model[:80]} is not.")
    if find_spec("numpy") is None:
        raise SetupError("Finding by meaning needs the extra embeddings: pip install 'quarterdeck[embeddings]'")
    if name == "local":
        find_local(rest, models)


def _has_direction(vector: list[float]) -> bool:
    return any(vector) and all(map(math.isfinite, vector))


def _make_maker(registry: Registry, model: str, models: Path | None) -> Maker:
    name, _, rest = model.partition("/")
    return LocalMaker(rest, models) if name == "local" else ProviderMaker(registry, model)
