"""The full client's socket, `quarterdeck.v1`: frames in, one command each; many turns followed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from starlette.websockets import WebSocket, WebSocketDisconnect

from quarterdeck import __version__
from quarterdeck.accounts.access import access_turn
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import AccessError, CursorError, LogError, as_quarterdeck_error
from quarterdeck.log.base import Entry, feed_name
from quarterdeck.log.follow import check_cursor, follow
from quarterdeck.store.approvals import Decision
from quarterdeck.turns.record import Accepted, Retry, Send
from quarterdeck.views.frames import (
    HEARTBEAT_S,
    AcceptedFrame,
    ApproveFrame,
    FeedFrame,
    FollowFrame,
    FollowingFrame,
    HelloFrame,
    HelloUser,
    PingFrame,
    PongFrame,
    ResyncFrame,
    RetryFrame,
    SendFrame,
    ServerFrame,
    SettlingFrame,
    StopFrame,
    StoppingFrame,
    UnfollowedFrame,
    UnfollowFrame,
    encode_frame,
)
from quarterdeck.views.turn_reader import TurnReader
from quarterdeck.views.websocket import (
    FEED_PREFIX,
    decode_client_frame,
    error_frame,
    event_frame,
    ref_of,
    turn_prefix,
)
from quarterdeck.web.connections import Connection
from quarterdeck.web.followers import Followers
from quarterdeck.web.guest_limits import admit_guest_message
from quarterdeck.web.house import House
from quarterdeck.web.sends import Sends
from quarterdeck.web.viewing import read_turn

logger = get_logger("quarterdeck.sockets")

Command = FollowFrame | UnfollowFrame | StopFrame | ApproveFrame | FeedFrame | PingFrame
"""What a client wants beside sending."""

_FEED = "feed"
_CLOSE_FAILED = 1011


class FullSocket:
    def __init__(self, house: House, principal: Principal, socket: WebSocket, connection: Connection) -> None:
        self._house = house
        self._principal = principal
        self._user = principal.user
        self._name = principal.name
        self._socket = socket
        self._connection = connection
        self._followers = Followers()
        self._sends = Sends(self._send_one, house.turns.admission)

    async def serve(self) -> None:
        """Until the client leaves."""
        try:
            await self._reply(
                HelloFrame(
                    protocol="quarterdeck.v1",
                    version=__version__,
                    user=HelloUser(self._user, self._name),
                    heartbeat_s=HEARTBEAT_S,
                )
            )
            while True:
                await self._answer(await _receive(self._socket))
        except WebSocketDisconnect:
            pass
        except AccessError as error:
            await self._reply(error_frame(error))
            await self._connection.close(1008, "signed out")
        finally:
            await self._sends.stop()
            await self._followers.stop_all()

    async def _answer(self, text: str | bytes) -> None:
        """One frame; whatever is wrong with it is said, and the socket stays."""
        try:
            frame = decode_client_frame(text)
        except Exception as caught:  # the web's edge: nothing a client sends may end the server's side
            await self._say_why(caught, ref_of(text))
            return
        if isinstance(frame, SendFrame | RetryFrame):
            await self._or_say_why(self._sends.take(frame, len(text)), frame.ref)
        else:
            await self._or_say_why(self._obey(frame), frame.ref)

    async def _send_one(self, frame: SendFrame | RetryFrame, since_s: float | None) -> None:
        sending = self._send(frame, since_s) if isinstance(frame, SendFrame) else self._retry(frame, since_s)
        await self._or_say_why(sending, frame.ref)

    async def _or_say_why(self, work: Coroutine[None, None, None], ref: str) -> None:
        try:
            await work
        except (WebSocketDisconnect, asyncio.CancelledError):
            raise
        except AccessError as error:
            if error.status == 401:
                raise
            await self._reply(error_frame(error, ref))
        except Exception as caught:  # the web's edge, as above
            await self._say_why(caught, ref)

    async def _say_why(self, caught: Exception, ref: str) -> None:
        known = as_quarterdeck_error(caught)
        if known.code == "internal":
            logger.error("frame_failed", exc_info=caught)
        elif known.code == "bad_frame":
            logger.info("validation_failed", path="/chat", reason=known.message)
        await self._reply(error_frame(known, ref))

    async def _obey(self, frame: Command) -> None:
        match frame:
            case FollowFrame():
                await self._follow(frame)
            case UnfollowFrame(turn=turn, ref=ref):
                self._followers.stop(turn)
                await self._reply(UnfollowedFrame(ref=ref, turn=turn))
            case StopFrame(turn=turn, ref=ref):
                await self._house.database.read(lambda connection: access_turn(connection, self._user, turn))
                await self._house.turns.stop(turn)
                await self._reply(StoppingFrame(ref=ref, turn=turn))
            case ApproveFrame(turn=turn, call=call, ref=ref):
                row = await self._house.database.read(lambda connection: access_turn(connection, self._user, turn))
                await self._house.turns.settle(row, Decision(call, frame.digest, frame.decision, now_ms()))
                await self._reply(SettlingFrame(ref=ref, turn=turn, call=call))
            case FeedFrame():
                await self._follow_feed(frame)
            case PingFrame(ref=ref):
                await self._reply(PongFrame(ref=ref))

    async def _send(self, frame: SendFrame, since_s: float | None) -> None:
        await admit_guest_message(self._house, self._principal, self._connection.guest_of)
        send = Send(
            key=frame.id,
            conversation=frame.conversation,
            text=frame.text,
            model=frame.model,
            temperature=frame.temperature,
            assistant=frame.assistant,
            instructions=frame.instructions,
            parent=frame.parent,
            instead_of=frame.instead_of,
            memory=frame.memory,
        )
        await self._accepted(await self._house.turns.send(self._user, send, since_s=since_s), frame)

    async def _retry(self, frame: RetryFrame, since_s: float | None) -> None:
        await admit_guest_message(self._house, self._principal, self._connection.guest_of)
        retry = Retry(
            key=frame.id,
            message=frame.message,
            model=frame.model,
            temperature=frame.temperature,
            beside=frame.beside,
        )
        await self._accepted(await self._house.turns.retry(self._user, retry, since_s=since_s), frame)

    async def _accepted(self, accepted: Accepted, frame: SendFrame | RetryFrame) -> None:
        row = accepted.row
        await self._reply(
            AcceptedFrame(
                ref=frame.ref,
                id=frame.id,
                conversation=row.conversation_id,
                turn=row.id,
                message=row.request_id,
                answer=row.message_id,
                model=row.model,
                at=row.created_at,
            )
        )
        if frame.follow and not self._followers.has(row.id):
            self._followers.start(row.id, lambda: self._follow_turn(row.id, read_turn(self._house, self._user, row.id)))

    async def _follow(self, frame: FollowFrame) -> None:
        """The cursor is checked before the reply, so that `following` is never followed by a `resync` for it."""
        await self._house.database.read(lambda connection: access_turn(connection, self._user, frame.turn))
        reader = read_turn(self._house, self._user, frame.turn, frame.after)
        try:
            await reader.check()
        except CursorError as error:
            await self._reply(ResyncFrame(ref=frame.ref, turn=frame.turn, reason=error.reason))
            return
        self._followers.stop(frame.turn)  # nothing of an older cursor comes after the reply
        await self._reply(FollowingFrame(ref=frame.ref, turn=frame.turn, after=frame.after))
        self._followers.start(frame.turn, lambda: self._follow_turn(frame.turn, reader))

    async def _follow_turn(self, turn: str, reader: TurnReader) -> None:
        """A reader who keeps up is written to by the commit itself; one who does not is waited for."""
        prefix = turn_prefix(turn)
        connection = self._connection

        def write(entries: list[Entry]) -> bool:
            return connection.write_now([event_frame(prefix, entry) for entry in entries])

        try:
            async for entries in reader.follow(write):
                await connection.send_all([event_frame(prefix, entry) for entry in entries])
        except CursorError as error:
            await self._reply(ResyncFrame(turn=turn, reason=error.reason))
        except LogError as error:
            await self._give_up(error)

    async def _follow_feed(self, frame: FeedFrame) -> None:
        name = feed_name(self._user)
        after = frame.after
        if after is None:
            status = await self._house.log.status(name)
            after = 0 if status is None else status.last
        try:
            await check_cursor(self._house.log, name, after)
        except CursorError as error:
            await self._reply(ResyncFrame(ref=frame.ref, feed=True, reason=error.reason))
            return
        await self._reply(FollowingFrame(ref=frame.ref, feed=True, after=after))
        self._followers.start(_FEED, lambda: self._send_feed(name, after))

    async def _send_feed(self, name: str, after: int) -> None:
        try:
            async for entries in follow(self._house.log, name, after):
                await self._connection.send_all([event_frame(FEED_PREFIX, entry) for entry in entries])
        except CursorError as error:
            await self._reply(ResyncFrame(feed=True, reason=error.reason))
        except LogError as error:
            await self._give_up(error)

    async def _give_up(self, error: LogError) -> None:
        """The log cannot be read: silence would look like a slow model, so the client has to come back."""
        logger.error("follower_failed", code=error.code, reason=error.message, detail=error.detail)
        await self._reply(error_frame(error))
        await self._connection.close(_CLOSE_FAILED, error.message[:120])

    async def _reply(self, frame: ServerFrame) -> None:
        await self._connection.send_all([encode_frame(frame).encode()])


async def _receive(socket: WebSocket) -> str | bytes:
    """Raises: `WebSocketDisconnect`."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text: str | None = message.get("text")
    return text if text is not None else bytes(message.get("bytes") or b"")
