"""`python -m bench.sockets PORT COUNT`: so many sockets of `quarterdeck.v1`, without a library and without a queue.

The first line of standard input has the keys, with spaces between them; each further line is answered with a line of
JSON that says what was seen so far.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import msgspec
import uvloop

from bench.idle import Counts

_AT_ONCE = 50
_PING, _CLOSE = 0x89, 0x88
_PONG_HEAD = bytes([0x8A, 0x80 | 4, 0, 0, 0, 0])  # masked, as a client must, with zeros; the payload has four bytes


class _Socket(asyncio.Protocol):
    def __init__(self, request: bytes, counts: Counts, opened: asyncio.Future[None]) -> None:
        self._request, self._counts, self._opened = request, counts, opened
        self._buffer = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._transport.close()
                return
            self._is_open = True
            self._counts.open += 1
            self._opened.set_result(None)
        self._take_frames()

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.lost += 1
        if not self._opened.done():
            self._opened.set_result(None)

    def _take_frames(self) -> None:
        """A server's frames are not masked, and none of these has more than 64 KiB."""
        buffer = self._buffer
        while len(buffer) >= 2:
            size, start = buffer[1], 2
            if size == 126:
                size, start = int.from_bytes(buffer[2:4], "big"), 4
            if len(buffer) < start + size:
                break
            kind, payload, buffer = buffer[0], buffer[start : start + size], buffer[start + size :]
            if kind == _PING:
                self._counts.pings += 1
                self._transport.write(_PONG_HEAD + payload)
            elif kind == _CLOSE:
                self._transport.close()
            elif b'"heartbeat"' in payload:
                self._counts.beats += 1
        self._buffer = buffer


def _request(port: int, key: str) -> bytes:
    lines = [
        "GET /chat HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol: quarterdeck.v1",
        f"Authorization: Bearer {key}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def _open_all(port: int, keys: list[str], count: int, counts: Counts) -> None:
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(_AT_ONCE)

    async def open_one(number: int) -> None:
        async with gate:
            opened = loop.create_future()
            request = _request(port, keys[number % len(keys)])
            await loop.create_connection(lambda: _Socket(request, counts, opened), "127.0.0.1", port)
            await opened

    await asyncio.gather(*(open_one(number) for number in range(count)))


async def main(port: int, count: int) -> None:
    counts = Counts()
    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    keys = (await lines.readline()).decode().split()
    opening = asyncio.create_task(_open_all(port, keys, count, counts))
    while await lines.readline():
        print(msgspec.json.encode(counts).decode(), flush=True)
    opening.cancel()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
