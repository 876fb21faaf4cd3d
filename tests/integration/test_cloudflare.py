"""Behind Cloudflare Access: the header says who is there, at each request and when a socket opens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from tests.conftest import MakeServer, Report
from tests.fakes.cloudflare_server import FakeTeam
from tests.harness.full_client import new_name
from tests.harness.people import add_person, write
from tests.harness.server import Server
from tests.harness.stored import suspend
from tests.harness.upstream import Upstream
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from quarterdeck.store.tables import identities

PUT_OUT_S = 5.0  # who is suspended is out by then
HEADER = "cf-access-jwt-assertion"


@pytest.fixture(scope="module")
def team() -> Iterator[FakeTeam]:
    with FakeTeam() as team:
        yield team


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, team: FakeTeam) -> Iterator[Server]:
    """One for all tests of this file that leave the keys as they are; each has people of its own."""
    running = Server(tmp_path_factory.mktemp("behind"), **upstream.environment, **team.settings).start()
    yield running
    running.close()


@pytest.fixture
def own_team() -> Iterator[FakeTeam]:
    with FakeTeam() as team:
        yield team


@pytest.fixture
def own(make_server: MakeServer, own_team: FakeTeam) -> Server:
    return make_server(**own_team.settings).start()


def new_link(behind: Server) -> str:
    return behind.run("open", "--port", str(behind.port)).stdout.strip()


def me(behind: Server, assertion: str, cookie: str = "") -> dict[str, Any]:
    headers = {HEADER: assertion} | ({"cookie": cookie} if cookie else {})
    answer = httpx2.get(f"{behind.url}/api/me", headers=headers)
    return answer.json() | {"status": answer.status_code} if answer.status_code != 200 else dict(answer.json())


def open_socket(behind: Server, assertion: str, **headers: str) -> connect:
    given = {HEADER: assertion, "origin": behind.url, **headers}
    return connect(f"ws://127.0.0.1:{behind.port}/chat", additional_headers=given)


async def closed_within(socket: ClientConnection, seconds: float) -> int:
    """The close code."""
    async with asyncio.timeout(seconds):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0


def test_each_address_is_somebody_and_stays_the_same(behind: Server, team: FakeTeam) -> None:
    ann = me(behind, team.assertion("ann@example.org"))
    friend = me(behind, team.assertion("friend@elsewhere.net"))
    assert (ann["name"], ann["role"], friend["name"]) == ("ann", "member", "friend")
    assert me(behind, team.assertion("ANN@EXAMPLE.ORG", sub="sub-of-ann@example.org"))["id"] == ann["id"]


def test_an_account_is_found_by_its_subject_and_never_by_its_address(behind: Server, team: FakeTeam) -> None:
    ann = me(behind, team.assertion("ann@example.org"))
    same_address = me(behind, team.assertion("ann@example.org", sub="somebody-else"))
    assert same_address["id"] != ann["id"]
    assert same_address["name"] == "ann-2"
    assert me(behind, team.assertion("married@example.org", sub="sub-of-ann@example.org"))["id"] == ann["id"]


def test_whom_the_settings_do_not_name_stays_outside(behind: Server, team: FakeTeam) -> None:
    for email in ("eve@elsewhere.net", "eve@sub.example.org", "eve@example.org.net", "ann@example.org@elsewhere.net"):
        assert me(behind, team.assertion(email))["status"] == 403


def test_the_first_requests_of_somebody_at_once_make_one_account(behind: Server, team: FakeTeam) -> None:
    async def ask() -> set[str]:
        async with httpx2.AsyncClient(base_url=behind.url, headers={HEADER: team.assertion("new@example.org")}) as http:
            answers = await asyncio.gather(*(http.get("/api/me") for _ in range(20)))
            return {answer.json()["id"] for answer in answers}

    assert len(asyncio.run(ask())) == 1


def test_admins_see_when_somebody_was_here_who_comes_by_access_alone(behind: Server, team: FakeTeam) -> None:
    assertion = team.assertion("vera@example.org")
    name = me(behind, assertion)["name"]
    admin = add_person(behind.data_dir, new_name("admin"), "admin")

    def seen_at() -> int | None:
        with behind.http(admin.session) as http:
            [found] = http.get("/api/admin/users", params={"q": name}).json()["items"]
        return None if found["seen_at"] is None else int(found["seen_at"])

    earlier = {"created_at": 1_000, "seen_at": 1_000}  # made for somebody who never came
    write(behind.data_dir, lambda given: given.execute(update(identities).values(earlier)))
    assert seen_at() is None
    began_at = int(time.time() * 1000)
    me(behind, assertion)
    assert (seen_at() or 0) >= began_at


def test_another_identity_never_inherits_a_session(behind: Server, team: FakeTeam) -> None:
    with httpx2.Client() as browser:
        browser.get(new_link(behind))
        cookie = f"qd_session={browser.cookies['qd_session']}"
    cat, dan = (me(behind, team.assertion(f"{name}@example.org"), cookie) for name in ("cat", "dan"))
    assert (cat["name"], cat["role"]) == ("cat", "member"), "the owner's cookie says nothing beside an assertion"
    assert dan["id"] != cat["id"]


def test_the_owner_who_opens_the_link_through_access_is_the_owner_from_then_on(behind: Server, team: FakeTeam) -> None:
    httpx2.get(new_link(behind), headers={HEADER: team.assertion("boss@example.org")})
    assert me(behind, team.assertion("boss@example.org"))["role"] == "owner"
    ann = me(behind, team.assertion("ann@example.org"))
    httpx2.get(new_link(behind), headers={HEADER: team.assertion("ann@example.org")})
    assert me(behind, team.assertion("ann@example.org"))["id"] == ann["id"], "who has an account keeps it"


def test_an_api_key_works_behind_a_service_token(behind: Server, team: FakeTeam) -> None:
    machine = team.assertion(sub="", email=None, common_name="e367826f.access")
    headers = {HEADER: machine, "authorization": f"Bearer {behind.key}"}
    assert httpx2.get(f"{behind.url}/api/me", headers=headers).json()["role"] == "owner"
    assert me(behind, machine)["status"] == 401


def test_writes_and_sockets_from_another_site_are_refused(behind: Server, team: FakeTeam) -> None:
    headers = {HEADER: team.assertion(), "origin": "https://evil.example"}
    origin: dict[str, str]
    for origin in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
        answer = httpx2.post(f"{behind.url}/chat_batch", headers={HEADER: team.assertion()} | origin, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_origin")
    assert httpx2.get(f"{behind.url}/api/me", headers=headers).status_code == 200


def test_the_header_means_nothing_where_access_is_not_set_up(server: Server, team: FakeTeam) -> None:
    assert me(server, team.assertion())["status"] == 401


def test_half_a_setup_stops_the_start(make_server: MakeServer, team: FakeTeam) -> None:
    for missing in team.settings:
        done = make_server(**(team.settings | {missing: ""})).run("serve", "--port", "0", "--no-browser")
        assert done.returncode != 0
        assert "QUARTERDECK_CLOUDFLARE_TEAM" in done.stderr


def test_a_rotated_key_is_followed_and_the_old_one_counts_while_published(own: Server, own_team: FakeTeam) -> None:
    early = own_team.assertion()
    before = own_team.rotate("team-key-2")
    assert me(own, early)["name"] == "ann", "the first request finds both keys"
    assert me(own, own_team.assertion())["name"] == "ann"
    assert me(own, before.sign(own_team.claims()))["name"] == "ann"
    own_team.rotate("team-key-3")
    assert me(own, own_team.assertion())["status"] == 401, "within the minute nothing is asked"
    assert own_team.fetches == 1


def test_a_key_server_that_is_down_from_the_start_lets_nobody_in_and_breaks_nothing(
    own: Server, own_team: FakeTeam
) -> None:
    own_team.status = 500
    refused = me(own, own_team.assertion())
    assert (refused["status"], refused["code"], refused["retryable"]) == (503, "keys_away", True)
    with own.http() as http:
        assert http.get("/api/me").json()["role"] == "owner"
    own_team.status = 200
    assert me(own, own_team.assertion())["status"] == 503, "it is asked once a minute"
    assert own_team.fetches == 1


def test_the_log_says_once_a_minute_why_an_assertion_is_not_taken(own: Server, own_team: FakeTeam) -> None:
    for _ in range(3):
        assert me(own, own_team.assertion(aud=["another application"]))["status"] == 401
        assert me(own, own_team.assertion(iat=int(time.time()) + 300))["status"] == 401
    lines = [json.loads(line) for line in own.log_text().splitlines() if "assertion_refused" in line]
    assert [line["detail"] for line in lines] == ["made for somebody else", "iat is to come"]


async def test_a_socket_opens_for_a_good_assertion_and_for_no_other(behind: Server, team: FakeTeam) -> None:
    async with open_socket(behind, team.assertion()) as socket:
        await socket.send('{"message": "Hi", "chatId": "1"}')
        assert '"chatId":"1"' in str(await socket.recv()).replace(" ", "")
    for assertion in (team.assertion(exp=1), team.assertion("eve@elsewhere.net"), "x"):
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            async with open_socket(behind, assertion) as socket:
                await socket.recv()


async def test_a_suspended_user_is_out_and_so_is_their_open_socket(
    behind: Server, team: FakeTeam, report: Report
) -> None:
    assertion, other = team.assertion("eli@example.org"), team.assertion("ben@example.org")
    async with open_socket(behind, assertion) as socket, open_socket(behind, other) as stays:
        begun = time.monotonic()
        await asyncio.to_thread(suspend, behind.data_dir, "eli")
        code = await closed_within(socket, PUT_OUT_S)
        took_s = time.monotonic() - begun
        assert me(behind, assertion)["status"] in (401, 403)
        await stays.send('{"message": "Hi", "chatId": "1"}')
        await stays.recv()
    report(
        "a suspended user behind Access is out", [] if code == 1008 else [f"closed with {code}"], 1, f"{took_s:.1f} s"
    )


async def test_a_socket_ends_soon_after_its_assertion(behind: Server, team: FakeTeam) -> None:
    short = team.assertion("ann@example.org", exp=int(time.time()) + 2)
    async with open_socket(behind, short) as socket, open_socket(behind, team.assertion("ben@example.org")) as stays:
        assert await closed_within(socket, 2 + PUT_OUT_S) == 1008
        assert stays.state.name == "OPEN"
    assert me(behind, short)["status"] == 401
