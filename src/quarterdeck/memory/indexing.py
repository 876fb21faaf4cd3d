"""Vectors are made in the background, the newest first; a provider that is away is asked again later.

One process of a fleet does it at a time. What has no vector yet is found by its words.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from time import monotonic

from msgspec import Struct

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import QuarterdeckError
from quarterdeck.lasting import keep_going
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.spaces import version_of, with_dimensions
from quarterdeck.memory.speakers import as_said
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.embedding_choice import read_dimensions, save_fault, save_space
from quarterdeck.store.leases import claim_work, drop_work, renew_work
from quarterdeck.store.recall_find import SpokenRow, read_memory_texts, read_spoken
from quarterdeck.store.vectors import (
    DueRow,
    count_due,
    drop_other_models,
    list_due,
    mark_all_without,
    settle_due,
)

logger = get_logger("quarterdeck.memory")

_LOOK_S = 1.0
_VERSION_LOOK_S, _BROKEN_LOOK_S = 10.0, 60.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 300.0
_SAY_EVERY_S = 60.0
_WORK = "vectors"
_LEASE_S, _WORK_S = 60.0, 20.0


class _Batch(Struct, frozen=True):
    due: list[DueRow]
    texts: dict[str, str]


class Indexing:
    """One per process that runs turns. `watch` it. Follows the embedding model when another one is chosen, and when
    its files, or the vectors of its provider, become others.
    """

    def __init__(self, database: Database, embedding: Embedding, worker: str) -> None:
        self._database = database
        self._embedding = embedding
        self._worker = worker
        self._model = self._space = ""
        self._found = ""  # the space of the model as this machine has it
        self._dimensions = 0  # of the space; 0: not known
        self._is_settled = True  # everything has a vector of the space, and no other one has any
        self._is_checked = self._is_mine = False
        self._is_broken = False  # the files that are here now are no model
        self._fault: str | None = None  # that is stored; None: not known
        self._pause = self._not_before = self._look_at = 0.0  # seconds; by `monotonic`
        self._said_at = monotonic()

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            if self._embedding.model != self._model:
                await self._begin(self._embedding.model)
            elif self._model and (not self._space or monotonic() >= self._look_at):
                await self._follow_version()
            if self._model and monotonic() >= self._not_before and await self._is_wanted():
                await self._make_if_nobody_else_does()
            await asyncio.sleep(_LOOK_S)

    async def _is_wanted(self) -> bool:
        return not self._is_settled or await self._database.read(lambda connection: bool(list_due(connection, 1)))

    async def _begin(self, model: str) -> None:
        self._model, self._found, self._is_settled, self._fault = model, "", not model, None
        self._space, self._is_broken = "", False
        if model:
            await self._follow_version()

    async def _follow_version(self) -> None:
        """What is here now wins when it has changed here; else what another process of the fleet has found."""
        self._look_at = monotonic() + _VERSION_LOOK_S
        model, embedding = self._model, self._embedding
        stored = await self._database.read(lambda connection: embedding.space(connection, model))
        found = await self._find_space(is_new=not self._found)
        is_changed = found not in ("", self._found) and found.startswith("local/") and found != stored
        if is_changed and version_of(stored) and not await self._can_be_used(model):
            self._is_broken, self._look_at = True, monotonic() + _BROKEN_LOOK_S
            self._space = self._space or stored
            return
        if found and self._is_broken:
            self._is_broken = False
            await self._tell("")
        self._found = found or self._found
        space = found if is_changed else stored
        if space != self._space:
            await self._enter(space)

    async def _find_space(self, *, is_new: bool) -> str:
        try:
            return await self._embedding.find_space(self._model)
        except QuarterdeckError as error:  # it is told again when it is asked for vectors
            if is_new:
                logger.warning("embedding_model_not_found", model=self._model, reason=error.message)
            return ""

    async def _can_be_used(self, model: str) -> bool:
        """Of files that are being replaced the vectors that are there are not given up."""
        try:
            await self._embedding.prove(model)
        except QuarterdeckError as error:
            logger.warning("embedding_model_not_followed", model=model, reason=error.message, detail=error.detail)
            await self._tell(error.message)
            return False
        return True

    async def _enter(self, space: str) -> None:
        """Vectors are of this space from now on; those that there are serve until everything has one."""
        model = self._model
        self._space, self._dimensions, self._is_settled, self._is_checked = space, 0, False, False
        self._pause = self._not_before = 0.0

        def write(connection: WriteConnection) -> int:
            save_space(connection, model, space, read_dimensions(connection, space))
            return mark_all_without(connection, space)

        missing = await self._database.write(write)
        if missing:
            logger.info("vectors_missing", model=space, count=missing)

    async def _make_if_nobody_else_does(self) -> None:
        me, lease_ms = self._worker, int(_LEASE_S * 1000)
        self._is_mine = await self._database.write(
            lambda connection: claim_work(connection, _WORK, me, period_ms=0, lease_ms=lease_ms)
        )
        if not self._is_mine:
            return
        renewing = asyncio.create_task(keep_going("vectors lease", self._renew))
        try:
            await self._make_all()
        finally:
            renewing.cancel()
            await self._database.write(lambda connection: drop_work(connection, _WORK, me))

    async def _renew(self) -> None:
        """A batch may take longer than a lease; one that is lost all the same is somebody else's work now."""
        me, lease_ms = self._worker, int(_LEASE_S * 1000)
        while self._is_mine:
            await asyncio.sleep(_LEASE_S / 3)
            try:
                self._is_mine = await self._database.write(
                    lambda connection: renew_work(connection, _WORK, me, lease_ms=lease_ms)
                )
            except QuarterdeckError as error:  # the next time may be in time
                logger.warning("vectors_lease_not_renewed", reason=error.message, detail=error.detail)

    async def _make_all(self) -> None:
        until = monotonic() + _WORK_S
        while self._is_mine and monotonic() < until and self._embedding.model == self._model:
            asked_at = now_ms() + 1
            batch = await self._database.read(self._read_batch)
            if not batch.due:
                if not self._is_settled:
                    self._is_settled = await self._database.write(self._settle)
                    if self._is_settled:
                        self._embedding.close_others(self._space)
                return
            if not await self._make(batch, asked_at):
                return
            await self._say_progress()

    def _read_batch(self, connection: ReadConnection) -> _Batch:
        due = list_due(connection, self._embedding.batch_size())
        said = read_spoken(connection, [row.key_id for row in due if row.kind == "message"])
        known = read_memory_texts(connection, [row.key_id for row in due if row.kind == "memory"])
        return _Batch(due, {row.id: _in_person(row) for row in (*said, *known)})

    def _settle(self, connection: WriteConnection) -> bool:
        """The other spaces' vectors served until now. False: not yet, or another model is chosen."""
        if not self._is_current(connection) or list_due(connection, 1):
            return False
        # Once more what has none: a process that knew of no model yet may have written it. What says nothing has none.
        is_first, self._is_checked = not self._is_checked, True
        if is_first and mark_all_without(connection, self._space):
            return False
        drop_other_models(connection, self._space)
        return True

    def _is_current(self, connection: WriteConnection) -> bool:
        is_chosen = self._embedding.chosen(connection) == self._model
        return is_chosen and self._embedding.space(connection, self._model) == self._space

    async def _make(self, batch: _Batch, asked_at: int) -> bool:
        """False: not now."""
        keys, space = list(batch.texts), self._space
        try:
            made = await self._embedding.embed([batch.texts[key] for key in keys], space) if keys else []
        except QuarterdeckError as error:
            self._pause = min(max(self._pause * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._not_before = monotonic() + self._pause
            if self._fault != error.message:
                logger.warning("vectors_not_made", model=space, reason=error.message)
            await self._tell(error.message)
            return False
        self._pause = 0.0
        if made and not await self._is_of_the_space(len(made[0])):
            return False
        pack = import_module("quarterdeck.memory.meaning").pack
        packed = {key: pack(vector) for key, vector in zip(keys, made, strict=True)}

        def write(connection: WriteConnection) -> None:
            if self._is_current(connection):
                settle_due(connection, space, batch.due, packed, asked_at)

        await self._database.write(write)
        await self._tell("")
        return True

    async def _is_of_the_space(self, dimensions: int) -> bool:
        """False: the provider has another model under this name now, and everything gets its vector anew."""
        model, space = self._model, self._space
        if not self._dimensions:
            self._dimensions = await self._database.read(lambda connection: read_dimensions(connection, space))
        if not self._dimensions:
            await self._database.write(lambda connection: save_space(connection, model, space, dimensions))
        known = self._dimensions = self._dimensions or dimensions
        if dimensions == known:
            return True
        logger.warning("embedding_dimensions_changed", model=model, before=known, now=dimensions)
        await self._enter(with_dimensions(model, dimensions))
        return False

    async def _tell(self, fault: str) -> None:
        """Every process can say how it goes."""
        if self._fault != fault:
            model = self._model
            await self._database.write(lambda connection: save_fault(connection, model, fault))
            self._fault = fault

    async def _say_progress(self) -> None:
        if monotonic() - self._said_at > _SAY_EVERY_S:
            self._said_at = monotonic()
            left = await self._database.read(count_due)
            logger.info("vectors_in_progress", model=self._model, left=left)


def _in_person(row: SpokenRow) -> str:
    return as_said(row.text, row.speaker, row.others)
