"""Who is connected: heartbeats for those who listen, an end for those who do not, and followers that end with them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from sqlalchemy import update
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.unit.store.stored import open_store

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LimitError, NotFoundError
from quarterdeck.store.keys import KeyRow, insert_api_key
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import api_keys
from quarterdeck.store.users import ensure_owner
from quarterdeck.web import connections as connections_module
from quarterdeck.web import followers as followers_module
from quarterdeck.web.connections import Connection, Connections
from quarterdeck.web.followers import Followers

WAIT_S = 20.0
ANN = Principal("ann", "Ann", "owner", "key", "key-of-ann")


class Peer:
    """The other end of an accepted socket: it reads, or it does not."""

    def __init__(self, *, reads: bool = True) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.may_send = asyncio.Event()
        if reads:
            self.may_send.set()

    async def socket(self) -> WebSocket:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            if message["type"] == "websocket.close":
                self.closed = message["code"]
            elif message["type"] == "websocket.send":
                await self.may_send.wait()
                if self.closed is not None:
                    raise RuntimeError("closed")
                self.frames.append(json.loads(message["text"]))

        socket = WebSocket({"type": "websocket", "path": "/", "headers": []}, receive, send)
        await socket.accept()
        return socket


class Served:
    """A socket's own task, as the route runs it."""

    def __init__(
        self, connections: Connections, peer: Peer, *, is_full: bool = True, principal: Principal = ANN
    ) -> None:
        self.connection: Connection | None = None
        self._made = asyncio.Event()
        self.task = asyncio.create_task(self._serve(connections, peer, is_full, principal))

    async def _serve(self, connections: Connections, peer: Peer, is_full: bool, principal: Principal) -> None:
        self.connection = connections.add(await peer.socket(), principal, is_full=is_full)
        self._made.set()
        try:
            await asyncio.Event().wait()
        finally:
            connections.remove(self.connection)

    async def made(self) -> Connection:
        async with asyncio.timeout(WAIT_S):
            await self._made.wait()
        assert self.connection is not None
        return self.connection


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """With a key of Ann's that lets her in."""
    async with open_store(tmp_path) as opened:
        owner = await opened.write(ensure_owner)
        key = KeyRow(ANN.credential, owner.id, "", ["chat"], 0, None, None)
        await opened.write(lambda connection: insert_api_key(connection, key, b""))
        yield opened


@pytest.fixture
async def watched(monkeypatch: pytest.MonkeyPatch, database: SqliteDatabase) -> AsyncIterator[Connections]:
    monkeypatch.setattr(connections_module, "_WATCH_S", 0.005)
    monkeypatch.setattr(connections_module, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr(connections_module, "SEND_TIMEOUT_S", 0.05)
    opened = Connections()
    watch = asyncio.create_task(opened.watch(database))
    yield opened
    watch.cancel()
    for _, task in list(opened._open.values()):
        task.cancel()


async def until(what: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not what():  # noqa: ASYNC110  # the state of other tasks
            await asyncio.sleep(0.002)  # the state of another task


async def test_full_clients_hear_heartbeats_and_simple_ones_do_not(watched: Connections) -> None:
    full, simple = Peer(), Peer()
    Served(watched, full)
    Served(watched, simple, is_full=False)
    await until(lambda: len(full.frames) >= 3)
    assert {frame["type"] for frame in full.frames} == {"heartbeat"}
    assert simple.frames == []


async def test_one_who_does_not_read_is_dropped_and_the_others_are_not(watched: Connections) -> None:
    stuck, good = Peer(reads=False), Peer()
    dropped, kept = Served(watched, stuck), Served(watched, good)
    connection = await dropped.made()
    sending = asyncio.ensure_future(connection.send('{"type":"pong"}'))
    await until(lambda: dropped.task.done())
    assert dropped.task.cancelled()
    assert watched.count() == watched.count("ann") == 1
    assert not kept.task.done()
    with pytest.raises(WebSocketDisconnect):
        await connection.send('{"type":"pong"}')
    sending.cancel()


async def test_a_slow_reader_who_reads_in_time_is_kept(watched: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "SEND_TIMEOUT_S", 60.0)
    slow = Peer(reads=False)
    served = Served(watched, slow)
    connection = await served.made()
    sends = [asyncio.ensure_future(connection.send('{"type":"pong"}')) for _ in range(3)]
    await asyncio.sleep(0.02)
    assert not connection.is_stuck()
    slow.may_send.set()
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(*sends)
    assert [frame["type"] for frame in slow.frames].count("pong") == 3
    assert not served.task.done()


async def test_a_socket_that_is_closed_under_a_send_says_that_nobody_is_there(watched: Connections) -> None:
    peer = Peer()
    connection = await Served(watched, peer).made()
    peer.closed = 1000
    with pytest.raises(WebSocketDisconnect):
        await connection.send("{}")
    assert connection.is_gone


async def test_at_the_end_full_clients_are_told_to_come_back_and_everybody_is_closed(watched: Connections) -> None:
    full, simple, stuck = Peer(), Peer(), Peer(reads=False)
    for peer, is_full in ((full, True), (simple, False), (stuck, True)):
        await Served(watched, peer, is_full=is_full).made()
    async with asyncio.timeout(WAIT_S):
        await watched.tell_to_reconnect()
    assert full.frames[-1]["type"] == "reconnect"
    assert [full.closed, simple.closed, stuck.closed] == [1012, 1012, 1012]


async def test_followers_are_one_for_each_name_and_end_together() -> None:
    followers = Followers()
    running: list[str] = []

    async def work(name: str) -> None:
        running.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            running.remove(name)

    for name in ("a", "b", "a"):
        followers.start(name, lambda name=name: work(name))  # type: ignore[misc]
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sorted(running) == ["a", "b"]
    followers.stop("b")
    await asyncio.sleep(0)
    assert running == ["a"]
    assert followers.has("a")
    assert not followers.has("b")
    await followers.stop_all()
    assert running == []


async def test_a_follower_that_ends_or_fails_is_forgotten_and_disturbs_nobody() -> None:
    followers = Followers()

    async def fail(error: Exception | None) -> None:
        if error is not None:
            raise error

    for number, error in enumerate((None, WebSocketDisconnect(1000), NotFoundError("gone"))):
        followers.start(str(number), lambda error=error: fail(error))  # type: ignore[misc]
    await until(lambda: not any(followers.has(str(number)) for number in range(3)))


async def test_one_connection_cannot_follow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers_module, "MAX_FOLLOWED", 2)
    followers = Followers()
    for name in "ab":
        followers.start(name, asyncio.Event().wait)  # type: ignore[arg-type]
    with pytest.raises(LimitError):
        followers.start("c", asyncio.Event().wait)  # type: ignore[arg-type]
    followers.start("a", asyncio.Event().wait)  # type: ignore[arg-type]  # in the place of the old one
    await followers.stop_all()


@pytest.mark.parametrize("is_full", [True, False])
async def test_a_socket_that_only_listens_ends_with_the_key_it_was_opened_with(
    watched: Connections, database: SqliteDatabase, is_full: bool
) -> None:
    peer = Peer()
    served = Served(watched, peer, is_full=is_full)
    await served.made()
    await asyncio.sleep(0.03)
    assert peer.closed is None
    revoked = update(api_keys).values(revoked_at=now_ms())
    await database.write(lambda connection: connection.execute(revoked))
    await until(lambda: peer.closed is not None)
    assert peer.closed == 1008
    said = [frame["code"] for frame in peer.frames if frame["type"] == "error"]
    assert said == (["not_signed_in"] if is_full else [])
    served.task.cancel()


async def test_all_sockets_of_a_key_that_is_gone_end_and_those_of_other_keys_do_not(database: SqliteDatabase) -> None:
    connections = Connections()
    bob = Principal("bob", "Bob", "member", "key", "key-of-bob")
    of_ann, of_bob = [Peer(), Peer()], [Peer(), Peer()]
    served = [Served(connections, peer) for peer in of_ann]
    served += [Served(connections, peer, principal=bob) for peer in of_bob]  # who has no key
    for one in served:
        await one.made()
    await connections._drop_signed_out(database)
    assert [peer.closed for peer in (*of_ann, *of_bob)] == [None, None, 1008, 1008]
    for one in served:
        one.task.cancel()
        connections.remove(await one.made())
    assert connections.count() == 0
    await connections._drop_signed_out(cast(Any, None))  # nobody is asked about any more


async def test_a_socket_ends_when_its_session_does_and_not_before(database: SqliteDatabase) -> None:
    connections = Connections()
    for lasts_ms, closed in ((60_000, None), (-1, 1008)):
        peer = Peer()
        principal = msgspec.structs.replace(ANN, expires_at=now_ms() + lasts_ms)
        served = Served(connections, peer, principal=principal)
        await served.made()
        await connections._drop_signed_out(database)
        assert peer.closed == closed
        served.task.cancel()


async def test_a_heartbeat_is_made_once_and_written_as_it_is_or_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = Connections()
    quick, slow = Peer(), Peer()
    first, _ = [await Served(connections, peer).made() for peer in (quick, slow)]
    ready: list[bytes] = []

    def write(frames: bytes) -> bool:
        ready.append(frames)
        return True

    monkeypatch.setattr(first, "_write_ready", write)
    await connections._beat()
    await until(lambda: slow.frames)
    assert quick.frames == []
    assert [json.loads(frame[2:])["type"] for frame in ready] == ["heartbeat"]
    assert slow.frames == [json.loads(ready[0][2:])]
    for _, task in list(connections._open.values()):
        task.cancel()


async def test_who_comes_while_it_is_asked_who_is_signed_out_is_not_cut(database: SqliteDatabase) -> None:
    """On a busy machine the database takes its time for that question."""
    connections = Connections()
    cut: list[str] = []
    bob = Principal("bob", "Bob", "member", "key", "key-of-bob")
    with contextlib.ExitStack() as streams:
        socket = Peer()

        class Slow:
            async def read(self, work: Any) -> Any:
                streams.enter_context(connections.streaming(ANN, lambda: cut.append("ann")))
                await Served(connections, socket).made()
                return await database.read(work)

        streams.enter_context(connections.streaming(bob, lambda: cut.append("bob")))
        await connections._drop_signed_out(cast(Any, Slow()))
        assert cut == ["bob"]  # who has no key
        assert socket.closed is None
        [(_, task)] = connections._open.values()
        task.cancel()
