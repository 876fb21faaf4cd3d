"""`python weakened.py serve …` with WITHOUT="claims": the `quarterdeck` command with protections switched off.

For negative controls: the product knows nothing of it, names in it are replaced before it starts. Several protections
are parted by commas. A server of the tests is started like this when its environment has WITHOUT. A name is replaced in
every module that has it: where the process was forked (`forked.py`), all of them are loaded before.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import msgspec

from quarterdeck.__main__ import main
from quarterdeck.errors import LogError, StaleWriterError

_LEASE_MS = 4_500
_RENEW_S = 0.7
_LATE_S = 0.2


def replace(place: str, name: str, new: Any) -> Any:
    """What was there before. Raises: `AttributeError` when the product has no such name any more."""
    module, _, kind = place.partition(":")
    owner = import_module(f"quarterdeck.{module}")
    owner = getattr(owner, kind) if kind else owner
    old = getattr(owner, name)
    setattr(owner, name, new)
    return old


def shorten_leases() -> None:
    """No protection: what would be seen after ten seconds is seen after four."""
    lease: Any = replace("turns.runner", "Lease", lambda worker: lease(worker, _LEASE_MS))
    replace("turns.runner", "_RENEW_S", _RENEW_S)


def shorten_patience() -> None:
    """No protection: who does not read is dropped after one second instead of ten."""
    for place in ("web.connections", "web.streams"):
        replace(place, "SEND_TIMEOUT_S", 1.0)
    replace("web.connections", "_WATCH_S", 0.2)


def never_claim() -> None:
    """The reaper finds no turn whose worker is dead."""
    replace("turns.reaper", "list_claimable", lambda *_args, **_options: [])


def trust_leases() -> None:
    """A worker never learns that its lease is another one's."""
    replace("turns.claim", "renew_leases", lambda _connection, _worker, running, _until: set(running))


def append_anywhere() -> None:
    """The log takes what it is given, after whatever it has by then."""

    async def append_next(log: Any, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> None:
        try:
            await append(log, turn, seq, bodies, begins=begins)
        except StaleWriterError:
            status = await log.status(turn)
            if status is None or status.state == "finished":
                raise
            await append_next(log, turn, status.last + 1, bodies)

    append: Any = replace("log.shared:SharedLog", "append", append_next)


def forget_attempts() -> None:
    """A step is tried as often as its workers die."""
    replace("turns.job", "_MAX_ATTEMPTS", 1_000)


def keep_upstream() -> None:
    """Who stops a turn leaves its upstream open: it is read to its end."""
    drains: set[asyncio.Task[None]] = set()

    async def drain(stream: AsyncGenerator[Any, None]) -> None:
        async for _ in stream:
            pass

    async def run_on(plan: Any) -> AsyncIterator[Any]:
        stream = run_step(plan)
        try:
            async for events in stream:
                yield events
        finally:
            drains.add(asyncio.create_task(drain(stream)))

    run_step: Any = replace("turns.job", "run_step", run_on)
    replace("turns.job:Job", "_leave_upstream", lambda _job: None)


def drop_unlogged() -> None:
    """What the log does not take at once is gone."""

    async def flush_or_drop(outbox: Any) -> None:
        try:
            await flush(outbox)
        except StaleWriterError:
            raise
        except LogError:
            outbox._waiting.clear()
            outbox._folded = outbox._waiting_chars = 0

    flush: Any = replace("turns.outbox:Outbox", "flush", flush_or_drop)


def wait_for_log() -> None:
    """A message is acknowledged when its turn's log has begun, however long that takes."""

    async def append_in_the_end(log: Any, turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> None:
        while True:
            try:
                await append(log, turn, seq, bodies, begins=begins)
                return
            except StaleWriterError:
                raise
            except LogError:
                await asyncio.sleep(0.1)

    append: Any = replace("log.shared:SharedLog", "append", append_in_the_end)
    replace("turns.start", "_LOG_S", 3600.0)


def acknowledge_before_commit() -> None:
    """On SQLite: callers are told, the commit comes a little later."""

    batches: list[Any] = []

    def commit_batch(connection: Any, batch: list[Any]) -> None:
        batches.append(batch)
        commit(connection, batch)
        batches.clear()

    def execute_late(driver: Any, sql: str, *given: Any) -> Any:
        if sql == "COMMIT" and batches:
            deliver(batches[0])
            time.sleep(_LATE_S)
        return execute(driver, sql, *given)

    deliver = import_module("quarterdeck.store.sqlite")._deliver
    commit: Any = replace("store.sqlite", "_commit_batch", commit_batch)
    execute: Any = replace("store.sqlite", "execute_on", execute_late)


def commit_without_waiting() -> None:
    """On PostgreSQL: a commit is confirmed before it is written."""

    async def connect_loosely(address: Any, statement_s: float) -> Any:
        connection = await connect(address, statement_s)
        await connection.execute("SET synchronous_commit = off")
        return connection

    connect: Any = replace("store.postgres", "connect", connect_loosely)


def die_at_once() -> None:
    """SIGTERM ends a server as it ends any program."""

    @contextmanager
    def capture_nothing(_server: Any) -> Iterator[None]:
        yield

    replace("serve:_Server", "capture_signals", capture_nothing)


def hand_nothing_over() -> None:
    """Who leaves keeps the leases of its turns."""

    async def keep(*_args: Any, **_options: Any) -> None:
        return None

    replace("turns.finish:Finish", "hand_over", keep)


def count_restarts() -> None:
    """A turn that was handed over has lost its worker as in a crash."""

    async def hand_over_as_dead(finish: Any, turn: Any, *, counts: bool) -> None:
        assert isinstance(counts, bool)
        await hand_over(finish, turn, counts=False)

    hand_over: Any = replace("turns.finish:Finish", "hand_over", hand_over_as_dead)


def forget_ids() -> None:
    """A message that is sent again is another message."""

    def make_anew(connection: Any, conversation: Any, key: str, *args: Any, **options: Any) -> Any:
        return new_turn(connection, conversation, f"{key} {time.monotonic_ns()}", *args, **options)

    new_turn: Any = replace("turns.record", "_new_turn", make_anew)
    for place in ("turns.record", "turns.record_edit"):
        replace(place, "find_known", lambda *_: None)


def begin_early() -> None:
    """Who comes back is shown once more what came last."""

    def begin(reader: Any, log: Any, turn: str, after: int, *args: Any) -> None:
        initialize(reader, log, turn, max(after - 1, 0), *args)

    initialize: Any = replace("views.turn_reader:TurnReader", "__init__", begin)


def trust_cursors() -> None:
    """Nobody looks whether there is anything at a cursor, or will be."""

    async def trust(*_: Any) -> None:
        return None

    replace("views.turn_reader", "check_cursor", trust)
    replace("web.socket_full", "check_cursor", trust)


def ignore_owners() -> None:
    """A turn is found by its id, whoever asks."""
    turns = import_module("quarterdeck.store.tables").turns
    row_of = import_module("quarterdeck.store.turns").TurnRow

    def find(connection: Any, _owner: str, turn: str) -> Any:
        row = connection.execute(turns.select().where(turns.c.id == turn)).first()
        return None if row is None else msgspec.convert(dict(row._mapping), row_of)

    replace("accounts.access", "find_turn", find)


def keep_deaf() -> None:
    """Who does not read is never dropped."""
    replace("web.connections:Connection", "is_stuck", lambda _connection: False)


def admit_everybody() -> None:
    """Nobody waits before the record, nobody is refused."""
    limits = {"MAX_RECORDING": 1_000_000, "MAX_WAIT_S": 1e9, "MOST": 1e6, "LEAST": 1e6, "LEAST_OF_ALL": 1e6}
    for name, limit in limits.items():
        replace("turns.admission", name, limit)


def admit_nobody() -> None:
    """No protection: a server that is always too busy."""
    replace("turns.admission", "MAX_RECORDING", 0)
    replace("turns.admission", "MAX_WAIT_S", 0.0)


def shorten_line() -> None:
    """No protection: nobody waits for longer than a second, so that one sees in seconds what is refused."""
    replace("turns.admission", "MAX_WAIT_S", 1.0)


def ignore_failed_commits() -> None:
    """On SQLite: what could not be written is acknowledged all the same."""
    replace("store.sqlite", "_fail_all", lambda _batch, _error: None)


def read_table_by_table() -> None:
    """A backup takes each table as it is when its turn comes."""

    def write_later(connection: Any, table: Any, archive: Any, progress: Any) -> Any:
        connection.rollback()
        time.sleep(_LATE_S)
        return write(connection, table, archive, progress)

    write: Any = replace("operations.backup", "_write_table", write_later)


def commit_each_word() -> None:
    """A migration of SQLite's file is no transaction: each statement counts at once."""
    replace("store.migrate", "event", type("NoEvents", (), {"listen": staticmethod(lambda *_: None)}))


def add_tools() -> None:
    """No protection: two tools that models may call, one that reads a page and one that acts (`deeds.py`)."""
    tools = import_module("deeds").tools()

    def begin(toolbox: Any, limits: Any, given: Any = ()) -> None:
        initialize(toolbox, limits, [*given, *tools])

    initialize: Any = replace("tools.toolbox:Toolbox", "__init__", begin)


def approve_everything() -> None:
    """Whatever a model asks for is done."""
    replace("turns.calls", "needs_approval", lambda _tool, _taint: False)


def trust_files() -> None:
    """What was imported is taken for the user's own words."""
    for place in ("exchange.writing", "memory.portable"):
        replace(place, "taint_of_imported", lambda _parts, _said="": "")


def shorten_thought() -> None:
    """No protection: what nobody decides about in a second is declined, instead of in a day."""
    replace("turns.decisions", "APPROVAL_MS", 1_000)


def remember_everything() -> None:
    """A model decides what is remembered, of all that it is shown, and is shown what others wrote, too."""
    candidate = import_module("quarterdeck.memory.statements").Candidate
    replace("memory.extraction", "own_words", lambda text: text)
    replace("memory.statements", "reject", lambda _candidate: "")
    replace("memory.statements", "find_quote", lambda proposed, heard: candidate(proposed, heard, heard.own, ""))


WEAKENINGS: dict[str, Callable[[], None]] = {
    "long leases": shorten_leases,
    "long patience": shorten_patience,
    "claims": never_claim,
    "the lease check": trust_leases,
    "the log's fence": append_anywhere,
    "counted attempts": forget_attempts,
    "leaving the upstream": keep_upstream,
    "keeping what waits": drop_unlogged,
    "acknowledging without the log": wait_for_log,
    "commit before acknowledgement": acknowledge_before_commit,
    "synchronous commits": commit_without_waiting,
    "draining": die_at_once,
    "hand-over": hand_nothing_over,
    "forgiven restarts": count_restarts,
    "ids of messages": forget_ids,
    "exact cursors": begin_early,
    "checked cursors": trust_cursors,
    "owners": ignore_owners,
    "dropping who does not read": keep_deaf,
    "the line": admit_everybody,
    "room": admit_nobody,
    "a long line": shorten_line,
    "refusing what is not written": ignore_failed_commits,
    "one moment": read_table_by_table,
    "one transaction": commit_each_word,
    "tools to act with": add_tools,
    "approvals": approve_everything,
    "marking what is imported": trust_files,
    "a day to decide": shorten_thought,
    "the gates of memory": remember_everything,
}


def weaken() -> None:
    for weakening in filter(None, os.environ.get("WITHOUT", "").split(",")):
        WEAKENINGS[weakening]()


if __name__ == "__main__":
    weaken()
    main()
