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
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.speakers import as_said
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.embedding_choice import save_fault
from quarterdeck.store.leases import claim_work, drop_work
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

_AT_ONCE = 32
_LOOK_S = 1.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 300.0
_SAY_EVERY_S = 60.0
_WORK = "vectors"
_LEASE_S, _WORK_S = 60.0, 20.0


class _Batch(Struct, frozen=True):
    due: list[DueRow]
    texts: dict[str, str]


class Indexing:
    """One per process that runs turns. `watch` it. Follows the embedding model when another one is chosen."""

    def __init__(self, database: Database, embedding: Embedding, worker: str) -> None:
        self._database = database
        self._embedding = embedding
        self._worker = worker
        self._model = ""
        self._is_settled = True  # everything has a vector of the model, and no other model has any
        self._is_checked = False
        self._fault: str | None = None  # that is stored; None: not known
        self._pause = self._not_before = 0.0  # seconds; by `monotonic`
        self._said_at = monotonic()

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            if self._embedding.model != self._model:
                await self._begin(self._embedding.model)
            if self._model and monotonic() >= self._not_before and await self._is_wanted():
                await self._make_if_nobody_else_does()
            await asyncio.sleep(_LOOK_S)

    async def _is_wanted(self) -> bool:
        return not self._is_settled or await self._database.read(lambda connection: bool(list_due(connection, 1)))

    async def _begin(self, model: str) -> None:
        self._model, self._is_settled, self._is_checked, self._fault = model, not model, False, None
        self._pause = self._not_before = 0.0
        if model:
            missing = await self._database.write(lambda connection: mark_all_without(connection, model))
            if missing:
                logger.info("vectors_missing", model=model, count=missing)

    async def _make_if_nobody_else_does(self) -> None:
        me, lease_ms = self._worker, int(_LEASE_S * 1000)
        if not await self._database.write(
            lambda connection: claim_work(connection, _WORK, me, period_ms=0, lease_ms=lease_ms)
        ):
            return
        try:
            await self._make_all()
        finally:
            await self._database.write(lambda connection: drop_work(connection, _WORK, me))

    async def _make_all(self) -> None:
        until = monotonic() + _WORK_S
        while monotonic() < until and self._embedding.model == self._model:
            asked_at = now_ms() + 1
            batch = await self._database.read(_read_batch)
            if not batch.due:
                if not self._is_settled:
                    self._is_settled = await self._database.write(self._settle)
                return
            if not await self._make(batch, asked_at):
                return
            await self._say_progress()

    def _settle(self, connection: WriteConnection) -> bool:
        """The other models' vectors served until now. False: not yet, or another model is chosen."""
        if self._embedding.chosen(connection) != self._model or list_due(connection, 1):
            return False
        # Once more what has none: a process that knew of no model yet may have written it. What says nothing has none.
        is_first, self._is_checked = not self._is_checked, True
        if is_first and mark_all_without(connection, self._model):
            return False
        drop_other_models(connection, self._model)
        return True

    async def _make(self, batch: _Batch, asked_at: int) -> bool:
        """False: not now."""
        keys, model = list(batch.texts), self._model
        try:
            made = await self._embedding.embed([batch.texts[key] for key in keys], model) if keys else []
        except QuarterdeckError as error:
            self._pause = min(max(self._pause * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._not_before = monotonic() + self._pause
            if self._fault != error.message:
                logger.warning("vectors_not_made", model=model, reason=error.message)
            await self._tell(error.message)
            return False
        self._pause = 0.0
        pack = import_module("quarterdeck.memory.meaning").pack
        packed = {key: pack(vector) for key, vector in zip(keys, made, strict=True)}

        def write(connection: WriteConnection) -> None:
            if self._embedding.chosen(connection) == model:
                settle_due(connection, model, batch.due, packed, asked_at)

        await self._database.write(write)
        await self._tell("")
        return True

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


def _read_batch(connection: ReadConnection) -> _Batch:
    due = list_due(connection, _AT_ONCE)
    said = read_spoken(connection, [row.key_id for row in due if row.kind == "message"])
    known = read_memory_texts(connection, [row.key_id for row in due if row.kind == "memory"])
    return _Batch(due, {row.id: _in_person(row) for row in (*said, *known)})


def _in_person(row: SpokenRow) -> str:
    return as_said(row.text, row.speaker, row.others)
