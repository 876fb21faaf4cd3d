"""Identities, sign-ins on their way and a directory's accounts, on either database, also when many come at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import Report
from tests.unit.store.stored import open_place

from quarterdeck.accounts.identities.joining import Policy, find_or_join, link
from quarterdeck.accounts.identities.person import Person, SignInRefusedError
from quarterdeck.accounts.identities.provisioning import DirectoryActor, change, create_provisioned, remove
from quarterdeck.accounts.identities.scim import Described
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import ConflictError, NotFoundError
from quarterdeck.store.database import Database
from quarterdeck.store.identities import list_identities
from quarterdeck.store.identity_providers import (
    IdentityProviderRow,
    delete_identity_provider,
    list_identity_providers,
    save_identity_provider,
)
from quarterdeck.store.oauth_states import OAuthStateRow, count_oauth_states, insert_oauth_state, take_oauth_state
from quarterdeck.store.provisioned import list_provisioned
from quarterdeck.store.users import UserRow, find_living, identity_credential

ANYBODY = Policy("oidc", "anybody")
ISSUER = "https://id.example.org"


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    place = tmp_path if request.param == "sqlite" else str(request.getfixturevalue("postgres").new_database())
    async with open_place(place, 8) as opened:
        yield opened


async def join(database: Database, person: Person) -> UserRow:
    return await database.write(lambda connection: find_or_join(connection, person, ANYBODY))


async def test_of_many_first_visits_at_once_one_makes_the_account(database: Database, report: Report) -> None:
    wrong = []
    for trial in range(10):
        person = Person(ISSUER, f"sub-{trial}", name="Same Name")
        users = await asyncio.gather(*(join(database, person) for _ in range(8)))
        if len({user.id for user in users}) != 1:
            wrong.append(f"trial {trial}: {len({user.id for user in users})} accounts")
    report("first visits that race, in the database", wrong, 10)


async def test_of_people_of_the_same_name_at_once_each_has_a_name_of_their_own(database: Database) -> None:
    people = [Person(ISSUER, f"other-{number}", name="Ann Lee") for number in range(12)]
    users = await asyncio.gather(*(join(database, person) for person in people))
    assert len({user.name.casefold() for user in users}) == 12
    assert len({user.id for user in users}) == 12


async def test_a_sign_in_on_its_way_is_taken_once_by_the_browser_that_began_it(database: Database) -> None:
    row = OAuthStateRow("oidc", "nonce", "verifier", None, None)

    async def keep(name: bytes, *, lasts_ms: int = 60_000) -> None:
        await database.write(
            lambda connection: insert_oauth_state(
                connection, row, state_hash=name, browser_hash=b"browser", expires_at=now_ms() + lasts_ms
            )
        )

    async def take(name: bytes, browser: bytes = b"browser", provider: str = "oidc") -> OAuthStateRow | None:
        return await database.write(
            lambda connection: take_oauth_state(connection, state_hash=name, browser_hash=browser, provider=provider)
        )

    await keep(b"one")
    assert await take(b"one", b"another") is None
    assert await take(b"one", provider="another") is None
    taken = await asyncio.gather(*(take(b"one") for _ in range(8)))
    assert sorted(taken, key=bool) == [None] * 7 + [row]
    await keep(b"old", lasts_ms=-1)
    assert await take(b"old") is None
    assert await database.write(count_oauth_states) == 0


async def test_a_socket_of_an_identity_lives_as_long_as_it_and_its_user_do(database: Database) -> None:
    people = [Person(ISSUER, f"living-{number}", name=f"Living {number}") for number in range(3)]
    users = [await join(database, one) for one in people]
    credentials = {identity_credential(ISSUER, one.subject) for one in people} | {f"{ISSUER} unknown", "qd-session"}
    living = await database.read(lambda connection: find_living(connection, credentials))
    assert living == {identity_credential(ISSUER, one.subject) for one in people}
    other = Person("https://other.example.org", people[0].subject)
    await database.write(lambda connection: link(connection, other, users[1].id, "other"))
    with pytest.raises(SignInRefusedError):
        await database.write(lambda connection: link(connection, other, users[2].id, "other"))
    assert len(await database.read(lambda connection: list_identities(connection, users[1].id))) == 2


async def test_a_directory_makes_changes_and_lets_go(database: Database) -> None:
    actor = DirectoryActor(ISSUER)
    wanted = Described(user_name="Bo@example.org", external_id="bo", display_name="Bo", email="bo@example.org")
    made = await database.write(lambda connection: create_provisioned(connection, wanted, actor))
    again = Described(user_name="bo@EXAMPLE.org")
    with pytest.raises(ConflictError):
        await database.write(lambda connection: create_provisioned(connection, again, actor))
    rows, total = await database.read(
        lambda connection: list_provisioned(connection, attribute="username", value="BO@example.org")
    )
    assert (rows, total) == ([made], 1)
    person = Person(ISSUER, "bo")
    assert (await database.write(lambda connection: find_or_join(connection, person, ANYBODY))).id == made.id
    off = await database.write(lambda connection: change(connection, made.id, Described(is_active=False), actor))
    assert off.suspended_at is not None
    await database.write(lambda connection: remove(connection, made.id, actor))
    with pytest.raises(NotFoundError):
        await database.write(lambda connection: remove(connection, made.id, actor))
    back = await database.write(lambda connection: create_provisioned(connection, wanted, actor))
    assert (back.id, back.suspended_at) == (made.id, None)


async def test_a_provider_is_kept_with_its_secret_until_another_one_is_entered(database: Database) -> None:
    row = IdentityProviderRow("ours", "Ours", "oidc", ISSUER, "client", b"sealed", "domain", "a.org b.org")
    await database.write(lambda connection: save_identity_provider(connection, row))
    changed = IdentityProviderRow("ours", "Theirs", "oidc", ISSUER, "client", None, "nobody", "")
    await database.write(lambda connection: save_identity_provider(connection, changed))
    [kept] = await database.read(list_identity_providers)
    assert (kept.label, kept.secret_sealed, kept.sign_up) == ("Theirs", b"sealed", "nobody")
    assert await database.write(lambda connection: delete_identity_provider(connection, "ours"))
    assert not await database.write(lambda connection: delete_identity_provider(connection, "ours"))
