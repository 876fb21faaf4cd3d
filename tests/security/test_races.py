"""Many at once, and changes in the middle: one wins, and who has lost a right has lost it for the next request."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

import httpx2
import pytest
from tests.conftest import MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name
from tests.harness.people import Person, add_person, change_rows, delete_person, id_of, write
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until_async

from quarterdeck.accounts.own_account import create_password_link
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.people import find_account_by_name
from quarterdeck.store.tables import metadata, users

PASSWORD = "a sail in the wind"
CROWD = 10
Ask = Callable[[httpx2.AsyncClient, int], Awaitable[httpx2.Response]]


@asynccontextmanager
async def visiting(server: Server, token: str = "") -> AsyncIterator[httpx2.AsyncClient]:
    """A browser of its own: it shares no cookies with the others."""
    headers = {"origin": server.url} | ({"authorization": f"Bearer {token}"} if token else {})
    async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=20) as browser:
        yield browser


async def all_at_once(server: Server, ask: Ask) -> list[httpx2.Response]:
    """What `CROWD` browsers are answered, each asking once, together."""
    everybody = asyncio.Barrier(CROWD)

    async def one(number: int) -> httpx2.Response:
        async with visiting(server) as browser:
            await everybody.wait()
            return await ask(browser, number)

    return await asyncio.gather(*(one(number) for number in range(CROWD)))


@pytest.fixture(scope="module")
def owner(server: Server) -> Person:
    return add_person(server.data_dir, new_name("admin"), "admin")


def count_rows(server: Server, query: str, *values: str) -> int:
    with closing(sqlite3.connect(server.data_dir / "quarterdeck.sqlite3", timeout=10)) as connection:
        [(count,)] = connection.execute(query, values).fetchall()
    return int(count)


async def test_a_race_for_the_first_link_makes_one_owner_with_one_session(
    make_server: MakeServer, report: Report
) -> None:
    wrong = []
    for _ in range(trials(1, 10)):
        server = make_server().start()
        answers = await all_at_once(server, open_link_of(server))
        won = [answer for answer in answers if "set-cookie" in answer.headers]
        owners = count_rows(server, "SELECT count(*) FROM users")
        sessions = count_rows(server, "SELECT count(*) FROM sessions")
        if (len(won), owners, sessions) != (1, 1, 1):
            wrong.append(f"{len(won)} came in, {owners} accounts, {sessions} sessions")
    report("race for the first owner", wrong, trials(1, 10) * CROWD)


def open_link_of(server: Server) -> Ask:
    return lambda browser, _: browser.get(server.link, follow_redirects=False)


async def invite(server: Server, admin: Person) -> str:
    async with visiting(server, admin.session) as http:
        made = await http.post("/api/admin/invitations", json={})
        assert made.status_code == 201, made.text
        return str(made.json()["link"].rpartition("/")[2])


async def test_an_invitation_used_by_many_at_once_makes_one_account(
    server: Server, owner: Person, report: Report
) -> None:
    wrong = []
    for _ in range(trials(1, 10)):
        names = [new_name("guest") for _ in range(CROWD)]
        answers = await all_at_once(server, join_by(await invite(server, owner), names))
        statuses = sorted(answer.status_code for answer in answers)
        made = sum(count_rows(server, "SELECT count(*) FROM users WHERE name = ?", name) for name in names)
        if statuses != [201] + [404] * (CROWD - 1) or made != 1:
            wrong.append(f"{statuses}, {made} accounts")
    report("race for an invitation", wrong, trials(1, 10) * CROWD)


def join_by(invitation: str, names: list[str]) -> Ask:
    def join(browser: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
        wanted = {"invitation": invitation, "name": names[number], "password": PASSWORD}
        return browser.post("/api/sign-up", json=wanted)

    return join


async def join_as(server: Server, admin: Person, name: str) -> str:
    """The session of a new member with a password."""
    async with visiting(server) as browser:
        wanted = {"invitation": await invite(server, admin), "name": name, "password": PASSWORD}
        made = await browser.post("/api/sign-up", json=wanted)
        assert made.status_code == 201, made.text
        return str(made.cookies["qd_session"])


async def make_reset_link(server: Server, name: str) -> str:
    def make(connection: WriteConnection) -> str:
        account = find_account_by_name(connection, name)
        assert account is not None
        return create_password_link(connection, account.id)[0]

    return await asyncio.to_thread(write, server.data_dir, make)


async def is_in(server: Server, session: str) -> bool:
    async with visiting(server, session) as browser:
        return (await browser.get("/api/me")).status_code == 200


async def test_a_reset_link_used_by_many_at_once_works_once(server: Server, owner: Person, report: Report) -> None:
    name = new_name("forgetful")
    await join_as(server, owner, name)
    secret = await make_reset_link(server, name)

    def reset(browser: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
        return browser.post(f"/api/password-reset/{secret}", json={"password": f"{PASSWORD} {number}"})

    answers = await all_at_once(server, reset)
    statuses = sorted(answer.status_code for answer in answers)
    sessions = "SELECT count(*) FROM sessions JOIN users ON users.id = user_id WHERE name = ?"
    wrong = [] if statuses == [200] + [404] * (CROWD - 1) else [f"{statuses}"]
    wrong += [] if count_rows(server, sessions, name) == 1 else ["not one session"]
    report("race for a reset link", wrong, CROWD)


async def test_who_signs_in_with_the_old_password_during_its_reset_is_out_afterwards(
    server: Server, owner: Person, report: Report
) -> None:
    wrong, count = [], trials(2, 30)
    for _ in range(count):
        name = new_name("robbed")
        await join_as(server, owner, name)
        secret = await make_reset_link(server, name)
        async with visiting(server) as browser, visiting(server) as thief:
            guess = {"name": name, "password": PASSWORD}
            stealing = [asyncio.create_task(thief.post("/api/sign-in", json=guess)) for _ in range(4)]
            given = {"password": "another wind"}
            resetting = asyncio.create_task(browser.post(f"/api/password-reset/{secret}", json=given))
            stolen = await asyncio.gather(*stealing)
            assert (await resetting).status_code == 200
            sessions = [answer.cookies.get("qd_session") for answer in stolen]
            wrong += ["a session outlived the password" for one in sessions if one and await is_in(server, one)]
            wrong += [f"{answer.status_code}" for answer in stolen if answer.status_code >= 500]
    report("signing in during a reset", wrong, 4 * count)


async def test_a_key_revoked_while_it_is_used_is_refused_from_the_next_request_on(
    server: Server, report: Report
) -> None:
    person = add_person(server.data_dir, new_name("member"))
    revoked = asyncio.Event()
    wrong: list[str] = []
    count = 0

    async def use() -> None:
        nonlocal count
        async with visiting(server, person.key) as http:
            while True:
                was_revoked = revoked.is_set()
                status = (await http.get("/api/conversations")).status_code
                count += 1
                if was_revoked:
                    wrong.extend([] if status == 401 else [f"{status} after it was revoked"])
                    return
                assert status in (200, 401), status

    async with asyncio.TaskGroup() as group, visiting(server, person.session) as http:
        for _ in range(CROWD):
            group.create_task(use())
        await asyncio.sleep(0.2)
        assert (await http.delete(f"/api/me/keys/{id_of(person.key)}")).status_code == 204
        revoked.set()
    report("a key revoked while it is used", wrong, count)


async def test_a_link_that_works_twice_would_be_seen(server: Server) -> None:
    """The negative control: what everybody may have at once, everybody gets."""
    answers = await all_at_once(server, lambda browser, _: browser.get("/healthz"))
    assert [answer.status_code for answer in answers] == [200] * CROWD


async def test_an_admin_who_is_one_no_longer_is_refused_from_the_next_request_on(
    server: Server, upstream: Upstream, report: Report
) -> None:
    admin = add_person(server.data_dir, new_name("admin"), "admin")
    slow = {"base_url": upstream.base_url, "name": "slow", "key": "k"}
    wrong: list[str] = []
    async with visiting(server, admin.session) as http, visiting(server, admin.key) as by_key:
        running = [asyncio.create_task(http.post("/api/providers/test", json=slow)) for _ in range(3)]
        change = users.update().where(users.c.id == admin.id).values(role="member")
        await asyncio.to_thread(change_rows, server.data_dir, change)
        for client in (http, by_key):
            for method, path, body in (
                ("GET", "/api/admin/audit", None), ("POST", "/api/admin/invitations", {}),
                ("PATCH", "/api/settings", {"default_model": ""}), ("POST", "/api/providers/test", slow),
            ):  # fmt: skip
                answer = await client.request(method, path, json=body)
                wrong += [] if answer.status_code == 403 else [f"{method} {path}: {answer.status_code}"]
        statuses = {answer.status_code for answer in await asyncio.gather(*running)}
    wrong += [f"{status} of what had begun" for status in statuses - {200, 403}]
    report("an admin made a member", wrong, 8 + len(running))


async def test_an_account_deleted_while_it_is_answered_leaves_nothing(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    """Nothing is written for it afterwards, the model is not asked on, and nobody else notices."""
    server = make_server().start()
    assert server.key
    talking = upstream.model(Script(pieces=words(400), delay_s=0.02))
    wrong = []
    people = [add_person(server.data_dir, new_name("leaver")) for _ in range(3)]
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(read_until_cut(server, person, talking))
        await wait_until_async(lambda: are_talking(upstream, talking, len(people)), "answers to begin")
        await asyncio.sleep(0.5)
        for person in people:
            await asyncio.to_thread(delete_person, server.data_dir, person)
    await wait_until_async(lambda: are_hung_up(upstream, talking), "the models to be left")
    ids = [person.id for person in people]
    for table in metadata.sorted_tables:
        for column in {"owner_id", "user_id"} & set(table.columns.keys()):
            left = sum(
                count_rows(server, f"SELECT count(*) FROM {table.name} WHERE {column} = ?", one)  # noqa: S608
                for one in ids
            )
            wrong += [f"{left} rows of {table.name} are left"] if left else []
    wrong += [f"logged {line[:300]}" for line in server.log_text().splitlines() if "Traceback" in line]
    with server.http() as http:
        assert http.post("/chat_batch", json={"message": "Hi", "model": upstream.model(Script())}).status_code == 200
    report("accounts deleted while they are answered", wrong, len(people))


async def read_until_cut(server: Server, person: Person, model: str) -> None:
    async with visiting(server, person.session) as http:
        try:
            async with http.stream("POST", "/chat_batch", json={"message": "Hi", "model": model}) as answer:
                async for _ in answer.aiter_raw():
                    pass
        except httpx2.TransportError:
            return


async def are_talking(upstream: Upstream, model: str, count: int) -> bool:
    return len(upstream.requests(model)) == count


async def are_hung_up(upstream: Upstream, model: str) -> bool:
    return all(request.ended_at is not None for request in upstream.requests(model))
