"""The ledger on each database: written once, settled once, summed as people look at it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tests.harness.ledger import find_miscounts, find_reserved
from tests.unit.store.stored import add_conversation, add_turn, add_user

from quarterdeck.domain.ids import new_id
from quarterdeck.store.database import Database
from quarterdeck.store.usage import (
    Spent,
    UsageEntry,
    list_entries_of_turn,
    read_reserved,
    read_used,
    record_spent,
    reserve_usage,
    settle_abandoned,
)
from quarterdeck.store.usage_report import Group, UsageQuery, UsageRow, report_usage

FIRST, TODAY = "2026-11-01", "2026-11-28"


def entry(user: str, **values: Any) -> UsageEntry:
    given: dict[str, Any] = {
        "id": new_id(), "user_id": user, "turn_id": new_id(), "step": 1, "attempt": 1, "purpose": "answer",
        "model": "a/m", "day": TODAY, "created_at": 1, "settled_at": 2, "cost": 100, "has_price": 1,
        "input_tokens": 10, "output_tokens": 5,
    }  # fmt: skip
    return UsageEntry(**(given | values))


async def record(database: Database, *entries: UsageEntry) -> None:
    await database.write(lambda connection: record_spent(connection, [Spent(one) for one in entries]))


async def report(database: Database, group: Group, user: str | None = None) -> list[UsageRow]:
    query = UsageQuery(first=FIRST, last=TODAY, group=group, user=user)
    return await database.read(lambda connection: report_usage(connection, query))


async def test_what_was_used_is_summed_for_the_month_and_for_today(database: Database) -> None:
    user = await database.write(lambda connection: add_user(connection, "ann"))
    await record(database, entry(user), entry(user, day=FIRST, cost=7), entry(user, model="b/m", day="2026-10-31"))
    await record(database, entry(user, cost=1))
    [used] = await database.read(lambda connection: read_used(connection, user, FIRST, TODAY))
    assert (used.model, used.cost, used.tokens, used.cost_today, used.tokens_today) == ("a/m", 108, 45, 101, 30)
    assert await database.read(find_miscounts) == []


async def test_a_reservation_counts_until_it_is_settled_and_is_settled_once(database: Database) -> None:
    user = await database.write(lambda connection: add_user(connection, "ann"))
    reserved = entry(user, settled_at=None, cost=900, output_tokens=400)
    await database.write(lambda connection: reserve_usage(connection, reserved))
    [held] = await database.read(lambda connection: read_reserved(connection, user, FIRST, TODAY))
    assert (held.cost, held.tokens, held.cost_today) == (900, 410, 900)
    for _ in range(2):  # whoever is late changes nothing
        await database.write(lambda connection: record_spent(connection, [Spent(entry(user, cost=50), reserved)]))
    [used] = await database.read(lambda connection: read_used(connection, user, FIRST, TODAY))
    assert (used.cost, used.tokens) == (50, 15)
    assert await database.read(lambda connection: read_reserved(connection, user, FIRST, TODAY)) == []
    assert await database.read(find_miscounts) + await database.read(find_reserved) == []


@pytest.mark.parametrize(("waits", "median"), [([], None), ([300], 300), ([300, 100, 200], 200), ([1, 4, 2, 3], 3)])
async def test_the_median_wait_for_the_first_token_is_of_those_that_had_one(
    database: Database, waits: list[int], median: int | None
) -> None:
    user = await database.write(lambda connection: add_user(connection, "ann"))
    await record(database, entry(user), *(entry(user, first_token_ms=wait) for wait in waits))
    assert [row.first_token_ms for row in await report(database, "model")] == [median]


async def test_usage_is_grouped_by_day_model_and_user(database: Database) -> None:
    ann = await database.write(lambda connection: add_user(connection, "ann"))
    bob = await database.write(lambda connection: add_user(connection, "bob"))
    turn = new_id()
    await record(
        database, entry(ann, turn_id=turn), entry(ann, turn_id=turn, attempt=2), entry(ann, model="b/m", has_price=0),
        entry(ann, day=FIRST), entry(bob, turn_id="", purpose="title", cost=3), entry(bob, settled_at=None),
        entry(bob, day="2026-10-31"),
    )  # fmt: skip
    by_day = [
        (row.day, row.model, row.cost, row.turns, row.requests, row.has_price)
        for row in await report(database, "day", ann)
    ]
    assert by_day == [
        (FIRST, "a/m", 100, 1, 1, True), (TODAY, "a/m", 200, 1, 2, True), (TODAY, "b/m", 100, 1, 1, False),
    ]  # fmt: skip
    by_model = [(row.day, row.model, row.cost, row.turns) for row in await report(database, "model")]
    assert by_model == [("", "a/m", 303, 2), ("", "b/m", 100, 1)]
    by_user = [(row.user, row.name, row.cost, row.input_tokens, row.turns) for row in await report(database, "user")]
    assert by_user == [(ann, "ann", 400, 40, 3), (bob, "bob", 3, 10, 0)]


async def test_what_nobody_will_settle_is_settled(database: Database) -> None:
    def prepare(connection: Any) -> tuple[str, str]:
        user = add_user(connection, "ann")
        turn = add_turn(connection, add_conversation(connection, user), status="running", worker="w")
        for of_turn in (turn, "gone", ""):
            reserve_usage(connection, entry(user, turn_id=of_turn, settled_at=None))
        return user, turn

    user, running = await database.write(prepare)
    assert await database.write(lambda c: settle_abandoned(c, turns_before=10, calls_before=10)) == 2
    tokens = {}
    for turn in (running, "gone", ""):
        found = await database.read(partial(list_entries_of_turn, turn=turn))
        tokens[turn] = [(one.tokens, one.settled_at is None) for one in found]
    assert tokens == {running: [(15, True)], "gone": [(0, False)], "": [(15, False)]}
    [used] = await database.read(lambda connection: read_used(connection, user, FIRST, TODAY))
    assert used.tokens == 30
    assert await database.read(find_miscounts) == []
