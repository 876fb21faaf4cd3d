"""`/healthz`: the process lives. `/readyz`: database and log answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import text

from quarterdeck.errors import QuarterdeckError
from quarterdeck.web.house import house_of
from quarterdeck.web.problems import problem

router = APIRouter(tags=["health"])

_TIMEOUT_S = 3.0


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """200 when a message could be accepted now, else 503 with the reason."""
    house = house_of(request)
    if house.is_draining.is_set() or not house.is_ready.is_set():
        return problem(503, "not_ready", "The server is starting or stopping.", retryable=True)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await house.database.read(lambda connection: connection.execute(text("SELECT 1")).scalar())
            await house.log.status("readyz")
    except TimeoutError:
        return problem(503, "not_ready", "The database or the log does not answer.", retryable=True)
    except QuarterdeckError as error:
        return problem(503, "not_ready", error.message, retryable=True)
    return JSONResponse({"status": "ready"})
