"""A request becomes a running turn: recorded in one transaction, then acknowledged, then run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from quarterdeck import metrics
from quarterdeck.domain.events import FeedConversation, encode_event
from quarterdeck.errors import OverloadedError, StaleWriterError
from quarterdeck.log.base import Log
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.turns import OPEN, TurnRow, request_stop
from quarterdeck.tracing import spans
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.record import (
    Accepted,
    Lease,
    Retry,
    Send,
    check_retry,
    check_send,
    record_retry,
    record_send,
    started_event,
)
from quarterdeck.turns.runner import TurnRunner

MAX_RUNNING = 5_000  # turns in one process; more are refused, with nothing stored


class Turns:
    """The commands of the house: send, retry, stop."""

    def __init__(self, database: Database, log: Log, registry: Registry, runner: TurnRunner, feed: Feed) -> None:
        self._database = database
        self._log = log
        self._registry = registry
        self._runner = runner
        self._feed = feed

    async def send(self, user: str, send: Send) -> Accepted:
        """When this returns, the message is kept and its turn runs (or waits for the one before it).

        Raises: `InputError`, `ConflictError`, `LimitError`, `ModelNotFoundError`, `StorageError`.
        """
        check_send(send)
        default = await self._default_model(send.model)
        return await self._begin(user, lambda connection, lease: record_send(connection, user, send, default, lease))

    async def retry(self, user: str, retry: Retry) -> Accepted:
        """Raises: as `send`, and `NotFoundError`."""
        check_retry(retry)
        default = await self._default_model(retry.model)
        return await self._begin(user, lambda connection, lease: record_retry(connection, user, retry, default, lease))

    async def stop(self, turn: str) -> None:
        """The turn ends with what it has, wherever it runs. Stopping an ended turn is no error."""
        is_open = await self._database.write(lambda connection: request_stop(connection, turn))
        if is_open:
            self._runner.stop(turn)

    async def _default_model(self, model: str | None) -> str:
        if model:
            self._registry.provider_for(model)  # an unknown provider is refused before anything is stored
            return model
        return await self._registry.default_model()

    async def _begin(self, user: str, record: Callable[[WriteConnection, Lease], Accepted]) -> Accepted:
        if self._runner.is_draining or self._runner.running >= MAX_RUNNING:
            raise OverloadedError("The server is busy. Nothing was sent; try again in a moment.", retry_after_s=2)
        begun_ns = spans.now_ns()
        accepted = await self._database.write(lambda connection: record(connection, self._runner.lease()))
        if accepted.is_new:
            metrics.TURNS_ACCEPTED.add()
            spans.record("send", accepted.row.id, begun_ns, model=accepted.row.model)
        if accepted.row.status in OPEN:
            beginning = asyncio.ensure_future(self._begin_log(accepted.row))
            if accepted.is_new and accepted.row.status == "running":
                self._runner.launch(accepted.row, last_seq=1)  # it has enough to do before its first event
            await beginning
        if accepted.is_new:
            self._feed.tell(user, FeedConversation(accepted.row.conversation_id))
        return accepted

    async def _begin_log(self, turn: TurnRow) -> None:
        """Who is told of a turn can follow it: also who sent the same again before the first one had begun its log."""
        with contextlib.suppress(StaleWriterError):  # it has begun
            await self._log.append(turn.id, 1, [encode_event(started_event(turn))])
