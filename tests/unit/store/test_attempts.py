"""The back-off, on each kind of database: counted before it is looked at, and nobody is locked out for good."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update

from quarterdeck.accounts import attempts
from quarterdeck.accounts.attempts import begin_attempt, count_guest, succeed, take_back
from quarterdeck.errors import TooManyAttemptsError
from quarterdeck.store.attempts import purge_attempts
from quarterdeck.store.database import Database
from quarterdeck.store.tables import sign_in_attempts

HERE, THERE = "198.51.100.7", "203.0.113.9"


async def begin(database: Database, name: str = "ann", address: str = HERE) -> float | None:
    """The seconds to wait, or None when the attempt is looked at."""
    try:
        await database.write(lambda connection: begin_attempt(connection, name, address))
    except TooManyAttemptsError as error:
        return error.retry_after_s
    return None


async def pass_time(database: Database) -> None:
    """All waits are over; the counts stay."""
    change = update(sign_in_attempts).values(blocked_until=0)
    await database.write(lambda connection: connection.execute(change))


async def test_waits_begin_after_five_failures_and_double_up_to_a_quarter_of_an_hour(database: Database) -> None:
    assert [await begin(database) for _ in range(5)] == [None] * 5
    waits = []
    for _ in range(12):
        waits.append(await begin(database))
        await pass_time(database)
        assert await begin(database) is None
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_who_waited_when_a_clock_that_ran_ahead_was_set_back_waits_no_longer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000_000
    monkeypatch.setattr(attempts, "database_now_ms", lambda _: now)
    for _ in range(14):
        await begin(database)
        await pass_time(database)
    assert await begin(database) is None
    assert await begin(database) == 900
    now -= 24 * 3_600_000
    assert [await begin(database) for _ in range(5)] == [None] * 5
    assert await begin(database) == 1


async def test_a_hundred_at_once_count_as_a_hundred(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "database_now_ms", lambda _: 1_800_000_000_000)  # at once, however busy the machine
    outcomes = await asyncio.gather(*(begin(database) for _ in range(100)))
    assert outcomes.count(None) == 5


async def test_the_right_password_begins_anew_and_nobody_looked_is_no_attempt(database: Database) -> None:
    for _ in range(4):
        await begin(database)
    await database.write(lambda connection: succeed(connection, "ANN", HERE))
    assert [await begin(database) for _ in range(5)] == [None] * 5
    await database.write(lambda connection: take_back(connection, "ann", HERE))
    assert await begin(database) is None


async def test_whoever_guesses_does_not_keep_the_owner_of_the_name_out(database: Database) -> None:
    for _ in range(5):
        await begin(database)
    assert await begin(database) == 1
    assert await begin(database, address=THERE) is None


async def test_many_addresses_that_try_one_name_are_slowed_down_by_half_a_minute_at_most(database: Database) -> None:
    waits = []
    for number in range(70):
        waits.append(await begin(database, address=f"192.0.2.{number}"))
        await pass_time(database)
        await begin(database, address=f"198.18.0.{number}")
        if number > 40:
            waits.append(await begin(database, address=f"198.19.0.{number}"))
        await pass_time(database)
    assert max(wait or 0 for wait in waits) == 30


async def test_one_address_that_tries_many_names_waits(database: Database) -> None:
    outcomes = [await begin(database, name=f"name{number}") for number in range(21)]
    assert outcomes == [None] * 20 + [1]


async def test_a_household_of_ipv6_is_one_address(database: Database) -> None:
    for number in range(5):
        await begin(database, address=f"2001:db8::{number + 1}")
    assert await begin(database, address="2001:db8::ffff") == 1
    assert await begin(database, address="2001:db8:0:1::1") is None


async def test_ipv4_addresses_that_are_written_as_ipv6_are_no_household(database: Database) -> None:
    for number in range(5):
        await begin(database, address=f"::ffff:192.0.2.{number + 1}")
    assert await begin(database, address="::ffff:192.0.2.99") is None
    for _ in range(4):
        await begin(database, address="192.0.2.1")
    assert await begin(database, address="::ffff:192.0.2.1") == 1, "it is the same, however it is written"


async def test_what_was_typed_is_not_kept(database: Database) -> None:
    await begin(database, name="my password in the wrong field")
    kept = await database.read(lambda connection: list(connection.execute(select(sign_in_attempts.c.key)).scalars()))
    assert not any("password" in key or HERE in key for key in kept)


async def test_attempts_of_yesterday_are_forgotten(database: Database) -> None:
    await begin(database)
    change = update(sign_in_attempts).values(failed_at=sign_in_attempts.c.failed_at - 25 * 3600 * 1000)
    await database.write(lambda connection: connection.execute(change))
    await database.write(purge_attempts)
    assert await database.read(lambda connection: connection.execute(select(sign_in_attempts)).first()) is None


async def test_guests_of_one_address_wait_after_thirty(database: Database) -> None:
    for _ in range(30):
        await database.write(lambda connection: count_guest(connection, HERE))
    with pytest.raises(TooManyAttemptsError):
        await database.write(lambda connection: count_guest(connection, HERE))
    await database.write(lambda connection: count_guest(connection, THERE))
