"""Pages of other origins that may call this server: those that are named exactly, with a key, never with a cookie.

Off unless `QUARTERDECK_ALLOWED_ORIGINS` names some, and then for the APIs that other front ends speak alone. Leave for
cookies (`access-control-allow-credentials`) is never given: a page elsewhere acts with the key that it holds itself.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Scope

from quarterdeck.accounts.identities.cloudflare import ASSERTION_HEADER
from quarterdeck.config import Settings
from quarterdeck.web.house import SESSION_COOKIE

_PATHS = ("/v1/", "/api/ui/", "/api/ag-ui", "/api/turns/")
_PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "authorization, *",  # the star alone does not mean `authorization`
    "access-control-max-age": "600",
}
_EXPOSED = "x-turn-id, x-chat-id, x-request-id, request-id, retry-after, x-vercel-ai-ui-message-stream"


class CrossOrigin:
    def __init__(self, settings: Settings) -> None:
        self._allowed = frozenset(origin.strip().lower() for origin in settings.allowed_origins.split(",") if origin)

    def allows(self, scope: Scope, headers: Headers) -> bool:
        """Whether another origin's page may make this request and read its answer.

        Not with what the browser adds by itself: then it is judged like that of any other site.
        """
        if not self._allowed or scope["type"] != "http" or not scope["path"].startswith(_PATHS):
            return False
        if f"{SESSION_COOKIE}=" in headers.get("cookie", "") or ASSERTION_HEADER in headers:
            return False
        return headers.get("origin") in self._allowed

    def is_preflight(self, scope: Scope, headers: Headers) -> bool:
        """Whether the browser only asks if it may; for an allowed request."""
        return bool(scope["method"] == "OPTIONS" and "access-control-request-method" in headers)

    def answer_preflight(self) -> Response:
        return Response(status_code=204, headers=_PREFLIGHT)

    def mark(self, answer: MutableHeaders, origin: str) -> None:
        """The answer of an allowed request: that origin's page may read it."""
        answer["access-control-allow-origin"] = origin
        answer["access-control-expose-headers"] = _EXPOSED
        answer.add_vary_header("Origin")
