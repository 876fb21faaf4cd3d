"""Runs this process's turns: leases kept, events into the log, the answer saved, the next one begun."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import FeedTurnStarted
from quarterdeck.errors import LogError, QuarterdeckError, StaleWriterError
from quarterdeck.lasting import keep_going
from quarterdeck.log.base import Log
from quarterdeck.log.bell import Bell, LocalBell
from quarterdeck.store.approvals import list_decided
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.turns import TurnRow, claim_turns
from quarterdeck.tracing import spans
from quarterdeck.turns.claim import Claim, Claims, Lease, elapsed_s
from quarterdeck.turns.commands import Command
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.finish import Finish
from quarterdeck.turns.job import InterruptedTurnError, Job
from quarterdeck.turns.opening import Opening
from quarterdeck.turns.outbox import Outbox
from quarterdeck.turns.rooms import Rooms

logger = get_logger("quarterdeck.turns")

MAX_RUNNING = 5_000  # turns in one process; more are refused or left to others
_RENEW_S = 3.0
_RENEW_AGAIN_S = 0.5
_EARLY_STOPS = 1_000
_NEXT_AFTER_S = 1.0
_PASS_BY_S = 0.2
_LEAVE_S = 1.0


class TurnRunner:
    """`launch` a claimed turn, `claim` one that waits, `stop` one, `drain` all. One instance in a process."""

    def __init__(
        self,
        rooms: Rooms,
        log: Log,
        feed: Feed,
        worker: str,
        bell: Bell | None = None,
        *,
        max_running: int = MAX_RUNNING,
    ) -> None:
        self._rooms = rooms
        self._log = log
        self._feed = feed
        self.worker = worker
        self.lease = Lease(worker)
        self.max_running = max_running
        self._claims = Claims(rooms.database, self.lease)
        self._bell = bell or LocalBell()
        self._finish = Finish(rooms.database, log, feed, self._bell, self.lease, rooms.index_queue)
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._waiting: set[str] = set()  # turns that wait for their users to decide about a tool call
        self._passed_by: set[str] = set()
        self._early_stops: dict[str, None] = {}  # asked for before the job was there to hear it; oldest first
        self._renewal: asyncio.Task[None] | None = None
        self.is_draining = False
        self.followers: list[Callable[[TurnRow], None]] = []
        """Told of each turn that was answered whole here, when all is saved and closed; they return at once."""

    def start(self) -> None:
        self._renewal = asyncio.create_task(keep_going("leases", self._renew_forever))

    async def claim(self, turn: str) -> bool:
        """Run a turn that waits, if it is still to be had; one that this process cannot take is rung for again.

        Raises: `StorageError`.
        """
        if self.is_draining or self.is_full:
            await self._pass_by(turn)
            return False
        return bool(await self.claim_all([turn]))

    async def claim_all(
        self,
        wanted: list[str],
        *,
        others_are_dead: bool = False,
        dead: str | None = None,
        is_log_doubtful: bool = False,
    ) -> list[str]:
        """Run those of these turns that are still to be had, all taken in one transaction; which they are.

        `others_are_dead`, `dead`: as for `claim_turn`; `is_log_doubtful`: as for `Opening`. Raises: `StorageError`.
        """
        free = [turn for turn in wanted if not self.runs(turn)]
        if not free or self.is_draining:
            return []

        def take(connection: WriteConnection) -> list[TurnRow]:
            until = self.lease.until(connection)
            return claim_turns(
                connection, free, worker=self.worker, lease_until=until, others_are_dead=others_are_dead, dead=dead
            )

        since_s = elapsed_s()
        rows = await self._rooms.database.write(take)
        for row in rows:
            self.launch(row, since_s=since_s, is_log_doubtful=is_log_doubtful)
        return [row.id for row in rows]

    async def _pass_by(self, turn: str) -> None:
        """Who rang told one worker only, and this one keeps itself from being the next for a moment."""
        if turn not in self._passed_by:  # where the bell rings for everybody, it comes back to us
            self._passed_by.add(turn)
            try:
                await self._bell.ready(turn)
                await asyncio.sleep(_PASS_BY_S)
            finally:
                self._passed_by.discard(turn)

    def launch(
        self,
        turn: TurnRow,
        *,
        since_s: float | None = None,
        last_seq: int | None = None,
        is_log_doubtful: bool = False,
    ) -> None:
        """Run a turn whose lease this worker has, asked for at `since_s` (`elapsed_s`).

        `last_seq`: 1 for a turn that was recorded just now; None to go and look what its log holds.
        """
        if turn.id not in self._tasks:
            claim = self._claims.add(turn.id, since_s)
            opening = Opening(
                self._rooms.database, self._log, turn, claim, lambda: self._tell_running(turn), self._raise_if_leaving,
                is_fresh=last_seq == 1, is_log_doubtful=is_log_doubtful,
            )  # fmt: skip
            work = self._run(turn, claim, opening)
            work = spans.traced("run", turn.id, work, worker=self.worker, model=turn.model)
            task = asyncio.create_task(work, name=f"turn-{turn.id}")
            self._tasks[turn.id] = task
            metrics.TURNS_RUNNING.add(1)
            task.add_done_callback(lambda _: self._forget(turn.id))

    def _forget(self, turn: str) -> None:
        self._tasks.pop(turn, None)
        metrics.TURNS_RUNNING.add(-1)

    def obey(self, command: Command) -> None:
        """What came out of a turn's mailbox, wherever that turn runs."""
        match command.verb:
            case "stop":
                self.stop(command.turn)
            case "settle":
                if (job := self._jobs.get(command.turn)) is not None:
                    job.look_for_decisions()

    def stop(self, turn: str) -> bool:
        """End a turn with what it has; False when it does not run here."""
        if (job := self._jobs.get(turn)) is not None:
            job.interrupt(is_stop=True)
        else:
            self._early_stops[turn] = None  # it may have been claimed, and not launched yet
            if len(self._early_stops) > _EARLY_STOPS:
                del self._early_stops[next(iter(self._early_stops))]
        return turn in self._tasks

    def runs(self, turn: str) -> bool:
        return turn in self._tasks

    @property
    def running(self) -> int:
        return len(self._tasks)

    @property
    def room(self) -> int:
        """How many more turns may run here. One that waits for its user, for hours perhaps, takes no place, until there
        are as many of those again."""
        return max(0, self.max_running + min(len(self._waiting), self.max_running) - len(self._tasks))

    @property
    def is_full(self) -> bool:
        return not self.room

    def take_closed(self) -> set[str]:
        """The turns whose logs have been ended here since the last call."""
        closed, self._finish.closed = self._finish.closed, set()
        return closed

    async def drain(self, timeout_s: float, grace_s: float = 0.0) -> None:
        """Hand every turn over at an event boundary; another worker, or whoever starts next, goes on from there.

        For `grace_s` they may end by themselves; for `timeout_s` after that they may take their leave.
        """
        self.is_draining = True
        if self._tasks and grace_s:
            await asyncio.wait(list(self._tasks.values()), timeout=grace_s)
        for job in list(self._jobs.values()):
            job.interrupt(is_stop=False)
        self._finish.is_leaving = True
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=timeout_s)
        for task in list(self._tasks.values()):
            task.cancel()
        if self._renewal is not None:
            self._renewal.cancel()

    async def _run(self, turn: TurnRow, claim: Claim, opening: Opening) -> None:
        started_s = asyncio.get_running_loop().time()
        outbox: Outbox | None = None
        job: Job | None = None
        try:
            outbox = await opening.open()
            job = self._jobs[turn.id] = Job(
                self._rooms, turn, claim, outbox, is_fresh=opening.is_fresh, waiting=self._waiting
            )  # fmt: skip
            if turn.id in self._early_stops or self._finish.is_leaving:
                job.interrupt(is_stop=turn.id in self._early_stops)
            self._tell_running(turn)
            ended = await job.answer()
            since_s = elapsed_s()
            saved = await self._finish.save(job, ended, claims_next=not self.is_draining)
            closing = self._finish.close(job, ended, asyncio.get_running_loop().time() - started_s)
            await self._close_and_go_on(closing, saved.next_turn, since_s)
            for follower in self.followers if ended.status == "complete" else ():
                follower(turn)
            await job.finish_up()
        except InterruptedTurnError:
            if outbox is not None:
                with contextlib.suppress(LogError):
                    await outbox.catch_up(_LEAVE_S)
                outbox.abandon()
            await self._finish.hand_over(turn, job)
        except StaleWriterError:
            logger.warning("turn_lost", turn=turn.id, worker=self.worker)
            metrics.TURNS_LOST.add()
            spans.describe("lost")
        except QuarterdeckError as error:  # the log or the database would not have it: the reaper tries again
            logger.error("turn_not_saved", turn=turn.id, code=error.code, reason=error.message, detail=error.detail)
        except Exception as error:  # what nobody thought of would be taken over again and again
            logger.error("turn_crashed", turn=turn.id, exc_info=error)
            await self._finish.bury(turn, job, error)
        finally:
            if outbox is not None:
                outbox.abandon()
            if job is not None:
                job.notes.drop()
            self._claims.remove(turn.id)
            self._jobs.pop(turn.id, None)
            self._early_stops.pop(turn.id, None)

    async def _close_and_go_on(
        self, closing: Coroutine[None, None, None], following: TurnRow | None, since_s: float
    ) -> None:
        """The conversation's next turn waits for the end of this one's log, but not while the log is away."""
        if following is None:
            return await closing
        task = asyncio.create_task(closing)
        try:
            await asyncio.wait([task], timeout=_NEXT_AFTER_S)
            self.launch(following, since_s=since_s)
            await task
        finally:
            task.cancel()

    def _raise_if_leaving(self) -> None:
        if self._finish.is_leaving:
            raise InterruptedTurnError(is_stop=False)

    def _tell_running(self, turn: TurnRow) -> None:
        self._feed.tell(turn.owner_id, FeedTurnStarted(turn.conversation_id, turn.id))

    async def _renew_forever(self) -> None:
        pause_s = _RENEW_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = _RENEW_S
            try:
                renewal = await self._claims.renew()
            except QuarterdeckError as error:
                logger.warning("leases_not_renewed", reason=error.message, detail=error.detail)
                pause_s = _RENEW_AGAIN_S  # before others may think that we are dead
                continue
            for turn in renewal.lost:
                if (job := self._jobs.get(turn)) is not None:
                    job.lose()
            for turn in renewal.stopping:
                self.stop(turn)
            await self._find_decisions()

    async def _find_decisions(self) -> None:
        """Those that nobody was told of: a ring of the bell may be lost."""
        waiting = list(self._waiting)
        if not waiting:
            return
        try:
            decided = await self._rooms.database.read(lambda connection: list_decided(connection, waiting))
        except QuarterdeckError as error:  # the next renewal looks again
            logger.warning("decisions_not_looked_for", reason=error.message, detail=error.detail)
            return
        for turn in decided:
            if (job := self._jobs.get(turn)) is not None:
                job.look_for_decisions()
