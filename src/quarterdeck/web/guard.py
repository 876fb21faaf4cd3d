"""Before any route: the right host, the right origin, a bounded body; afterwards: the security headers.

Plain ASGI, and out of the way of a socket once it is accepted: nothing wraps its frames.
"""

from __future__ import annotations

import asyncio
import re
from time import perf_counter
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from quarterdeck.accounts.identities.cloudflare import ASSERTION_HEADER
from quarterdeck.config import Settings
from quarterdeck.web.counted import count_answer
from quarterdeck.web.cross_origin import CrossOrigin
from quarterdeck.web.doors import Doors, is_door
from quarterdeck.web.hosts import Hosts
from quarterdeck.web.house import SESSION_COOKIE
from quarterdeck.web.problems import refusal

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_API_BYTES = 26 * 1024 * 1024  # pictures and recordings; those routes know who asks before they read
_UPLOAD = "/api/imports"
_HAS_BEGUN = "has_begun"  # in a scope's state: the head of its answer was sent
_RESTARTING = "The server is restarting. Ask again in a moment."
_RESTART_S = 5.0
_SAFE = {"GET", "HEAD", "OPTIONS"}
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d*)?", re.IGNORECASE)

_HTTPS_HEADERS = {"strict-transport-security": "max-age=31536000"}

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), payment=(), usb=()",
}


class BodyTooLongError(HTTPException):
    """The body grew past the limit while it was read."""

    def __init__(self, sentence: str) -> None:
        super().__init__(413, sentence)


class AnswerCutError(Exception):
    """An answer failed after its first byte: the connection is broken off, so that the client knows."""


class Refusal(NamedTuple):
    status: int
    code: str
    sentence: str
    retry_after_s: float | None = None


class Guard:
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._doors = Doors()
        self._max_upload_bytes = settings.max_import_mb << 20
        self._public_origin = settings.public_url
        self._hosts = Hosts(settings)
        self._cross_origin = CrossOrigin(settings)
        self._headers = _HEADERS | (_HTTPS_HEADERS if settings.public_url.startswith("https:") else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refuse(scope, headers)
        if scope["type"] == "websocket":
            if refused is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": refused.sentence})
            return
        is_allowed = self._cross_origin.allows(scope, headers)
        if is_allowed:
            send = self._readable(send, headers["origin"])
        if refused is not None:
            answer = refusal(scope, refused.status, refused.code, refused.sentence, retry_after_s=refused.retry_after_s)
            await answer(scope, receive, self._secured(scope, send))
            return
        if is_allowed and self._cross_origin.is_preflight(scope, headers):
            await self._cross_origin.answer_preflight()(scope, receive, self._secured(scope, send))
            return
        await self._pass(scope, receive, send)

    def _refuse(self, scope: Scope, headers: Headers) -> Refusal | None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._hosts.has(_host_name(host), scope):
            return Refusal(
                421, "wrong_host", "This server does not answer to that host name. Set QUARTERDECK_PUBLIC_URL."
            )
        if self._comes_from_elsewhere(scope, headers, host):
            return Refusal(403, "wrong_origin", "This request came from another site.")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._max_bytes(scope):
            return Refusal(413, "too_large", self._too_large(scope))
        if is_door(scope["path"]) and (wait_s := self._doors.wait_s(_address_of(scope))):
            return Refusal(429, "limit", "Too many requests came from your address. Try again in a moment.", wait_s)
        return None

    def _max_bytes(self, scope: Scope) -> int:
        """Only files to be imported are large; their route takes them apart as they come."""
        is_upload = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == _UPLOAD
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            return MAX_API_BYTES
        return self._max_upload_bytes if is_upload else MAX_BODY_BYTES

    def _too_large(self, scope: Scope) -> str:
        return f"The request is larger than {self._max_bytes(scope) >> 20} MB."

    def _comes_from_elsewhere(self, scope: Scope, headers: Headers, host: str) -> bool:
        """Whether another site's page has sent what could change something here with what the browser adds itself."""
        if self._cross_origin.allows(scope, headers):
            return False
        is_write = scope["type"] == "websocket" or scope["method"] not in _SAFE
        origin, site = headers.get("origin", ""), headers.get("sec-fetch-site", "same-origin")
        has_cookie = f"{SESSION_COOKIE}=" in headers.get("cookie", "") or ASSERTION_HEADER in headers
        comes_along = (has_cookie or bool(origin)) and not headers.get("authorization")
        return is_write and comes_along and not (site == "same-origin" and self._is_own_origin(origin, scope, host))

    def _is_own_origin(self, origin: str, scope: Scope, host: str) -> bool:
        """Under its public name the server has that one origin: a page without TLS is another site there."""
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        is_public = self._public_origin.endswith(f"://{host.lower()}")
        return bool(origin) and origin in (self._public_origin, "" if is_public else f"{scheme}://{host}")

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        received, limit = 0, self._max_bytes(scope)

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLongError(self._too_large(scope))
            return message

        try:
            await self._app(scope, bounded, self._secured(scope, send))
        except AnswerCutError:
            return  # unfinished as it is, the server closes the connection
        except asyncio.CancelledError:
            if not scope["app"].state.house.is_draining.is_set():
                raise
            if not scope.get("state", {}).get(_HAS_BEGUN):  # else it is cut, as above
                answer = refusal(scope, 503, "overloaded", _RESTARTING, retry_after_s=_RESTART_S)
                await answer(scope, receive, self._secured(scope, send))
        except BodyTooLongError:  # while the body is read, nothing has been answered yet
            await refusal(scope, 413, "too_large", self._too_large(scope))(scope, receive, self._secured(scope, send))

    def _readable(self, send: Send, origin: str) -> Send:
        """`send`, with leave for the pages of `origin` to read the answer."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._cross_origin.mark(MutableHeaders(scope=message), origin)
            await send(message)

        return marked

    def _secured(self, scope: Scope, send: Send) -> Send:
        """`send`, with the security headers on every answer, which is counted as it begins."""
        begun_s = perf_counter()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope.setdefault("state", {})[_HAS_BEGUN] = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                count_answer(scope, message["status"], perf_counter() - begun_s)
            await send(message)

        return with_headers


def _address_of(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def _host_name(host: str) -> str:
    """Without the port; empty when it cannot be a host at all."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else ""
