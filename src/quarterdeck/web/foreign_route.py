"""Routes of APIs that others have designed: errors look as they do there; who asks is known before a body is read."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from quarterdeck.accounts.access import require_account
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import OverloadedError, ParameterError, QuarterdeckError, as_quarterdeck_error
from quarterdeck.views.openai_errors import openai_error, openai_status
from quarterdeck.web.dependencies import BearerKey, SessionCookie
from quarterdeck.web.guard import BodyTooLongError
from quarterdeck.web.house import current_principal
from quarterdeck.web.invalid import about_the_body, find_fault
from quarterdeck.web.problems import named

T = TypeVar("T")
logger = get_logger("quarterdeck.web")

STREAM_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
_LEFT = 499  # as nginx calls it, in our figures: nobody reads it
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ForeignRoute(APIRoute, ABC):
    """Subclasses say how an error looks."""

    @abstractmethod
    def status_of(self, error: QuarterdeckError) -> int: ...

    @abstractmethod
    def body_of(self, error: QuarterdeckError) -> dict[str, Any]: ...

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                require_account(await current_principal(request))
                return await answer(request)
            except RequestValidationError as error:
                return self.tell(request, _parameter_error(request, error))
            except UnicodeEncodeError:
                return self.tell(request, ParameterError("The text contains half a character.", ""))
            except LeftError:
                return Response(status_code=_LEFT)
            except QuarterdeckError as error:
                return self.tell(request, error)
            except BodyTooLongError:  # it ends the reading, and the guard says so
                raise
            except HTTPException:  # FastAPI's own, of a body that it cannot decode
                return self.tell(request, ParameterError("The body cannot be parsed: send JSON in UTF-8.", ""))

        return handle

    def tell(self, request: Request, error: QuarterdeckError) -> JSONResponse:
        known = as_quarterdeck_error(error)
        status = self.status_of(known)
        if status >= 500 and not isinstance(known, OverloadedError):
            logger.error(
                "request_failed", path=named(request.scope), code=known.code, reason=known.message, detail=known.detail
            )
        headers = {}
        if known.retry_after_s is not None:
            headers["retry-after"] = str(max(1, round(known.retry_after_s)))
        if status < 500 and not known.retryable:
            headers["x-should-retry"] = "false"
        return JSONResponse(self.body_of(known), status, headers=headers)


class OpenAIRoute(ForeignRoute):
    def status_of(self, error: QuarterdeckError) -> int:
        return openai_status(error)

    def body_of(self, error: QuarterdeckError) -> dict[str, Any]:
        return openai_error(error)


async def _principal(request: Request, _key: BearerKey, _session: SessionCookie) -> Principal:
    principal: Principal = request.state.principal  # the route has seen to it
    return principal


ApiCaller = Annotated[Principal, Depends(_principal)]


class LeftError(Exception):
    """Who asked is gone, and nobody is to be answered."""


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """What is waited for, given up as soon as the client leaves. Raises: `LeftError`."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_until_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise LeftError
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.wait({working, leaving})


async def _until_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _parameter_error(request: Request, error: RequestValidationError) -> ParameterError:
    """The fault that counts, in OpenAI's words for it."""
    fault = find_fault(error)
    if about := about_the_body(fault, request):
        return ParameterError(about, "")
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.steps).removeprefix(".")
    if not place:
        return ParameterError(f"The request does not fit: {fault.reason}.", "")
    match fault.kind:
        case "extra_forbidden":
            return ParameterError(f"Unknown parameter: '{place}'.", place, reason="unknown_parameter")
        case "missing":
            return ParameterError(f"Missing required parameter: '{place}'.", place, reason="missing_required_parameter")
        case "too_short":
            wanted = "Expected an array with minimum length 1, but got an empty array instead"
            return ParameterError(f"Invalid '{place}': empty array. {wanted}.", place, reason="empty_array")
    return ParameterError(f"Invalid value for '{place}': {fault.reason}.", place, reason="invalid_value")
