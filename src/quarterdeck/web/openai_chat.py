"""`POST /v1/chat/completions`: as OpenAI's. Stateless, unless a conversation is named."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.relaying import Relayed
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.step import StepRequest
from quarterdeck.errors import ProviderRefusedError, as_quarterdeck_error
from quarterdeck.providers.polling import EMPTY_TICKS, Source, source_of
from quarterdeck.views.openai_chat import ChatAnswer, ChatIdentity, ChatStream
from quarterdeck.views.openai_chat_request import ChatRequest, image_addresses, step_of
from quarterdeck.views.told_deltas import Told, told_deltas
from quarterdeck.web.api_calls import Pace, ask_all, first_of
from quarterdeck.web.api_conversations import send_to_conversation
from quarterdeck.web.api_models import Target, fetch_images, find_target, who_is, with_assistant
from quarterdeck.web.dependencies import TheHouse
from quarterdeck.web.foreign_route import STREAM_HEADERS, ApiCaller, OpenAIRoute, while_connected
from quarterdeck.web.house import House
from quarterdeck.web.streams import BoundedStream, Shortcut, wait_signed_in
from quarterdeck.web.viewing import read_turn

router = APIRouter(prefix="/v1", tags=["OpenAI's API"], route_class=OpenAIRoute)


@router.post("/chat/completions", response_model=None)
async def complete(
    house: TheHouse,
    caller: ApiCaller,
    request: Request,
    asked: ChatRequest,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Ask a model, as with OpenAI's API: whole, or as a stream.

    The model is `provider/model`, or `assistant/` with an assistant's id. With a conversation the exchange is kept in
    it, like any other; without one nothing is kept but what was used.
    """
    target = await find_target(house, caller, asked.model)
    conversation = asked.conversation_name()
    if conversation:
        accepted = await send_to_conversation(house, caller, asked, target, idempotency_key or new_id())
        turn, choices = accepted.row.id, 1
        told = told_deltas(read_turn(house, caller.user, turn))
    else:
        images = await fetch_images(house, image_addresses(asked.messages))
        calls = _calls(caller, target, step_of(asked, images), asked.n or 1)
        turn, choices = calls[0].id, len(calls)
        told = ask_all(house.relay, calls)
    identity = ChatIdentity.of(turn, asked.model)
    headers = {"x-turn-id": turn, "x-request-id": turn}
    if not asked.stream:
        whole = ChatAnswer(identity, choices)
        answering = wait_signed_in(house.connections, caller, _take_all(told, whole))
        await while_connected(request, answering)
        return JSONResponse(whole.encode(), headers=headers)
    first = await while_connected(request, wait_signed_in(house.connections, caller, first_of(told)))
    options = asked.stream_options
    stream = ChatStream(identity, choices, includes_usage=bool(options and options.include_usage))
    shortcut = Shortcut()
    return BoundedStream(
        _stream(house, stream, choices, first, told, shortcut),
        shortcut=shortcut,
        media_type="text/event-stream",
        headers=headers | STREAM_HEADERS,
    )


def _calls(caller: Principal, target: Target, step: StepRequest, count: int) -> list[Relayed]:
    """A request for each choice: every provider takes that."""
    step = with_assistant(step, target)
    return [
        Relayed(
            who=who_is(caller),
            model=target.model,
            request=step if step.seed is None else msgspec.structs.replace(step, seed=step.seed + index),
        )
        for index in range(count)
    ]


async def _take_all(told: AsyncGenerator[Told, None], whole: ChatAnswer) -> None:
    async with aclosing(told):
        async for index, deltas in told:
            if isinstance(deltas, ProviderRefusedError):
                whole.refuse(index, deltas)
            else:
                whole.take(index, deltas)


async def _stream(
    house: House,
    stream: ChatStream,
    choices: int,
    first: Told | None,
    told: AsyncGenerator[Told, None],
    shortcut: Shortcut,
) -> AsyncIterator[bytes]:
    pace, text = Pace(house), _Text(stream, source_of(told), shortcut)
    async with aclosing(told):
        yield b"".join(map(stream.begin, range(choices)))
        try:
            if first is not None:
                yield _encode(stream, first)
            async for item in told:
                chunk = _encode(stream, item)
                while chunk:
                    yield chunk
                    await pace.drive(text.write)
                    chunk = text.take_unwritten()
            yield stream.close()
        except Exception as caught:
            error = as_quarterdeck_error(caught)
            yield stream.fail(error)


class _Text:
    """What is told of the only choice at the ticks, while nothing but text comes."""

    def __init__(self, stream: ChatStream, words: Source[str], shortcut: Shortcut) -> None:
        self._stream, self._words, self._shortcut = stream, words, shortcut
        self._empty_ticks = 0
        self._unwritten = b""

    def write(self) -> bool:
        """What has come; whether that is to be done at the next tick, too."""
        if (text := self._words.poll()) is None:
            return False
        if not text:
            self._empty_ticks += 1
            return self._empty_ticks < EMPTY_TICKS
        self._empty_ticks = 0
        chunk = self._stream.encode_text(0, text)
        if self._shortcut.write(chunk):
            return True
        self._unwritten = chunk
        return False

    def take_unwritten(self) -> bytes:
        """For whom one has to wait: the reader is behind."""
        chunk, self._unwritten = self._unwritten, b""
        self._empty_ticks = 0
        return chunk


def _encode(stream: ChatStream, item: Told) -> bytes:
    index, deltas = item
    return stream.refuse(index, deltas) if isinstance(deltas, ProviderRefusedError) else stream.encode(index, deltas)
