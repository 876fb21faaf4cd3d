"""One address for several servers, as a load balancer gives: in turn, and past those that do not answer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CONNECT_S = 1.0


class Balancer:
    """`find_ports` says which ports there are just now. A connection stays with the server it got."""

    def __init__(self, find_ports: Callable[[], list[int]]) -> None:
        self._find_ports = find_ports
        self._next = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @contextmanager
    def in_thread(self) -> Iterator[Balancer]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="balancer", daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._accept, "127.0.0.1", 0), loop).result(5)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._close(server), loop).result(5)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)
            loop.close()

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await self._connect()
        up = asyncio.create_task(_pass(reader, to_server))
        try:
            await _pass(from_server, writer)
        finally:
            up.cancel()
            to_server.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises: `OSError` when nobody is there."""
        ports = self._find_ports()
        for _ in ports:
            self._next += 1
            port = ports[self._next % len(ports)]
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_S):
                    return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError("no server is there")


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
