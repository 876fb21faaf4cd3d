"""Keys and sessions: nothing forged, revoked or misplaced is accepted; links work exactly once."""

from __future__ import annotations

import asyncio
import random

import httpx2
import pytest
from sqlalchemy import update
from tests.conftest import Report
from tests.harness.full_client import PROTOCOL
from tests.harness.server import Server
from tests.harness.waiting import trials
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from quarterdeck.app.data import open_database
from quarterdeck.config import Settings
from quarterdeck.domain.ids import now_ms
from quarterdeck.store.tables import api_keys

HS256 = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJvd25lciJ9.c2lnbmF0dXJl"
NONE = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9."


def forged(good: str) -> list[str]:
    """Whole `Authorization` headers that must not be accepted, made from a good key."""
    chance = random.Random(3)
    kind, identifier, secret = good[:4], good[4:30], good[30:]
    changed = [good[:n] + ("0" if good[n] != "0" else "1") + good[n + 1 :] for n in range(3, len(good), 3)]
    random_secrets = [kind + identifier + f"{chance.getrandbits(160):040x}" for _ in range(10)]
    tokens = [
        "", "qd_", "qd_k", kind + identifier, secret, identifier + secret, good[:-1], good + "0", good[1:], good * 2,
        good.replace("qd_k", "qd_s"), good.replace("qd_k", "qd_x"), good.replace("qd_", "QD_"), good[::-1],
        kind + identifier + "0" * 40, kind + "0" * 26 + secret, kind + "0" * 66, kind + "%" * 66, kind + "_" * 66,
        kind + identifier + "' OR '1'='1".ljust(40, "-"), kind + "' OR 1=1 --".ljust(26, "0") + secret,
        f"{good},{good}", f"{good};", f'"{good}"', f"qd_k{secret}{identifier}", "null", "undefined", "owner",
        HS256, NONE, "sk-0123456789", "x" * 5_000, good[:40] + "\t" + good[40:], good.replace("k", "К", 1),
    ]  # fmt: skip
    headers = [f"Bearer {token}" for token in tokens + changed + random_secrets]
    schemes = [
        good,
        f"Basic {good}",
        f"Token {good}",
        f"Bearer{good}",
        f"Bearer: {good}",
        f"Key {good}",
        "Bearer",
        "Basic Og==",
    ]
    return [header.strip() for header in headers + schemes]


def test_forged_keys_are_refused(server: Server, report: Report) -> None:
    wrong = []
    headers = [header for header in forged(server.key) if header.lower() != f"bearer {server.key}"]
    with server.http("") as nobody:
        for header in headers:
            answer = nobody.get("/api/me", headers={b"authorization": header.encode()})
            if (answer.status_code, answer.json()["code"]) != (401, "not_signed_in"):
                wrong.append(f"{header[:60]!r}: {answer.status_code}")
            if server.key[30:] in answer.text:
                wrong.append(f"{header[:60]!r} came back")
        assert nobody.get("/api/me", headers={"authorization": f"bearer {server.key}"}).status_code == 200
    assert len(headers) >= 60
    report("forged tokens refused", wrong, len(headers))


def test_a_key_is_no_cookie_and_forged_cookies_are_refused(server: Server) -> None:
    key = server.key
    for cookie in (key, "", "x", key.replace("qd_k", "qd_s"), f'"{key}"', f"{key}; qd_session={key}"):
        answer = httpx2.get(f"{server.url}/api/me", headers={"cookie": f"qd_session={cookie}"})
        assert answer.status_code == 401


def test_a_bad_key_does_not_fall_back_to_a_good_cookie(server: Server) -> None:
    link = server.run("open", "--port", str(server.port)).stdout.strip()
    with httpx2.Client(base_url=server.url) as browser:
        browser.get(link)
        assert browser.get("/api/me").status_code == 200
        assert browser.get("/api/me", headers={"authorization": "Bearer qd_kfalse"}).status_code == 401


def test_a_revoked_key_is_refused(server: Server) -> None:
    key = server.run("key", "create").stdout.strip()
    with server.http(key) as http:
        assert http.get("/api/me").status_code == 200
        _revoke(server, key[4:30])
        assert http.get("/api/me").status_code == 401


def _revoke(server: Server, identifier: str) -> None:
    async def write() -> None:
        database = await open_database(Settings(data_dir=server.data_dir))
        change = update(api_keys).where(api_keys.c.id == identifier).values(revoked_at=now_ms())
        try:
            await database.write(lambda connection: connection.execute(change))
        finally:
            await database.close()

    asyncio.run(write())


@pytest.mark.parametrize("protocols", [[PROTOCOL], None], ids=["full", "simple"])
@pytest.mark.parametrize("place", ["?token={}", "?key={}", "?authorization=Bearer%20{}", "?access_token={}", "#{}"])
async def test_a_key_in_the_address_opens_no_socket(server: Server, place: str, protocols: list[str] | None) -> None:
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        async with connect(
            f"ws://127.0.0.1:{server.port}/chat{place.format(server.key) if '#' not in place else ''}",
            subprotocols=[PROTOCOL] if protocols else None,
            proxy=None,
        ) as socket:
            await socket.recv()


def test_a_key_in_the_address_opens_no_route(server: Server) -> None:
    for name in ("token", "key", "api_key", "access_token", "authorization"):
        assert httpx2.get(f"{server.url}/api/me", params={name: server.key}).status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer qd_kfalse", "Basic Og=="])
async def test_nobody_opens_a_socket_without_a_key(server: Server, header: str) -> None:
    given = {"Authorization": header} if header else {}
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{server.port}/chat", additional_headers=given, proxy=None):
            pass
    assert refused.value.response.status_code == 403


async def test_a_link_opened_by_many_at_once_makes_one_session(server: Server, report: Report) -> None:
    wrong = []
    count = trials(3, 30)
    async with httpx2.AsyncClient() as client:
        for _ in range(count):
            link = (await asyncio.to_thread(server.run, "open", "--port", str(server.port))).stdout.strip()
            answers = await asyncio.gather(*(_open(link) for _ in range(12)))
            opened = [answer for answer in answers if "qd_session" in answer.headers.get("set-cookie", "")]
            wrong += [] if len(opened) == 1 else [f"{len(opened)} sessions"]
        assert (await client.get(f"{server.url}/healthz")).status_code == 200
    report("one session for one link", wrong, count)


async def _open(link: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:  # a browser of its own: no cookies are shared
        return await client.get(link)


def test_figures_are_for_this_very_machine(server: Server) -> None:
    """What else nobody may see: test_census.py."""
    through_a_proxy = {"x-forwarded-for": "192.0.2.1"}
    assert httpx2.get(f"{server.url}/metrics", headers=through_a_proxy).status_code == 401
    assert httpx2.get(f"{server.url}/metrics").status_code == 200
