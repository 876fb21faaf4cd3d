"""A request that does not fit what its route says: the first reason, as a problem like all others."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from quarterdeck.diagnostics import get_logger
from quarterdeck.web.problems import named, problem

logger = get_logger("quarterdeck.web")


def install_validation(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, _on_invalid)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # nosec B101  # noqa: S101  # registered for this class only
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"] if step not in ("body", "query", "path"))
    reason = str(first["msg"])
    logger.info("validation_failed", path=named(request.scope), place=place, reason=reason)
    detail = f"`{place}`: {reason}." if place else f"The request does not fit: {reason}."
    return problem(422, "bad_input", detail)
