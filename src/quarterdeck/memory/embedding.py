"""What makes vectors: a provider's embedding model, or a sentence model on this machine.

A model is `provider/model`, or `local/NAME` (`local_places.py` says what NAME may be). An admin chooses it
(`embedding_choice.py`); as long as nobody has, it is that of `QUARTERDECK_EMBEDDING_MODEL`. Vectors are of a space: a
model in one version (`spaces.py`).
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError, SetupError
from quarterdeck.late import install_command
from quarterdeck.memory.local_places import find_local
from quarterdeck.memory.makers import EmbeddingError, LocalMaker, Maker, make_maker
from quarterdeck.memory.prefixes import prefixes_of
from quarterdeck.memory.spaces import find_space, first_space, model_of, version_of
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import AnyConnection, Database
from quarterdeck.store.embedding_choice import read_choice, read_space
from quarterdeck.store.vectors import marking

logger = get_logger("quarterdeck.memory")

_KEPT_QUERIES = 256
_MOST_CHARS = 8_000  # of a text: models read no more of it
_AT_ONCE, _LOCAL_AT_ONCE = 32, 128
_LOOK_S = 5.0
_TRIAL_S = 60.0  # a large local model is read from a slow disk in that time
_TRIAL = ("I grew up in Lisbon.", "My mother is a carpenter.")


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

    def space(self, connection: AnyConnection, model: str = "") -> str:
        """That vectors of a model (the one in use) are made in now."""
        model = model or self.model
        return read_space(connection, model) or first_space(model)

    async def find_space(self, model: str) -> str:
        """The space of a model as it is on this machine now. Raises: `QuarterdeckError`."""
        check_model(model, self.models)
        try:
            return await asyncio.to_thread(find_space, model, self.models)
        except OSError as error:
            raise EmbeddingError(
                f"The files of the embedding model {model} cannot be read.", detail=repr(error)
            ) from error

    def can_serve(self, space: str, now: str) -> bool:
        """Whether questions can be put to another space until `now` is whole. Its model may be gone from here."""
        if space == now or model_of(space) != model_of(now):
            return True
        if now.startswith("local/"):
            return not version_of(space) or space in self._makers
        return not version_of(now).endswith("d")  # the provider gives vectors of another length now

    def batch_size(self) -> int:
        """Texts that are given to the model together: a local one computes those of like length in one."""
        return _LOCAL_AT_ONCE if self.model.startswith("local/") else _AT_ONCE

    async def embed(self, texts: list[str], space: str) -> list[list[float]]:
        """Of what is looked through. Raises: `QuarterdeckError`."""
        return await self._embed(texts, space, prefixes_of(model_of(space)).passage)

    async def embed_query(self, text: str, space: str) -> list[float]:
        """Kept for when it is asked again. Raises: `QuarterdeckError`."""
        kept = self._queries.get((space, text))
        if kept is None:
            kept = (await self._embed([text], space, prefixes_of(model_of(space)).query))[0]
            self._queries[space, text] = kept
            if len(self._queries) > _KEPT_QUERIES:
                self._queries.popitem(last=False)
        return kept

    async def _embed(self, texts: list[str], space: str, prefix: str) -> list[list[float]]:
        if space not in self._makers:
            check_model(model_of(space), self.models)
            self._makers[space] = make_maker(self._registry, space, self.models)
        made = await self._makers[space].embed([prefix + (text[:_MOST_CHARS] or " ") for text in texts])
        if len(made) != len(texts) or len({len(vector) for vector in made}) > 1:
            raise EmbeddingError(f"What the model {model_of(space)} gives are no vectors of one length for each text.")
        return made

    def close_others(self, space: str) -> None:
        """Local models that served until now: they hold much memory."""
        for other in [name for name in self._makers if name != space]:
            maker = self._makers.pop(other)
            if isinstance(maker, LocalMaker):
                maker.close()

    async def prove(self, model: str) -> int:
        """Has a model make vectors of two texts; their length. Raises: `QuarterdeckError` saying why it cannot."""
        space = await self.find_space(model)
        try:
            async with asyncio.timeout(_TRIAL_S):
                made = await self.embed(list(_TRIAL), space)
        except TimeoutError as error:
            raise EmbeddingError(f"The model {model} made no vectors within {_TRIAL_S:.0f} s.") from error
        if not all(map(_has_direction, made)):
            raise EmbeddingError(f"What the model {model} gives for two texts are no vectors of one length.")
        return len(made[0])


def check_model(model: str, models: Path | None = None) -> None:
    """Raises: `SetupError` with one sentence that says what to do."""
    name, slash, rest = model.partition("/")
    if not slash or not name or not rest or not model.isprintable():
        raise SetupError(f"An embedding model is provider/model or local/NAME; {model[:80]} is not.")
    if find_spec("numpy") is None:
        raise SetupError(f"Finding by meaning needs the extra embeddings: run `{install_command('embeddings')}`.")
    if name == "local":
        find_local(rest, models)


def _has_direction(vector: list[float]) -> bool:
    return any(vector) and all(map(math.isfinite, vector))
