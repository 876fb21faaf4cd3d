"""What those ask who watch over a server: `/healthz` (the process lives), `/readyz` (database and log answer),
`/metrics`.

They are plain functions of Starlette, so that a worker answers them without FastAPI.

Who may read metrics: with `QUARTERDECK_METRICS_TOKEN` set, whoever sends it as a bearer token. Without, only who
asks this machine directly. A proxy on this machine asks from a loopback address too, so the request must
also name a loopback host and carry no mark of having been forwarded. An API key is not enough on purpose:
to check one takes the database, and metrics are read when it is away.
"""

from __future__ import annotations

import asyncio
import ipaddress

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from quarterdeck import metrics
from quarterdeck.errors import AccessError, QuarterdeckError
from quarterdeck.web.house import house_of
from quarterdeck.web.problems import problem

ALIVE = {"status": "alive"}

_TIMEOUT_S = 3.0
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


async def healthz(_: Request) -> Response:
    return JSONResponse(ALIVE)


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


async def read_metrics(request: Request) -> Response:
    """Figures for Prometheus. Needs the metrics token as a bearer token, or a request from this very machine."""
    house = house_of(request)
    token = house.settings.metrics_token
    if not (metrics.may_read(token, request.headers.get("authorization", "")) if token else _is_direct(request)):
        raise AccessError("Metrics need the metrics token (QUARTERDECK_METRICS_TOKEN) as a bearer token.")
    await house.gauges.ask()
    body, content_type = await asyncio.to_thread(metrics.render, request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type, "cache-control": "no-store"})


def _is_direct(request: Request) -> bool:
    if any(name in request.headers for name in _FORWARDED) or request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback and request.url.hostname in _LOOPBACK_NAMES
    except ValueError:
        return False


PROBES = (Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", read_metrics))
