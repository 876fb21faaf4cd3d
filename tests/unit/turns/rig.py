"""A house without doors: real database, real log, and a provider that says what the test wants.

`Rig` is one process on a data folder; a second one on the same folder takes over what the first left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from tests.unit.store.stored import open_store

from quarterdeck.accounts.asking import Asking
from quarterdeck.accounts.limits import Limits
from quarterdeck.accounts.spending import Spending
from quarterdeck.config import Settings
from quarterdeck.context.calibration import Calibration
from quarterdeck.context.recalled import Recaller
from quarterdeck.context.summarise import Summariser
from quarterdeck.domain.events import Event, TurnEnded, decode_event
from quarterdeck.domain.fold import FoldedTurn, fold
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.step import Delta, FinishChunk, StepRequest, TextChunk
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.errors import LogError
from quarterdeck.log.base import Entry, Last, Log, LogStatus, Take, Told
from quarterdeck.log.bell import Bell, OnReady, OnTold
from quarterdeck.log.sql import SqlLog
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database, ReadConnection, StorageError, WriteConnection
from quarterdeck.store.messages import MessageRow, find_owned_message
from quarterdeck.store.search_queue import IndexQueue
from quarterdeck.store.turns import TurnRow, find_turn
from quarterdeck.store.users import ensure_owner
from quarterdeck.tools.toolbox import Toolbox
from quarterdeck.turns.commands import HANDED_OVER, read_command
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.reaper import Reaper
from quarterdeck.turns.record import Accepted, Send
from quarterdeck.turns.rooms import Rooms
from quarterdeck.turns.runner import TurnRunner
from quarterdeck.turns.start import Turns
from quarterdeck.turns.ticker import Ticker

T = TypeVar("T")
WAIT_S = 5.0

Pause = asyncio.Event
Script = list[Delta | Exception | Pause]
"""Deltas to yield, an exception to raise, an event to wait for; one after the other."""


def say(*texts: str) -> Script:
    return [*(TextChunk(text) for text in texts), FinishChunk("stop")]


class ScriptedProvider:
    """Plays its scripts one request after the other; the last one is played again and again."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts) or [say("Hello", ", ", "world", "!")]
        self.requests: list[StepRequest] = []
        self.open_streams = 0
        self.endpoint = Endpoint(name="fake", label="Fake", dialect="builtin", base_url="", origin="builtin")

    async def stream(self, request: StepRequest) -> AsyncGenerator[list[Delta], None]:
        self.requests.append(request)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.open_streams += 1
        try:
            for step in script:
                if isinstance(step, Pause):
                    await step.wait()
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield [step]
                    await asyncio.sleep(0)
        finally:
            self.open_streams -= 1

    async def complete(self, request: StepRequest) -> list[Delta]:
        return [delta async for deltas in self.stream(request) for delta in deltas]

    async def list_models(self) -> list[ModelProfile]:
        profile = ModelProfile(id="fake/model", provider="fake", name="model", context_window=8_000)
        return [profile, msgspec.structs.replace(profile, id="fake/caller", name="caller", can_call_tools=True)]


class FailingWrites:
    """A database whose next writes are refused, as on a full disk, or reads as well."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.failures = 0
        self.read_failures = 0
        self.refused = 0

    async def read(self, fn: Callable[[ReadConnection], T]) -> T:
        if self.read_failures:
            self.read_failures -= 1
            raise StorageError("The database is away.")
        return await self._database.read(fn)

    async def glance(self, fn: Callable[[ReadConnection], T], who: str) -> T:
        if self.read_failures:
            return await self.read(fn)
        return await self._database.glance(fn, who)

    async def write(self, fn: Callable[[WriteConnection], T]) -> T:
        if self.failures:
            self.failures -= 1
            self.refused += 1
            raise StorageError("The server's disk is full.")
        return await self._database.write(fn)

    async def tidy(self) -> None:
        await self._database.tidy()

    async def close(self) -> None:
        await self._database.close()


def tell(appending: Coroutine[Any, Any, None], told: Told) -> None:
    """What a log does that knows of `append` alone."""

    async def append() -> None:
        try:
            await appending
        except LogError as error:
            told(error)
        else:
            told(None)

    task = asyncio.create_task(append())
    _APPENDING.add(task)
    task.add_done_callback(_APPENDING.discard)


_APPENDING: set[asyncio.Task[None]] = set()


class UnsteadyLog:
    """The log, which may be away (every verb fails), or keep everybody waiting until it fails."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.is_away = False
        self.hangs: asyncio.Event | None = None

    async def _answer(self) -> None:
        if self.hangs is not None:
            await self.hangs.wait()
            raise LogError("The log did not answer.")
        if self.is_away:
            raise LogError("The log is away.")

    async def append(self, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> None:
        await self._answer()
        await self._log.append(turn, seq, bodies, begins=begins)

    def append_soon(self, turn: str, seq: int, bodies: list[bytes], told: Told) -> None:
        tell(self.append(turn, seq, bodies), told)

    async def read(self, turn: str, after: int, limit: int = 512) -> list[Entry]:
        await self._answer()
        return await self._log.read(turn, after, limit)

    async def wait(self, turn: str, after: int, timeout_s: float, take: Take | None = None) -> bool:
        await self._answer()
        return await self._log.wait(turn, after, timeout_s)

    async def finish(self, turn: str, keep_s: float, last: Last | None = None) -> None:
        await self._answer()
        await self._log.finish(turn, keep_s, last)

    async def status(self, turn: str) -> LogStatus | None:
        await self._answer()
        return await self._log.status(turn)

    async def drop(self, turn: str) -> None:
        await self._answer()
        await self._log.drop(turn)

    async def expire(self) -> int:
        return await self._log.expire()

    async def close(self) -> None:
        await self._log.close()


class TownBell:
    """One bell for several processes: everybody hears what is told, one of them is told of a ready turn.

    And one log, of the process that was there first.
    """

    def __init__(self) -> None:
        self.log: SqlLog | None = None
        self._told: list[OnTold] = []
        self._ready: list[OnReady] = []
        self.is_heard = True
        self.rung: list[str] = []

    async def ready(self, turn: str) -> None:
        self.rung.append(turn)
        if self.is_heard and self._ready:
            self._ready.append(self._ready.pop(0))
            await self._ready[-1](turn)

    async def tell(self, message: str) -> None:
        self.rung.append(message)
        if self.is_heard:
            for on_told in self._told:
                on_told(message)

    async def listen(self, on_told: OnTold, on_ready: OnReady | None) -> None:
        self._told.append(on_told)
        if on_ready is not None:
            self._ready.append(on_ready)

    async def close(self) -> None: ...


class Rig:
    """One process; without `runs_turns` one that only serves the web."""

    def __init__(
        self,
        database: FailingWrites,
        log: Log,
        provider: ScriptedProvider,
        worker: str,
        bell: Bell,
        runs_turns: bool,
        recaller: Recaller | None = None,
        is_log_here: bool = False,
    ) -> None:
        self.database, self.provider, self.bell = database, provider, bell
        self.log = UnsteadyLog(log)
        self.registry = Registry(Settings(discover=False, model="fake/model"), probes=())
        self.registry.register(provider)
        self.feed = Feed(self.log)
        self.limits = Limits(database, self.registry)
        self.spending = Spending(database, self.limits)
        asking = Asking(database, self.registry, self.limits, self.spending)
        self.calibration = Calibration(database)
        self.summariser = Summariser(database, self.registry, asking, self.calibration, most_unsummarised=48_000)
        self.toolbox = Toolbox(self.limits)
        self.index_queue = IndexQueue(database)
        rooms = Rooms(
            database, self.index_queue, self.registry, Ticker(0.002), self.spending, self.calibration, self.summariser,
            self.toolbox, recaller, is_log_here,
        )  # fmt: skip
        self.runner = TurnRunner(rooms, self.log, self.feed, worker, bell)
        runner = self.runner if runs_turns else None
        self.turns = Turns(database, self.log, self.registry, self.limits, runner, self.feed, self.index_queue, bell)
        self.reaper = Reaper(database, self.log, self.runner)
        self.user = ""

    def hear(self, message: str) -> None:
        if message == HANDED_OVER:
            self.reaper.look()
        elif (command := read_command(message)) is not None:
            self.runner.obey(command)

    async def claim(self, turn: str) -> None:
        await self.runner.claim(turn)

    async def send(self, text: str = "Hi!", conversation: str = "chat", **given: Any) -> Accepted:
        return await self.turns.send(self.user, Send(key=new_id(), conversation=conversation, text=text, **given))

    async def events(self, turn: str) -> list[Event]:
        return [event for _, event in await self.entries(turn)]

    async def entries(self, turn: str) -> list[tuple[int, Event]]:
        """With their numbers, which have no holes; a log that was written anew begins above 1."""
        found: list[tuple[int, Event]] = []
        status = await self.log.status(turn)
        after = status.first - 1 if status is not None and status.first else 0
        while entries := await self.log.read(turn, after):
            assert [entry.seq for entry in entries] == list(range(after + 1, after + 1 + len(entries)))
            found += [(entry.seq, decode_event(entry.body)) for entry in entries]
            after = entries[-1].seq
        return found

    async def ended(self, turn: str) -> list[Event]:
        """All events of the turn, when it has ended."""

        async def is_over() -> bool:
            status = await self.log.status(turn)
            return status is not None and status.state == "finished"

        await until(is_over)
        return await self.events(turn)

    async def folded(self, turn: str) -> FoldedTurn:
        return fold(await self.ended(turn))

    async def said(self, turn: str, text: str) -> None:
        """Waits until the log holds this text."""

        async def is_there() -> bool:
            return text in "".join(getattr(event, "text", "") for event in await self.events(turn))

        await until(is_there)

    async def row(self, turn: str) -> TurnRow:
        row = await self.database.read(lambda connection: find_turn(connection, self.user, turn))
        assert row is not None
        return row

    async def message(self, turn: str) -> MessageRow:
        """The stored answer."""
        row = await self.row(turn)
        message = await self.database.read(lambda connection: find_owned_message(connection, self.user, row.message_id))
        assert message is not None
        return message

    async def check_stored(self, turn: str) -> tuple[FoldedTurn, MessageRow]:
        """The law: the fold of the log is the stored message, and the log has one end."""
        events = await self.ended(turn)
        folded, message = fold(events), await self.message(turn)
        assert [type(event) for event in events].count(TurnEnded) == 1
        assert isinstance(events[-1], TurnEnded)
        assert message.parts == folded.parts
        assert message.status == folded.status == (await self.row(turn)).status
        assert message.continuations == folded.continuations
        assert message.error == folded.error
        assert message.ended_at == folded.ended_at
        return folded, message


async def until(is_true: Callable[[], Awaitable[bool]], timeout_s: float = WAIT_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not await is_true():  # noqa: ASYNC110  # what is waited for is in a database, not in an event
            await asyncio.sleep(0.002)


async def quietly() -> None:
    """Lets everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def open_rig(
    folder: Path,
    provider: ScriptedProvider,
    worker: str = "first",
    *,
    drains: bool = True,
    bell: TownBell | None = None,
    runs_turns: bool = True,
    recaller: Callable[[Database], Recaller] | None = None,
    is_log_here: bool = False,
) -> AsyncIterator[Rig]:
    """One process on `folder`. Without `drains` it ends as if it had been killed, as far as its turns can tell."""
    async with open_store(folder) as database, _open_log(folder, bell or TownBell()) as (log, town):
        recalls = None if recaller is None else recaller(database)
        rig = Rig(FailingWrites(database), log, provider, worker, town, runs_turns, recalls, is_log_here)
        async with run_rig(rig, drains=drains, runs_turns=runs_turns):
            yield rig


@asynccontextmanager
async def run_rig(rig: Rig, *, drains: bool = True, runs_turns: bool = True) -> AsyncIterator[None]:
    await rig.bell.listen(rig.hear, rig.claim if runs_turns else None)
    rig.user = (await rig.database.write(ensure_owner)).id
    try:
        yield
    finally:
        await rig.reaper.stop()
        if not drains:
            await kill(rig)
        await rig.runner.drain(WAIT_S)
        if drains:
            await rig.index_queue.close()
        await rig.summariser.close()
        await rig.feed.settle()
        await rig.registry.close()


@asynccontextmanager
async def _open_log(folder: Path, town: TownBell) -> AsyncIterator[tuple[SqlLog, TownBell]]:
    if town.log is not None:
        yield town.log, town
        return
    town.log = SqlLog(folder / "log.sqlite3")
    await town.log.open()
    try:
        yield town.log, town
    finally:
        await town.log.close()
        town.log = None


async def kill(rig: Rig) -> None:
    """The turns of this process end here and now, and write nothing more."""
    tasks = list(rig.runner._tasks.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
