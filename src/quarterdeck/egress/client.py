"""One request at a time: look the name up, judge the addresses, connect to one of them, look whom it reached.

Nothing is left to be decided between the check and the connection: the resolver hands out only what it has judged,
the socket is made for a judged address, and the peer of the finished connection is judged once more. Redirects are
followed here, each like a new request. No cookies, no proxy of the environment, no pool of connections.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from yarl import URL

from quarterdeck.diagnostics import get_logger
from quarterdeck.egress.inflate import Inflate
from quarterdeck.egress.policy import Policy
from quarterdeck.errors import AddressRefusedError, FetchError, QuarterdeckError
from quarterdeck.late import Late, load

if TYPE_CHECKING:
    import aiohttp

    from quarterdeck.egress import connecting
else:
    aiohttp = Late("aiohttp")
    connecting = Late("quarterdeck.egress.connecting")

logger = get_logger("quarterdeck.egress")

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK_BYTES = 64 * 1024
_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization"}


class Limits(Struct, frozen=True):
    """`max_bytes` of the unpacked body; `timeout_s` for everything, redirects included."""

    max_bytes: int = 5 * 1024 * 1024
    timeout_s: float = 20.0
    connect_s: float = 5.0


class Fetched(Struct, frozen=True):
    """`url` is where the last redirect led; header names are in lower case, the last one of a name counts."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes


class Egress:
    def __init__(self, policy: Policy, lookup: connecting.Lookup | None = None) -> None:
        self._policy = policy
        self._lookup = lookup or _ask_the_system

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
    ) -> Fetched:
        """Raises: `AddressRefusedError` for where it may not go, `FetchError` when the other side fails."""
        wanted = _parse(url)
        given = {"accept-encoding": "gzip, deflate"} | {name.lower(): value for name, value in (headers or {}).items()}
        bounds = limits or Limits()
        await load("quarterdeck.egress.connecting")
        try:
            async with asyncio.timeout(bounds.timeout_s):
                for _ in range(MAX_REDIRECTS + 1):
                    answer = await self._once(wanted, method, given, body, bounds)
                    if answer.status not in _REDIRECTS or "location" not in answer.headers:
                        return answer
                    before, wanted = wanted, _join(wanted, answer.headers["location"])
                    self._policy.check_url(wanted)
                    if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                        method, body = "GET", None
                    if wanted.origin() != before.origin():
                        given = {name: value for name, value in given.items() if name not in _SECRET_HEADERS}
        except TimeoutError as error:
            raise FetchError("The other side took too long.") from error
        except AddressRefusedError:
            logger.warning("address_refused", host=wanted.raw_host or "")
            raise
        raise FetchError(f"The address leads on and on: more than {MAX_REDIRECTS} redirects.")

    async def _once(
        self, url: URL, method: str, headers: dict[str, str], body: bytes | None, limits: Limits
    ) -> Fetched:
        self._policy.check_url(url)
        try:
            async with (
                connecting.open_session(self._policy, self._lookup, url, limits.connect_s) as session,
                session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer,
            ):
                return await _read(answer, limits.max_bytes)
        except QuarterdeckError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise FetchError("The address could not be fetched.", detail=type(error).__name__) from error


async def _ask_the_system(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


async def _read(answer: aiohttp.ClientResponse, max_bytes: int) -> Fetched:
    if (answer.content_length or 0) > max_bytes:
        raise FetchError("The other side sent more than is taken.")
    inflate = Inflate(answer.headers.get("content-encoding", ""), max_bytes)
    body = bytearray()
    taken = 0
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        taken += len(chunk)
        if taken > max_bytes:
            raise FetchError("The other side sent more than is taken.")
        body += inflate.add(chunk)
    if taken:
        inflate.end()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Fetched(str(answer.url), answer.status, headers, bytes(body))


def _parse(text: str) -> URL:
    """Raises: `AddressRefusedError`."""
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in text):
        raise AddressRefusedError("This is not an address that can be fetched.")
    try:
        return URL(text)
    except (ValueError, TypeError) as error:
        raise AddressRefusedError("This is not an address that can be fetched.") from error


def _join(base: URL, location: str) -> URL:
    relative = _parse(location)
    try:
        return base.join(relative)
    except ValueError as error:
        raise AddressRefusedError("The address leads to one that cannot be fetched.") from error
