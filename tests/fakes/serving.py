"""What the fake servers share: requests are recorded, scripts are played, misbehaviour included.

Use one as an async context manager (`async with FakeOpenAI() as fake: fake.base_url`), in a thread
(`with FakeOpenAI().in_thread() as fake:`), or as a command (`python -m tests.fakes.openai_server --port 9999`)
with `POST /control` and `GET /control/requests`.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import msgspec
from aiohttp import web
from msgspec import Struct
from tests.fakes.playing import Playback
from tests.fakes.script import Script, rest_of, script_for_model


def as_written(text: str) -> str:
    """A message as its user wrote it: without the lines that say when it was sent and what time it is now."""
    return re.split(r"(?:^|\n)\[Sent [^\]\n]*\]\n", text)[-1].split("\n\n[Now it is ")[0]


class Received(Struct, kw_only=True):
    """One request as the fake saw it. Times are seconds of `time.time()`."""

    path: str
    body: dict[str, Any]
    model: str
    headers: dict[str, str]
    client_port: int
    started_at: float
    ended_at: float | None = None
    outcome: str = "running"  # "complete", "disconnected", "failed", "rejected"
    pieces_sent: int = 0
    is_hurried: bool = False  # what is left is said without a pause


class Asked(Struct):
    """A valid request, in the words that all dialects share."""

    model: str
    last_user_text: str
    last_assistant_text: str
    is_prefilled: bool
    stream: bool
    wants_usage: bool = True
    most_tokens: int | None = None  # the answer ends there

    def __post_init__(self) -> None:
        self.last_user_text = as_written(self.last_user_text)


class FakeServer(ABC):
    """One vendor's API on a port of its own on the loopback address."""

    def __init__(self, *, key: str | None = None, port: int = 0, models: list[dict[str, Any]] | None = None) -> None:
        self.key = key  # None: any key will do
        self.port = port
        self.default = Script()
        self.queue: list[Script] = []
        self.by_model: dict[str, Script] = {}
        self.unsupported: set[str] = set()  # parameters that are refused by name
        self.requests: list[Received] = []
        self.models = models if models is not None else self.usual_models()
        self._failed = 0
        self._runner: web.AppRunner | None = None

    base_path = ""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return self.origin + self.base_path

    @abstractmethod
    def usual_models(self) -> list[dict[str, Any]]: ...

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None: ...

    @abstractmethod
    def error_body(self, status: int, message: str, code: str = "", param: str = "") -> bytes:
        """An error in the vendor's shape."""

    @abstractmethod
    def new_playback(self, script: Script, asked: Asked) -> Playback: ...

    async def start(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        self.add_routes(app.router)
        app.router.add_post("/control", self._control)
        app.router.add_get("/control/requests", self._list_requests)
        app.router.add_delete("/control/requests", self._forget_requests)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=2048)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @contextmanager
    def in_thread(self) -> Iterator[Self]:
        """The server in a loop and a thread of its own, for tests that have no loop."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name=type(self).__name__, daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result(5)
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self.stop(), loop).result(5)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)
            loop.close()

    def record(self, request: web.Request, body: dict[str, Any], model: str) -> Received:
        headers = {name.lower(): value for name, value in request.headers.items()}
        peer = request.transport.get_extra_info("peername") if request.transport else None
        received = Received(
            path=request.path,
            body=body,
            model=model,
            headers=headers,
            client_port=peer[1] if peer else 0,
            started_at=time.time(),
        )
        self.requests.append(received)
        return received

    def reject(
        self, received: Received | None, status: int, message: str, code: str = "", param: str = ""
    ) -> web.Response:
        if received is not None:
            received.outcome, received.ended_at = "rejected", time.time()
        return web.Response(
            status=status, body=self.error_body(status, message, code, param), content_type="application/json"
        )

    async def answer(self, request: web.Request, received: Received, asked: Asked) -> web.StreamResponse:
        """Plays the script of this request."""
        script = self._choose(asked)
        try:
            await asyncio.sleep(script.first_delay_s)
            if (failed := self.fail_as_told(script, received)) is not None:
                return failed
            playback = self.new_playback(script, asked)
            response = await playback.play(request, received)
            received.outcome = "complete"
            return response
        except (asyncio.CancelledError, ConnectionError):
            received.outcome = "disconnected"
            raise asyncio.CancelledError from None  # which the server takes for what it is: nobody is there
        finally:
            received.ended_at = time.time()

    def fail_as_told(self, script: Script, received: Received) -> web.Response | None:
        """The failure that it is this request's turn to get."""
        if script.status != 200 and (script.failures is None or self._failed < script.failures):
            self._failed += 1
            return self._fail(script, received)
        self._failed = 0
        return None

    def _fail(self, script: Script, received: Received) -> web.Response:
        message = script.error_message or f"The fake was told to fail with {script.status}."
        response = self.reject(received, script.status, message, script.error_code)
        received.outcome = "failed"
        if script.retry_after:
            response.headers["Retry-After"] = script.retry_after
        return response

    def _choose(self, asked: Asked) -> Script:
        script = self.find_script(asked)
        if script.echo:
            script = msgspec.structs.replace(script, pieces=_in_words(asked.last_user_text), echo=False)
        goes_on = asked.is_prefilled or "continue" in asked.last_user_text.lower()
        if goes_on and asked.last_assistant_text:
            script = msgspec.structs.replace(script, pieces=rest_of(script.pieces, asked.last_assistant_text))
        return script

    def find_script(self, asked: Asked) -> Script:
        if self.queue:
            return self.queue.pop(0)
        if asked.last_user_text.startswith("/fake "):
            return msgspec.json.decode(asked.last_user_text.removeprefix("/fake "), type=Script)
        return self.by_model.get(asked.model) or script_for_model(asked.model) or self.default

    async def _control(self, request: web.Request) -> web.Response:
        """Takes an `_Order`: `default`, `queue`, `by_model`, `unsupported`, each optional."""
        order = msgspec.json.decode(await request.read(), type=_Order)
        self.default = order.default or self.default
        self.queue += order.queue
        self.by_model |= order.by_model
        self.unsupported |= set(order.unsupported)
        return web.Response(status=204)

    async def _list_requests(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.requests), content_type="application/json")

    async def _forget_requests(self, _: web.Request) -> web.Response:
        self.requests.clear()
        return web.Response(status=204)


class _Order(Struct, forbid_unknown_fields=True):
    default: Script | None = None
    queue: list[Script] = []
    by_model: dict[str, Script] = {}
    unsupported: list[str] = []


def _in_words(text: str) -> list[str]:
    return [f"{word} " for word in text.split(" ")[:-1]] + [text.split(" ")[-1]]
