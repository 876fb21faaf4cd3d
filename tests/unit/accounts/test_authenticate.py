"""The one `authenticate`: who has a live key or session, and nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from quarterdeck.accounts.authenticate import Credentials, Principal, authenticate
from quarterdeck.accounts.keys import create_api_key
from quarterdeck.accounts.sessions import (
    SESSION_MS,
    close_session,
    create_open_link,
    open_session,
    open_session_by_link,
)
from quarterdeck.accounts.tokens import Token, new_token
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import AccessError, InputError
from quarterdeck.store.database import Database, ReadConnection, StorageError, WriteConnection
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import api_keys, sessions, users
from quarterdeck.store.users import ensure_owner


class Given:
    """An owner with a key and a session."""

    def __init__(self, owner: str, key: Token, session: Token) -> None:
        self.owner, self.key, self.session = owner, key, session


@pytest.fixture
async def given(database: SqliteDatabase) -> Given:
    def make(connection: WriteConnection) -> Given:
        owner = ensure_owner(connection)
        return Given(
            owner.id, create_api_key(connection, user_name="", label="test"), open_session(connection, owner, "browser")
        )

    return await database.write(make)


def bearer(token: object) -> Credentials:
    return Credentials(authorization=f"Bearer {token}")


def cookie(token: object) -> Credentials:
    return Credentials(cookie=str(token))


async def change(database: SqliteDatabase, table: Any, identifier: str, **values: object) -> None:
    await database.write(
        lambda connection: connection.execute(update(table).where(table.c.id == identifier).values(**values))
    )


async def test_a_key_and_a_session_stand_for_their_user(database: SqliteDatabase, given: Given) -> None:
    by_key = await authenticate(database, bearer(given.key))
    assert by_key == Principal(given.owner, "owner", "owner", "key", given.key.id)
    by_cookie = await authenticate(database, cookie(given.session))
    assert by_cookie == Principal(given.owner, "owner", "owner", "session", given.session.id)
    assert await authenticate(database, bearer(given.session)) == by_cookie
    assert await authenticate(database, Credentials(authorization=f"bearer   {given.key} ")) == by_key


REFUSED: dict[str, Callable[[Given], Credentials]] = {
    "nothing at all": lambda given: Credentials(),
    "a key as a cookie": lambda given: cookie(given.key),
    "another scheme": lambda given: Credentials(authorization=f"Basic {given.key}"),
    "no scheme": lambda given: Credentials(authorization=str(given.key)),
    "somebody else's key": lambda given: bearer(new_token("key")),
    "somebody else's session": lambda given: cookie(new_token("session")),
    "a known id with another secret": lambda given: bearer(given.key._replace(secret=new_token("key").secret)),
    "a session's secret under a key's id": lambda given: bearer(given.key._replace(secret=given.session.secret)),
    "a key's id as a session": lambda given: bearer(given.key._replace(kind="session")),
    "a session's id as a key": lambda given: bearer(given.session._replace(kind="key")),
    "a wrong header beside a good cookie": lambda given: Credentials("Bearer nonsense", str(given.session)),
    "an empty bearer beside a good cookie": lambda given: Credentials("Bearer ", str(given.session)),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_whoever_proves_nothing_is_refused(database: SqliteDatabase, given: Given, case: str) -> None:
    credentials = REFUSED[case](given)
    with pytest.raises(AccessError) as caught:
        await authenticate(database, credentials)
    assert caught.value.status == 401
    for token in (given.key, given.session):
        assert token.secret not in caught.value.message + caught.value.detail
        assert token.id not in caught.value.message


async def test_an_unknown_id_and_a_wrong_secret_look_the_same_from_outside(
    database: SqliteDatabase, given: Given
) -> None:
    sentences = set()
    for token in (new_token("key"), given.key._replace(secret=new_token("key").secret)):
        with pytest.raises(AccessError) as caught:
            await authenticate(database, bearer(token))
        sentences.add(caught.value.message)
    assert len(sentences) == 1


async def test_the_header_comes_before_the_cookie(database: SqliteDatabase, given: Given) -> None:
    both = Credentials(authorization=f"Bearer {given.key}", cookie=str(given.session))
    assert (await authenticate(database, both)).via == "key"


async def _expire(database: SqliteDatabase, given: Given) -> None:
    await change(database, sessions, given.session.id, expires_at=now_ms() - 1)


async def _sign_out(database: SqliteDatabase, given: Given) -> None:
    await database.write(lambda connection: close_session(connection, given.session.id))


async def _revoke(database: SqliteDatabase, given: Given) -> None:
    await change(database, api_keys, given.key.id, revoked_at=1)


async def _suspend(database: SqliteDatabase, given: Given) -> None:
    await change(database, users, given.owner, suspended_at=1)


@pytest.mark.parametrize(
    ("end", "ends_session", "ends_key"),
    [(_expire, True, False), (_sign_out, True, False), (_revoke, False, True), (_suspend, True, True)],
)
async def test_what_has_ended_opens_nothing_from_the_next_request_on(
    database: SqliteDatabase,
    given: Given,
    end: Callable[[SqliteDatabase, Given], Awaitable[None]],
    ends_session: bool,
    ends_key: bool,
) -> None:
    await authenticate(database, cookie(given.session))
    await end(database, given)
    for credentials, is_over in ((cookie(given.session), ends_session), (bearer(given.key), ends_key)):
        if is_over:
            with pytest.raises(AccessError):
                await authenticate(database, credentials)
        else:
            assert (await authenticate(database, credentials)).user == given.owner


async def test_a_session_in_use_lives_on(database: SqliteDatabase, given: Given) -> None:
    await change(database, sessions, given.session.id, seen_at=0, expires_at=now_ms() + 60_000)
    await authenticate(database, cookie(given.session))

    def expiry(connection: ReadConnection) -> int:
        return int(connection.execute(select(sessions.c.expires_at)).scalar_one())

    assert await database.read(expiry) > now_ms() + SESSION_MS - 60_000


class FullDisk:
    """The database of a server whose disk is full: it can be read."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.read, self.glance = database.read, database.glance

    async def write(self, fn: Callable[[WriteConnection], Any]) -> Any:
        raise StorageError("The server's disk is full.")

    async def tidy(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def test_a_full_disk_does_not_sign_anybody_out(database: SqliteDatabase, given: Given) -> None:
    await change(database, sessions, given.session.id, seen_at=0)
    full: Database = FullDisk(database)
    assert (await authenticate(full, cookie(given.session))).user == given.owner


async def test_a_link_opens_one_session_once(database: SqliteDatabase) -> None:
    secret = await database.write(create_open_link)
    token = await database.write(lambda connection: open_session_by_link(connection, secret, "browser"))
    assert (await authenticate(database, cookie(token))).role == "owner"
    with pytest.raises(AccessError):
        await database.write(lambda connection: open_session_by_link(connection, secret, "browser"))


async def test_a_link_that_is_too_old_or_made_up_opens_nothing(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as yesterday:
        yesterday.setattr("quarterdeck.accounts.sessions.now_ms", lambda: now_ms() - 25 * 3600 * 1000)
        old = await database.write(create_open_link)
    for secret in (old, "", "made up", "é\x00"):
        with pytest.raises(AccessError):
            await database.write(lambda connection, secret=secret: open_session_by_link(connection, secret, "browser"))  # type: ignore[misc]


async def test_a_refused_link_makes_no_session(database: SqliteDatabase) -> None:
    with pytest.raises(AccessError):
        await database.write(lambda connection: open_session_by_link(connection, "made up", "browser"))
    assert await database.read(lambda connection: connection.execute(select(sessions)).all()) == []


async def test_a_key_for_nobody_is_refused_by_name(database: SqliteDatabase) -> None:
    with pytest.raises(InputError, match="'nobody'"):
        await database.write(lambda connection: create_api_key(connection, user_name="nobody", label=""))


async def test_no_secret_is_stored_as_it_is(database: SqliteDatabase, given: Given) -> None:
    link = await database.write(create_open_link)

    def dump(connection: ReadConnection) -> str:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        return "\n".join(raw.iterdump())

    text = await database.read(dump)
    assert given.key.id in text
    for secret in (given.key.secret, given.session.secret, link):
        assert secret not in text
        assert secret.encode().hex().upper() not in text
