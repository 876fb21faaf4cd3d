"""Makes summaries in the background: after an answer when its conversation has grown, and anew when one is stale.

One process at a time works on a conversation (a lease); a summary is stored in one transaction that checks that what it
was made of is still so. Dying anywhere loses one request to a model and nothing else. Where no summary can be made (no
budget, no provider) older messages are clipped, and the manifest says why.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from quarterdeck.accounts.asking import Asking, Errand, Reply
from quarterdeck.accounts.limits import FREE
from quarterdeck.context.budget import SUMMARY_SHARE, budget_of
from quarterdeck.context.calibration import Calibration
from quarterdeck.context.path import read_path_within
from quarterdeck.context.sections import (
    Limits,
    Section,
    instructions_for,
    new_mark,
    next_section,
    quote,
    section_of_rows,
    section_of_summaries,
)
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.periods import zone_or_utc
from quarterdeck.domain.tokens import estimate_text
from quarterdeck.errors import QuarterdeckError
from quarterdeck.providers.registry import Registry
from quarterdeck.store.conversations import find_conversation
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.leases import claim_work, drop_work
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.paths import PathRow, find_rows, read_upwards
from quarterdeck.store.people import Preferences, find_preferences
from quarterdeck.store.summaries import (
    SummaryRow,
    find_ending_at,
    insert_summary,
    list_sources,
    list_stale,
    put_off,
    replace_summary,
)
from quarterdeck.store.summaries import find_rows as find_summaries

logger = get_logger("quarterdeck.context")

_STALE = ""  # the task that is about no one conversation
_LEASE_MS = 600_000
_WORK_S = 420.0  # less than the lease, by more than one request takes
_MOST_READ = 200_000  # estimated tokens
_PUT_OFF_MS = 600_000
_AGAIN_MS = 2_000
_STALE_AT_ONCE = 20
_TRY_AGAIN_S = 60.0
_MOST_ROWS = 5_000  # of one section
_MOST_REMEMBERED = 2_000
_LEAST_OUTPUT, _MOST_OUTPUT = 160, 800
_OUTPUT_SHARE = 0.06


class Talk(Struct, frozen=True):
    """A conversation as it stands after an answer: `tip` is that answer, `model` the one that gave it."""

    owner: str
    conversation: str
    tip: str
    model: str


class Summariser:
    """One per process that runs turns. `most_unsummarised`: tokens that are sent as they are, whatever the window."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        asking: Asking,
        calibration: Calibration,
        most_unsummarised: int,
    ) -> None:
        self._database = database
        self._registry = registry
        self._asking = asking
        self._calibration = calibration
        self._most = most_unsummarised
        self.on_made: Callable[[str, str], None] = lambda _owner, _conversation: None  # for who shows them
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}  # monotonic seconds; a provider that fails is not asked every time
        self._reasons: OrderedDict[str, str] = OrderedDict()  # why a conversation's last summary was not made

    def reason(self, conversation: str) -> str:
        """Why there is no summary, in one sentence; empty: there is one, or it was not tried."""
        return self._reasons.get(conversation, "")

    async def is_due(self, model: str, unsummarised: int, summary_tokens: int = 0) -> bool:
        if model.startswith(FREE):
            return False
        limits = await self._limits(model)
        return unsummarised > limits.begin or summary_tokens > limits.summaries

    def begin(self, talk: Talk) -> None:
        """Summarise what is too much, in the background; while it is under way, another call changes nothing."""
        if talk.conversation in self._tasks or time.monotonic() < self._not_before.get(talk.conversation, 0.0):
            return
        task = asyncio.create_task(self._work(talk), name=f"summary-{talk.conversation}")
        self._tasks[talk.conversation] = task
        task.add_done_callback(lambda _: self._tasks.pop(talk.conversation, None))

    def begin_rebuilding(self) -> None:
        """Something was changed that a summary covers: make that one anew, in the background."""
        if _STALE not in self._tasks:
            task = asyncio.create_task(self._rebuild_quietly(), name="summaries-stale")
            self._tasks[_STALE] = task
            task.add_done_callback(lambda _: self._tasks.pop(_STALE, None))

    async def _rebuild_quietly(self) -> None:
        try:
            await self.rebuild_stale()
        except QuarterdeckError as error:
            logger.warning("not_rebuilt", reason=error.message, detail=error.detail)

    async def settle(self) -> None:
        """Until all that is under way is done."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        await self.settle()

    async def rebuild_stale(self) -> None:
        """What became stale anywhere, made anew or put off. Raises: `StorageError`."""
        seen: set[str] = set()
        while True:
            stale = await self._database.read(lambda connection: list_stale(connection, now_ms(), _STALE_AT_ONCE))
            fresh = [row for row in stale if row.id not in seen]
            if not fresh:
                return
            for row in fresh:
                seen.add(row.id)
                await self._rebuild_alone(row)

    async def _rebuild_alone(self, row: SummaryRow) -> None:
        """Unless somebody works on its conversation already."""
        worker, name = secrets.token_hex(8), f"summary {row.conversation_id}"
        if await self._database.write(lambda connection: _claim(connection, name, worker)):
            try:
                await self._rebuild(row)
            finally:
                await self._database.write(lambda connection: drop_work(connection, name, worker))

    async def _work(self, talk: Talk) -> None:
        worker = secrets.token_hex(8)
        name = f"summary {talk.conversation}"
        until_s = time.monotonic() + _WORK_S
        try:
            if not await self._database.write(lambda connection: _claim(connection, name, worker)):
                return
            try:
                while time.monotonic() < until_s and await self._summarise_next(talk):
                    pass
            finally:  # also at shutdown: the next process need not wait for the lease to run out
                await self._database.write(lambda connection: drop_work(connection, name, worker))
        except QuarterdeckError as error:
            logger.warning("not_summarised", conversation=talk.conversation, reason=error.message, detail=error.detail)

    async def _summarise_next(self, talk: Talk) -> bool:
        """False when there is nothing (more) to do, or it cannot be done now."""
        limits = await self._limits(talk.model)

        def read(connection: ReadConnection) -> tuple[Section | None, Preferences]:
            most = max(_MOST_READ, limits.begin * 2)
            found = read_path_within(connection, talk.conversation, talk.tip, most)
            return next_section(found, limits), find_preferences(connection, talk.owner)

        section, preferences = await self._database.read(read)
        if section is None:
            self._remember(talk.conversation, "")
            return False
        text, model = await self._write_summary(talk, section, limits, preferences)
        if not model:
            return False
        row = _row(talk.owner, talk.conversation, section, text, model)
        stored = await self._database.write(lambda connection: _store(connection, row, section))
        if stored:
            self.on_made(talk.owner, talk.conversation)
            logger.info("summarised", conversation=talk.conversation, level=row.level, messages=row.message_count)
        return stored

    async def _write_summary(
        self, talk: Talk, section: Section, limits: Limits, preferences: Preferences
    ) -> tuple[str, str]:
        """The text and the model that wrote it; no model where it could not be had."""
        if not section.message_count:
            return "", "none"  # all that it covers is deleted or excluded: nothing to be sent, and nobody to be asked
        mark = new_mark()
        # answers are quoted as people read them
        material = quote(section, mark, "plain", zone_or_utc(preferences.time_zone), limits.section)
        reply: Reply = await self._asking.ask_in_background(
            Errand(
                user=talk.owner, model=talk.model, purpose="summary", text=material, output_tokens=limits.output,
                instructions=instructions_for(mark, limits.output),
            )
        )  # fmt: skip
        self._remember(talk.conversation, reply.reason)
        return (reply.text, reply.model) if reply.text else ("", "")

    async def _rebuild(self, row: SummaryRow) -> None:
        talk = await self._talk_of(row)
        section = await self._database.read(lambda connection: _section_again(connection, row))
        text, model = "", ""
        if talk is not None and section is not None:
            limits = await self._limits(talk.model)
            preferences = await self._database.read(lambda connection: find_preferences(connection, row.owner_id))
            text, model = await self._write_summary(talk, section, limits, preferences)
        if section is None or not model:
            await self._database.write(lambda connection: put_off(connection, row.id, now_ms() + _PUT_OFF_MS))
            return
        fresh, found = _row(row.owner_id, row.conversation_id, section, text, model), section

        def store(connection: WriteConnection) -> None:
            if not _store(connection, fresh, found, instead_of=row.id):  # it was changed again meanwhile
                put_off(connection, row.id, now_ms() + _AGAIN_MS)

        await self._database.write(store)
        self.on_made(row.owner_id, row.conversation_id)

    async def _talk_of(self, row: SummaryRow) -> Talk | None:
        """None for a conversation that is deleted."""
        found = await self._database.read(
            lambda connection: find_conversation(connection, row.owner_id, row.conversation_id)
        )
        return None if found is None else Talk(row.owner_id, found.id, row.last_id, found.model or row.model)

    async def _limits(self, model: str) -> Limits:
        """For a conversation with `model`; who summarises is taken to have a window of that size, at least."""
        budget = budget_of(self._registry.profile_of(model), await self._calibration.ratio_of(model))
        begin = budget.summarise_from(self._most)
        output = int(min(max(budget.tokens * _OUTPUT_SHARE, _LEAST_OUTPUT), _MOST_OUTPUT))
        return Limits(
            begin, keep=begin // 2, section=begin // 2, summaries=int(budget.estimated * SUMMARY_SHARE * 2 / 3),
            output=output,
        )  # fmt: skip

    def _remember(self, conversation: str, reason: str) -> None:
        self._reasons.pop(conversation, None)
        self._not_before.pop(conversation, None)
        if not reason:
            return
        self._reasons[conversation] = reason
        self._not_before[conversation] = time.monotonic() + _TRY_AGAIN_S
        if len(self._reasons) > _MOST_REMEMBERED:
            oldest, _ = self._reasons.popitem(last=False)
            self._not_before.pop(oldest, None)


def _claim(connection: WriteConnection, name: str, worker: str) -> bool:
    return claim_work(connection, name, worker, period_ms=0, lease_ms=_LEASE_MS)


def _row(owner: str, conversation: str, section: Section, text: str, model: str) -> SummaryRow:
    return SummaryRow(
        id=new_id(), owner_id=owner, conversation_id=conversation, level=section.level, first_id=section.first_id,
        last_id=section.last_id, before_id=section.before_id, message_count=section.message_count, text=text,
        tokens=estimate_text(text), model=model, created_at=now_ms(),
    )  # fmt: skip


def _store(connection: WriteConnection, row: SummaryRow, section: Section, instead_of: str = "") -> bool:
    """False when something that it was made of has changed meanwhile, or another one was made of it."""
    lock_conversation(connection, row.conversation_id)
    if not _is_as_read(connection, row.conversation_id, section):
        return False
    others = find_ending_at(connection, row.conversation_id, [row.last_id]).get(row.last_id, [])
    same = [other for other in others if other.level == row.level and other.id != instead_of]
    if fresh := next((other for other in same if other.stale_at is None), None):
        if instead_of:
            replace_summary(connection, instead_of, fresh.id)
        return False
    for other in [*(other.id for other in same), *([instead_of] if instead_of else [])]:
        replace_summary(connection, other, row.id)
    insert_summary(connection, row, section.sources)
    return True


def _is_as_read(connection: WriteConnection, conversation: str, section: Section) -> bool:
    if section.level == 1:
        now = find_rows(connection, conversation, [row.id for row in section.rows])
        return all(_same(row, now.get(row.id)) for row in section.rows)
    found = find_summaries(connection, section.summaries[0].owner_id, {row.id for row in section.summaries})
    return all(
        (row := found.get(summary.id)) is not None and row.stale_at is None and row.replaced_by is None
        for summary in section.summaries
    )


def _same(then: PathRow, now: PathRow | None) -> bool:
    return now is not None and (then.version, then.is_sent) == (now.version, now.is_sent)


def _section_again(connection: ReadConnection, row: SummaryRow) -> Section | None:
    """What a stale summary covered, as it is now; None when that is not there, or stale itself."""
    if row.level > 1:
        return _summaries_again(connection, row)
    rows: list[PathRow] = []
    cursor: str | None = row.last_id
    while cursor is not None and len(rows) < _MOST_ROWS:
        for found in read_upwards(connection, row.conversation_id, cursor, 200):
            rows.append(found)
            if found.id == row.first_id:
                return section_of_rows(rows[::-1])
        cursor = rows[-1].parent_id if rows else None
    return None


def _summaries_again(connection: ReadConnection, row: SummaryRow) -> Section | None:
    found: list[SummaryRow] = []
    for source in list_sources(connection, row.id):
        current = _newest(connection, row.owner_id, source.id)
        if current is None or current.stale_at is not None:
            return None
        found.append(current)
    found.sort(key=lambda summary: summary.first_id)
    return section_of_summaries(found, row.level) if found else None


def _newest(connection: ReadConnection, owner: str, summary: str) -> SummaryRow | None:
    """What it was replaced by, in the end."""
    current: SummaryRow | None = None
    wanted: str | None = summary
    while wanted:
        current = find_summaries(connection, owner, {wanted}).get(wanted)
        wanted = None if current is None else current.replaced_by
    return current
