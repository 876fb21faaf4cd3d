"""What people do with their own account, and what an owner does once."""

from __future__ import annotations

import asyncio
import smtplib
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from tests.unit.store.stored import add_user

from quarterdeck.accounts import passwords as passwords_module
from quarterdeck.accounts.admin import Actor, hand_over
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.confirming import confirm_identity
from quarterdeck.accounts.letters import write_invitation
from quarterdeck.accounts.limits import Limits
from quarterdeck.accounts.mail import Letter, Mailer, MailError, SmtpServer
from quarterdeck.accounts.own_account import NewPassword, change_password
from quarterdeck.accounts.passwords import Passwords
from quarterdeck.accounts.sessions import open_session
from quarterdeck.accounts.sign_in import Visitor
from quarterdeck.accounts.subjects import Who
from quarterdeck.config import Settings
from quarterdeck.errors import ForbiddenError, InputError, OverloadedError
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.people import set_password_hash
from quarterdeck.store.rules import RuleRow, insert_rule
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import sign_in_attempts, users
from quarterdeck.store.users import UserRow, ensure_owner

RULE = RuleRow(id="r", subject="all", kind="model", pattern="fake/*", is_allowed=False, created_at=0)
PASSWORD = "a sail in the wind"


async def join(database: SqliteDatabase, name: str) -> str:
    return await database.write(lambda connection: add_user(connection, name))


async def sign_in(database: SqliteDatabase, user: str, role: str, passwords: Passwords | None = None) -> Principal:
    """With a session of theirs, and a password where `passwords` are given."""
    hashed = None if passwords is None else await passwords.hash(PASSWORD)

    def write(connection: WriteConnection) -> Principal:
        if hashed is not None:
            set_password_hash(connection, user, hashed)
        token = open_session(connection, UserRow(user, "name", role, None), "test", via="password")
        return Principal(user, "name", role, "session", token.id)

    return await database.write(write)


async def failures(database: SqliteDatabase) -> int:
    counts = select(sign_in_attempts.c.failures)
    return await database.read(lambda connection: sum(connection.execute(counts).scalars()))


async def test_the_owner_hands_a_server_over_once_whoever_asks_twice(database: SqliteDatabase) -> None:
    owner = await database.write(ensure_owner)
    heirs = [await join(database, name) for name in ("ann", "ben")]
    actor = Actor(await sign_in(database, owner.id, "owner"))
    await database.write(lambda connection: hand_over(connection, actor, heirs[0]))
    for heir in heirs:  # as one who was let in when they were the owner still
        with pytest.raises(ForbiddenError):
            await database.write(partial(hand_over, actor=actor, user=heir))
    owners = await database.read(
        lambda connection: list(connection.execute(select(users.c.id).where(users.c.role == "owner")).scalars())
    )
    assert owners == [heirs[0]]


async def test_who_could_not_be_confirmed_for_lack_of_time_has_not_tried(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = Passwords()
    caller = await sign_in(database, await join(database, "name"), "member", passwords)
    monkeypatch.setattr(passwords_module, "_WAITING", 0)
    with pytest.raises(OverloadedError):
        await confirm_identity(database, passwords, caller, (PASSWORD, ""), "192.0.2.1")
    passwords.close()
    assert await failures(database) == 0


async def test_a_new_password_that_cannot_be_used_is_no_attempt_to_guess_the_old_one(database: SqliteDatabase) -> None:
    passwords = Passwords()
    caller = await sign_in(database, await join(database, "name"), "member", passwords)
    wanted = NewPassword("short", PASSWORD)
    for _ in range(8):
        with pytest.raises(InputError):
            await change_password(database, passwords, caller, wanted, Visitor("192.0.2.1"))
    passwords.close()
    assert await failures(database) == 0


class _Willing(smtplib.SMTP):
    """A mail server that takes everything, as far as words come to it."""

    def connect(self, *_: Any) -> tuple[int, bytes]:
        return 220, b""

    def ehlo(self, *_: Any) -> tuple[int, bytes]:
        self.ehlo_resp, self.does_esmtp, self.esmtp_features = b"", True, {"auth": " PLAIN"}
        return 250, b""

    def docmd(self, *_: Any) -> tuple[int, bytes]:
        return 235, b""


async def test_what_mail_cannot_carry_is_a_letter_that_could_not_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtplib, "SMTP", _Willing)
    mailer = Mailer(SmtpServer("localhost", 25, "deck", "pässword", False), "deck@example.org")
    with pytest.raises(MailError):
        await mailer.send(Letter("ann@example.org", "Hello", "Hello"))
    await mailer.close()


@pytest.mark.parametrize(("days", "said"), [(1, "for a day at most"), (90, "for 90 days at most")])
def test_an_invitation_says_how_long_it_works(days: int, said: str) -> None:
    settings = Settings(public_url="https://chat.example.org")
    assert said in write_invitation(settings, "", "ann@example.org", "Owner", "https://…", days).text


async def test_of_two_readings_of_the_limits_the_later_one_counts(database: SqliteDatabase) -> None:
    class Slow:
        """Whose first answer comes late."""

        def __init__(self) -> None:
            self.has_read, self.goes_on = asyncio.Event(), asyncio.Event()

        async def read(self, fn: Any) -> Any:
            found = await database.read(fn)
            if not self.has_read.is_set():
                self.has_read.set()
                await self.goes_on.wait()
            return found

    slow = Slow()
    limits = Limits(slow, Registry(Settings(discover=False)))  # type: ignore[arg-type]
    first = asyncio.create_task(limits.load())
    await slow.has_read.wait()
    await database.write(lambda connection: insert_rule(connection, RULE))
    second = asyncio.create_task(limits.load())
    await asyncio.wait([second], timeout=0.2)
    slow.goes_on.set()
    await asyncio.gather(first, second)
    assert not limits.is_allowed(Who("ann", "member"), "fake/dear")
