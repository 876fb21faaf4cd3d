"""Passwords: which are taken, how they are hashed, how many at a time."""

from __future__ import annotations

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from quarterdeck.accounts.passwords import Passwords, check_password
from quarterdeck.errors import InputError, OverloadedError


@pytest.mark.parametrize(
    "password", ["a sail in the wind", "x1y2z3!!", "пароль-длинный", "🦆🦆🦊🦊🦝🦝🐳🐳", "x1y" * 85]
)
def test_a_good_password_is_taken(password: str) -> None:
    assert check_password(password, "Ann", "ann@example.org")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short12", "at least 8"),
        ("x1y" * 90, "at most 256"),
        ("Password123", "first"),
        ("12345678", "first"),
        ("ababababab", "first"),
        ("annabelle", "name or the address"),
        ("ANNABELLE", "name or the address"),
        ("ann@example.org", "name or the address"),
        ("", "at least 8"),
    ],
)
def test_a_poor_one_is_refused_and_the_sentence_says_why(password: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        check_password(password, "Annabelle", "ann@example.org")


async def test_a_hash_fits_its_password_alone_however_it_was_typed() -> None:
    passwords = Passwords()
    made = await passwords.hash(check_password("Ångström-1"))
    assert made.startswith("$argon2id$")
    assert await passwords.matches(made, "A\u030angstro\u0308m-1")
    assert not await passwords.matches(made, "Angstrom-1")
    assert not await passwords.matches(None, "Ångström-1")
    assert not await passwords.matches("no hash at all", "Ångström-1")


async def test_an_older_hash_is_known_to_be_one() -> None:
    passwords = Passwords()
    assert passwords.is_dated(PasswordHasher(1, 8, 1).hash("x"))
    assert not passwords.is_dated(await passwords.hash("x"))


async def test_two_are_made_at_a_time_and_a_line_that_is_too_long_is_refused() -> None:
    passwords = Passwords()
    go_on, running, most = threading.Event(), 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        go_on.wait(5)
        with lock:
            running -= 1

    waiting = [asyncio.create_task(passwords._run(work)) for _ in range(50)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError) as refused:
        await passwords.hash("one too many")
    assert refused.value.status == 503
    assert refused.value.retry_after_s
    go_on.set()
    await asyncio.gather(*waiting)
    assert most == 2
    assert await passwords.hash("there is room again")
