"""A request that does not fit what its route says: the one fault worth telling, as a problem like all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import InputError
from quarterdeck.web.problems import named, problem

logger = get_logger("quarterdeck.web")

NO_JSON = "The body cannot be parsed as JSON."
NO_BODY = "The body is missing: send a JSON object."
NOT_SENT_AS_JSON = "Send the body as JSON, with the header `Content-Type: application/json`."
_SHOULD_BE = "Input should be "
Steps = tuple[str | int, ...]


class Fault(NamedTuple):
    """`kind` is Pydantic's word for it, `steps` where it is in what was sent (empty: the whole body)."""

    kind: str
    steps: Steps
    reason: str


def install_validation(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, _on_invalid)


def find_fault(error: RequestValidationError) -> Fault:
    """Of all faults: an unknown name, else the one that lies deepest. Where something may be of several types, each of
    them has its own faults, and the one that was meant gets furthest."""
    found = [Fault(each["type"], _steps(each, error.body), _in_words(each["msg"])) for each in error.errors()]
    best = max(found, key=_weight)
    others = [fault.reason for fault in found if fault.steps == best.steps and _weight(fault) == _weight(best)]
    reasons = dict.fromkeys([best.reason, *(reason for reason in others if reason.startswith(_SHOULD_BE))])
    first, *rest = reasons
    return best._replace(reason=", or ".join([first, *(reason.removeprefix(_SHOULD_BE) for reason in rest)]))


def about_the_body(fault: Fault, request: Request) -> str:
    """A sentence about a body that cannot be read at all; empty when it could."""
    if fault.kind == "json_invalid":
        return NO_JSON
    if fault.kind == "missing" and not fault.steps:
        return NO_BODY
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    return "" if fault.steps or is_json else NOT_SENT_AS_JSON


def require_bare_body(request: Request) -> None:
    """Where the body is a file as it is: a form around it would be read as a part of it. Raises: `InputError`."""
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise InputError("Send the file itself as the body (curl: --data-binary @FILE), not in a form.")


def _in_words(reason: str) -> str:
    """Pydantic speaks to who writes Python."""
    return reason.replace("a valid dictionary or object to extract fields from", "an object")


def _weight(fault: Fault) -> tuple[bool, int, bool]:
    return fault.kind == "extra_forbidden", len(fault.steps), not fault.kind.endswith("_type")


def _steps(found: Mapping[str, Any], body: Any) -> Steps:
    """Where it is for whoever sent it: without the names that Pydantic gives to the types that something may have."""
    origin, *place = found["loc"]
    if origin != "body" or not isinstance(body, dict | list):
        return tuple(place)
    kept: list[str | int] = []
    for step in place:
        is_there = step in body if isinstance(body, dict) else isinstance(body, list) and step in range(len(body))
        if is_there:
            kept.append(step)
            body = body[step]
    return (*kept, *place[-1:]) if found["type"] == "missing" else tuple(kept)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # nosec B101  # noqa: S101  # registered for this class only
    fault = find_fault(error)
    place = ".".join(map(str, fault.steps))
    logger.info("validation_failed", path=named(request.scope), place=place, reason=fault.reason)
    about = about_the_body(fault, request)
    detail = f"`{place}`: {fault.reason}." if place else f"The request does not fit: {fault.reason}."
    return problem(422, "bad_input", about or detail)
