"""What is counted of requests and streams, for Prometheus."""

from __future__ import annotations

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from quarterdeck import metrics
from quarterdeck.web.problems import named

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


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
