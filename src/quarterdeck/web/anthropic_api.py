"""`POST /v1/messages`: as Anthropic's, so that coding clients can be pointed at this server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from quarterdeck.accounts.relaying import Relayed
from quarterdeck.accounts.spending import estimate_input
from quarterdeck.domain.step import StepRequest
from quarterdeck.errors import ProviderRefusedError, QuarterdeckError, as_quarterdeck_error
from quarterdeck.views.anthropic_errors import anthropic_error, anthropic_status
from quarterdeck.views.anthropic_messages import MessageIdentity, MessageStream, WholeMessage
from quarterdeck.views.anthropic_request import (
    CountRequest,
    MessagesRequest,
    image_addresses,
    read_messages,
    step_of,
    tools_of,
)
from quarterdeck.views.told_deltas import Told
from quarterdeck.web.api_calls import Pace, ask_all, first_of
from quarterdeck.web.api_models import fetch_images, find_target, who_is, with_assistant
from quarterdeck.web.dependencies import TheHouse
from quarterdeck.web.foreign_route import STREAM_HEADERS, ApiCaller, ForeignRoute, while_connected
from quarterdeck.web.house import House
from quarterdeck.web.streams import BoundedStream, wait_signed_in


class AnthropicRoute(ForeignRoute):
    def status_of(self, error: QuarterdeckError) -> int:
        return anthropic_status(error)

    def body_of(self, error: QuarterdeckError) -> dict[str, Any]:
        return anthropic_error(error)


router = APIRouter(prefix="/v1", tags=["Anthropic's API"], route_class=AnthropicRoute)


@router.post("/messages", response_model=None)
async def create(house: TheHouse, caller: ApiCaller, request: Request, asked: MessagesRequest) -> Response:
    """Ask a model, as with Anthropic's API: whole, or as a stream.

    The key may come as `x-api-key`. Nothing is kept but what was used.
    """
    target = await find_target(house, caller, asked.model)
    images = await fetch_images(house, image_addresses(asked.messages))
    step = with_assistant(step_of(asked, images), target)
    call = Relayed(who=who_is(caller), model=target.model, request=step)
    told = ask_all(house.relay, [call])
    identity = MessageIdentity(f"msg_{call.id}", asked.model, asked.wants_thoughts)
    headers = {"x-turn-id": call.id, "request-id": f"req_{call.id}"}
    if not asked.stream:
        whole = WholeMessage(identity)
        await while_connected(request, wait_signed_in(house.connections, caller, _take_all(told, whole)))
        return JSONResponse(whole.encode(), headers=headers)
    first = await while_connected(request, wait_signed_in(house.connections, caller, first_of(told)))
    return BoundedStream(
        _stream(house, MessageStream(identity), first, told),
        media_type="text/event-stream",
        headers=headers | STREAM_HEADERS,
    )


@router.post("/messages/count_tokens")
async def count_tokens(house: TheHouse, caller: ApiCaller, asked: CountRequest) -> dict[str, int]:
    """About how many tokens a request has: estimated, and calibrated by what the model has counted before."""
    target = await find_target(house, caller, asked.model)
    step = StepRequest(model="", messages=read_messages(asked.system, asked.messages, {}), tools=tools_of(asked.tools))
    ratio = await house.calibration.ratio_of(target.model)
    return {"input_tokens": max(1, round(estimate_input(with_assistant(step, target)) * ratio))}


async def _take_all(told: AsyncGenerator[Told, None], whole: WholeMessage) -> None:
    async with aclosing(told):
        async for _, deltas in told:
            if isinstance(deltas, ProviderRefusedError):
                whole.refuse(deltas)
            else:
                whole.take(deltas)


async def _stream(
    house: House, stream: MessageStream, first: Told | None, told: AsyncGenerator[Told, None]
) -> AsyncIterator[bytes]:
    pace = Pace(house)
    async with aclosing(told):
        yield stream.begin()
        try:
            if first is not None:
                yield _encode(stream, first)
            async for item in told:
                if chunk := _encode(stream, item):
                    yield chunk
                    await pace.wait()
            yield stream.close()
        except Exception as caught:
            yield stream.fail(as_quarterdeck_error(caught))


def _encode(stream: MessageStream, item: Told) -> bytes:
    deltas = item[1]
    return stream.refuse(deltas) if isinstance(deltas, ProviderRefusedError) else stream.encode(deltas)
