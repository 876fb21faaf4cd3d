"""`/api/ui/chat`: the chat that Vercel's AI SDK (`useChat`, `DefaultChatTransport`) expects, with resuming.

The log is the server's: of the messages that come along only the last one is read. A chat's id is a conversation's, or
one that its client made up.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.accounts.access import access_conversation, access_turn
from quarterdeck.conversations.reading import read_page
from quarterdeck.domain.ids import new_id
from quarterdeck.errors import InputError, NotFoundError
from quarterdeck.store.conversations import find_conversation
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.messages import find_message
from quarterdeck.store.turns import TurnRow, find_turn_by_key
from quarterdeck.turns.record import MAX_ID_CHARS, Retry, Send
from quarterdeck.views.ui_message_stream import HEADERS, UiMessageStream
from quarterdeck.views.ui_messages import encode_ui_messages, ui_message
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.encoded import encoded_stream, message_key
from quarterdeck.web.house import House
from quarterdeck.web.streams import BoundedStream

router = APIRouter(prefix="/api/ui/chat", tags=["other front ends"])

_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]


class UiMessageIn(BaseModel):
    """A message as the SDK has it. Text parts are read; a file is refused."""

    id: str = ""
    role: str
    parts: list[dict[str, Any]] = []


class UiChat(BaseModel):
    """What the SDK's transport sends; `model` and the rest come by its option `body`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "cats",
                    "trigger": "submit-message",
                    "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Names for a cat?"}]}],
                }
            ]
        }
    )

    id: _Id
    messages: list[UiMessageIn]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    messageId: Annotated[str, Field(max_length=MAX_ID_CHARS)] | None = None  # noqa: N815  # the wire's own spelling
    model: Annotated[str, Field(max_length=300)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    assistant: Annotated[str, Field(max_length=MAX_ID_CHARS)] | None = None
    instructions: str | None = None


@router.post("", response_class=BoundedStream)
async def chat(house: TheHouse, caller: Caller, asked: UiChat) -> Response:
    """Ask, or answer anew, and read the answer as the SDK's UI-message stream.

    The same message sent again is the same turn, told from its beginning. It goes on if you leave.
    """
    if asked.trigger == "regenerate-message":
        turn = await _answer_anew(house, caller.user, asked)
    else:
        turn = await _send(house, caller.user, asked)
    return await encoded_stream(house, turn, UiMessageStream().encode, HEADERS)


@router.get("/{conversation}/stream", response_class=BoundedStream)
async def resume(house: TheHouse, caller: Caller, conversation: str) -> Response:
    """Resume: the answer that is being written, told from its beginning; 204 when there is none, or no such chat."""
    turn = await house.database.read(lambda connection: _running_turn(connection, caller.user, conversation))
    if turn is None:
        return Response(status_code=204)
    return await encoded_stream(house, turn, UiMessageStream().encode, HEADERS)


@router.get("/{conversation}/messages")
async def list_ui_messages(
    house: TheHouse, caller: Caller, conversation: str, limit: Annotated[int, Query(ge=1, le=200)] = 100
) -> Response:
    """The last messages of a chat as the SDK's `UIMessage`s, to begin with."""
    page = await house.database.read(
        lambda connection: read_page(connection, caller.user, conversation, before="", after="", around="", limit=limit)
    )
    return Response(encode_ui_messages([ui_message(row) for row in page.rows]), media_type="application/json")


async def _send(house: House, user: str, asked: UiChat) -> TurnRow:
    message = asked.messages[-1] if asked.messages else None
    if message is None or message.role != "user":
        raise InputError("The last message must be the user's.")
    instead_of, is_edit = "", asked.messageId is not None
    if asked.messageId:
        named = asked.messageId
        instead_of = await house.database.read(lambda connection: _stored_id(connection, user, asked.id, named))
    send = Send(
        key=new_id() if is_edit or not message.id else message_key(asked.id, message.id),
        conversation=asked.id,
        text=_text_of(message),
        model=asked.model,
        temperature=asked.temperature,
        assistant=asked.assistant,
        instructions=asked.instructions,
        instead_of=instead_of or None,
    )
    return (await house.turns.send(user, send)).row


async def _answer_anew(house: House, user: str, asked: UiChat) -> TurnRow:
    named = asked.messageId or next((one.id for one in reversed(asked.messages) if one.role == "user"), "")
    message = await house.database.read(lambda connection: _stored_id(connection, user, asked.id, named))
    retry = Retry(key=new_id(), message=message, model=asked.model, temperature=asked.temperature)
    return (await house.turns.retry(user, retry)).row


def _stored_id(connection: AnyConnection, user: str, chat: str, named: str) -> str:
    """Of a message that the client names by our id, or by its own if it was sent here. Raises: `NotFoundError`."""
    conversation = access_conversation(connection, user, chat)
    if find_message(connection, conversation.id, named) is not None:
        return named
    turn = find_turn_by_key(connection, user, message_key(chat, named))
    if turn is None or turn.conversation_id != conversation.id:
        raise NotFoundError("There is no such message in this chat.")
    return turn.request_id


def _running_turn(connection: AnyConnection, user: str, chat: str) -> TurnRow | None:
    """None also for a chat that is not there: its client has made its id up and asks before the first message."""
    conversation = find_conversation(connection, user, chat)
    if conversation is None or conversation.running_turn is None:
        return None
    return access_turn(connection, user, conversation.running_turn)


def _text_of(message: UiMessageIn) -> str:
    """Raises: `InputError` for what cannot be sent."""
    if any(part.get("type") == "file" for part in message.parts):
        raise InputError("Files cannot be sent this way yet. Send the text alone.")
    texts = [part.get("text") for part in message.parts if part.get("type") == "text"]
    return "\n\n".join(text for text in texts if isinstance(text, str))
