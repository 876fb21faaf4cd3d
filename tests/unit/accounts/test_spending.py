"""Reserve, then settle: whatever the order, no budget is overrun, and nothing stays reserved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert, select
from sqlalchemy.pool import StaticPool
from tests.harness.ledger import find_miscounts
from tests.harness.postgres import Databases
from tests.harness.waiting import trials, wait_until_async
from tests.unit.store.stored import add_user, open_place
from tests.unit.turns.rig import Script, ScriptedProvider

from quarterdeck.accounts import spending as spending_module
from quarterdeck.accounts.limits import Limits
from quarterdeck.accounts.spending import Call, Spending, _reserve, entry_of
from quarterdeck.config import Settings
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.periods import Period, day_of
from quarterdeck.domain.step import FinishChunk, PromptMessage, StepRequest, TextChunk, UsageChunk
from quarterdeck.domain.usage import ModelProfile, Price, Usage
from quarterdeck.errors import OverBudgetError, ProviderLimitError, ProviderTimeoutError
from quarterdeck.providers.registry import Registry
from quarterdeck.store.budgets import BudgetRow, insert_budget
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import metadata, usage_entries, users
from quarterdeck.store.usage import (
    Spent,
    UsageEntry,
    read_used,
    record_spent,
    settle_abandoned,
)

MODELS = [
    ModelProfile(id="fake/dear", provider="fake", name="dear", price=Price(3.0, 15.0, 0.3)),
    ModelProfile(id="fake/cheap", provider="fake", name="cheap", price=Price(0.05, 0.4)),
    ModelProfile(id="other/unknown", provider="other", name="unknown"),
]


def budget(number: int, pattern: str, period: Period, max_cost: int | None, max_tokens: int | None) -> BudgetRow:
    return BudgetRow(
        id=f"b{number}", subject="all", pattern=pattern, period=period, max_cost=max_cost, max_tokens=max_tokens,
        created_at=0,
    )  # fmt: skip


BUDGETS = [
    budget(1, "*", "month", None, 60_000),
    budget(2, "fake/*", "day", 200_000, None),
    budget(3, "fake/cheap", "day", 9_000, 40_000),
]


@pytest.fixture(scope="module")
def memory() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        metadata.create_all(connection)
        yield connection
    engine.dispose()


def open_house(memory: Connection) -> WriteConnection:
    """Empty but for one user and the budgets."""
    connection = cast(WriteConnection, memory)
    for table in reversed(metadata.sorted_tables):
        memory.execute(table.delete())
    memory.execute(insert(users).values(id="ann", name="ann", role="member", created_at=0))
    for row in BUDGETS:
        insert_budget(connection, row)
    return connection


steps = st.one_of(
    st.tuples(st.just("reserve"), st.integers(0, 2), st.integers(0, 30_000), st.integers(1, 30_000)),
    st.tuples(st.just("settle"), st.integers(0, 50), st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.just("settle again"), st.integers(0, 50), st.floats(0, 1), st.floats(0, 1)),
)


@settings(max_examples=trials(20, 60), deadline=None)
@given(st.lists(steps, max_size=40))
def test_no_order_of_reserving_and_settling_overruns_a_budget(memory: Connection, plan: list[tuple[str, ...]]) -> None:
    connection = open_house(memory)
    held: list[tuple[Call, UsageEntry]] = []
    for kind, which, one, other in cast("list[tuple[str, int, float, float]]", plan):
        if kind == "reserve":
            call = Call(user="ann", profile=MODELS[which], input_tokens=int(one), output_tokens=int(other))
            try:
                entry = _reserve(connection, call, is_again=False)
            except OverBudgetError:
                entry = None
            if entry is not None:
                assert entry.output_tokens <= other
                held.append((call, entry))
        elif held:
            call, entry = held[which % len(held)]
            used = Usage(int(entry.input_tokens * one), int(entry.output_tokens * other))
            record_spent(connection, [Spent(entry_of(call, used), entry)])
            if kind == "settle":
                held.remove((call, entry))
        assert overruns(connection) == []
        assert find_miscounts(connection) == []


def overruns(connection: WriteConnection) -> list[str]:
    today = day_of(now_ms())
    used = read_used(connection, "ann", f"{today[:7]}-01", today)
    limits = [
        (sum(one.tokens for one in used), 60_000),
        (sum(one.cost_today for one in used if one.model.startswith("fake/")), 200_000),
        (sum(one.cost_today for one in used if one.model == "fake/cheap"), 9_000),
        (sum(one.tokens_today for one in used if one.model == "fake/cheap"), 40_000),
    ]
    return [f"{amount} of {limit}" for amount, limit in limits if amount > limit]


async def spend_in_parallel(place: str, tries: int) -> tuple[int, int]:
    """50 requests at a time of one user, in eight processes: how many were let through, and the tokens held."""
    async with open_place(place, pool_size=16) as database:
        user = await database.write(lambda connection: add_user(connection, f"user{tries}"))
        houses = []
        for _ in range(8):
            limits = Limits(database, Registry(Settings(discover=False), probes=()))
            await limits.load()
            houses.append(Spending(database, limits))

        async def spend(number: int) -> int:
            call = Call(user=user, profile=MODELS[2], input_tokens=100, output_tokens=900)
            try:
                entry = await houses[number % 8].reserve(call)
            except OverBudgetError:
                return 0
            return 0 if entry is None else entry.tokens

        held = [tokens for tokens in await asyncio.gather(*map(spend, range(50))) if tokens]
        return len(held), sum(held)


async def add_token_budget(place: str, max_tokens: int) -> None:
    async with open_place(place) as database:
        await database.write(lambda connection: insert_budget(connection, budget(1, "*", "day", None, max_tokens)))


@pytest.fixture
def place(postgres: Databases) -> Iterator[str]:
    url = postgres.new_database()
    yield url
    postgres.drop(url)


async def test_requests_in_parallel_processes_cannot_overrun_a_budget(place: str) -> None:
    await add_token_budget(place, 7_000)
    for number in range(3):
        assert await spend_in_parallel(place, number) == (7, 7_000)


async def test_without_its_lock_the_same_budget_is_overrun(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(spending_module, "lock_usage", lambda connection, user: None)
    await add_token_budget(place, 7_000)
    assert any([(await spend_in_parallel(place, number))[1] > 7_000 for number in range(3)])


class Desk:
    """One process's spending, beside a provider that plays a script."""

    def __init__(self, database: Database, script: Script) -> None:
        self.database = database
        self.provider = ScriptedProvider(script)
        self.limits = Limits(database, Registry(Settings(discover=False), probes=()))
        self.spending = Spending(database, self.limits)

    async def open(self, *budgets: BudgetRow) -> str:
        """A new user's id."""
        for row in budgets:
            await self.database.write(lambda connection, row=row: insert_budget(connection, row))  # type: ignore[misc]
        await self.limits.load()
        return await self.database.write(lambda connection: add_user(connection, "ann"))

    async def title(self, user: str) -> None:
        call = Call(user=user, profile=MODELS[0], input_tokens=0, output_tokens=40, purpose="title")
        request = StepRequest(model="dear", messages=[PromptMessage("user", [TextPart("Name this talk.")])])
        await self.spending.complete(call, self.provider, request)

    async def entries(self) -> list[UsageEntry]:
        return await self.database.read(
            lambda connection: [UsageEntry(**row._mapping) for row in connection.execute(select(usage_entries))]
        )


SAID: Script = [TextChunk("A talk"), UsageChunk(Usage(12, 3)), FinishChunk("stop")]


@pytest.mark.parametrize("budgets", [[], [budget(1, "*", "day", 10_000, None)]])
async def test_a_background_call_is_counted_with_its_purpose(
    database: SqliteDatabase, budgets: list[BudgetRow]
) -> None:
    desk = Desk(database, SAID)
    await desk.title(await desk.open(*budgets))
    [entry] = await desk.entries()
    assert (entry.purpose, entry.turn_id, entry.input_tokens, entry.output_tokens) == ("title", "", 12, 3)
    assert entry.cost == 12 * 3 + 3 * 15
    assert entry.settled_at is not None
    assert desk.provider.requests[0].max_output_tokens == (40 if budgets else None)
    assert await database.read(find_miscounts) == []


async def test_a_background_call_over_budget_is_not_made(database: SqliteDatabase) -> None:
    desk = Desk(database, SAID)
    user = await desk.open(budget(1, "*", "day", None, 30))
    with pytest.raises(OverBudgetError):
        await desk.title(user)
    assert (desk.provider.requests, await desk.entries()) == ([], [])


@pytest.mark.parametrize(("error", "used"), [(ProviderLimitError("Busy."), 0), (ProviderTimeoutError("Slow."), 1)])
async def test_a_failed_call_gives_back_what_was_certainly_not_used(
    database: SqliteDatabase, error: Exception, used: int
) -> None:
    desk = Desk(database, [error])
    user = await desk.open(budget(1, "*", "day", 10_000, None))
    with pytest.raises(type(error)):
        await desk.title(user)
    [entry] = await desk.entries()
    assert bool(entry.input_tokens) == bool(used)
    assert entry.output_tokens == 0
    assert await database.read(find_miscounts) == []


async def test_a_reservation_that_was_made_twice_by_one_call_is_one(database: SqliteDatabase) -> None:
    desk = Desk(database, SAID)
    user = await desk.open(budget(1, "*", "day", None, 10_000))
    call = Call(user=user, profile=MODELS[0], input_tokens=10, output_tokens=90)
    first = await desk.spending.reserve(call)
    assert await desk.spending.reserve(call, is_again=True) == first
    assert len(await desk.entries()) == 1


async def test_who_leaves_while_it_is_reserved_pays_nothing(database: SqliteDatabase) -> None:
    desk = Desk(database, SAID)
    user = await desk.open(budget(1, "*", "day", None, 10_000))
    call = Call(user=user, profile=MODELS[0], input_tokens=10, output_tokens=90)
    reserving = asyncio.create_task(desk.spending.reserve(call))
    await asyncio.sleep(0)
    reserving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reserving

    async def is_settled() -> bool:
        entries = await desk.entries()
        return bool(entries) and all(entry.settled_at is not None for entry in entries)

    await wait_until_async(is_settled, "the reservation to be given back")
    assert [entry.tokens for entry in await desk.entries()] == [0]
    assert await database.read(find_miscounts) == []


async def test_what_dead_processes_reserved_is_settled_by_the_scheduled_work(database: SqliteDatabase) -> None:
    desk = Desk(database, SAID)
    user = await desk.open(budget(1, "*", "day", None, 10_000))
    old = now_ms() - 3_600_000
    for turn, at in (("ended", old), ("", old), ("", now_ms())):
        call = Call(user=user, profile=MODELS[0], input_tokens=10, output_tokens=90, turn=turn, at=at)
        await desk.spending.reserve(call)
    before = now_ms() - 900_000
    assert await database.write(lambda c: settle_abandoned(c, turns_before=before, calls_before=before)) == 2
    entries = {(entry.turn_id, entry.created_at == old): entry for entry in await desk.entries()}
    assert (entries["ended", True].tokens, entries["ended", True].settled_at is None) == (0, False)
    assert (entries["", True].tokens, entries["", True].settled_at is None) == (100, False)
    assert entries["", False].settled_at is None, "it may be under way"
    assert await database.read(find_miscounts) == []


async def test_a_refusal_says_when_only_running_answers_are_in_the_way(database: SqliteDatabase) -> None:
    desk = Desk(database, SAID)
    user = await desk.open(budget(1, "*", "day", None, 1_000))
    call = Call(user=user, profile=MODELS[2], input_tokens=10, output_tokens=2_000)
    entry = await desk.spending.reserve(call)
    assert entry is not None
    again = msgspec.structs.replace(call, id="another")
    with pytest.raises(OverBudgetError, match="held by answers that are being written") as held:
        await desk.spending.reserve(again)
    assert (held.value.retry_after_s or 99) < 60
    await desk.spending.settle([Spent(entry_of(call, Usage(900, 100)), entry)])
    with pytest.raises(OverBudgetError, match="used up"):
        await desk.spending.reserve(again)
