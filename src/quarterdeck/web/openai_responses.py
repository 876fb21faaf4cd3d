"""`/v1/responses`: as OpenAI's. A response is a turn, so it survives its process, and can be followed from anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.relaying import Relayed
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.asked import ApiRequest
from quarterdeck.domain.events import TurnEnded
from quarterdeck.domain.fold import Fold
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import TextPart, plain_text
from quarterdeck.domain.step import PromptMessage
from quarterdeck.errors import ParameterError, QuarterdeckError, error_of_code
from quarterdeck.turns.record import Accepted, Send
from quarterdeck.views.openai_responses import PER_SEQ, ResponseIdentity, ResponseStream, response_document
from quarterdeck.views.openai_responses_request import ID, ResponsesRequest, image_addresses, read_request
from quarterdeck.views.sse import HEARTBEAT
from quarterdeck.web.api_calls import ask_all
from quarterdeck.web.api_conversations import respond_in_conversation
from quarterdeck.web.api_models import Target, fetch_images, find_target, who_is, with_assistant
from quarterdeck.web.dependencies import TheHouse
from quarterdeck.web.foreign_route import STREAM_HEADERS, ApiCaller, LeftError, OpenAIRoute, while_connected
from quarterdeck.web.house import House
from quarterdeck.web.response_events import Events, Numbered, events_of_log, events_of_model
from quarterdeck.web.stored_responses import (
    Stored,
    access_response,
    forget_response,
    input_page,
    read_document,
    read_input,
)
from quarterdeck.web.streams import BoundedStream, wait_signed_in
from quarterdeck.web.viewing import read_turn

router = APIRouter(prefix="/v1/responses", tags=["OpenAI's API"], route_class=OpenAIRoute)
logger = get_logger("quarterdeck.responses")

_CANCEL_S = 5.0  # that an answer may take to end when it is cancelled
_LOOK_S = 0.05


@router.post("", response_model=None)
async def create(
    house: TheHouse,
    caller: ApiCaller,
    request: Request,
    asked: ResponsesRequest,
    idempotency_key: Annotated[str | None, Header(max_length=190)] = None,
) -> Response:
    """Ask a model, as with OpenAI's Responses API: whole, as a stream, or in the background.

    It is kept and can be retrieved, unless `store` is false. With `conversation` it is a message of that conversation.
    """
    target = await find_target(house, caller, asked.model)
    images = await fetch_images(house, image_addresses(asked))
    wanted = _with_assistant(read_request(asked, images, is_alone=not asked.conversation_name()), target)
    if wanted.previous:
        await access_response(house, caller.user, wanted.previous, "previous_response_id")
    if asked.store is False and wanted.is_alone:
        return await _answer_directly(house, caller, request, asked, target, wanted)
    accepted = await _send(house, caller, asked, target, wanted, idempotency_key or new_id())
    identity = ResponseIdentity(accepted.row.id, accepted.row.created_at, wanted)
    headers = {"x-turn-id": accepted.row.id, "x-request-id": accepted.row.id}
    reader = read_turn(house, caller.user, accepted.row.id)
    events = events_of_log(house, reader)
    if asked.stream:
        stops = not asked.background and wanted.is_alone
        stream = _stream(house, ResponseStream(identity), events, stops=accepted.row.id if stops else "")
        return BoundedStream(stream, media_type="text/event-stream", headers=headers | STREAM_HEADERS)
    if asked.background:
        await events.aclose()
        return JSONResponse(response_document(identity, Fold().turn(), accepted.row.status), headers=headers)
    try:
        document = await while_connected(
            request, wait_signed_in(house.connections, caller, _take_all(identity, events))
        )
    except LeftError:
        await house.turns.stop(accepted.row.id)
        raise
    return JSONResponse(document, headers=headers)


@router.get("/{response}", response_model=None)
async def retrieve(
    house: TheHouse,
    caller: ApiCaller,
    response: str,
    stream: Annotated[bool, Query(description="Follow it from the beginning, or after `starting_after`.")] = False,
    starting_after: Annotated[int | None, Query(ge=0, le=2**53, description="A `sequence_number`.")] = None,
    include: Annotated[list[str] | None, Query(alias="include[]", description="Ignored.")] = None,
    include_obfuscation: Annotated[bool | None, Query(description="Ignored.")] = None,
) -> Response:
    """Retrieve a response as it stands, or follow its stream, also one that another process goes on with."""
    stored = await access_response(house, caller.user, response)
    if not stream:
        return JSONResponse(await read_document(house, stored))
    after = -1 if starting_after is None else starting_after
    status = await house.log.status(stored.turn.id)
    if status is not None and after >= (status.last + 1) * PER_SEQ:
        raise ParameterError("This response has not told as much yet.", "starting_after")
    if stored.turn.ended_at is not None and status is None:
        rest = _only_the_end(stored, await read_document(house, stored), after)
    else:
        events = events_of_log(house, read_turn(house, caller.user, stored.turn.id))
        rest = _stream(house, ResponseStream(stored.identity, after), events)
    return BoundedStream(rest, media_type="text/event-stream", headers=STREAM_HEADERS)


@router.post("/{response}/cancel", response_model=None)
async def cancel(house: TheHouse, caller: ApiCaller, response: str) -> Response:
    """Cancel a response that is being written. What was received is kept."""
    stored = await access_response(house, caller.user, response)
    if stored.turn.ended_at is None:
        await house.turns.stop(stored.turn.id)
        for _ in range(int(_CANCEL_S / _LOOK_S)):
            stored = await access_response(house, caller.user, response)
            if stored.turn.ended_at is not None:
                break
            await asyncio.sleep(_LOOK_S)
    return JSONResponse(await read_document(house, stored))


@router.delete("/{response}")
async def delete(house: TheHouse, caller: ApiCaller, response: str) -> dict[str, Any]:
    """Delete a response; one that is being written is stopped."""
    stored = await access_response(house, caller.user, response)
    await house.turns.stop(stored.turn.id)
    await forget_response(house, stored)
    return {"id": stored.identity.id, "object": "response", "deleted": True}


@router.get("/{response}/input_items")
async def list_input_items(
    house: TheHouse,
    caller: ApiCaller,
    response: str,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Annotated[str, Query(pattern="^(asc|desc)$")] = "desc",
    after: Annotated[str | None, Query(max_length=200, description="The last one that you have.")] = None,
    include: Annotated[list[str] | None, Query(alias="include[]", description="Ignored.")] = None,
) -> dict[str, Any]:
    """What the response was given."""
    stored = await access_response(house, caller.user, response)
    items = await read_input(house, stored)
    return input_page(items, limit=limit, is_newest_first=order == "desc", after=after)


async def _answer_directly(
    house: House, caller: Principal, request: Request, asked: ResponsesRequest, target: Target, wanted: ApiRequest
) -> Response:
    """Nothing is kept but what was used."""
    if wanted.previous:
        raise ParameterError(
            "With `store` false there is nothing before: send the whole input.", "previous_response_id"
        )
    messages = wanted.step.messages
    if wanted.instructions:
        messages = [PromptMessage("system", [TextPart(wanted.instructions)]), *messages]
    step = msgspec.structs.replace(wanted.step, messages=messages)
    call = Relayed(who=who_is(caller), model=target.model, request=step)
    identity = ResponseIdentity(call.id, now_ms(), wanted)
    headers = {"x-turn-id": call.id, "x-request-id": call.id}
    events = events_of_model(call.id, target.model, ask_all(house.relay, [call]))
    if not asked.stream:
        taking = wait_signed_in(house.connections, caller, _take_all(identity, events))
        return JSONResponse(await while_connected(request, taking), headers=headers)
    first = await while_connected(request, wait_signed_in(house.connections, caller, anext(events)))
    stream = _stream(house, ResponseStream(identity), events, first)
    return BoundedStream(stream, media_type="text/event-stream", headers=headers | STREAM_HEADERS)


def _with_assistant(wanted: ApiRequest, target: Target) -> ApiRequest:
    if not target.assistant or not wanted.is_alone:
        return wanted
    instructions = "\n\n".join(filter(None, (target.instructions, wanted.instructions)))
    step = msgspec.structs.replace(with_assistant(wanted.step, target), messages=wanted.step.messages)
    return msgspec.structs.replace(wanted, step=step, instructions=instructions)


async def _send(
    house: House, caller: Principal, asked: ResponsesRequest, target: Target, wanted: ApiRequest, key: str
) -> Accepted:
    if not wanted.is_alone:
        return await respond_in_conversation(house, caller, asked, target, wanted, key)
    said = [message for message in wanted.step.messages if message.role == "user"]
    text = plain_text(said[-1].parts) if said else ""
    return await house.turns.send(
        caller.user, Send(key=key, conversation=f"{ID}{key}", text=text, model=target.model, asked=wanted)
    )


async def _take_all(identity: ResponseIdentity, events: Events) -> dict[str, Any]:
    """Raises: the error that it ended with before a word."""
    fold = Fold()
    async with aclosing(events):
        async for numbered in events:
            for _, event in numbered:
                fold.apply(event)
                if isinstance(event, TurnEnded) and event.error is not None and not fold.turn().parts:
                    raise error_of_code(event.error.code, event.error.message)
    folded = fold.turn()
    return response_document(identity, folded, folded.status)


async def _stream(
    house: House, view: ResponseStream, events: Events, first: list[Numbered] | None = None, *, stops: str = ""
) -> AsyncIterator[bytes]:
    """`stops`: the turn that ends when its reader leaves; one in the background goes on."""
    is_over = False
    try:
        async with aclosing(events):
            for seq, event in first or []:
                yield view.encode(seq, event)
            async for numbered in events:
                is_over = any(isinstance(event, TurnEnded) for _, event in numbered)
                told = b"".join([view.encode(seq, event) for seq, event in numbered])
                if told or not numbered:
                    yield told or HEARTBEAT
    finally:
        if stops and not is_over and not house.is_draining.is_set():
            _stop_later(house, stops)


_stopping: set[asyncio.Task[None]] = set()


def _stop_later(house: House, turn: str) -> None:
    """In a task of its own: the one that streams is being ended."""

    async def stop() -> None:
        try:
            await house.turns.stop(turn)
        except QuarterdeckError as error:
            logger.warning("response_not_stopped", turn=turn, reason=error.message, detail=error.detail)

    task = asyncio.create_task(stop())
    _stopping.add(task)
    task.add_done_callback(_stopping.discard)


async def _only_the_end(stored: Stored, document: dict[str, Any], after: int) -> AsyncIterator[bytes]:
    """Its log is gone; the answer is not."""
    kind = document["status"] if document["status"] in ("completed", "failed", "incomplete") else "incomplete"
    told = {"type": f"response.{kind}", "sequence_number": max(after + 1, PER_SEQ), "response": document}
    yield b"event: response." + kind.encode() + b"\ndata: " + msgspec.json.encode(told) + b"\n\n"
