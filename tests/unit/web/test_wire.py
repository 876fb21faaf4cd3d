"""Heads that are too large, heads and bodies that are too slow: refused in a sentence, or cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN

from quarterdeck.views.websocket import frame_head
from quarterdeck.web import wire
from quarterdeck.web.connections import WRITE_PIECE
from quarterdeck.web.wire import MAX_AT_ONCE, MAX_HEAD_BYTES, MAX_HEADERS, Http, Inbox, Socket

WAIT_S = 5.0
PIECES = [b"a", b"", b"b" * 40_000, b"c" * 4_000]


class Application:
    """Says how long the body was; `/slow` reads nothing before it is let."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.reached = 0
        self.written: list[bool] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        if scope["path"] == "/slow":
            await self.may_go_on.wait()
        if scope["path"] == "/pieces":
            await self.tell_in_pieces(scope, send)
            return
        if scope["path"] == "/many":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while len(self.written) < 1_000 and (not self.written or self.written[-1]):
                self.written.append(scope["extensions"][WRITE_PIECE](scope, b"x" * MAX_AT_ONCE))
            self.may_go_on.set()
            return
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            if not message.get("more_body"):
                break
        body = str(size).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    async def tell_in_pieces(self, scope: Any, send: Any) -> None:
        """As a stream does, noting which pieces went past ASGI."""
        write = scope["extensions"][WRITE_PIECE]
        self.written = [write(scope, b"before the head")]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in PIECES:
            self.written.append(write(scope, piece))
            if not self.written[-1]:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        self.written.append(write(dict(scope), b"of another request"))
        await send({"type": "http.response.body", "body": b""})
        self.written.append(write(scope, b"after the end"))


class Peer:
    """A client that writes bytes."""

    def __init__(self, application: Application, port: int) -> None:
        self.application = application
        self._port = port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def say(self, *pieces: bytes, pause_s: float = 0.0) -> bytes:
        """All that comes back until the connection is closed."""
        reader, writer = await self.connect()
        try:
            async with asyncio.timeout(WAIT_S):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause_s)
                return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def serving(protocol: type[HttpToolsProtocol]) -> AsyncIterator[Peer]:
    application = Application()
    config = uvicorn.Config(application, http=protocol, ws=Socket, log_config=None, timeout_keep_alive=1)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    yield Peer(application, server.sockets[0].getsockname()[1])
    application.may_go_on.set()
    server.close()


@pytest.fixture
async def peer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Peer]:
    for name, value in (("HEAD_S", 0.2), ("BODY_PAUSE_S", 0.2), ("BODY_GRACE_S", 0.3), ("LEAST_BYTES_PER_S", 1_000)):
        monkeypatch.setattr(wire, name, value)
    async with serving(Http) as opened:
        yield opened


def head(*headers: bytes, line: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join((line, b"Host: x", *headers, b"", b""))


TOO_LARGE = {
    "one giant header": head(b"X-Long: " + b"x" * MAX_HEAD_BYTES),
    "a giant header without an end": head(b"X-Long: " + b"x" * 4 * MAX_HEAD_BYTES)[:-4],
    "a giant name": head(b"x" * MAX_HEAD_BYTES + b": 1"),
    "a giant cookie": head(b"Cookie: " + b"; ".join(b"a%d=%s" % (n, b"x" * 90) for n in range(400))),
    "many headers": head(*(b"X-%d: 1" % number for number in range(MAX_HEADERS))),
    "many headers of one name": head(*([b"X: 1"] * 2_000)),
    "a giant address": head(line=b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1"),
    "a giant query": head(line=b"GET /?" + b"x=1&" * MAX_HEAD_BYTES + b" HTTP/1.1"),
    "all in all too much": head(*(b"X-%d: %s" % (number, b"x" * 700) for number in range(60))),
}


@pytest.mark.parametrize("case", TOO_LARGE)
@pytest.mark.parametrize("size", [10**9, 1_000], ids=["at once", "in pieces"])
async def test_a_head_that_is_too_large_is_refused_before_anything_runs(peer: Peer, case: str, size: int) -> None:
    asked = TOO_LARGE[case]
    said = await peer.say(*(asked[start : start + size] for start in range(0, len(asked), size)))
    if said:  # what was sent after the refusal may have reset the connection
        assert said.startswith(b"HTTP/1.1 431 ")
        assert json.loads(said.partition(b"\r\n\r\n")[2])["code"] == "too_large"
    assert peer.application.reached == 0


async def test_a_head_of_the_usual_size_passes(peer: Peer) -> None:
    usual = head(*(b"X-%d: %s" % (number, b"x" * 300) for number in range(MAX_HEADERS - 2)), b"Connection: close")
    assert (await peer.say(usual)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "asked",
    [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n"],
)
async def test_what_is_no_request_is_told_so(peer: Peer, asked: bytes) -> None:
    assert (await peer.say(asked)).startswith(b"HTTP/1.1 400 ")
    assert peer.application.reached == 0


POST = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 50000\r\n\r\n"
SLOW = {
    "nothing": [],
    "a head without an end": [b"GET / HTTP/1.1\r\nHost: x\r\n"],
    "a head, byte by byte": [b"%c" % byte for byte in head() * 5],
    "blank lines only": [b"\r\n"] * 30,
    "a body that stops": [POST + b"x" * 10],
    "a body, byte by byte": [POST] + [b"x"] * 30,
    "a chunked body that stops": [POST.replace(b"Content-Length: 50000", b"Transfer-Encoding: chunked") + b"5\r\nabc"],
    "a second request that stops": [head(), b"GET / HTTP/1.1\r\nHo"],
}


@pytest.mark.parametrize("case", SLOW)
async def test_one_who_dawdles_is_cut_off(peer: Peer, case: str) -> None:
    said = await peer.say(*SLOW[case], pause_s=0.04)
    told = said.rpartition(b"HTTP/1.1 ")[2]
    assert told.startswith(b"408 ") or not told or case in ("nothing", "a second request that stops")


async def test_a_body_at_a_fair_pace_passes(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", WAIT_S)
    monkeypatch.setattr(wire, "BODY_PAUSE_S", 1.5)  # far above each pause, below them all
    pieces = [b"x" * 1_250] * 40
    assert (await peer.say(POST, *pieces, pause_s=0.05)).endswith(b"\r\n\r\n50000")


async def test_one_who_waits_for_us_is_not_cut_off(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application does not read, so the connection is not read either: that is not the client's fault."""
    large = POST.replace(b"POST / ", b"POST /slow ").replace(b"50000", b"3000000")
    reader, writer = await peer.connect()
    writer.write(large + b"x" * 3_000_000)
    await asyncio.sleep(0.6)  # longer than any of the limits
    monkeypatch.setattr(wire, "BODY_PAUSE_S", WAIT_S)  # and from now on, not from where the last one stood
    peer.application.may_go_on.set()
    async with asyncio.timeout(WAIT_S):
        assert (await reader.read()).endswith(b"\r\n\r\n3000000")
    writer.close()


async def test_one_who_waited_for_us_has_the_whole_time_again(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the pause before the next piece nor the least pace counts what the client could not send."""
    monkeypatch.setattr(wire, "BODY_PAUSE_S", 0.9)
    monkeypatch.setattr(wire, "LEAST_BYTES_PER_S", 100_000)  # too much for these pieces, if our pause counts
    reader, writer = await peer.connect()
    for piece in (POST.replace(b"POST / ", b"POST /slow ").replace(b"50000", b"66010"), b"x" * 65_000, b"x" * 1_000):
        writer.write(piece)  # the last fills what is taken without being asked for, and leaves nothing on the way
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.8)  # a tenth of a second before the pause after it would have been too long
    peer.application.may_go_on.set()
    await asyncio.sleep(0.3)
    writer.write(b"x" * 10)
    async with asyncio.timeout(WAIT_S):
        assert (await reader.read()).endswith(b"\r\n\r\n66010")
    writer.close()


async def test_several_requests_on_one_connection_are_all_answered(peer: Peer) -> None:
    said = await peer.say(head() * 3 + head(b"Connection: close"))
    assert said.count(b"HTTP/1.1 200 ") == 4


async def test_without_the_bounds_such_heads_are_taken_and_dawdlers_waited_for() -> None:
    """The negative control: uvicorn as it comes."""
    async with serving(HttpToolsProtocol) as plain:
        for case in ("a giant cookie", "many headers of one name"):
            taken = TOO_LARGE[case].replace(b"Host: x", b"Host: x\r\nConnection: close")
            assert (await plain.say(taken)).startswith(b"HTTP/1.1 200 ")
        reader, writer = await plain.connect()
        writer.write(head()[:-2])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await reader.read()
        writer.close()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_text_frames_are_those_of_the_standard(size: int) -> None:
    payload = b"x" * size
    assert frame_head(size) + payload == Frame(Opcode.TEXT, payload).serialize(mask=False)


class Wire(asyncio.Transport):
    """What was written, a piece for each call."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
async def socket() -> Socket:
    """An open one, on a `Wire`."""
    config = uvicorn.Config(Application(), ws=Socket, log_config=None, ws_per_message_deflate=False)
    config.load()
    opened = Socket(config, ServerState(), {})
    opened.transport = Wire()
    opened.handshake_complete, opened.conn.state = True, OPEN
    return opened


def written(socket: Socket) -> list[bytes]:
    assert isinstance(socket.transport, Wire)
    return socket.transport.written


def frames(*texts: str) -> bytes:
    return b"".join(frame_head(len(text)) + text.encode() for text in texts)


async def test_what_a_socket_is_given_in_one_moment_goes_out_together(socket: Socket) -> None:
    assert socket.write_frames([b"one", b"two"])
    assert socket.write_frames([b"three"])
    assert written(socket) == []
    await asyncio.sleep(0)
    assert written(socket) == [frames("one", "two", "three")]
    assert socket.write_frames([b"four"])
    await asyncio.sleep(0)
    assert written(socket)[1:] == [frames("four")]


async def test_what_goes_by_asgi_stands_behind_what_was_given_before(socket: Socket) -> None:
    assert socket.write_frames([b"one"])
    await socket.send({"type": "websocket.send", "text": "two"})
    assert socket.write_frames([b"three"])
    await asyncio.sleep(0)
    assert b"".join(written(socket)) == frames("one", "two", "three")


async def test_a_socket_that_is_closed_is_given_its_last_frames_before_that_and_none_after(socket: Socket) -> None:
    assert socket.write_frames([b"one"])
    await socket.send({"type": "websocket.close", "code": 1000})
    assert b"".join(written(socket)).startswith(frames("one") + b"\x88")
    assert not socket.write_frames([b"two"])
    await asyncio.sleep(0)
    assert b"two" not in b"".join(written(socket))


async def test_a_frame_that_is_ready_goes_out_at_once_behind_what_was_given_before(socket: Socket) -> None:
    assert socket.write_frames([b"one"])
    assert socket.write_ready(frames("two"))
    assert b"".join(written(socket)) == frames("one", "two")
    await asyncio.sleep(0)
    assert b"".join(written(socket)) == frames("one", "two")


async def test_a_frame_that_is_ready_is_given_to_nobody_who_is_behind_or_leaves(socket: Socket) -> None:
    socket.pause_writing()
    assert not socket.write_ready(frames("one"))
    socket.resume_writing()
    assert socket.write_ready(frames("two"))
    await socket.send({"type": "websocket.close", "code": 1000})
    assert not socket.write_ready(frames("three"))
    assert b"".join(written(socket)).startswith(frames("two") + b"\x88")
    assert b"three" not in b"".join(written(socket))


async def test_what_a_client_that_leaves_was_to_be_given_is_forgotten(socket: Socket) -> None:
    assert socket.write_frames([b"one"])
    socket.disconnected = True
    await asyncio.sleep(0)
    assert written(socket) == []


async def test_no_more_is_held_than_may_be_written_at_once(socket: Socket) -> None:
    """And a reader found to be behind when it is written is given nothing more."""
    large = b"x" * (MAX_AT_ONCE - 10)
    assert socket.write_frames([large])
    assert socket.write_frames([b"y" * 20])
    assert written(socket) == [frame_head(len(large)) + large]
    socket.pause_writing()
    assert not socket.write_frames([b"z"])
    await asyncio.sleep(0)
    assert written(socket)[1:] == [frames("y" * 20)]


def answer_ping(socket: Socket) -> None:
    ping = written(socket)[-1]
    assert ping[0] == 0x89
    socket.handle_pong(Frame(Opcode.PONG, ping[2:]))


async def test_a_socket_that_is_written_to_is_pinged_every_third_time_and_a_silent_one_always(
    socket: Socket,
) -> None:
    def pings(*, is_written_to: bool) -> list[int]:
        """At which of the times that it is looked after."""
        found = []
        for time in range(7):
            if is_written_to:
                assert socket.write_frames([b"beat"])
                socket._write_held()
            before = len(written(socket))
            socket.look_after()
            if written(socket)[before:]:
                found.append(time)
                answer_ping(socket)
        return found

    assert pings(is_written_to=False) == list(range(7))
    assert pings(is_written_to=True) == [2, 5]


async def test_silence_after_something_was_written_is_not_spared_a_ping_again(socket: Socket) -> None:
    assert socket.write_frames([b"beat"])
    await asyncio.sleep(0)
    socket.look_after()
    assert written(socket) == [frames("beat")]
    socket.look_after()
    assert [said[0] for said in written(socket)[1:]] == [0x89]  # a ping


async def test_a_ping_that_was_not_answered_until_the_next_time_ends_the_socket(socket: Socket) -> None:
    socket.look_after()
    socket.handle_pong(Frame(Opcode.PONG, b"another"))
    socket.look_after()
    assert written(socket)[-1][0] == 0x88
    assert b"keepalive ping timeout" in written(socket)[-1]
    assert socket.transport.is_closing()
    ended = len(written(socket))
    socket.look_after()
    assert len(written(socket)) == ended


async def test_pieces_written_past_asgi_stand_in_their_place(peer: Peer) -> None:
    said = await peer.say(head(b"Connection: close", line=b"GET /pieces HTTP/1.1"))
    _, _, body = said.partition(b"\r\n\r\n")
    assert unchunk(body) == b"".join(PIECES)
    assert peer.application.written == [False, True, False, False, True, False, False]


async def test_nothing_is_written_past_asgi_to_one_who_does_not_read(peer: Peer) -> None:
    _, writer = await peer.connect()
    writer.write(head(line=b"GET /many HTTP/1.1"))
    async with asyncio.timeout(WAIT_S):
        await peer.application.may_go_on.wait()
    assert 0 < sum(peer.application.written) * MAX_AT_ONCE < 16_000_000
    writer.close()


def unchunk(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole


async def test_an_inbox_gives_what_came_in_its_order_and_wakes_who_waits() -> None:
    inbox = Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    assert not reading.done()
    for message in ("one", "two", "three"):
        inbox.put_nowait(message)
    assert await reading == "one"
    assert [await inbox.get(), inbox.empty(), await inbox.get(), inbox.empty()] == ["two", False, "three", True]


async def test_a_reader_that_is_cancelled_takes_nothing_from_an_inbox() -> None:
    inbox = Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait("kept")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await inbox.get() == "kept"
