"""`/metrics`, for Prometheus.

Who may read: with `QUARTERDECK_METRICS_TOKEN` set, whoever sends it as a bearer token. Without, only who
asks this machine directly. A proxy on this machine asks from a loopback address too, so the request must
also name a loopback host and carry no mark of having been forwarded. An API key is not enough on purpose:
to check one takes the database, and metrics are read when it is away.
"""

from __future__ import annotations

import asyncio
import ipaddress

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from quarterdeck import metrics
from quarterdeck.errors import AccessError
from quarterdeck.web.house import house_of
from quarterdeck.web.problems import named

router = APIRouter(tags=["health"])

_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@router.get("/metrics", response_class=Response)
async def read_metrics(request: Request) -> Response:
    """Figures for Prometheus. Needs the metrics token as a bearer token, or a request from this very machine."""
    house = house_of(request)
    token = house.settings.metrics_token
    if not (metrics.may_read(token, request.headers.get("authorization", "")) if token else _is_direct(request)):
        raise AccessError("Metrics need the metrics token (QUARTERDECK_METRICS_TOKEN) as a bearer token.")
    await house.gauges.ask()
    body, content_type = await asyncio.to_thread(metrics.render, request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type, "cache-control": "no-store"})


class CountedStream(StreamingResponse):
    """Counted among the open streams while it lasts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        metrics.STREAMS.add(1)
        try:
            await super().__call__(scope, receive, send)
        finally:
            metrics.STREAMS.add(-1)


def count_answer(scope: Scope, status: int, waited_s: float) -> None:
    """One request answered: by the template of its route, so that no address becomes a label."""
    route = named(scope)
    method = scope["method"] if scope["method"] in _METHODS else "other"
    metrics.REQUESTS.add(1, method, route, str(status))
    metrics.REQUEST_SECONDS.observe(waited_s, route)


def _is_direct(request: Request) -> bool:
    if any(name in request.headers for name in _FORWARDED) or request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback and request.url.hostname in _LOOPBACK_NAMES
    except ValueError:
        return False
