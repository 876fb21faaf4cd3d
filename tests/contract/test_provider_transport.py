"""The HTTP client for models on the wire: where keys go, proxies, limits, connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.client_proto import ResponseHandler

from quarterdeck.domain.step import FinishChunk, TextChunk
from quarterdeck.providers import reading
from quarterdeck.providers import transport as transport_module
from quarterdeck.providers.connection import Connection
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.openai_compatible import OpenAIDecoder
from quarterdeck.providers.profiles import describe_model
from quarterdeck.providers.reading import AnswerReader
from quarterdeck.providers.transport import Call, Timeouts, Transport, is_loopback


@asynccontextmanager
async def serve(handler: web.RequestHandler | object) -> AsyncIterator[str]:
    """A low-level server that sees requests as they are sent, absolute addresses included."""
    server = web.Server(handler)  # type: ignore[arg-type]
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    opened = Transport(Timeouts(connect_s=0.3, first_token_s=1.0, idle_s=1.0))
    yield opened
    await opened.close()


async def test_a_redirect_does_not_carry_the_key_away(transport: Transport) -> None:
    seen: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.append(request.path)
        return web.Response(status=302, headers={"Location": "/thief"})

    async with serve(answer) as origin:
        with pytest.raises(UpstreamError) as caught:
            await transport.fetch(Call("GET", f"{origin}/v1/models", {"Authorization": "Bearer k"}), 1.0)
    assert caught.value.kind == "not_an_api"
    assert seen == ["/v1/models"]


async def test_cookies_are_not_kept(transport: Transport) -> None:
    cookies: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(text="{}", headers={"Set-Cookie": "track=1"})

    async with serve(answer) as origin:
        for _ in range(2):
            await transport.fetch_json(Call("GET", origin, {}), 1.0)
    assert cookies == [None, None]


async def test_a_proxy_of_the_environment_is_used_for_others(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.raw_path)
        return web.Response(text="[]")

    async with serve(answer) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        assert await transport.fetch_json(Call("GET", "http://models.invalid/v1/models", {}), 1.0) == []
    assert asked == ["http://models.invalid/v1/models"]


async def test_no_proxy_is_respected(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "models.invalid")
    with pytest.raises(UpstreamError) as caught:
        await transport.fetch(Call("GET", "http://models.invalid/", {}), 1.0)
    assert caught.value.kind == "unreachable"
    assert "models.invalid" in caught.value.detail, "the host itself was tried, not the proxy"


async def test_a_host_that_does_not_take_connections_is_a_connect_timeout(transport: Transport) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:  # the queue is full after the first two
            connection.setblocking(False)
            connection.connect_ex(full.getsockname())
        with pytest.raises(UpstreamError) as caught:
            await transport.fetch(Call("GET", f"http://127.0.0.1:{full.getsockname()[1]}/", {}), 3.0)
        for connection in waiting:
            connection.close()
    assert caught.value.kind == "connect_timeout"
    assert caught.value.limit_s == 0.3


@pytest.mark.parametrize("key", ["two\r\nX-Evil: lines", "a\x00b"])
async def test_a_key_that_is_no_header_is_refused_here(transport: Transport, key: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        await transport.fetch(Call("GET", "http://127.0.0.1:9/", {"Authorization": f"Bearer {key}"}), 1.0)
    assert caught.value.kind in ("request", "unreachable")
    assert "Evil" not in caught.value.detail


async def test_a_body_without_an_end_is_bounded(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "MAX_BODY_BYTES", 1 << 20)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    async with serve(answer) as origin:
        with pytest.raises(UpstreamError) as caught:
            await transport.fetch(Call("GET", origin, {}), 5.0)
    assert caught.value.kind == "protocol"


async def test_a_finished_connection_is_used_again(transport: Transport) -> None:
    peers: set[object] = set()

    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(text="{}")

    async with serve(answer) as origin:
        for _ in range(5):
            await transport.fetch(Call("GET", origin, {}), 1.0)
    assert len(peers) == 1


async def test_what_is_read_slowly_is_held_back_and_comes_whole(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece, pieces = b"x" * 65_536, 128
    paused = asyncio.Event()
    pause = Connection.pause_reading

    def note(protocol: Connection) -> None:
        paused.set()
        pause(protocol)

    monkeypatch.setattr(Connection, "pause_reading", note)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(pieces):
            await response.write(piece)
        return response

    async with serve(answer) as origin:
        response = await transport.send(Call("GET", origin, {}), 1.0)
        assert response.connection is not None
        assert isinstance(response.connection.protocol, Connection)
        await asyncio.wait_for(paused.wait(), 5)
        received = 0
        async with asyncio.timeout(5):
            while chunk := await response.content.readany():
                received += len(chunk)
        response.close()
    assert received == len(piece) * pieces


async def test_a_model_that_has_said_its_end_is_waited_for_a_moment_only(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AFTER_FINISH_S", 0.05)
    has_read, has_ended = asyncio.Event(), asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n')
        await has_read.wait()
        await response.write(b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n')
        await has_ended.wait()
        return response

    async with serve(answer) as origin:
        response = await transport.send(Call("GET", origin, {}), 1.0)
        timeouts = Timeouts(connect_s=1.0, first_token_s=60.0, idle_s=60.0)
        profile = describe_model("openai", "gpt-5-mini")
        reader = AnswerReader(response, OpenAIDecoder(), profile, timeouts, may_be_empty=False)
        try:
            assert await reader.read() == [TextChunk("Hi")]
            has_read.set()
            assert reader.take() == []
            assert await asyncio.wait_for(reader.read(), 5) == [FinishChunk("stop")]
            assert reader.take() == []
            assert await reader.read() is None
        finally:
            reader.close()
            has_ended.set()


async def test_reading_what_came_does_not_run_the_parser_again(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[bytes] = []
    receive = ResponseHandler.data_received

    def note(protocol: ResponseHandler, data: bytes) -> None:
        fed.append(data)
        receive(protocol, data)

    monkeypatch.setattr(ResponseHandler, "data_received", note)

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text="[]")

    async with serve(answer) as origin:
        await transport.fetch_json(Call("GET", origin, {}), 1.0)
    assert fed
    assert b"" not in fed


async def test_a_closed_transport_opens_again_when_it_is_needed(transport: Transport) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text="{}")

    async with serve(answer) as origin:
        await transport.fetch(Call("GET", origin, {}), 1.0)
        await transport.close()
        await transport.fetch(Call("GET", origin, {}), 1.0)


async def test_cancelling_a_waiting_request_closes_it(transport: Transport) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.Response:
        arrived.set()
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.005)
        gone.set()
        return web.Response()

    async with serve(answer) as origin:
        task = asyncio.create_task(transport.fetch(Call("GET", origin, {}), 5.0))
        await asyncio.wait_for(arrived.wait(), 5)
        task.cancel()
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("models.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_this_machine_is_known_by_name_and_address(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local


def test_a_call_does_not_show_its_headers() -> None:
    assert "secret" not in repr(Call("GET", "http://x/", {"Authorization": "Bearer secret"}))
