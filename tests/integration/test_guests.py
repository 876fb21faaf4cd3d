"""Guests: a name, a token, an hour from its last use; chatting, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, update
from tests.conftest import MakeServer
from tests.harness.full_client import PROTOCOL
from tests.harness.people import change_rows, id_of, write
from tests.harness.server import Server
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.guests import KEEP_MS
from quarterdeck.store.purge import purge
from quarterdeck.store.tables import conversations, messages, sessions, users

MODEL = "builtin/log-reader"
HOUR_MS = 3600 * 1000


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It takes guests, and believes this machine's proxies where they come from."""
    running = Server(
        tmp_path_factory.mktemp("guests"), QUARTERDECK_GUESTS="1", QUARTERDECK_TRUSTED_PROXIES="127.0.0.1"
    ).start()
    yield running
    running.close()


_numbers = iter(range(1, 250))


def come(server: Server, name: str = "Ann", address: str = "") -> dict[str, Any]:
    answer = ask(server, name, address or f"198.51.100.{next(_numbers)}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ask(server: Server, name: str, address: str) -> httpx2.Response:
    return httpx2.post(f"{server.url}/token", params={"name": name}, headers={"x-forwarded-for": address})


def come_back(server: Server, token: str) -> httpx2.Response:
    return httpx2.get(f"{server.url}/refresh_token", params={"token": token})


def socket_of(server: Server, token: str, **options: Any) -> connect:
    return connect(f"ws://127.0.0.1:{server.port}/chat?token={token}", proxy=None, **options)


async def say(server: Server, token: str, text: str, chat: str) -> str:
    async with socket_of(server, token) as socket:
        await socket.send(f'{{"message": "{text}", "chatId": "{chat}", "model": "{MODEL}"}}')
        return await hear(socket)


async def hear(socket: Any) -> str:
    heard = ""
    async with asyncio.timeout(10):
        async for frame in socket:
            said = httpx2.Response(200, text=frame).json()
            heard += str(said["chunk"])
            if said.get("done"):
                return heard
    return heard


async def test_a_guest_chats_and_finds_the_conversation_again(open_server: Server) -> None:
    guest = await asyncio.to_thread(come, open_server)
    assert (guest["name"], guest["messages"]) == ("Ann", [])
    assert guest["token"].startswith("qd_g")
    answer = await say(open_server, guest["token"], "Is anybody there", "harbour")
    again = (await asyncio.to_thread(come_back, open_server, guest["token"])).json()
    assert (again["token"], again["name"]) == (guest["token"], "Ann")
    assert [(said["role"], said["chatId"]) for said in again["messages"]] == [
        ("user", "harbour"), ("assistant", "harbour"),
    ]  # fmt: skip
    assert [said["text"] for said in again["messages"]] == ["Is anybody there", answer]


async def test_a_guest_may_use_the_full_socket_too(open_server: Server) -> None:
    guest = await asyncio.to_thread(come, open_server)
    async with socket_of(open_server, guest["token"], subprotocols=[PROTOCOL]) as socket:
        assert '"hello"' in str(await socket.recv())


async def test_two_guests_do_not_meet(open_server: Server) -> None:
    ann, bob = come(open_server, "Ann"), come(open_server, "Ann")
    await say(open_server, ann["token"], "A secret", "same")
    assert come_back(open_server, bob["token"]).json()["messages"] == []
    await say(open_server, bob["token"], "Hello", "same")
    assert come_back(open_server, ann["token"]).json()["messages"][0]["text"] == "A secret"
    assert len(come_back(open_server, bob["token"]).json()["messages"]) == 2


def test_guests_reach_chatting_and_nothing_else(open_server: Server) -> None:
    bearer = {"authorization": f"Bearer {come(open_server)['token']}"}
    with httpx2.Client(base_url=open_server.url, headers=bearer, timeout=10) as http:
        asked = http.post("/chat_batch", json={"message": "Hello", "model": MODEL})
        assert asked.status_code == 200, asked.text
        assert http.get(f"/api/turns/{asked.headers['x-turn-id']}/events").status_code == 200
        for path in (
            "/api/me",
            "/api/me/sessions",
            "/api/me/keys",
            "/api/settings",
            "/api/conversations",
            "/api/models",
        ):
            refused = http.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
        made = http.post("/api/me/keys", json={"name": "mine", "scopes": ["chat"]})
        assert made.status_code == 403


@pytest.mark.parametrize("token", ["", "x", "qd_g", "qd_g" + "0" * 66, "qd_s" + "0" * 66])
async def test_an_unknown_token_is_refused_in_a_clear_sentence(open_server: Server, token: str) -> None:
    refused = come_back(open_server, token)
    assert (refused.status_code, refused.json()["code"]) == (400, "guest")
    assert "POST /token" in refused.json()["detail"]
    with pytest.raises(InvalidStatus):
        async with socket_of(open_server, token):
            pass


async def test_keys_and_sessions_are_no_guests_tokens(open_server: Server) -> None:
    token = come(open_server)["token"]
    for other in (open_server.key, open_server.key.replace("qd_k", "qd_g"), token.replace("qd_g", "qd_s")):
        assert come_back(open_server, other).status_code == 400
        with pytest.raises(InvalidStatus):
            async with socket_of(open_server, other):
                pass
    bearer = {"authorization": f"Bearer {token.replace('qd_g', 'qd_s')}"}
    assert httpx2.post(f"{open_server.url}/chat_batch", json={"message": "x"}, headers=bearer).status_code == 401


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\u200bb", "line\nbreak", "ann@example.org"])
def test_a_name_that_cannot_be_used_is_refused_in_a_clear_sentence(open_server: Server, name: str) -> None:
    refused = ask(open_server, name, "203.0.113.50")
    assert (refused.status_code, refused.json()["code"]) == (400, "guest")
    assert "name" in refused.json()["detail"]


def test_a_server_that_takes_no_guests_says_so(make_server: MakeServer) -> None:
    running = make_server().start()
    refused = ask(running, "Ann", "")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert httpx2.get(f"{running.url}/api/sign-in").json()["ways"]["guests"] is False


async def test_an_hour_after_its_last_use_a_token_is_nothing(open_server: Server) -> None:
    token = come(open_server)["token"]
    left = write(open_server.data_dir, lambda connection: _expires_at(connection, token)) - now_ms()
    assert HOUR_MS - 10_000 < left <= HOUR_MS
    _set_expiry(open_server, token, now_ms() + 60_000)
    _set_seen(open_server, token, now_ms() - HOUR_MS + 60_000)
    assert come_back(open_server, token).status_code == 200
    left = write(open_server.data_dir, lambda connection: _expires_at(connection, token)) - now_ms()
    assert left > HOUR_MS - 10_000, "a use makes it an hour again"
    async with socket_of(open_server, token) as socket:
        _set_expiry(open_server, token, now_ms() - 1)
        async with asyncio.timeout(5):
            with pytest.raises(ConnectionClosed):
                await socket.recv()
    assert come_back(open_server, token).status_code == 400


async def test_what_a_guest_says_is_a_use(open_server: Server) -> None:
    token = come(open_server)["token"]
    async with socket_of(open_server, token) as socket:
        _set_expiry(open_server, token, now_ms() + 60_000)
        await socket.send(f'{{"message": "Still here", "chatId": "x", "model": "{MODEL}"}}')
        await hear(socket)
    assert write(open_server.data_dir, lambda connection: _expires_at(connection, token)) - now_ms() > HOUR_MS - 30_000


async def test_guests_of_one_address_are_bounded(open_server: Server) -> None:
    codes = [ask(open_server, "Ann", "203.0.113.1").status_code for _ in range(32)]
    assert codes == [200] * 30 + [429] * 2 or codes == [200] * 31 + [429]
    refused = ask(open_server, "Ann", "203.0.113.1")
    assert (refused.json()["code"], int(refused.headers["retry-after"]) >= 1) == ("too_many_attempts", True)
    assert ask(open_server, "Bob", "203.0.113.2").status_code == 200


async def test_messages_of_guests_are_bounded_and_the_socket_stays(open_server: Server) -> None:
    token = come(open_server)["token"]
    address = {"x-forwarded-for": "203.0.113.77"}
    async with socket_of(open_server, token, additional_headers=address) as socket:
        heard = []
        for number in range(25):
            await socket.send(f'{{"message": "{number}", "chatId": "c{number}", "model": "{MODEL}"}}')
            heard.append(await hear(socket))
        refused = [text for text in heard if "so many messages a minute" in text]
        assert 0 < len(refused) <= 5
    other = come(open_server)["token"]
    assert "so many" not in await say(open_server, other, "Hello", "c")


async def test_sockets_of_guests_are_bounded_by_address(open_server: Server) -> None:
    token = come(open_server)["token"]
    address = {"x-forwarded-for": "203.0.113.88"}
    opened: list[Any] = []
    try:
        opened = [await socket_of(open_server, token, additional_headers=address) for _ in range(10)]
        with pytest.raises(InvalidStatus):
            await socket_of(open_server, token, additional_headers=address)
        async with socket_of(open_server, token, additional_headers={"x-forwarded-for": "203.0.113.89"}):
            pass
    finally:
        for socket in opened:
            await socket.close()


async def test_a_guest_who_does_not_come_back_is_gone_after_a_day_with_everything(make_server: MakeServer) -> None:
    running = make_server(QUARTERDECK_GUESTS="1").start()
    gone, here = come(running), come(running)
    for guest in (gone, here):
        await say(running, guest["token"], "Hello", "c")
    member = await say_as_owner(running)
    _set_expiry(running, gone["token"], now_ms() - KEEP_MS - 1000)
    _set_expiry(running, here["token"], now_ms() - KEEP_MS + 60_000)
    assert write(running.data_dir, purge) == 1
    counts = write(
        running.data_dir,
        lambda connection: [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (conversations, messages)
        ],
    )
    assert counts == [2, 4], "what the other guest and the owner have said is there"
    roles = write(running.data_dir, lambda connection: list(connection.execute(select(users.c.role)).scalars()))
    assert sorted(roles) == ["guest", "owner"]
    assert member


async def say_as_owner(server: Server) -> str:
    answer = await asyncio.to_thread(
        httpx2.post,
        f"{server.url}/chat_batch",
        json={"message": "Hello", "model": MODEL},
        headers={"authorization": f"Bearer {server.key}"},
    )
    return str(answer.text)


def test_guests_are_not_found_by_name(open_server: Server) -> None:
    come(open_server, "Nobody Special")
    made = open_server.run("key", "create", "--user", "Nobody Special")
    assert (made.returncode, made.stdout) == (1, "")
    signed = httpx2.post(f"{open_server.url}/api/sign-in", json={"name": "Nobody Special", "password": "x" * 10})
    assert signed.status_code == 401


def _expires_at(connection: Any, token: str) -> int:
    return int(connection.execute(select(sessions.c.expires_at).where(sessions.c.id == id_of(token))).scalar_one())


def _set_expiry(server: Server, token: str, at: int) -> None:
    change_rows(server.data_dir, update(sessions).where(sessions.c.id == id_of(token)).values(expires_at=at))


def _set_seen(server: Server, token: str, at: int) -> None:
    change_rows(server.data_dir, update(sessions).where(sessions.c.id == id_of(token)).values(seen_at=at))
