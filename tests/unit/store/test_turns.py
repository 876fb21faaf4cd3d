"""Leases: one worker has a turn at a time; who has lost it cannot end it."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from tests.harness.postgres import Databases
from tests.harness.waiting import trials
from tests.unit.store.stored import Place, add_conversation, add_turn, add_user, open_place

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.conversations import find_conversation
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.tables import metadata
from quarterdeck.store.turns import (
    Claimable,
    StepRow,
    claim_turn,
    claim_turns,
    end_turn,
    find_turn,
    has_open_turn,
    insert_step,
    list_claimable,
    list_ended_since,
    list_steps,
    next_queued,
    release_turn,
    renew_leases,
    request_stop,
)

LATER = 2**52
"""A lease that does not run out in this test."""


def claim(connection: WriteConnection, turn: str, worker: str, *, until: int = LATER, alone: bool = False) -> bool:
    return claim_turn(connection, turn, worker=worker, lease_until=until, others_are_dead=alone) is not None


def make_turn(connection: WriteConnection, **given: object) -> str:
    return add_turn(connection, add_conversation(connection, add_user(connection, "ann")), **given)  # type: ignore[arg-type]


async def test_of_many_claimers_in_two_processes_one_wins(database: Database, place: Place) -> None:
    turn = await database.write(make_turn)
    async with open_place(place) as other:
        won = await asyncio.gather(
            *(
                (database, other)[number % 2].write(
                    lambda connection, number=number: claim(connection, turn, f"worker {number}")  # type: ignore[misc]
                )
                for number in range(20)
            )
        )
    assert won.count(True) == 1


async def test_many_are_claimed_at_once_but_for_those_that_somebody_has(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[list[str], list[str]]:
        ann = add_user(connection, "ann")
        free, had, ended = (add_turn(connection, add_conversation(connection, ann)) for _ in range(3))
        assert claim(connection, had, "first")
        assert claim(connection, ended, "first")
        assert end_turn(connection, ended, worker="first", status="complete", ended_at=1)
        wanted = [free, had, ended, "unknown"]
        rows = claim_turns(connection, wanted, worker="second", lease_until=77, others_are_dead=False)
        assert [(row.status, row.lease_owner, row.lease_until) for row in rows] == [("running", "second", 77)]
        return [row.id for row in rows], [free]

    claimed, free = await database.write(make)
    assert claimed == free


async def test_two_processes_with_the_same_list_share_it_and_neither_waits_for_the_other(
    database: Database, place: Place
) -> None:
    def make(connection: WriteConnection) -> list[str]:
        ann = add_user(connection, "ann")
        return [add_turn(connection, add_conversation(connection, ann)) for _ in range(60)]

    wanted = await database.write(make)

    def take(connection: WriteConnection, worker: str, wanted: list[str]) -> list[str]:
        rows = claim_turns(connection, wanted, worker=worker, lease_until=LATER, others_are_dead=False)
        return [row.id for row in rows]

    async with open_place(place) as other:
        for at in range(0, 60, 10):
            part = wanted[at : at + 10]
            taken = await asyncio.gather(
                database.write(partial(take, worker="a", wanted=part)),
                other.write(partial(take, worker="b", wanted=part[::-1])),
            )
            assert sorted(taken[0] + taken[1]) == sorted(part)


async def test_a_claim_says_whose_the_turn_is_and_that_it_runs(database: Database) -> None:
    turn = await database.write(make_turn)
    row = await database.write(
        lambda connection: claim_turn(connection, turn, worker="w", lease_until=77, others_are_dead=False)
    )
    assert row is not None
    assert (row.id, row.status, row.lease_owner, row.lease_until) == (turn, "running", "w", 77)
    stored = await database.read(lambda connection: find_turn(connection, row.owner_id, turn))
    assert stored == row


async def test_a_turn_whose_lease_has_run_out_can_be_taken_and_its_old_worker_cannot_end_it(
    database: Database,
) -> None:
    turn = await database.write(make_turn)

    def lose_and_end(connection: WriteConnection) -> list[bool]:
        return [
            claim(connection, turn, "slow", until=now_ms() - 1),
            claim(connection, turn, "quick"),
            end_turn(connection, turn, worker="slow", status="complete", ended_at=1),
            bool(renew_leases(connection, "slow", [turn], LATER)),
            end_turn(connection, turn, worker="quick", status="complete", ended_at=1),
            end_turn(connection, turn, worker="quick", status="complete", ended_at=1),
        ]

    assert await database.write(lose_and_end) == [True, True, False, False, True, False]


async def test_a_renewal_keeps_what_is_this_workers_and_says_what_is_not(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, str, str, set[str]]:
        conversation = add_conversation(connection, add_user(connection, "ann"))
        mine, lost, ended = (
            add_turn(connection, conversation, status=status, worker=worker)
            for status, worker in (("running", "me"), ("running", "somebody"), ("complete", "me"))
        )
        return mine, lost, ended, renew_leases(connection, "me", [mine, lost, ended], LATER)

    mine, _, _, kept = await database.write(make)
    assert kept == {mine}
    assert not await database.write(lambda connection: claim(connection, mine, "somebody"))


async def test_a_released_turn_is_anybodys_at_once_but_only_its_worker_can_release_it(database: Database) -> None:
    turn = await database.write(make_turn)

    def pass_on(connection: WriteConnection) -> list[bool]:
        found = [claim(connection, turn, "first")]
        release_turn(connection, turn, "somebody else")
        found.append(claim(connection, turn, "second"))
        release_turn(connection, turn, "first")
        return [*found, claim(connection, turn, "second")]

    assert await database.write(pass_on) == [True, False, True]


async def test_a_process_that_is_alone_takes_what_dead_ones_held_and_not_its_own(database: Database) -> None:
    turn = await database.write(make_turn)

    def take(connection: WriteConnection) -> list[bool]:
        return [
            claim(connection, turn, "dead"),
            claim(connection, turn, "me", alone=True),
            claim(connection, turn, "me", alone=True),
        ]

    assert await database.write(take) == [True, True, False]


async def test_of_each_conversation_only_the_first_open_turn_can_be_claimed(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[list[str], list[Claimable]]:
        ann = add_user(connection, "ann")
        first, second, third = (add_conversation(connection, ann) for _ in range(3))
        add_turn(connection, first, status="complete")
        free = [add_turn(connection, first), add_turn(connection, second, status="running", worker="x", lease_until=1)]
        add_turn(connection, first)
        add_turn(connection, third, status="running", worker="alive", lease_until=LATER)
        add_turn(connection, third)  # waits for the one before it, which runs
        return free, list_claimable(connection, worker="me", others_are_dead=False, limit=9)

    free, found = await database.write(make)
    assert found == [Claimable(free[1], "x", is_begun=True), Claimable(free[0], None)]  # what was begun first


async def test_the_claimable_list_stops_at_its_limit(database: Database) -> None:
    def make(connection: WriteConnection) -> list[str]:
        ann = add_user(connection, "ann")
        return [add_turn(connection, add_conversation(connection, ann)) for _ in range(5)]

    turns = await database.write(make)
    found = await database.read(lambda c: list_claimable(c, worker="me", others_are_dead=False, limit=3))
    assert [turn.id for turn in found] == turns[:3]


Steps = list[tuple[str, str, bool]]
some_steps = st.lists(
    st.tuples(st.sampled_from(["claim", "renew", "release", "end"]), st.sampled_from("abc"), st.booleans()),
    max_size=15,
)


@settings(max_examples=trials(15, 40), deadline=None)
@given(steps=some_steps)
def test_whatever_workers_do_at_most_one_has_the_turn_and_it_ends_once(steps: Steps) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as raw:
        metadata.create_all(raw)
        check_steps(WriteConnection(raw), steps)


@settings(max_examples=trials(10, 20), deadline=None)
@given(examples=st.lists(some_steps, max_size=5))
def test_whatever_workers_do_on_postgresql_at_most_one_has_the_turn_and_it_ends_once(
    postgres: Databases, examples: list[Steps]
) -> None:
    async def check() -> None:
        async with open_place(postgres.shared_database(), 1) as database:
            for steps in examples:
                await database.write(lambda connection, steps=steps: check_steps(connection, steps))  # type: ignore[misc]

    asyncio.run(check())


def check_steps(connection: WriteConnection, steps: Steps) -> None:
    turn = make_turn(connection)
    holder, is_live, is_ended = "", False, False
    for action, worker, lasts in steps:
        until = LATER if lasts else 1
        if action == "claim":
            expected = not is_ended and not (holder and is_live)
            assert claim(connection, turn, worker, until=until) is expected
            holder, is_live = (worker, lasts) if expected else (holder, is_live)
        elif action == "renew":
            expected = not is_ended and holder == worker
            assert (renew_leases(connection, worker, [turn], until) == {turn}) is expected
            is_live = lasts if expected else is_live
        elif action == "release":
            release_turn(connection, turn, worker)
            holder = "" if holder == worker else holder
        else:
            expected = not is_ended and holder == worker
            assert end_turn(connection, turn, worker=worker, status="complete", ended_at=1) is expected
            is_ended, holder = is_ended or expected, "" if expected else holder


async def test_the_next_queued_turn_is_the_oldest_that_waits(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, str | None, bool]:
        conversation = add_conversation(connection, add_user(connection, "ann"))
        add_turn(connection, conversation, status="failed")
        waiting = add_turn(connection, conversation)
        add_turn(connection, conversation)
        return waiting, next_queued(connection, conversation.id), has_open_turn(connection, conversation.id)

    waiting, found, is_open = await database.write(make)
    assert found == waiting
    assert is_open


async def test_a_listed_conversation_names_its_first_open_turn(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, str | None]:
        conversation = add_conversation(connection, add_user(connection, "ann"))
        first = add_turn(connection, conversation, status="running")
        add_turn(connection, conversation)
        found = find_conversation(connection, conversation.owner_id, conversation.id)
        return first, found.running_turn if found else None

    first, named = await database.write(make)
    assert named == first


@pytest.mark.parametrize(("status", "is_heard"), [("queued", True), ("running", True), ("complete", False)])
async def test_a_wish_to_stop_is_kept_for_an_open_turn_only(database: Database, status: str, is_heard: bool) -> None:
    turn = await database.write(lambda connection: make_turn(connection, status=status))
    assert await database.write(lambda connection: request_stop(connection, turn)) is is_heard


async def test_a_turn_is_found_by_its_owner_only(database: Database) -> None:
    turn = await database.write(make_turn)
    assert await database.read(lambda connection: find_turn(connection, "somebody else", turn)) is None


async def test_turns_that_ended_lately_are_listed_and_older_ones_are_not(database: Database) -> None:
    def make(connection: WriteConnection) -> list[str]:
        conversation = add_conversation(connection, add_user(connection, "ann"))
        turns = [add_turn(connection, conversation, status="running", worker="w") for _ in range(3)]
        for turn, at in zip(turns[:2], (99, 100), strict=True):
            end_turn(connection, turn, worker="w", status="complete", ended_at=at)
        return turns

    turns = await database.write(make)
    rows = await database.read(lambda connection: list_ended_since(connection, 100))
    assert [row.id for row in rows] == [turns[1]]


async def test_a_step_noted_twice_is_one_step_with_the_newer_note(database: Database) -> None:
    def note(connection: WriteConnection) -> list[StepRow]:
        turn = make_turn(connection)
        for row in (StepRow(1, 2, "m", "{}", 5), StepRow(1, 1, "m", "old", 1), StepRow(1, 1, "m", "new", 2)):
            insert_step(connection, turn, row)
        return list_steps(connection, turn)

    assert await database.write(note) == [StepRow(1, 1, "m", "new", 2), StepRow(1, 2, "m", "{}", 5)]
