"""Lists and messages are sent compressed where that is taken: answers of one piece, in JSON, to questions for them.

Sockets, streams, writes and all other routes are handed on as they are and nothing stands between. Nobody learns from
the length of what is packed together: these answers hold no keys, codes or tokens, and repeat nothing of the question.
"""

from __future__ import annotations

import asyncio
import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LISTS = (
    "/api/conversations",
    "/api/messages",
    "/api/models",
    "/api/search",
    "/api/ideas",
    "/api/memories",
    "/api/assistants",
    "/api/folders",
)
_LEAST_BYTES = 1_024
_AT_ONCE_BYTES = 32_768  # what is longer is packed while others go on
_LEVEL = 5
_GZIP = 31  # zlib's number for gzip's head and tail


class Compression:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_list = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(_LISTS)
        if is_list and takes_gzip(Headers(scope=scope).get("accept-encoding", "")):
            send = _Packing(send).send
        await self._app(scope, receive, send)


class _Packing:
    """Holds an answer's head back until it is known whether its body is packed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if _is_worth_it(start, message):
                message = await _pack(start, message)
            await self._send(start)
        await self._send(message)


def takes_gzip(accepted: str) -> bool:
    """By the header `Accept-Encoding`."""
    for item in accepted.lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


def _is_worth_it(start: Message, body: Message) -> bool:
    if start["status"] != 200 or body.get("more_body") or len(body.get("body", b"")) < _LEAST_BYTES:
        return False
    headers = Headers(scope=start)
    return headers.get("content-type") == "application/json" and "content-encoding" not in headers


async def _pack(start: Message, message: Message) -> Message:
    body: bytes = message["body"]
    packed = _gzip(body) if len(body) < _AT_ONCE_BYTES else await asyncio.to_thread(_gzip, body)
    headers = MutableHeaders(scope=start)
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(packed))
    headers.add_vary_header("accept-encoding")
    return {**message, "body": packed}


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, _LEVEL, _GZIP)
