"""Under which names this server may be called. What a name service says of any other name proves nothing."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.types import Scope

from quarterdeck.config import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WILDCARDS = frozenset({"0.0.0.0", "::"})  # nosec B104  # noqa: S104  # named here to be recognised


class Hosts:
    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.public_url).hostname
        self._names = LOOPBACK | {settings.host.lower()} | ({public} if public else set())
        self._is_everywhere = settings.host in _WILDCARDS
        if self._is_everywhere:
            machine = socket.gethostname().lower()
            self._names |= {machine, f"{machine.partition('.')[0]}.local"}

    def has(self, name: str, scope: Scope) -> bool:
        """`name`: of the Host header, in lower case, without the port.

        Listening on all addresses, also the one that this very connection has come in at.
        """
        return name in self._names or (self._is_everywhere and _is_address(name, (scope.get("server") or ("",))[0]))


def _is_address(name: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
