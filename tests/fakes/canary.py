"""Two plain web servers on this machine for tests of outgoing requests: one that nobody may reach, and the internet.

`CANARY` is where a forged request wants to go. `INTERNET` stands for the public internet: its addresses are allowed
by the tests' policy, and what it answers is theirs to say.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

CANARY = "127.0.0.1"
INTERNET = "127.0.0.2"


class Canary:
    """Counts whoever connects, and keeps what they sent."""

    def __init__(self) -> None:
        self.hits = 0
        self.received = b""
        self.port = 0

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(0.5):
                self.received += await reader.read(65536)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
            await writer.drain()
        writer.close()


class Internet:
    """`/to?u=URL&s=302` redirects; `/say` answers with `answers[path]`, the whole of it, or never if that is empty.

    Requests are kept.
    """

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        self.answers: dict[str, bytes] = {}

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head)
            target = head.split(b" ")[1].decode()
            answer = self.answers.get(urlsplit(target).path)
            if answer == b"":
                await reader.read()  # until the other side has had enough
            writer.write(_answer(target) if answer is None else answer)
            await writer.drain()
        writer.close()


def _answer(target: str) -> bytes:
    asked = parse_qs(urlsplit(target).query)
    if "u" in asked:
        status = asked.get("s", ["302"])[0]
        place = asked["u"][0].encode("utf-8", "replace")
        return b"HTTP/1.1 %s Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status.encode(), place)
    return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nhello"


@contextlib.asynccontextmanager
async def open_canary() -> AsyncIterator[Canary]:
    """On every loopback address there is, IPv6 where the machine has it."""
    canary = Canary()
    async with contextlib.AsyncExitStack() as stack:
        first = await asyncio.start_server(canary.meet, CANARY, 0)
        await stack.enter_async_context(first)
        canary.port = first.sockets[0].getsockname()[1]
        with contextlib.suppress(OSError):
            await stack.enter_async_context(await asyncio.start_server(canary.meet, "::1", canary.port))
        yield canary


@contextlib.asynccontextmanager
async def open_internet() -> AsyncIterator[Internet]:
    internet = Internet()
    async with await asyncio.start_server(internet.meet, INTERNET, 0) as server:
        internet.port = server.sockets[0].getsockname()[1]
        yield internet
