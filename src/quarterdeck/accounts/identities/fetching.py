"""How identity providers are asked: JSON of bounded size, in bounded time, without following redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from quarterdeck.accounts.identities.person import SignInRefusedError
from quarterdeck.accounts.identities.strict_json import read_object

MAX_BYTES = 1 << 20
_TIMEOUT_S = 8.0


class Fetcher:
    """One HTTP client, opened at the first request. Any failure is a `SignInRefusedError`, `provider_down`."""

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return _object(url, await self._ask("GET", url, headers or {}, None))

    async def get_bytes(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        return await self._ask("GET", url, headers or {}, None)

    async def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return _object(url, await self._ask("POST", url, headers or {}, form))

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> bytes:
        given = {"accept": "application/json", "user-agent": "Quarterdeck", **headers}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._open().request(method, url, headers=given, data=form, allow_redirects=False) as answer,
            ):
                body = await _read(answer)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _down(f"{method} {url}: {type(error).__name__}") from error
        if answer.status != 200:
            raise _down(f"{method} {url}: status {answer.status}")
        return body

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ValueError("too long")
    return bytes(body)


def _object(url: str, body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except ValueError as error:
        raise _down(f"{url}: {error}") from error


def _down(detail: str) -> SignInRefusedError:
    return SignInRefusedError(
        "The place that signs people in does not answer as it should. Try again in a moment.",
        "provider_down",
        detail=detail,
    )
