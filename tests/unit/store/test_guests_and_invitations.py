"""Guests and invitations as rows, on each kind of database."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select, update

from quarterdeck.accounts.guests import GuestError, GuestSession, receive_guest, welcome_back
from quarterdeck.accounts.sessions import create_open_link
from quarterdeck.domain.ids import now_ms
from quarterdeck.store.context_texts import digest_of, keep_text
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.guests import KEEP_MS, delete_expired_guests
from quarterdeck.store.identities import use_invitation
from quarterdeck.store.invitations import find_open_invitation, insert_invitation
from quarterdeck.store.people import find_account_by_name, insert_account
from quarterdeck.store.tables import context_texts, sessions, users
from quarterdeck.store.users import UserRow, ensure_owner, find_user_by_name, list_users

SECRET = b"the hash of a secret"


def come(connection: WriteConnection, name: str = "Ann") -> GuestSession:
    return receive_guest(connection, name, address="198.51.100.7", device="tests", by_default=True)


async def test_guests_may_share_a_name_which_stays_free_for_an_account(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[GuestSession, GuestSession, UserRow]:
        return come(connection), come(connection), insert_account(connection, name="ann", role="member")

    first, second, member = await database.write(make)
    assert first.token.id != second.token.id
    found = await database.read(lambda connection: find_user_by_name(connection, "ANN"))
    assert found is not None
    assert found.id == member.id
    account = await database.read(lambda connection: find_account_by_name(connection, "ann"))
    assert account is not None
    assert account.id == member.id


async def test_a_guest_comes_back_until_an_hour_has_passed_and_is_deleted_a_day_later(database: Database) -> None:
    guest = await database.write(come)

    def back(connection: WriteConnection) -> str:
        try:
            return welcome_back(connection, str(guest.token), by_default=True).name
        except GuestError as error:
            return error.code

    async def expired_since(milliseconds: int) -> int:
        change = update(sessions).values(expires_at=now_ms() - milliseconds)
        await database.write(lambda connection: connection.execute(change))
        return await database.write(delete_expired_guests)

    def keep(connection: WriteConnection) -> None:
        """What a model was sent of an answer that was cut off."""
        user = connection.execute(select(users.c.id)).scalar_one()
        keep_text(connection, user, digest_of("I know"), "I know")

    assert await database.write(back) == "Ann"
    assert await expired_since(1) == 0
    assert await database.write(back) == "guest"
    await database.write(keep)
    assert await expired_since(KEEP_MS + 1000) == 1
    assert not await database.read(lambda connection: connection.execute(select(context_texts)).all())
    assert await database.read(list_users) == []


async def test_an_invitation_is_used_once_by_whoever_is_first(database: Database) -> None:
    await database.write(lambda connection: invite(connection))
    numbers = range(8)

    def use(connection: WriteConnection, number: int) -> UserRow | None:
        return use_invitation(
            connection, SECRET, lambda role: insert_account(connection, name=f"guest {number}", role=role)
        )

    made = await asyncio.gather(*(database.write(lambda connection, n=n: use(connection, n)) for n in numbers))  # type: ignore[misc]
    assert len([user for user in made if user is not None]) == 1
    assert len(await database.read(list_users)) == 2, "the owner and one more"


async def test_who_may_not_invite_any_more_has_invited_nobody(database: Database) -> None:
    owner = await database.write(lambda connection: invite(connection))
    assert await database.read(lambda connection: find_open_invitation(connection, SECRET)) is not None
    for change in ({"suspended_at": now_ms()}, {"suspended_at": None, "role": "member"}):
        await database.write(lambda connection, change=change: change_user(connection, owner, change))  # type: ignore[misc]
        assert await database.read(lambda connection: find_open_invitation(connection, SECRET)) is None


async def test_the_first_link_makes_one_owner_however_many_ask(database: Database) -> None:
    secrets = await asyncio.gather(*(database.write(create_open_link) for _ in range(8)), return_exceptions=True)
    assert any(isinstance(secret, str) for secret in secrets)
    assert [row.role for row in await database.read(list_users)] == ["owner"]


def invite(connection: WriteConnection) -> str:
    owner = ensure_owner(connection)
    insert_invitation(
        connection, secret_hash=SECRET, user=owner.id, role="member", email="", expires_at=now_ms() + 60_000
    )
    return owner.id


def change_user(connection: WriteConnection, user: str, change: dict[str, Any]) -> None:
    connection.execute(update(users).where(users.c.id == user).values(**change))
