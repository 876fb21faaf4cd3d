"""Answers that are written as they arrive, over plain HTTP. A reader who takes nothing for a while is cut off.

Nothing is queued for a slow reader: what is sent next is read from the log when the last of it has got through, so
all that a stream holds is one read's worth and what the transport buffers (64 KiB).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.types import Message, Receive, Scope, Send

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import AccessError
from quarterdeck.web.connections import ABORT, SEND_TIMEOUT_S, WRITE_PIECE, Connections
from quarterdeck.web.counted import CountedStream
from quarterdeck.web.problems import named

T = TypeVar("T")
logger = get_logger("quarterdeck.streams")


async def wait_signed_in(connections: Connections, principal: Principal, waiting: Coroutine[Any, Any, T]) -> T:
    """What is waited for before an answer begins. Raises: `AccessError` when the caller is signed out meanwhile."""
    task = asyncio.ensure_future(waiting)
    with connections.streaming(principal, task.cancel):
        try:
            return await task
        except asyncio.CancelledError:
            if (own := asyncio.current_task()) is not None and own.cancelling():
                raise  # it was not the waiting that was ended
            raise AccessError("You are signed out.") from None


class Shortcut:
    """Writes a piece of an answer that has begun, without waiting; False, with nothing written, if that cannot be."""

    def __init__(self) -> None:
        self.write: Callable[[bytes], bool] = lambda _: False


class BoundedStream(CountedStream):
    """Cut when one send takes longer than `SEND_TIMEOUT_S`; ended properly, it would wait for its reader for ever.

    It is cut, too, when whoever opened it may not see it any more: `identify` has noted who that was.
    """

    def __init__(
        self, content: Any, status_code: int = 200, *, shortcut: Shortcut | None = None, **options: Any
    ) -> None:
        """`status_code` by name: FastAPI reads it here when it describes a route."""
        super().__init__(content, status_code, **options)
        self._shortcut = shortcut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        abort: Callable[[], None] = scope.get("extensions", {}).get(ABORT, lambda: None)

        write: Callable[[Scope, bytes], bool] = scope.get("extensions", {}).get(WRITE_PIECE, lambda *_: False)

        def give_up() -> None:
            logger.warning("slow_stream_dropped", path=named(scope), seconds=SEND_TIMEOUT_S)
            abort()  # the server then says that the client has left, which ends the stream

        async def bounded(message: Message) -> None:
            if message.get("more_body") and write(scope, message["body"]):
                return
            timer = loop.call_later(SEND_TIMEOUT_S, give_up)
            try:
                await send(message)
            finally:
                timer.cancel()

        if self._shortcut is not None:
            self._shortcut.write = lambda piece: write(scope, piece)
        connections: Connections = scope["app"].state.house.connections
        with connections.streaming(scope["state"]["principal"], abort):
            await super().__call__(scope, receive, bounded)
