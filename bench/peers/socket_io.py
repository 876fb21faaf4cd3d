"""Socket.IO 5 over a WebSocket (Engine.IO 4), as far as a client needs it: events out, events in, pings answered.

https://socket.io/docs/v4/socket-io-protocol/
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

_PING, _PONG = "2", "3"
_CONNECT, _EVENT, _REFUSED = "40", "42", "44"


class SocketIo:
    """`take` is called with the name and the arguments of each event."""

    def __init__(self, url: str, auth: dict[str, str], take: Callable[[str, list[Any]], None]) -> None:
        self._url = f"{url}?EIO=4&transport=websocket"
        self._auth, self._take = auth, take
        self.sid = ""

    async def open(self, session: aiohttp.ClientSession) -> None:
        """Raises: `RuntimeError` when the server refuses."""
        self._socket = await session.ws_connect(self._url, max_msg_size=0)
        await self._socket.receive_str()  # Engine.IO's own beginning
        await self._send(_CONNECT, self._auth)
        while not (said := await self._socket.receive_str()).startswith((_CONNECT, _REFUSED)):
            await self._answer(said)
        if said.startswith(_REFUSED):
            raise RuntimeError(f"{self._url}: {said}")
        self.sid = msgspec.json.decode(said[len(_CONNECT) :])["sid"]
        self._reading = asyncio.create_task(self._read())

    async def emit(self, event: str, *arguments: object) -> None:
        await self._send(_EVENT, [event, *arguments])

    async def close(self) -> None:
        self._reading.cancel()
        await self._socket.close()

    async def _send(self, kind: str, body: object) -> None:
        await self._socket.send_str(kind + msgspec.json.encode(body).decode())

    async def _read(self) -> None:
        async for message in self._socket:
            await self._answer(message.data)

    async def _answer(self, said: str) -> None:
        if said == _PING:
            await self._socket.send_str(_PONG)
        elif said.startswith(_EVENT):
            event, *arguments = msgspec.json.decode(said[said.index("[") :])
            self._take(event, arguments)
