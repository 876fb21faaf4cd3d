"""What turns, tokens and processes ask of PostgreSQL and of Valkey."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import uvloop
from msgspec import Struct
from sqlalchemy import Connection, insert, text

from bench.engines import Postgres, PostgresState
from bench.load import Load, run, warm_up
from bench.shapes import POSTGRES, REDIS, Bed, Fleet, Shape, open_fleet
from bench.tables import median, table
from quarterdeck.domain.events import TurnEnded
from quarterdeck.domain.fold import Fold
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.usage import Usage
from quarterdeck.store.postgres import PostgresDatabase
from quarterdeck.store.tables import users
from quarterdeck.store.turns import Claimable, StepRow, insert_step, list_claimable
from quarterdeck.turns.claim import Lease
from quarterdeck.turns.record import Send, record_send, started_event
from quarterdeck.turns.save import Ending, save_answer

_LOAD = Load(100, tokens=400)
_BYSTANDER = Shape("one process that runs everything, one that waits", workers=1)
_TURNS = 1_500
_AT_ONCE = 16
_IDLE_S = 5.0


class Demands(Struct, frozen=True):
    """Of one turn of `_LOAD.tokens` tokens, unless it says of a token. Sizes in bytes."""

    log_bytes: float
    orders_per_token: float
    commands_per_token: float
    aof_per_token: float
    commits: float
    wal: float
    row_bytes: float
    connections: int
    busy: int
    bystander_us: float
    wal_with_log: float


def measure_limits(bed: Bed) -> tuple[str, Demands]:
    with open_fleet(bed, REDIS) as fleet:
        uvloop.run(warm_up(fleet))
        assert fleet.valkey is not None
        valkey, before = fleet.valkey.state(), bed.postgres.state(fleet.database)
        busy = uvloop.run(_load_and_look(fleet))
        after, grown = bed.postgres.state(fleet.database), fleet.valkey.state()
    tokens = _LOAD.chats * _LOAD.tokens
    demands = Demands(
        log_bytes=(grown.memory - valkey.memory) / _LOAD.chats,
        orders_per_token=(grown.calls - valkey.calls) / tokens,
        commands_per_token=(grown.commands - valkey.commands) / tokens,
        aof_per_token=(grown.written - valkey.written) / tokens,
        commits=(after.commits - before.commits) / _LOAD.chats,
        wal=(after.wal - before.wal) / _LOAD.chats,
        row_bytes=(after.size - before.size) / _LOAD.chats,
        connections=max(state.connections for state in busy),
        busy=max(state.busy for state in busy),
        bystander_us=_measure_bystander(bed),
        wal_with_log=_measure_wal_with_log(bed),
    )
    return "\n\n".join([_table(demands), *_measure_statements(bed.postgres)]), demands


async def _load_and_look(fleet: Fleet) -> list[PostgresState]:
    """PostgreSQL's state, twice a second while the load runs."""
    running = asyncio.create_task(run(fleet, _LOAD))
    seen = []
    while not running.done():
        seen.append(await asyncio.to_thread(fleet.bed.postgres.state, fleet.database))
        await asyncio.wait([running], timeout=0.5)
    running.result()
    return seen


def _measure_bystander(bed: Bed) -> float:
    """What a process pays for each token of another one, beyond what it costs while nothing happens."""
    with open_fleet(bed, _BYSTANDER) as fleet:
        uvloop.run(warm_up(fleet))
        idle = fleet.cpu_s()["workers"]
        time.sleep(_IDLE_S)
        idle = (fleet.cpu_s()["workers"] - idle) / _IDLE_S
        begun_s = time.perf_counter()
        found = uvloop.run(run(fleet, _LOAD))
        idle_us = idle * (time.perf_counter() - begun_s) / (_LOAD.chats * _LOAD.tokens) * 1e6
        return max(found.cpu_us["workers"] - idle_us, 0.0)


def _measure_wal_with_log(bed: Bed) -> float:
    with open_fleet(bed, POSTGRES) as fleet:
        uvloop.run(warm_up(fleet))
        before = bed.postgres.state(fleet.database)
        uvloop.run(run(fleet, _LOAD))
        return (bed.postgres.state(fleet.database).wal - before.wal) / _LOAD.chats


def _table(found: Demands) -> str:
    rows = [
        ["Valkey: memory of a log, kept for an hour", f"{found.log_bytes / 1024:.1f} KiB"],
        ["Valkey: orders for a token (each carries many turns)", f"{found.orders_per_token:.3f}"],
        ["Valkey: commands for a token, those within scripts", f"{found.commands_per_token:.2f}"],
        ["Valkey: written to the append-only file for a token", f"{found.aof_per_token:.0f} B"],
        ["another process hears of a token: its CPU", f"{found.bystander_us:.2f} µs"],
        ["PostgreSQL: commits for a turn, with the log on Redis", f"{found.commits:.1f}"],
        ["PostgreSQL: write-ahead log for a turn", f"{found.wal / 1024:.1f} KiB"],
        ["the same with the turns' logs on PostgreSQL", f"{found.wal_with_log / 1024:.1f} KiB"],
        ["PostgreSQL: database for a turn, question and answer", f"{found.row_bytes / 1024:.1f} KiB"],
        ["PostgreSQL: connections of one process, at most within a transaction", f"{found.connections}, {found.busy}"],
    ]
    return "\n\n".join([f"{_LOAD.name}:", table(["of one turn, unless it says of a token", ""], rows)])


def _measure_statements(postgres: Postgres) -> list[str]:
    """Our own statements without anything around them: how many turns a second PostgreSQL takes on its core."""
    address = postgres.new_database()
    cpu_s, begun_s = postgres.cpu_s(), time.perf_counter()
    uvloop.run(_write_turns(address))
    taken_s, cpu_s = time.perf_counter() - begun_s, postgres.cpu_s() - cpu_s
    said = (
        f"Our own statements alone, {_AT_ONCE} connections, `fsync` on: {_TURNS / taken_s:.0f} turns a second from one "
        f"writing process, {cpu_s / _TURNS * 1000:.2f} ms of PostgreSQL's CPU for each."
    )
    costs = uvloop.run(_look_for_turns(address))
    looks = [[f"{count:,}", f"{taken_s * 1000:.1f}"] for count, taken_s in costs.items()]
    title = "The query for turns that nobody has, once a second by each worker, by the turns running in the cell:"
    return [said, title, table(["running turns", "ms"], looks)]


async def _write_turns(address: str) -> None:
    database = PostgresDatabase(address, _AT_ONCE)
    owner = new_id()
    await database.write(lambda connection: _add_owner(connection, owner))
    left = list(range(_TURNS))

    async def write() -> None:
        while left:
            left.pop()
            await _write_turn(database, owner)

    await asyncio.gather(*(write() for _ in range(_AT_ONCE)))
    await database.close()


def _add_owner(connection: Connection, owner: str) -> None:
    connection.execute(insert(users).values(id=owner, name="ann", role="owner", created_at=now_ms()))


async def _write_turn(database: PostgresDatabase, owner: str) -> None:
    """As the room `turns` does it: the question, the step's note, the answer."""
    lease, key = Lease("bench"), new_id()
    send = Send(key=key, conversation=key, text="Go on.")
    accepted = await database.write(
        lambda connection: record_send(connection, owner, send, "openai/any", lease, lambda *_: None)
    )
    step = StepRow(1, 1, "openai/any", "{}", now_ms())
    await database.write(lambda connection: insert_step(connection, accepted.row.id, step))
    fold = Fold()
    fold.apply(started_event(accepted.row))
    folded = msgspec.structs.replace(fold.turn(), parts=[TextPart(" word" * 400)], usage=Usage(20, 400))
    ending = Ending(accepted.row, folded, TurnEnded("complete", now_ms()), 100)
    await database.write(lambda connection: save_answer(connection, ending, lease))


async def _look_for_turns(address: str) -> dict[int, float]:
    """Median seconds of the query, with so many turns running."""
    database = PostgresDatabase(address, 2)
    costs = {}
    for count in (100, 1_000, 10_000):
        await database.write(_reopen(count))
        taken = []
        for _ in range(15):
            begun_s = time.perf_counter()
            await database.read(_claimable)
            taken.append(time.perf_counter() - begun_s)
        costs[count] = median(taken)
    await database.close()
    return costs


def _reopen(count: int) -> Callable[[Connection], None]:
    """So many turns of so many conversations, all with a lease."""

    def write(connection: Connection) -> None:
        connection.execute(text("DELETE FROM conversations WHERE external_id LIKE 'made-%'"))
        values = {"count": count, "until": now_ms() + 3_600_000}
        connection.execute(
            text(
                "INSERT INTO conversations (id, owner_id, external_id, title, model, assistant, instructions,"
                " created_at, updated_at) SELECT 'made-' || n, (SELECT min(id) FROM users), 'made-' || n,"
                " '', '', '', '', 0, 0 FROM generate_series(1, :count) n"
            ),
            values,
        )
        connection.execute(
            text(
                "INSERT INTO turns (id, owner_id, conversation_id, request_id, message_id, status, model, assistant,"
                " instructions, send_key, send_hash, lease_owner, lease_until, created_at)"
                " SELECT 'made-' || n, (SELECT min(id) FROM users), 'made-' || n, 'q', 'a', 'running', '', '', '',"
                " 'made-' || n, '', 'somebody', :until, 0 FROM generate_series(1, :count) n"
            ),
            values,
        )
        connection.execute(text("ANALYZE turns"))

    return write


def _claimable(connection: Any) -> list[Claimable]:
    return list_claimable(connection, worker="bench", others_are_dead=False, limit=50)
