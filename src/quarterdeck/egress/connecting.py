"""A session for one request, which connects to addresses that were judged, and to no other."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from quarterdeck.egress.addresses import parse_address
from quarterdeck.egress.policy import Policy
from quarterdeck.errors import AddressRefusedError

_MAX_HEADER_BYTES = 16 * 1024

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a name, as text. Raises: `OSError`."""


def open_session(policy: Policy, lookup: Lookup, url: URL, connect_s: float) -> aiohttp.ClientSession:
    """Whatever was judged is forgotten with it."""

    def judge(address: str) -> None:
        _judge(policy, url.raw_host or "", address, url.port or 0)

    connector = _Connector(
        judge,
        resolver=_Judging(policy, lookup),
        socket_factory=lambda info: _open_socket(judge, info),
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
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
