"""Who is connected, by socket or by stream. Each socket is bounded: a send that does not get through in time ends it.

Nothing is queued for a slow reader: followers read from the log at the reader's pace, so all that a
socket holds is what the transport buffers (64 KiB).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterator

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from quarterdeck import metrics
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import AccessError
from quarterdeck.store.database import Database, StorageError
from quarterdeck.store.users import find_living
from quarterdeck.views.frames import HEARTBEAT_S, HeartbeatFrame, ReconnectFrame, encode_frame
from quarterdeck.views.websocket import error_frame, frame_head

logger = get_logger("quarterdeck.sockets")

SEND_TIMEOUT_S = 10.0
MAX_PER_USER = 200
_WATCH_S = 2.0
_GOODBYE_S = 0.2
_BEATS_AT_ONCE = 20  # a fifth of a millisecond
CLOSE_SIGNED_OUT = 1008
CLOSE_GOING_AWAY = 1012
ABORT = "quarterdeck.abort"  # in the scope's extensions: a function that cuts the connection
WRITE_FRAMES = "quarterdeck.write_frames"  # of a socket: one that writes frames at once, or says that it cannot
WRITE_READY = "quarterdeck.write_ready"  # of a socket: as that, of frames that have their heads already
WRITE_PIECE = "quarterdeck.write_piece"  # of a request: one that does so with a piece of its answer


class Connection:
    """One accepted socket. `send` may be awaited by several followers at once; frames stay whole."""

    def __init__(
        self,
        number: int,
        socket: WebSocket,
        principal: Principal,
        sending: set[Connection],
        *,
        is_full: bool,
        household: str = "",
    ) -> None:
        """`sending`: those that wait for their reader; it adds and removes itself."""
        self.number = number
        self.user = principal.user
        self.credential = principal.credential
        self.expires_at = principal.expires_at
        self.is_full = is_full
        self.guest_of = household if principal.role == "guest" else ""
        self._socket = socket
        self._write_ready: Callable[[bytes], bool] = socket.scope.get("extensions", {}).get(WRITE_READY, _cannot)
        self._write: Callable[[list[bytes]], bool] = socket.scope.get("extensions", {}).get(WRITE_FRAMES, _cannot)
        self._sending = sending
        self._sending_since: float | None = None
        self._pending = 0
        self.is_gone = False

    @property
    def protocol(self) -> str:
        return "full" if self.is_full else "simple"

    def write_now(self, frames: list[bytes]) -> bool:
        """All of them (text, as UTF-8), without waiting. False, with nothing written, when that cannot be."""
        return not self.is_gone and not self._pending and self._write(frames)

    def write_ready(self, frames: bytes) -> bool:
        """As `write_now`, of frames with their heads (RFC 6455)."""
        return not self.is_gone and not self._pending and self._write_ready(frames)

    async def send_all(self, frames: list[bytes]) -> None:
        """Together where that can be. Raises: as `send`."""
        if not self.write_now(frames):
            for frame in frames:
                await self.send(frame.decode())

    async def send(self, frame: str) -> None:
        """Raises: `WebSocketDisconnect` when nobody is there any more."""
        if self.is_gone:
            raise WebSocketDisconnect(CLOSE_GOING_AWAY)
        self._pending += 1
        if self._sending_since is None:
            self._sending_since = time.monotonic()
            self._sending.add(self)
        try:
            await self._socket.send({"type": "websocket.send", "text": frame})
        except (RuntimeError, OSError) as error:
            self.is_gone = True
            raise WebSocketDisconnect(CLOSE_GOING_AWAY) from error
        finally:
            self._pending -= 1
            self._sending_since = time.monotonic() if self._pending else None
            if not self._pending:
                self._sending.discard(self)

    def is_stuck(self) -> bool:
        return self._sending_since is not None and time.monotonic() - self._sending_since > SEND_TIMEOUT_S

    def abort(self) -> None:
        """Cut it: closing properly would wait until everything buffered has been read."""
        self.is_gone = True
        cut = self._socket.scope.get("extensions", {}).get(ABORT)
        if cut is not None:
            cut()

    async def close(self, code: int, reason: str = "") -> None:
        self.is_gone = True
        if self._socket.client_state is WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect):
                await self._socket.close(code, reason)


class Connections:
    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[int, tuple[Connection, asyncio.Task[object]]] = {}
        self._sending: set[Connection] = set()
        self._by_credential: dict[str, set[Connection]] = {}
        self._ending: set[Connection] = set()  # those whose credential has an end that is known
        self._streams: dict[int, tuple[Principal, Callable[[], object]]] = {}

    def add(self, socket: WebSocket, principal: Principal, *, is_full: bool, household: str = "") -> Connection:
        """Register the socket that the current task serves; `household` is where it comes from."""
        task = asyncio.current_task()
        assert task is not None  # nosec B101  # noqa: S101  # always called from a socket's own task
        connection = Connection(
            next(self._numbers), socket, principal, self._sending, is_full=is_full, household=household
        )
        self._open[connection.number] = (connection, task)
        self._by_credential.setdefault(connection.credential, set()).add(connection)
        if connection.expires_at is not None:
            self._ending.add(connection)
        metrics.SOCKETS.add(1, connection.protocol)
        return connection

    def remove(self, connection: Connection) -> None:
        connection.is_gone = True
        if self._open.pop(connection.number, None) is not None:
            metrics.SOCKETS.add(-1, connection.protocol)
            self._ending.discard(connection)
            same = self._by_credential[connection.credential]
            same.discard(connection)
            if not same:
                del self._by_credential[connection.credential]

    @contextlib.contextmanager
    def streaming(self, principal: Principal, cut: Callable[[], object]) -> Iterator[None]:
        """While an answer is streamed over HTTP: `cut` ends it when `principal` may not see it any more."""
        number = next(self._numbers)
        self._streams[number] = principal, cut
        try:
            yield
        finally:
            del self._streams[number]

    def count(self, user: str | None = None) -> int:
        return sum(1 for connection, _ in self._open.values() if user is None or connection.user == user)

    def count_guests(self, household: str) -> int:
        return sum(1 for connection, _ in self._open.values() if connection.guest_of == household)

    async def watch(self, database: Database) -> None:
        """Heartbeats; an end to sockets that do not read and to those whose user may not any more.

        Runs as long as the server does.
        """
        beat_at = time.monotonic() + HEARTBEAT_S
        while True:
            await asyncio.sleep(_WATCH_S)
            self._drop_stuck()
            await self._drop_signed_out(database)
            if time.monotonic() >= beat_at:
                beat_at += HEARTBEAT_S
                await self._beat()

    async def tell_to_reconnect(self) -> None:
        """The server is going down: full clients come back by themselves. A moment for each, and for all at once."""
        frame = encode_frame(ReconnectFrame(after_ms=500))
        open_now = [connection for connection, _ in self._open.values() if not connection.is_gone]
        await asyncio.gather(*(_send_away(connection, frame) for connection in open_now))

    def _drop_stuck(self) -> None:
        for connection in list(self._sending):
            if connection.is_stuck() and connection.number in self._open:
                logger.warning("slow_socket_dropped", user=connection.user, seconds=SEND_TIMEOUT_S)
                connection.abort()
                self._open[connection.number][1].cancel()

    async def _drop_signed_out(self, database: Database) -> None:
        """One question for all: whose key was revoked, session ended, or account suspended?"""
        credentials = {*self._by_credential, *(principal.credential for principal, _ in self._streams.values())}
        if not credentials:
            return
        try:
            living = await database.read(lambda given: find_living(given, credentials))
        except StorageError as error:
            logger.warning("connections_not_checked", reason=error.message, detail=error.detail)
            return
        # who has come meanwhile was not asked about: they are looked at next time
        gone = credentials - living
        out = {connection for connection in self._ending if _is_out(connection, gone)}
        out.update(*(self._by_credential.get(credential, ()) for credential in gone))
        await asyncio.gather(*map(self._sign_out, out))  # one who does not read must not hold up the others
        for principal, cut in list(self._streams.values()):
            if _is_out(principal, gone):
                logger.info("stream_ended", user=principal.user, reason="signed out")
                cut()

    async def _sign_out(self, connection: Connection) -> None:
        error = AccessError("You are signed out.")
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                if connection.is_full:
                    await connection.send(encode_frame(error_frame(error)))
                await connection.close(CLOSE_SIGNED_OUT, error.message)
        asyncio.get_running_loop().call_later(_GOODBYE_S, connection.abort)  # whether the other end agrees or not

    async def _beat(self) -> None:
        frame = encode_frame(HeartbeatFrame(at=now_ms()))
        ready = frame_head(len(frame)) + frame.encode()
        stuck = {connection for connection in self._sending if connection.is_stuck()}
        idle = [one for one, _ in self._open.values() if one.is_full and one not in stuck]
        for number, connection in enumerate(idle):
            if not connection.write_ready(ready):
                beat = asyncio.ensure_future(connection.send(frame))  # one slow reader must not hold up the others
                beat.add_done_callback(_forget)
            if number % _BEATS_AT_ONCE == 0:
                await asyncio.sleep(0)


def _cannot(_frames: object) -> bool:
    """On a server that has no such way."""
    return False


def _is_out(asking: Connection | Principal, gone: set[str]) -> bool:
    is_over = asking.expires_at is not None and asking.expires_at <= now_ms()
    return is_over or asking.credential in gone


async def _send_away(connection: Connection, frame: str) -> None:
    with contextlib.suppress(WebSocketDisconnect, TimeoutError):
        if connection.is_full:
            async with asyncio.timeout(_GOODBYE_S):
                await connection.send(frame)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GOODBYE_S):
            await connection.close(CLOSE_GOING_AWAY, "the server restarts")


def _forget(beat: asyncio.Future[None]) -> None:
    if not beat.cancelled():
        beat.exception()
