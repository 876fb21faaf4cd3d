"""One request at a time: look the name up, judge the addresses, connect to one of them, look whom it reached.

Nothing is left to be decided between the check and the connection: the resolver hands out only what it has judged,
the socket is made for a judged address, and the peer of the finished connection is judged once more. Redirects are
followed here, each like a new request. No cookies, no proxy of the environment, no pool of connections.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct
from yarl import URL

from quarterdeck.diagnostics import get_logger
from quarterdeck.egress.addresses import parse_address
from quarterdeck.egress.inflate import Inflate
from quarterdeck.egress.policy import Policy
from quarterdeck.errors import AddressRefusedError, FetchError, QuarterdeckError

logger = get_logger("quarterdeck.egress")

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK_BYTES = 64 * 1024
_MAX_HEADER_BYTES = 16 * 1024
_SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization"}

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a name, as text. Raises: `OSError`."""


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
    def __init__(self, policy: Policy, lookup: Lookup | None = None) -> None:
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
        try:
            async with asyncio.timeout(bounds.timeout_s):
                for _ in range(MAX_REDIRECTS + 1):
                    answer = await self._once(wanted, method, given, body, bounds)
                    if answer.status not in _REDIRECTS or "location" not in answer.headers:
                        return answer
                    before, wanted = wanted, _join(wanted, answer.headers["location"])
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
                self._session(url, limits) as session,
                session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer,
            ):
                return await _read(answer, limits.max_bytes)
        except QuarterdeckError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise FetchError("The address could not be fetched.", detail=type(error).__name__) from error

    def _session(self, url: URL, limits: Limits) -> aiohttp.ClientSession:
        """For one request: whatever was judged is forgotten with it."""

        def judge(address: str) -> None:
            _judge(self._policy, url.raw_host or "", address, url.port or 0)

        connector = _Connector(
            judge,
            resolver=_Judging(self._policy, self._lookup),
            socket_factory=lambda info: _open_socket(judge, info),
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_s),
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            skip_auto_headers=("User-Agent",),
        )


class _Connector(aiohttp.TCPConnector):
    """Looks whom it is connected to before anything is sent."""

    def __init__(self, judge: Callable[[str], None], **options: Any) -> None:
        super().__init__(use_dns_cache=False, force_close=True, **options)
        self._judge = judge

    async def connect(self, *of_request: Any, **options: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*of_request, **options)
        try:
            peer = None if connection.transport is None else connection.transport.get_extra_info("peername")
            self._judge("" if peer is None else str(peer[0]))
        except AddressRefusedError:
            connection.close()
            raise
        return connection


class _Judging(AbstractResolver):
    """All addresses of a name must be good: one that is not, among others that are, is no accident."""

    def __init__(self, policy: Policy, lookup: Lookup) -> None:
        self._policy = policy
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._lookup(host, port)
        if not found:
            raise OSError("the name has no address")
        for address in found:
            _judge(self._policy, host, address, port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None: ...


def _open_socket(judge: Callable[[str], None], info: tuple[Any, ...]) -> socket.socket:
    """The last moment before connecting: `info` says where to."""
    family, kind, protocol, _, place = info
    judge(str(place[0]))
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def _judge(policy: Policy, host: str, address: str, port: int) -> None:
    parsed = parse_address(address)
    if parsed is None:
        raise AddressRefusedError("This address does not lead to a host.")
    policy.check_address(host, parsed, port)


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
