"""A request becomes a running turn: recorded in one transaction, then acknowledged, then run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from quarterdeck import metrics
from quarterdeck.accounts.limits import Limits
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import FeedConversation, encode_event
from quarterdeck.errors import ConflictError, LogError, StaleWriterError
from quarterdeck.log.base import Log, awaited
from quarterdeck.log.bell import Bell, LocalBell
from quarterdeck.providers.registry import Registry
from quarterdeck.store.approvals import Decision
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.search_queue import IndexQueue
from quarterdeck.store.turns import OPEN, TurnRow
from quarterdeck.tracing import spans
from quarterdeck.turns.admission import Admission
from quarterdeck.turns.claim import Lease, elapsed_s
from quarterdeck.turns.commands import Mailbox
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.patience import settles_within
from quarterdeck.turns.record import (
    Accepted,
    Retry,
    Send,
    check_retry,
    check_send,
    record_retry,
    record_send,
    started_event,
)
from quarterdeck.turns.record_edit import EditedSend, check_edited, record_edited
from quarterdeck.turns.runner import TurnRunner
from quarterdeck.turns.unclaimed import Unclaimed

logger = get_logger("quarterdeck.turns")

_REMEMBERED = 10_000  # sends that were acknowledged lately
_LOG_S = 1.0  # how long an acknowledgement waits for log and bell; that the message is kept does not depend on it

_Record = Callable[[WriteConnection, Lease | None], Accepted]
_Name = tuple[str, str]  # of a send: the user, the idempotency key


class Turns:
    """The commands of the house: send, retry, stop.

    Without a runner (in a process that only serves the web) a turn is left to whoever hears the bell.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        registry: Registry,
        limits: Limits,
        runner: TurnRunner | None,
        feed: Feed,
        index_queue: IndexQueue,
        bell: Bell | None = None,
    ) -> None:
        self._database = database
        self._log = log
        self._registry = registry
        self._limits = limits
        self._runner = runner
        self._feed = feed
        self._index_queue = index_queue
        self._bell = bell or LocalBell()
        self._mailbox = Mailbox(database, self._bell)
        self.admission = Admission()
        self._unclaimed = Unclaimed(database)
        self._acknowledged: dict[tuple[str, str], None] = {}  # by user and key; oldest first
        self._beginnings: set[asyncio.Future[None]] = set()  # that take longer than their acknowledgement

    async def send(self, user: str, send: Send, *, since_s: float | None = None) -> Accepted:
        """When this returns, the message is kept and its turn runs (or waits for the one before it).

        `since_s`: since when it waits, as for `Admission.enter`.
        Raises: `InputError`, `ConflictError`, `LimitError` (`OverBudgetError`), `ModelNotFoundError`,
        `ModelForbiddenError`, `StorageError`.
        """
        check_send(send)
        default = await self._default_model(user, send.model)
        admit = self._limits.admit
        return await self._begin(
            (user, send.key),
            lambda connection, lease: record_send(connection, user, send, default, lease, admit),
            since_s,
        )

    async def retry(self, user: str, retry: Retry, *, since_s: float | None = None) -> Accepted:
        """Raises: as `send`, and `NotFoundError`."""
        check_retry(retry)
        default = await self._default_model(user, retry.model)
        admit = self._limits.admit
        return await self._begin(
            (user, retry.key),
            lambda connection, lease: record_retry(connection, user, retry, default, lease, admit),
            since_s,
        )

    async def edit_and_send(self, user: str, edited: EditedSend, *, since_s: float | None = None) -> Accepted:
        """Raises: as `retry`, and `StaleVersionError`, `StillRunningError`."""
        check_edited(edited)
        default = await self._default_model(user, edited.model)
        admit = self._limits.admit
        return await self._begin(
            (user, edited.key),
            lambda connection, lease: record_edited(connection, user, edited, default, lease, admit),
            since_s,
        )

    async def stop(self, turn: str) -> None:
        """The turn ends with what it has, wherever it runs. Stopping an ended turn is no error."""
        command = await self._mailbox.stop(turn)
        if command is not None and self._runner is not None:
            self._runner.obey(command)

    async def settle(self, turn: TurnRow, decision: Decision) -> None:
        """The turn goes on with a tool call, or without it, wherever it runs.

        Raises: `ConflictError` when it has ended.
        """
        command = await self._mailbox.settle(turn, decision)
        if command is None:
            raise ConflictError("This answer has ended. Nothing waits for your decision any more.")
        if self._runner is not None:
            self._runner.obey(command)

    async def _default_model(self, user: str, model: str | None) -> str:
        if model:
            await self._registry.look_for(model)
            self._registry.provider_for(model)  # an unknown provider is refused before anything is stored
            return model
        return await self._limits.default_model(user)

    async def _begin(self, name: _Name, record: _Record, since_s: float | None) -> Accepted:
        runner = self._runner
        if name not in self._acknowledged:  # such a one costs little, and may not be told that nothing was sent
            self._refuse_if_full(runner)
            await self.admission.enter(since_s)
            try:
                accepted, begun_s = await self._record(record)
            finally:
                self.admission.leave()
        else:
            accepted, begun_s = await self._record(record)
        self._remember(name)
        if accepted.row.status in OPEN:
            beginning = self._begin_log(accepted.row)
            if runner is not None and accepted.row.lease_owner == runner.worker:
                _launch(runner, accepted, begun_s)
            await self._wait_a_little(accepted.row, beginning)
        if accepted.is_new:
            self._feed.tell(name[0], FeedConversation(accepted.row.conversation_id))
        return accepted

    def _refuse_if_full(self, runner: TurnRunner | None) -> None:
        if runner is None:
            if self._unclaimed.are_too_many():
                raise self.admission.refuse("queue", retry_after_s=10.0)
        elif runner.is_draining:
            raise self.admission.refuse("draining")
        elif runner.is_full:
            raise self.admission.refuse("full", retry_after_s=10.0)

    async def _record(self, record: _Record) -> tuple[Accepted, float]:
        """What was recorded, and since when its lease counts (`elapsed_s`)."""
        begun_ns, since_s = spans.now_ns(), elapsed_s()
        lease = None if self._runner is None else self._runner.lease
        accepted = await self._database.write(lambda connection: record(connection, lease))
        if accepted.is_new:
            metrics.TURNS_ACCEPTED.add()
            if accepted.said is not None:
                self._index_queue.put(accepted.said)
            spans.record("send", accepted.row.id, begun_ns, model=accepted.row.model)
        return accepted, since_s

    def _remember(self, name: _Name) -> None:
        self._acknowledged[name] = None
        if len(self._acknowledged) > _REMEMBERED:
            del self._acknowledged[next(iter(self._acknowledged))]

    async def _wait_a_little(self, turn: TurnRow, beginning: asyncio.Future[None]) -> None:
        """Neither log nor bell may hold up the acknowledgement: workers look for themselves when it is not heard."""
        if turn.status == "running" and turn.lease_owner is None:
            beginning = asyncio.create_task(self._ring_after(beginning, turn))
        if not await settles_within(beginning, _LOG_S):
            self._beginnings.add(beginning)
            beginning.add_done_callback(self._beginnings.discard)

    async def _ring_after(self, beginning: asyncio.Future[None], turn: TurnRow) -> None:
        await asyncio.wait([beginning])
        await self._bell.ready(turn.id)

    def _begin_log(self, turn: TurnRow) -> asyncio.Future[None]:
        """Who is told of a turn can follow it: also who sent the same again before the first one had begun its log."""
        beginning, told = awaited()
        self._log.append_soon(turn.id, 1, [encode_event(started_event(turn))], told)
        beginning.add_done_callback(partial(_note_beginning, turn.id))
        return beginning


def _note_beginning(turn: str, beginning: asyncio.Future[None]) -> None:
    error = None if beginning.cancelled() else beginning.exception()
    if error is None or isinstance(error, StaleWriterError):
        return  # it has begun, now or before
    detail = error.detail if isinstance(error, LogError) else repr(error)
    logger.warning("log_not_begun", turn=turn, reason=str(error), detail=detail)  # the worker begins it when it can


def _launch(runner: TurnRunner, accepted: Accepted, since_s: float) -> None:
    if accepted.is_new:
        runner.launch(accepted.row, since_s=since_s, last_seq=1)  # it has enough to do before its first event
    elif not runner.runs(accepted.row.id):
        runner.launch(accepted.row)  # recorded, but whoever recorded it was not told so
