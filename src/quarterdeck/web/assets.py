"""The page's files: kept by browsers for ever (their names carry a hash), sent compressed where that is taken.

The build writes `.br` and `.gz` beside each file; nothing is compressed while somebody waits.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE = Path(__file__).parent / "page"
_FOR_EVER = f"public, max-age={365 * 24 * 3600}, immutable"
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


class Assets(StaticFiles):
    """`/assets`, from the folder that was built."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        encoding, suffix = _best_encoding(Headers(scope=scope), PAGE / "assets" / path)
        response = await super().get_response(path + suffix, scope)
        if response.status_code in (200, 304):
            _describe(response, path, encoding, _FOR_EVER)
            # The sandboxed frame asks from an opaque origin; there is nothing secret in these files.
            response.headers["access-control-allow-origin"] = "*"
            response.headers["cross-origin-resource-policy"] = "cross-origin"
        return response


def file_response(request: Request, file: Path, cache_control: str) -> Response:
    """One of the page's files, compressed where the browser takes it."""
    encoding, suffix = _best_encoding(request.headers, file)
    response = FileResponse(file.with_name(file.name + suffix))
    _describe(response, file.name, encoding, cache_control)
    return response


def _best_encoding(headers: Headers, file: Path) -> tuple[str, str]:
    accepted = {item.split(";")[0].strip() for item in headers.get("accept-encoding", "").split(",")}
    for encoding, suffix in _ENCODINGS:
        if encoding in accepted and file.with_name(file.name + suffix).is_file():
            return encoding, suffix
    return "", ""


def _describe(response: Response, name: str, encoding: str, cache_control: str) -> None:
    response.headers["cache-control"] = cache_control
    response.headers["vary"] = "accept-encoding"
    if encoding:
        response.headers["content-encoding"] = encoding
        response.headers["content-type"] = mimetypes.guess_type(name)[0] or "application/octet-stream"
