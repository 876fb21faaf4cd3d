"""HTTP as it comes over the wire: heads are bounded before they are parsed, and who dawdles is cut off.

uvicorn hands a request on when its head is whole, and waits for that as long as it takes, whatever it weighs. Here a
head has a size and a number of headers that it may have, and a time; a body has a pace. A connection can be cut by the
application, too (`ABORT`): closed properly, one would wait for a reader who does not read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

from quarterdeck.diagnostics import get_logger
from quarterdeck.views.websocket import frame_head
from quarterdeck.web.connections import ABORT, WRITE_FRAMES, WRITE_PIECE, WRITE_READY
from quarterdeck.web.keepalive import rounds_of

logger = get_logger("quarterdeck.wire")

MAX_HEAD_BYTES = 32 * 1024  # the first line and all headers
MAX_HEADERS = 100
HEAD_S = 15.0  # from the first byte, or from the connection, to the end of the head
BODY_PAUSE_S = 30.0  # between two pieces of a body
BODY_GRACE_S = 60.0  # after which a body must have come at the least pace
LEAST_BYTES_PER_S = 1_000
NEW_S = 1.5  # a connection so young is about to ask something
MAX_AT_ONCE = 16 * 1024  # bytes that a socket or stream is given without looking whether its reader keeps up
PINGS_SPARED = 2  # of three, where something else was written meanwhile

_REASONS = {
    400: ("Bad request", "bad_request", "This is no HTTP request."),
    408: ("Request timeout", "too_slow", "The request did not come in time."),
    431: ("Request header fields too large", "too_large", f"A request's headers have at most {MAX_HEAD_BYTES} bytes."),
}


class _HeadTooLargeError(Exception):
    """Raised in the parser's callback, so that it stops."""


class _Flow(FlowControl):
    """Says when the client is read again, and since when it was not: that time is not the client's."""

    def __init__(self, transport: asyncio.Transport, on_resume: Callable[[float], None]) -> None:
        super().__init__(transport)
        self._on_resume = on_resume
        self._paused_since_s = 0.0

    def pause_reading(self) -> None:
        if not self.read_paused:
            self._paused_since_s = asyncio.get_running_loop().time()
        super().pause_reading()

    def resume_reading(self) -> None:
        was_paused = self.read_paused
        super().resume_reading()
        if was_paused:
            self._on_resume(self._paused_since_s)


class Http(HttpToolsProtocol):
    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._head_bytes = 0
        self._body_bytes = 0
        self._body_since_s = 0.0
        self._status = 400  # of what cannot be parsed
        self._made_s = 0.0

    @property
    def is_new(self) -> bool:
        """Has it just come, and its first request not been answered yet?"""
        is_unheard = self.cycle is None or not self.cycle.response_started
        return is_unheard and self.loop.time() - self._made_s < NEW_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._made_s = self.loop.time()
        self.flow = _Flow(transport, self._on_resume)
        self._expect_within(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._deadline is None and not self._is_answering():  # another request on a connection that was kept
                self._expect_within(HEAD_S)
        else:
            self._body_bytes += len(data)
            self._expect_within(BODY_PAUSE_S)
            if self._is_below_pace():
                self._give_up()
                return
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {ABORT: self.transport.abort, WRITE_PIECE: self.write_piece}
        self.scope["extensions"] = extensions  # ours, beside ASGI's own

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._status = 431
            raise _HeadTooLargeError
        self._is_in_head = False
        self._body_bytes, self._body_since_s = 0, self.loop.time()
        self._expect_within(BODY_PAUSE_S)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._expect_nothing()
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def write_piece(self, scope: Scope, body: bytes) -> bool:
        """Of the answer to this request, which has begun and whose length is not known: a chunk, and more will come.

        False, with nothing written, when the reader is behind, it is not this answer's turn or it is much: the way by
        ASGI waits, or says what is wrong.
        """
        cycle = self.cycle
        is_on = cycle is not None and cycle.scope is scope and cycle.response_started and cycle.chunked_encoding
        if not is_on or cycle.response_complete or cycle.disconnected or self.flow.write_paused:
            return False
        if not 0 < len(body) <= MAX_AT_ONCE:
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(body), body))
        return True

    def handle_websocket_upgrade(self) -> None:
        self._expect_nothing()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._status)

    def _on_resume(self, paused_since_s: float) -> None:
        """What is expected of the client counts from now: it could not send before."""
        self._body_since_s += self.loop.time() - max(paused_since_s, self._body_since_s)
        if self._deadline is not None:
            self._expect_within(HEAD_S if self._is_in_head else BODY_PAUSE_S)

    def _expect_within(self, seconds: float) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(seconds, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_below_pace(self) -> bool:
        waited_s = self.loop.time() - self._body_since_s - BODY_GRACE_S
        return waited_s > 0 and self._body_bytes < waited_s * LEAST_BYTES_PER_S and not self.flow.read_paused

    def _give_up(self) -> None:
        self._deadline = None
        if self.flow.read_paused:  # it is we who do not read
            self._expect_within(BODY_PAUSE_S)
            return
        logger.info("slow_request_dropped", address=self.client[0] if self.client else "", head=self._is_in_head)
        if self._is_in_head and not self._head_bytes:
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """Tell what is wrong, unless an answer has begun already, and close."""
        self._expect_nothing()
        if not (self._is_answering() and self.cycle.response_started):
            self.transport.write(_problem(status))
        self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


class Socket(WebSocketsSansIOProtocol):
    """A socket that can be cut in the same way, and written to without a message for each frame.

    Most sockets wait most of the time, so one that waits is kept small.
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.queue = cast("asyncio.Queue[Any]", Inbox())
        self.ping_timeout = None  # whether it was answered is seen when the socket is looked after the next time
        self._held: list[bytes] = []  # to be written at the end of this turn of the event loop
        self._held_size = 0  # bytes
        self._has_written = False  # since it was looked after
        self._pings_spared = 0

    def start_keepalive(self) -> None:
        """The last step of the handshake: what it was about is not looked at again."""
        rounds_of(self.loop).join(self)
        del self.request, self.response

    def stop_keepalive(self) -> None:
        rounds_of(self.loop).leave(self)
        super().stop_keepalive()

    def look_after(self) -> None:
        """A ping, unless the last one was not answered since. What is written keeps a connection open, too; finding
        dead ones, which pings do beside that, can wait."""
        if self.pending_ping_payload is not None:
            self.keepalive_timeout()
        elif self._has_written and self._pings_spared < PINGS_SPARED:
            self._pings_spared += 1
        else:
            self._pings_spared = 0
            self.send_keepalive_ping()
        self._has_written = False

    def schedule_ping(self) -> None:
        """It has its place in the rounds already."""

    async def run_asgi(self) -> None:
        extensions = cast("dict[str, Any]", self.scope["extensions"])
        extensions[ABORT] = self.transport.abort
        extensions[WRITE_FRAMES] = self.write_frames
        extensions[WRITE_READY] = self.write_ready
        await super().run_asgi()

    def write_frames(self, payloads: list[bytes]) -> bool:
        """Each text (UTF-8) as a frame (RFC 6455, not compressed); with one system call what is written in a moment.

        False, with nothing written, when the reader is behind, the socket is not open or it is much: the way by ASGI
        waits frame by frame, or says what is wrong.
        """
        size = sum(map(len, payloads))
        if size + self._held_size > MAX_AT_ONCE:
            self._write_held()
        if not self._is_open() or not self.writable.is_set() or size > MAX_AT_ONCE:
            return False
        held = self._held
        if not held:
            self.loop.call_soon(self._write_held)
        for payload in payloads:
            held += (frame_head(len(payload)), payload)
        self._held_size += size
        return True

    def write_ready(self, frames: bytes) -> bool:
        """Frames as they go over the wire, the same for many sockets. False as `write_frames`."""
        if not self._is_open() or not self.writable.is_set() or self.transport.is_closing():
            return False
        self._write_held()
        self._has_written = True
        self.transport.write(frames)
        return True

    async def send(self, message: Any) -> None:
        """By ASGI, behind what was written before."""
        self._write_held()
        await super().send(message)

    def _write_held(self) -> None:
        """A socket that was closed meanwhile has no reader for it."""
        held, self._held, self._held_size = self._held, [], 0
        if held and self._is_open() and not self.transport.is_closing():
            self._has_written = True
            self.transport.write(b"".join(held))

    def _is_open(self) -> bool:
        return self.handshake_complete and not (self.close_sent or self.disconnected) and self.conn.state is OPEN


class Inbox:
    """What has come and was not taken yet, for one reader. An `asyncio.Queue` takes 3 KiB while it is empty."""

    __slots__ = ("_messages", "_waiter")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        self._messages.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Any:
        while not self._messages:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._messages.pop(0)

    def empty(self) -> bool:
        return not self._messages


def _problem(status: int) -> bytes:
    title, code, detail = _REASONS[status]
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, "retryable": False}
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} {title}",
        "content-type: application/problem+json",
        f"content-length: {len(content)}",
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "connection: close",
        "\r\n",
    )
    return "\r\n".join(head).encode() + content
