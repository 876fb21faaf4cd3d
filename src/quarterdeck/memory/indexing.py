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
from quarterdeck.store.leases import claim_work, drop_work
from quarterdeck.store.recall_find import SpokenRow, read_memory_texts, read_spoken
from quarterdeck.store.vectors import (
    DueRow,
    count_due,
    drop_other_models,
    list_due,
    mark_all_without,
    marking,
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
    """One per process that runs turns. `watch` it."""

    def __init__(self, database: Database, embedding: Embedding, worker: str) -> None:
        self._database = database
        self._embedding = embedding
        self._worker = worker
        self._pause = 0.0
        self._said_at = monotonic()
        marking.is_on = True

    async def watch(self) -> None:
        """Until cancelled."""
        model = self._embedding.model
        missing = await self._database.write(lambda connection: mark_all_without(connection, model))
        if missing:
            logger.info("vectors_missing", model=model, count=missing)
        while True:
            if await self._database.read(lambda connection: bool(list_due(connection, 1))):
                await self._make_if_nobody_else_does()
            await asyncio.sleep(self._pause or _LOOK_S)

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
        while monotonic() < until:
            asked_at = now_ms() + 1
            batch = await self._database.read(_read_batch)
            if not batch.due:
                await self._database.write(self._finish)
                return
            if not await self._make(batch, asked_at):
                return
            await self._say_progress()

    def _finish(self, connection: WriteConnection) -> None:
        if not list_due(connection, 1):
            drop_other_models(connection, self._embedding.model)

    async def _make(self, batch: _Batch, asked_at: int) -> bool:
        """False: not now."""
        keys = list(batch.texts)
        try:
            made = await self._embedding.embed([batch.texts[key] for key in keys]) if keys else []
        except QuarterdeckError as error:
            self._pause = min(max(self._pause * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            if self._embedding.error != error.message:
                logger.warning("vectors_not_made", model=self._embedding.model, reason=error.message)
            self._embedding.error = error.message
            return False
        self._pause, self._embedding.error = 0.0, ""
        pack = import_module("quarterdeck.memory.meaning").pack
        packed = {key: pack(vector) for key, vector in zip(keys, made, strict=True)}
        model = self._embedding.model
        await self._database.write(lambda connection: settle_due(connection, model, batch.due, packed, asked_at))
        return True

    async def _say_progress(self) -> None:
        if monotonic() - self._said_at > _SAY_EVERY_S:
            self._said_at = monotonic()
            left = await self._database.read(count_due)
            logger.info("vectors_in_progress", model=self._embedding.model, left=left)


def _read_batch(connection: ReadConnection) -> _Batch:
    due = list_due(connection, _AT_ONCE)
    said = read_spoken(connection, [row.key_id for row in due if row.kind == "message"])
    known = read_memory_texts(connection, [row.key_id for row in due if row.kind == "memory"])
    return _Batch(due, {row.id: _in_person(row) for row in (*said, *known)})


def _in_person(row: SpokenRow) -> str:
    return as_said(row.text, row.speaker, row.others)
