"""The simple client's socket: `{message, chatId}` in, four-field frames out (docs/protocol.md)."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct
from starlette.websockets import WebSocket, WebSocketDisconnect

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import decode_event
from quarterdeck.domain.ids import new_id
from quarterdeck.errors import AccessError, FrameError, QuarterdeckError, as_quarterdeck_error
from quarterdeck.turns.record import Send
from quarterdeck.views.frames import MAX_FRAME_BYTES
from quarterdeck.views.simple import SimpleView, error_frame
from quarterdeck.web.connections import Connection
from quarterdeck.web.followers import Followers
from quarterdeck.web.guest_limits import admit_guest_message
from quarterdeck.web.house import House
from quarterdeck.web.viewing import read_turn

logger = get_logger("quarterdeck.sockets")

_EXPECTED = 'Send one JSON object like {"message": "Hello", "chatId": "123"}'


class UserMessage(Struct, frozen=True):
    message: str
    chatId: str  # noqa: N815  # the wire's own spelling
    id: str | None = None
    model: str | None = None
    temperature: float | None = None
    assistant: str | None = None


class SimpleSocket:
    def __init__(self, house: House, principal: Principal, socket: WebSocket, connection: Connection) -> None:
        self._house = house
        self._principal = principal
        self._user = principal.user
        self._socket = socket
        self._connection = connection
        self._followers = Followers()

    async def serve(self) -> None:
        """Until the client leaves; its turns go on without it."""
        try:
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                text = message.get("text")
                await self._answer(text if text is not None else bytes(message.get("bytes") or b""))
        except WebSocketDisconnect:
            pass
        finally:
            await self._followers.stop_all()

    async def _answer(self, text: str | bytes) -> None:
        """One frame; whatever is wrong with it is said in an error frame, and the socket stays."""
        chat_id = ""
        try:
            chat_id = _chat_id_of(text)
            asked = _decode(text)
            await admit_guest_message(self._house, self._principal, self._connection.guest_of)
            accepted = await self._house.turns.send(
                self._user,
                Send(
                    key=asked.id if asked.id is not None else new_id(),
                    conversation=asked.chatId,
                    text=asked.message,
                    model=asked.model,
                    temperature=asked.temperature,
                    assistant=asked.assistant,
                ),
            )
            if not self._followers.has(accepted.row.id):
                self._followers.start(accepted.row.id, lambda: self._stream(accepted.row.id, asked.chatId))
        except (WebSocketDisconnect, asyncio.CancelledError):
            raise
        except AccessError as error:
            await self._connection.send(error_frame(chat_id, error.message))
            if error.status == 401:
                await self._connection.close(1008, "signed out")
                raise WebSocketDisconnect(1008) from error
        except Exception as caught:  # the web's edge: nothing a client sends may end the server's side
            known = as_quarterdeck_error(caught)
            if known.code == "internal":
                logger.error("frame_failed", exc_info=caught)
            else:
                logger.info("validation_failed", path="/chat", code=known.code, reason=known.message)
            await self._connection.send(error_frame(chat_id, known.message))

    async def _stream(self, turn: str, chat_id: str) -> None:
        view = SimpleView(chat_id, self._house.settings.min_chunk_chars)
        try:
            async for entries in read_turn(self._house, self._user, turn).follow():
                for entry in entries:
                    for frame in view.encode(decode_event(entry.body)):
                        await self._connection.send(frame)
        except QuarterdeckError as error:
            await self._connection.send(error_frame(chat_id, error.message))


def _decode(text: str | bytes) -> UserMessage:
    if len(text) > MAX_FRAME_BYTES:
        raise FrameError(f"This message is larger than {MAX_FRAME_BYTES // 1024 // 1024} MB.")
    try:
        return msgspec.json.decode(text, type=UserMessage)
    except msgspec.ValidationError as error:
        raise FrameError(f"{_EXPECTED}; this one does not fit: {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"{_EXPECTED}; this is not JSON.") from error


def _chat_id_of(text: str | bytes) -> str:
    """The chat a frame belongs to, as far as it says; empty when it does not."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    chat_id = found.get("chatId") if isinstance(found, dict) else None
    return chat_id if isinstance(chat_id, str) else ""
