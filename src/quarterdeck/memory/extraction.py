"""Messages become memories in the background: after some quiet, several at a time, by the cheap model.

The queue is the messages themselves (`messages.remembered_at IS NULL`), so dying anywhere loses a request and nothing
else; in a fleet one process at a time works for a user (a lease). No answer waits for any of this, and no error of it
reaches one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from quarterdeck import metrics
from quarterdeck.accounts.asking import Errand, Reply
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import decode_parts, plain_text
from quarterdeck.domain.periods import day_of, zone_or_utc
from quarterdeck.domain.words import count_words
from quarterdeck.errors import QuarterdeckError
from quarterdeck.late import Late, load
from quarterdeck.memory.changing import Statement
from quarterdeck.memory.deriving import (
    AGAIN,
    INSTRUCTIONS,
    OUTPUT_TOKENS,
    Answer,
    Heard,
    Proposed,
    question_for,
    read_answer,
)
from quarterdeck.memory.merging import MOST_COMPARED, Found, Merging
from quarterdeck.memory.own_words import own_words
from quarterdeck.memory.wording import meaning_words, squeeze
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.leases import claim_work, drop_work
from quarterdeck.store.memories import MemoryRow, list_current
from quarterdeck.store.memory_settings import (
    UnreadRow,
    find_memory_setting,
    list_unread,
    list_waiting,
    mark_read,
    pass_by,
    pass_by_unlearned,
    read_questions,
    reading_of,
)
from quarterdeck.store.memory_sources import MemorySource
from quarterdeck.store.usage import count_entries
from quarterdeck.store.users import find_time_zone

if TYPE_CHECKING:
    from quarterdeck.memory import patterns, statements
else:
    patterns = Late("quarterdeck.memory.patterns")
    statements = Late("quarterdeck.memory.statements")

logger = get_logger("quarterdeck.memory")

PURPOSE = "memory"
MANY = 12
"""Unread messages of one user that need not wait for quiet."""
MOST_A_DAY = 200
"""Requests for one user: what is left waits for the next day."""

_AT_ONCE = 20  # messages in one request
_MOST_CHARS = 12_000
_MOST_KNOWN = 40
_NEWEST_KNOWN = 8
_LEASE_MS = 300_000
_WORK_S = 150.0  # of one user at a time; less than the lease, by more than two requests take
_PUT_OFF_S = 600.0  # a provider that fails, a budget that is spent
_LEAST_WORDS = 3


class Asks(Protocol):
    """What of `Asking` is needed here."""

    async def ask_in_background(self, errand: Errand) -> Reply: ...


class _Batch(Struct, frozen=True):
    """`silent`: messages that say nothing, which need no model. `known` by the names that the model is told."""

    heard: list[Heard]
    silent: dict[str, int]
    known: dict[str, MemoryRow]
    zone: str
    model: str
    is_spent: bool


class Extraction:
    """One per process that runs turns. `quiet_s`: how long nothing new was said before it is read; 0: never."""

    def __init__(self, database: Database, asking: Asks, quiet_s: float) -> None:
        self._database = database
        self._asking = asking
        self._quiet_s = quiet_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._last: dict[str, float] = {}  # monotonic seconds, of who said something
        self._not_before: dict[str, float] = {}

    def consider(self, user: str) -> None:
        """Somebody was answered; returns at once."""
        if not self._quiet_s:
            return
        self._last[user] = time.monotonic()
        if user not in self._tasks:
            task = asyncio.create_task(self._learn_when_quiet(user), name=f"memory-{user}")
            self._tasks[user] = task
            task.add_done_callback(lambda _: self._tasks.pop(user, None))

    async def learn_waiting(self) -> None:
        """What waits anywhere and is not about to be read: after a crash, an edit, a day that is over."""
        if not self._quiet_s:
            return
        waiting = await self._database.read(lambda connection: list_waiting(connection, MANY))
        quiet_since = now_ms() - self._quiet_s * 1000
        for who in waiting:
            if who.has_many or (who.latest <= quiet_since and who.owner_id not in self._tasks):
                await self.learn(who.owner_id)

    async def learn(self, user: str) -> None:
        """All that this user's messages say, unless another process is at it. Raises: `StorageError`."""
        if time.monotonic() < self._not_before.get(user, 0.0):
            return
        await load("quarterdeck.memory.statements")  # not while the database is held
        worker, name = secrets.token_hex(8), reading_of(user)
        if not await self._database.write(
            lambda connection: claim_work(connection, name, worker, period_ms=0, lease_ms=_LEASE_MS)
        ):
            return
        until_s = time.monotonic() + _WORK_S
        try:
            while time.monotonic() < until_s and await self._learn_some(user):
                pass
        finally:
            await self._database.write(lambda connection: drop_work(connection, name, worker))

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _learn_when_quiet(self, user: str) -> None:
        try:
            await self._until_quiet(user)
            await self.learn(user)
        except QuarterdeckError as error:
            logger.warning("not_learned", code=error.code, reason=error.message, detail=error.detail)

    async def _until_quiet(self, user: str) -> None:
        while True:
            left_s = self._last[user] + self._quiet_s - time.monotonic()
            if left_s <= 0:
                del self._last[user]
                return
            await asyncio.sleep(left_s)

    async def _learn_some(self, user: str) -> bool:
        """False when nothing is left, or it cannot be done now."""
        batch = await self._database.write(lambda connection: _gather(connection, user))
        if batch is None:
            return False
        if batch.silent:
            await self._database.write(lambda connection: mark_read(connection, batch.silent))
        if not batch.heard:
            return bool(batch.silent)
        if batch.is_spent:
            self._put_off(user)
            return False
        answer, model = await self._ask(user, batch)
        if answer is None and not model:
            self._put_off(user)
            return False
        await self._database.write(lambda connection: _keep(connection, user, batch, answer or Answer([]), model))
        return True

    async def _ask(self, user: str, batch: _Batch) -> tuple[Answer | None, str]:
        """What the model proposes and which it was; None: nothing that can be read (no model: there was no answer)."""
        question = question_for(batch.heard, batch.known, zone_or_utc(batch.zone))
        for instructions in (INSTRUCTIONS, INSTRUCTIONS + AGAIN):
            errand = Errand(
                user=user, model=batch.model, purpose=PURPOSE, instructions=instructions, text=question,
                output_tokens=OUTPUT_TOKENS,
            )  # fmt: skip
            reply = await self._asking.ask_in_background(errand)
            if not reply.text:
                return None, ""
            if (answer := read_answer(reply.text)) is not None:
                return answer, reply.model
            metrics.MEMORY_STATEMENTS.add(1, "unreadable")
        logger.warning("statements_unreadable", model=reply.model, messages=len(batch.heard))
        return None, reply.model

    def _put_off(self, user: str) -> None:
        self._not_before[user] = time.monotonic() + _PUT_OFF_S


def _gather(connection: WriteConnection, user: str) -> _Batch | None:
    """The oldest unread messages that fit into one request, with what is known about what they say."""
    if find_memory_setting(connection, user) != "on":
        pass_by(connection, user)
        return None
    pass_by_unlearned(connection, user)
    rows = list_unread(connection, user, _AT_ONCE)
    if not rows:
        return None
    heard, silent = _hear(connection, rows)
    zone = find_time_zone(connection, user)
    today = day_of(now_ms(), zone_or_utc(zone))
    return _Batch(
        heard=heard,
        silent=silent,
        known=_choose_known(list_current(connection, user, MOST_COMPARED), heard),
        zone=zone,
        model=rows[-1].model,
        is_spent=count_entries(connection, user, today, PURPOSE) >= MOST_A_DAY,
    )


def _hear(connection: ReadConnection | WriteConnection, rows: list[UnreadRow]) -> tuple[list[Heard], dict[str, int]]:
    asked = read_questions(connection, [row.parent_id for row in rows if row.parent_id])
    heard: list[Heard] = []
    silent: dict[str, int] = {}
    chars = 0
    for row in rows:
        own = own_words(plain_text(decode_parts(row.parts)))
        before = _last_question(asked.get(row.parent_id or "", ""))
        if count_words(own) < (1 if before else _LEAST_WORDS) or statements.is_polite(own):
            silent[row.id] = row.version
            continue
        chars += len(own)
        if heard and chars > _MOST_CHARS:
            break
        heard.append(Heard(row.id, row.version, row.conversation_id, own, before, row.taint, row.created_at))
    return heard, silent


def _last_question(answer: str) -> str:
    """What an answer ends by asking, empty if by nothing."""
    last = answer.rstrip().splitlines()[-1:]
    return last[0][-300:] if last and last[0].rstrip().endswith(patterns.QUESTION_MARKS) else ""


def _choose_known(rows: list[MemoryRow], heard: list[Heard]) -> dict[str, MemoryRow]:
    """What shares most words with the messages, and what was learned last."""
    words = frozenset[str]().union(*(meaning_words(message.own) for message in heard))
    by_words = sorted(rows, key=lambda row: len(meaning_words(row.text) & words), reverse=True)
    chosen = {row.id: row for row in [*rows[-_NEWEST_KNOWN:], *by_words[: _MOST_KNOWN - _NEWEST_KNOWN]]}
    return {f"m{number}": row for number, row in enumerate(chosen.values(), 1)}


def _keep(connection: WriteConnection, user: str, batch: _Batch, answer: Answer, model: str) -> None:
    """In one transaction with the note that they were read. What was changed meanwhile is read again later."""
    if find_memory_setting(connection, user) != "on":
        return
    pass_by_unlearned(connection, user)
    done = set(mark_read(connection, {message.id: message.version for message in batch.heard}))
    merging = Merging(connection, user)
    for outcome in _outcomes(merging, batch, answer.statements, model, done):
        metrics.MEMORY_STATEMENTS.add(1, outcome)
    for pair in answer.same:
        rows = [batch.known[name].id for name in pair if name in batch.known]
        if len(rows) == 2:
            merging.unite(*rows)


def _outcomes(merging: Merging, batch: _Batch, proposed: list[Proposed], model: str, done: set[str]) -> Iterable[str]:
    """What became of each statement: a gate's name, or what the merging says."""
    for statement in proposed:
        if not 1 <= statement.message <= len(batch.heard):
            yield "no_source"
            continue
        heard = batch.heard[statement.message - 1]
        candidate = statements.find_quote(statement, heard)
        if candidate is None or heard.id not in done:
            yield "no_source"
        elif reason := statements.reject(candidate):
            yield reason
        else:
            yield merging.take(_found(statements.settle(candidate), heard, batch, model))


def _found(proposed: Proposed, heard: Heard, batch: _Batch, model: str) -> Found:
    since, until = statements.span_of(proposed, zone_or_utc(batch.zone))
    known = batch.known.get(proposed.of)
    statement = Statement(
        text=proposed.text, kind=proposed.kind, origin="derived", model=model, confidence=proposed.confidence,
        taint=heard.taint, said_at=heard.said_at, valid_from=since, valid_to=until,
    )  # fmt: skip
    source = MemorySource(heard.id, heard.version, squeeze(proposed.quote))
    return Found(statement=statement, source=source, operation=proposed.operation, of=known.id if known else "")
