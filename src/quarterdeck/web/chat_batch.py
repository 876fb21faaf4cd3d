"""`POST /chat_batch`: one question, the answer as plain text, written as it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import chain
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.domain.events import PartStarted, TextDelta, TurnEnded, decode_event
from quarterdeck.domain.ids import new_id
from quarterdeck.errors import error_of_code
from quarterdeck.turns.record import MAX_ID_CHARS, Send
from quarterdeck.views.turn_reader import TurnReader
from quarterdeck.views.uncited import UncitedIncrements
from quarterdeck.web.dependencies import Address, CallerOrGuest, TheHouse
from quarterdeck.web.guard import AnswerCutError
from quarterdeck.web.guest_limits import admit_guest_message
from quarterdeck.web.streams import BoundedStream, wait_signed_in
from quarterdeck.web.viewing import read_turn

router = APIRouter(tags=["chat"])


class BatchRequest(BaseModel):
    """`chatId` may be any string you make up; the same one goes on with the same conversation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"message": "Hi! Please suggest cat names", "chatId": "cats", "temperature": 0.7}]
        }
    )

    message: str
    model: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    chatId: Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)] | None = None  # noqa: N815  # the wire's own spelling
    assistant: str | None = None
    parent: Annotated[str, Field(max_length=MAX_ID_CHARS, description="Go on below this message.")] | None = None
    instead_of: (
        Annotated[str, Field(max_length=MAX_ID_CHARS, description="Go beside this message, as another branch.")] | None
    ) = None
    id: Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS, description="Idempotency key.")] | None = None


@router.post("/chat_batch", response_class=BoundedStream)
async def chat_batch(house: TheHouse, caller: CallerOrGuest, address: Address, asked: BatchRequest) -> Response:
    """Ask, and read the answer as plain text.

    Errors before the first byte are problem details. The turn goes on if you leave: see `X-Turn-Id`.
    """
    await admit_guest_message(house, caller, address)
    chat_id = asked.chatId or new_id()
    accepted = await house.turns.send(
        caller.user,
        Send(
            key=asked.id or new_id(),
            conversation=chat_id,
            text=asked.message,
            model=asked.model,
            temperature=asked.temperature,
            assistant=asked.assistant,
            parent=asked.parent,
            instead_of=asked.instead_of,
        ),
    )
    answer = _texts(read_turn(house, caller.user, accepted.row.id))
    first = await wait_signed_in(house.connections, caller, _first_of(answer))
    return BoundedStream(
        _from_first(first, answer),
        media_type="text/plain; charset=utf-8",
        headers={
            "x-turn-id": accepted.row.id,
            "x-chat-id": _header_safe(accepted.external_id, accepted.row.conversation_id),
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
        },
    )


async def _texts(reader: TurnReader) -> AsyncIterator[str]:
    """The answer's text parts as they come. Raises: the error the turn ended with."""
    increments = UncitedIncrements()
    texts: set[int] = set()
    async for entries in reader.follow():
        for event in chain.from_iterable(increments.of(decode_event(entry.body)) for entry in entries):
            match event:
                case PartStarted(kind="text", part=part):
                    texts.add(part)
                case TextDelta(part=part, text=text) if part in texts:
                    yield text
                case TurnEnded(error=error) if error is not None:
                    raise error_of_code(error.code, error.message)


async def _first_of(answer: AsyncIterator[str]) -> str:
    return await anext(answer, "")


async def _from_first(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    try:
        async for text in rest:
            yield text
    except Exception as error:
        raise AnswerCutError from error


def _header_safe(external_id: str, identifier: str) -> str:
    """The client's own id where a header can carry it, else ours: both name the conversation."""
    return external_id if external_id.isascii() and external_id.isprintable() else identifier
