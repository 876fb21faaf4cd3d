"""Appends on their way to a shared store: gathered, committed together, settled when an answer was lost.

An append whose answer did not come may have been written. It is sent again: the store refuses what is there
already, and then a look tells whether those entries are this append's own. If the store stays away, the caller
gets an error and keeps its entries; the log is remembered as *doubtful*, and when the caller comes again with
them, those that did arrive are recognised. So a late arrival is never doubled, and nothing else can take its
numbers unnoticed.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.log.backend import Addition, AnswerLostError, Backend, Look, Verdict
from quarterdeck.log.base import Entry, Told
from quarterdeck.log.gather import Gatherer
from quarterdeck.log.refusal import refusal

_DOUBTFUL_MAX = 10_000
_BATCH_ENTRIES = 2_000
_BATCH_BYTES = 4 * 1024 * 1024

_log = get_logger(__name__)

OnCommitted = Callable[[Addition], None]


class _Waiting:
    """An addition, and who is told how it ended."""

    __slots__ = ("addition", "told")

    def __init__(self, addition: Addition, told: Told) -> None:
        self.addition, self.told = addition, told

    def settle(self, error: LogError | None = None) -> None:
        try:
            self.told(error)
        except Exception as failure:  # whose it is; the others must hear of theirs
            _log.error("log.not_told", exc_info=failure)


class Additions:
    """`on_committed` is called for each, before its caller goes on."""

    def __init__(self, backend: Backend, on_committed: OnCommitted) -> None:
        self._backend, self._on_committed = backend, on_committed
        self._gatherer = Gatherer(self._carry, _take_one_of_each)
        self._doubtful: OrderedDict[str, int] = OrderedDict()  # with the seq of the append nothing is known of

    def add(self, addition: Addition, told: Told) -> None:
        """`told` hears when it is committed, or of a `StaleWriterError` or `LogError`."""
        self._gatherer.put(_Waiting(addition, told))

    async def settle(self) -> None:
        await self._gatherer.settle()

    async def _carry(self, batch: list[_Waiting]) -> None:
        begun_s = time.perf_counter()
        try:
            verdicts = await self._commit([waiting.addition for waiting in batch])
            metrics.LOG_COMMITS.observe(time.perf_counter() - begun_s)
            metrics.LOG_WRITES.add(len(batch))
        except Exception as error:  # whatever it was: nobody may wait for ever
            metrics.LOG_ERRORS.add()
            failure = error if isinstance(error, LogError) else _unexpected(error)
            self._doubt([waiting.addition for waiting in batch])
            _log.warning("log.commit_failed", appends=len(batch), reason=failure.message, detail=failure.detail)
            for waiting in batch:
                waiting.settle(failure)
            return
        for waiting, verdict in zip(batch, verdicts, strict=True):
            if verdict == "written":
                self._on_committed(waiting.addition)
                waiting.settle()
            else:
                name, seq, _, _ = waiting.addition
                waiting.settle(refusal(name, seq, is_there=verdict == "stale"))

    async def _commit(self, additions: list[Addition]) -> list[Verdict]:
        try:
            verdicts = await self._backend.commit(additions)
        except AnswerLostError:
            self._doubt(additions)
            verdicts = await self._backend.commit(additions)
        if self._doubtful:
            verdicts = [
                await self._recognise(addition) if self._is_own_doubt(addition, verdict) else verdict
                for addition, verdict in zip(additions, verdicts, strict=True)
            ]
            for addition in additions:
                self._doubtful.pop(addition.name, None)
        return verdicts

    def _doubt(self, additions: Sequence[Addition]) -> None:
        for addition in additions:
            self._doubtful[addition.name] = addition.seq
        while len(self._doubtful) > _DOUBTFUL_MAX:
            self._doubtful.popitem(last=False)

    def _is_own_doubt(self, addition: Addition, verdict: Verdict) -> bool:
        return verdict == "stale" and self._doubtful.get(addition.name) == addition.seq

    async def _recognise(self, addition: Addition) -> Verdict:
        """Are the newest entries of the log the first ones of this addition? Then the rest of it is written.

        Another writer may have written the very same; then the log holds what this one meant, and its next append
        fails.
        """
        name, seq, bodies, _ = addition
        there = await _read(self._backend, name, seq, len(bodies))
        is_own = bool(there) and [entry.body for entry in there] == bodies[: len(there)]
        if not is_own:
            return "stale"
        if len(there) == len(bodies):
            return "written"
        [verdict] = await self._backend.commit([Addition(name, seq + len(there), bodies[len(there) :])])
        return verdict


async def _read(backend: Backend, name: str, seq: int, count: int) -> list[Entry]:
    """The log's entries from `seq` on, at most `count`; empty when it has others behind them or is finished."""
    found: list[Entry] = []
    while True:
        [seen] = await backend.look([Look(name, seq - 1 + len(found), count - len(found))])
        if seen.status is None or seen.status.state == "finished" or seen.status.last >= seq + count:
            return []
        found += seen.entries
        if not seen.entries or len(found) == count:
            return found


def _take_one_of_each(queue: deque[_Waiting]) -> list[_Waiting]:
    """What may go together: one append of each log, in order; not too much for one round trip."""
    taken: dict[str, _Waiting] = {}
    later: list[_Waiting] = []
    entries = size = 0
    while queue and entries < _BATCH_ENTRIES and size < _BATCH_BYTES:
        waiting = queue.popleft()
        name, _, bodies, _ = waiting.addition
        if name in taken:
            later.append(waiting)
            continue
        taken[name] = waiting
        entries += len(bodies)
        size += sum(map(len, bodies))
    queue.extendleft(reversed(later))
    return list(taken.values())


def _unexpected(error: Exception) -> LogError:
    return LogError("The log cannot be written.", detail=repr(error))
