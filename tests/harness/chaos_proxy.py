"""A TCP proxy that makes a bad network: it cuts connections at random bytes, splits and delays what passes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from types import TracebackType
from typing import Self


class ChaosProxy:
    """`cut_after`: a connection ends after a random number of bytes to the client between these two."""

    def __init__(self, target_port: int, seed: int, cut_after: tuple[int, int], pause_s: float = 0.005) -> None:
        self._target_port = target_port
        self._random = random.Random(seed)
        self._cut_after = cut_after
        self._pause_s = pause_s
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cuts = 0
        self.is_calm = False  # nothing is cut any more

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
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
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target_port)
        up = asyncio.create_task(self._pass(reader, to_server))
        try:
            await self._pass_some(from_server, writer)
        finally:
            up.cancel()
            to_server.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(4096):
                writer.write(piece)
                await writer.drain()

    async def _pass_some(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self._random.randint(*self._cut_after)
        while piece := await reader.read(self._random.choice((7, 64, 1024, 65536))):
            if not self.is_calm:
                left -= len(piece)
                if left < 0:
                    writer.write(piece[:left])
                    self.cuts += 1
                    return
                await asyncio.sleep(self._random.choice((0, 0, self._pause_s)))
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(0)
