"""The one HTTP client for models: sessions, proxies, time-outs before the answer, errors by status.

Raises `UpstreamError` only. Redirects are not followed (a key must not travel on), cookies are not kept, and
loopback addresses are never asked through a proxy.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
from msgspec import Struct

from quarterdeck import __version__
from quarterdeck.late import Late, load
from quarterdeck.providers.faults import MALFORMED, UpstreamError
from quarterdeck.providers.vendor_errors import fault_of_response

if TYPE_CHECKING:
    import aiohttp

    from quarterdeck.providers import connection
else:
    aiohttp = Late("aiohttp")
    connection = Late("quarterdeck.providers.connection")

MAX_CONNECTIONS = 4096
MAX_BODY_BYTES = 32 << 20
_ERROR_BODY_BYTES = 64 << 10
_ERROR_BODY_S = 5.0


class Timeouts(Struct, frozen=True):
    """Seconds: to connect, from the request to the first token, between two reads after it."""

    connect_s: float = 10.0
    first_token_s: float = 120.0
    idle_s: float = 60.0


class Call(Struct, frozen=True):
    """One HTTP request to a provider. The headers carry the key: never log them."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"Call({self.method} {self.url})"


class Transport:
    """Shared by all providers of a process; the session is made in the loop that first uses it."""

    def __init__(self, timeouts: Timeouts | None = None) -> None:
        self.timeouts = timeouts or Timeouts()
        self._session: aiohttp.ClientSession | None = None
        self._proxies: dict[str, str | None] = {}

    async def prepare(self) -> None:
        """What the first request loads takes longer than a probe of this machine may; it does not count there."""
        await self._open_session()

    async def send(self, call: Call, timeout_s: float, connect_s: float | None = None) -> aiohttp.ClientResponse:
        """The response, its status 200 and its body unread; the caller closes it.

        Raises: `UpstreamError` for everything else, after at most `timeout_s` seconds.
        """
        response: aiohttp.ClientResponse | None = None
        connect_s = self.timeouts.connect_s if connect_s is None else connect_s
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._request(call, connect_s)
                if response.status == 200:
                    return response
                raise await _read_fault(response)
        except aiohttp.ConnectionTimeoutError as error:
            raise UpstreamError("connect_timeout", limit_s=connect_s, detail=_tell(error)) from None
        except TimeoutError:
            raise UpstreamError("first_token_timeout", limit_s=timeout_s) from None
        except aiohttp.ClientConnectorError as error:
            raise UpstreamError("unreachable", detail=_tell(error)) from None
        except (aiohttp.InvalidURL, ValueError) as error:
            raise UpstreamError(
                "request", "the address or the key cannot be used", detail=type(error).__name__
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError("disconnected", detail=_tell(error)) from None
        finally:
            if response is not None and response.status != 200:
                response.close()

    async def fetch(self, call: Call, timeout_s: float, connect_s: float | None = None) -> bytes:
        """The whole body of a 200. Raises: `UpstreamError`."""
        response: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout(timeout_s):
                response = await self.send(call, timeout_s, connect_s)
                return await _read_body(response)
        except TimeoutError:
            raise UpstreamError("first_token_timeout", limit_s=timeout_s) from None
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError("cut", detail=_tell(error)) from None
        finally:
            if response is not None:
                response.close()

    async def fetch_json(self, call: Call, timeout_s: float, connect_s: float | None = None) -> Any:
        """The decoded body of a 200. Raises: `UpstreamError` ("not_an_api" when it is no JSON)."""
        body = await self.fetch(call, timeout_s, connect_s)
        try:
            return msgspec.json.decode(body)
        except MALFORMED as error:
            raise UpstreamError("not_an_api", detail=repr(error)) from None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _request(self, call: Call, connect_s: float) -> aiohttp.ClientResponse:
        session = await self._open_session()
        return await session.request(
            call.method,
            call.url,
            data=call.body,
            headers=call.headers,
            allow_redirects=False,
            proxy=self._proxy_of(call.url),
            timeout=aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s),
        )

    async def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            await load("aiohttp")
        if self._session is None or self._session.closed:  # nobody has opened it meanwhile
            self._session = aiohttp.ClientSession(
                connector=connection.Connector(limit=MAX_CONNECTIONS, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"Quarterdeck/{__version__}"},
            )
        return self._session

    def _proxy_of(self, url: str) -> str | None:
        """As `trust_env` would choose, without its look into ~/.netrc for each request."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._proxies:
            host = parts.hostname or ""
            direct = is_loopback(host) or bool(proxy_bypass(host))
            self._proxies[origin] = None if direct else getproxies().get(parts.scheme)
        return self._proxies[origin]


def is_loopback(host: str) -> bool:
    """True for names and addresses of this very machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tell(error: Exception) -> str:
    """Not `repr`: aiohttp's shows the request's headers or the proxy's password."""
    return f"{type(error).__name__}: {error}"


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise UpstreamError("protocol", detail=f"a body of more than {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _read_fault(response: aiohttp.ClientResponse) -> UpstreamError:
    """The fault of an error response; its body is read as far as it helps."""
    body = bytearray()
    try:
        async with asyncio.timeout(_ERROR_BODY_S):
            while len(body) < _ERROR_BODY_BYTES and (chunk := await response.content.readany()):
                body += chunk
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # the status says enough
    return fault_of_response(response.status, response.headers, bytes(body))
