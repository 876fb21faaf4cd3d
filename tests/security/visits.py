"""Everything that one account can have open at a time, and when each of it ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any

import httpx2
from tests.harness.full_client import PROTOCOL
from tests.harness.server import Server
from tests.harness.waiting import wait_until_async
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol


class SignedOutError(Exception):
    """A question that waited was refused, or what it asked for is gone."""


class Visit:
    """`talking`: a model that says a little and then waits; `silent`: one that never says anything.

    `ends`: when what was open was over, by its name; `strange`: what ended in another way than it should.
    """

    def __init__(self, server: Server, token: str, talking: str, silent: str) -> None:
        self._headers = {"authorization": f"Bearer {token}"}
        self._is_guest = is_guest = token.startswith("qd_g")  # their sockets carry the token in the address
        self._address = f"ws://127.0.0.1:{server.port}/chat" + (f"?token={token}" if is_guest else "")
        self._socket_headers = {} if is_guest else self._headers
        self._http = httpx2.AsyncClient(base_url=server.url, headers=self._headers, timeout=60)
        self._talking, self._silent = talking, silent
        self._open: set[str] = set()
        self._turn = "none"
        self._tasks: list[asyncio.Task[None]] = []
        self.ends: dict[str, float] = {}
        self.strange: list[str] = []

    async def open_all(self) -> None:
        self._hold("POST /chat_batch", self._ask(self._talking))
        await wait_until_async(self._has_turn, "an answer to begin")
        self._hold("POST /chat_batch, not answered yet", self._ask(self._silent))
        self._hold("GET /api/turns/{turn}/events", self._stream("GET", f"/api/turns/{self._turn}/events"))
        self._hold("GET /api/turns/{turn}/events, polled", self._poll(f"/api/turns/{self._turn}/events"))
        if not self._is_guest:
            self._hold("GET /api/events", self._stream("GET", f"/api/events?feed=now&turn={self._turn}:0"))
        self._hold("simple socket", self._socket(None))
        self._hold("full socket", self._socket([PROTOCOL]))
        await wait_until_async(self._are_all_open, "everything to be open")

    @property
    def names(self) -> set[str]:
        return {task.get_name() for task in self._tasks}

    async def until_over(self, timeout_s: float) -> None:
        """Until everything has ended, or the time is up."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def ways_in(self) -> list[str]:
        """What opens now."""
        found = []
        for name, method, path, body in (
            ("GET /api/me", "GET", "/api/me", None),
            ("GET /api/conversations", "GET", "/api/conversations", None),
            ("GET /api/turns/{turn}/events", "GET", f"/api/turns/{self._turn}/events", None),
            ("POST /chat_batch", "POST", "/chat_batch", {"message": "Hi", "model": "builtin/log-reader"}),
            ("POST /api/turns/{turn}/stop", "POST", f"/api/turns/{self._turn}/stop", {}),
        ):
            async with self._http.stream(method, path, json=body) as answer:
                found += [] if answer.status_code == 401 else [f"{name}: {answer.status_code}"]
        return found + [name for name, given in _SOCKETS if await self._can_connect(given)]

    def _hold(self, name: str, holding: Coroutine[Any, Any, None]) -> None:
        async def hold() -> None:
            try:
                with contextlib.suppress(httpx2.TransportError, ConnectionClosed, SignedOutError):
                    await holding
            except AssertionError as error:
                self.strange.append(f"{name}: {error}")
            self.ends[name] = time.monotonic()

        self._tasks.append(asyncio.create_task(hold(), name=name))

    async def _has_turn(self) -> bool:
        return self._turn != "none"

    async def _are_all_open(self) -> bool:
        """What has no answer yet is open, too: it was sent before the others."""
        return len(self._open) == len(self._tasks) - 1

    def _note_open(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task.get_name())

    async def _ask(self, model: str) -> None:
        await self._stream("POST", "/chat_batch", {"message": "Hi", "model": model})

    async def _stream(self, method: str, path: str, body: dict[str, str] | None = None) -> None:
        async with self._http.stream(method, path, json=body) as answer:
            if self._open and answer.status_code in (401, 404, 410):
                raise SignedOutError
            assert answer.status_code == 200, await answer.aread()
            self._note_open()
            self._turn = answer.headers.get("x-turn-id", self._turn)
            async for _ in answer.aiter_raw():
                pass

    async def _poll(self, path: str) -> None:
        """Ask again and again; the last one waits for what never comes."""
        after = 0
        while True:
            answer = await self._http.get(path, params={"after": after, "wait": 60})
            if self._open and answer.status_code in (401, 404, 410):
                raise SignedOutError
            assert answer.status_code == 200, answer.text
            self._note_open()
            after = answer.json()["cursor"]

    def _connect(self, protocols: list[Subprotocol] | None) -> connect:
        return connect(self._address, additional_headers=self._socket_headers, subprotocols=protocols, proxy=None)

    async def _socket(self, protocols: list[Subprotocol] | None) -> None:
        async with self._connect(protocols) as socket:
            self._note_open()
            async for _ in socket:
                pass

    async def _can_connect(self, protocols: list[Subprotocol] | None) -> bool:
        try:
            async with self._connect(protocols):
                return True
        except InvalidStatus:
            return False


_SOCKETS = [("simple socket", None), ("full socket", [PROTOCOL])]
