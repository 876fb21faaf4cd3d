"""How identity providers are asked: JSON of bounded size, in bounded time, without following redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quarterdeck.accounts.identities.person import SignInRefusedError
from quarterdeck.accounts.identities.strict_json import read_object
from quarterdeck.late import Late, load

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = Late("aiohttp")

MAX_BYTES = 1 << 20
_TIMEOUT_S = 8.0


class NotTakenError(SignInRefusedError):
    """What was sent is not taken (400, 401, 403); `error` is the provider's word for it."""

    def __init__(self, request: str, error: str) -> None:
        super().__init__("The identity provider did not sign you in. Try again.", detail=f"{request}: {error}")
        self.error = error


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
        """Raises: `SignInRefusedError`, `NotTakenError`."""
        return _object(url, await self._ask("POST", url, headers or {}, form))

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> bytes:
        session = await self._open()
        given = {"accept": "application/json", "user-agent": "Quarterdeck", **headers}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                session.request(method, url, headers=given, data=form, allow_redirects=False) as answer,
            ):
                body = await _read(answer)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _down(f"{method} {url}: {type(error).__name__}") from error
        if answer.status in (400, 401, 403):
            raise NotTakenError(f"{method} {url}", _error_of(body) or f"status {answer.status}")
        if answer.status != 200:
            raise _down(f"{method} {url}: status {answer.status}")
        return body

    async def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            await load("aiohttp")
        if self._session is None:  # nobody has opened it meanwhile
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ValueError("too long")
    return bytes(body)


def _error_of(body: bytes) -> str:
    """The word for it, in the shape of RFC 6749."""
    try:
        return str(read_object(body).get("error") or "")[:80]
    except ValueError:
        return ""


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
