"""A proxy as some offices have it: it refuses upgrades, holds streams back, or cuts; each can change at any time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientSession, ClientTimeout, ClientWSTimeout, WSMsgType, web

_DROPPED = {"transfer-encoding", "content-length", "content-encoding", "connection", "host", "accept-encoding"}


class NarrowProxy:
    """`refuses_sockets`: an upgrade is answered with 403; `holds_streams`: an event stream is passed on at its end.

    What is open goes on as it was until `cut_all`.
    """

    def __init__(self, target_port: int) -> None:
        self.refuses_sockets = False
        self.holds_streams = False
        self.requests: list[str] = []  # method and path
        self.sockets = 0
        self.url = ""
        self._target = f"127.0.0.1:{target_port}"
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Task[object]] = set()
        self._client: ClientSession | None = None

    def cut_all(self) -> None:
        """Everything that streams now is broken off."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._open])

    def count(self, beginning: str) -> int:
        return sum(1 for request in list(self.requests) if request.startswith(beginning))

    @contextmanager
    def in_thread(self) -> Iterator[NarrowProxy]:
        is_up = threading.Event()
        thread = threading.Thread(target=self._run, args=(is_up,), daemon=True)
        thread.start()
        assert is_up.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)

    def _run(self, is_up: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._start())
        is_up.set()
        self._loop.run_forever()
        for task in list(self._open):
            task.cancel()
        assert self._client is not None
        self._loop.run_until_complete(self._client.close())
        self._loop.run_until_complete(runner.cleanup())

    async def _start(self) -> web.AppRunner:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._client = ClientSession(auto_decompress=False, timeout=ClientTimeout(total=None))
        return runner

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if request.headers.get("upgrade", "").lower() == "websocket":
                return await self._pass_socket(request)
            return await self._pass_request(request)
        except ConnectionError:
            return web.Response(status=502)  # whoever asked has left, or the server has
        finally:
            self._open.discard(task)

    async def _pass_request(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        assert self._client is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _DROPPED}
        headers["host"] = request.host  # the page's own origin stays the server's
        async with self._client.request(
            request.method, f"http://{self._target}{request.path_qs}", headers=headers,
            data=await request.read(), allow_redirects=False,
        ) as answer:  # fmt: skip
            passed = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _DROPPED - {"content-encoding"}:
                    passed.headers.add(name, value)
            is_held = self.holds_streams and answer.content_type == "text/event-stream"
            held = b""
            await passed.prepare(request)
            async for piece in answer.content.iter_any():
                if is_held:
                    held += piece
                else:
                    await passed.write(piece)
            await passed.write(held)
            await passed.write_eof()
            return passed

    async def _pass_socket(self, request: web.Request) -> web.StreamResponse:
        if self.refuses_sockets:
            return web.Response(status=403, text="No upgrades here.")
        self.sockets += 1
        assert self._client is not None
        wanted = request.headers.get("sec-websocket-protocol", "")
        headers = {
            name: request.headers[name] for name in ("cookie", "origin", "authorization") if name in request.headers
        }
        near = web.WebSocketResponse(protocols=[wanted] if wanted else [], max_msg_size=0)
        async with self._client.ws_connect(
            f"ws://{self._target}{request.path_qs}",
            headers=headers | {"host": request.host, "sec-fetch-site": "same-origin"},
            protocols=[wanted] if wanted else [],
            max_msg_size=0,
            timeout=ClientWSTimeout(ws_close=0.2),
        ) as far:
            await near.prepare(request)

            async def up() -> None:
                async for message in near:
                    if message.type is WSMsgType.TEXT:
                        await far.send_str(message.data)
                await far.close()

            rising = asyncio.create_task(up())
            try:
                async for message in far:
                    if message.type is WSMsgType.TEXT:
                        await near.send_str(message.data)
            finally:
                rising.cancel()
                with contextlib.suppress(ConnectionError):
                    await near.close(code=far.close_code or 1006)
        return near


@contextmanager
def open_narrow(target_port: int) -> Iterator[NarrowProxy]:
    """It lets everything through at first."""
    with NarrowProxy(target_port).in_thread() as opened:
        yield opened
