"""Where a request may go: schemes, ports, addresses, and what the allow-list adds."""

from __future__ import annotations

import re
from ipaddress import ip_network

from msgspec import Struct
from yarl import URL

from quarterdeck.egress.addresses import Address, Network, is_public, meant_address, parse_address
from quarterdeck.errors import AddressRefusedError, SetupError

_ENTRY = re.compile(
    r"(?:\[(?P<brackets>[^\]]+)\]|(?P<plain>[^\[\]:]+)|(?P<bare>[0-9a-fA-F:]+(?:/\d+)?))(?::(?P<port>\d+))?"
)
_HOST = re.compile(r"(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_MAX_URL_CHARS = 4_000


class Allowed(Struct, frozen=True):
    """One entry of the allow-list: a network or a host name; `port` 0 stands for 80 and 443."""

    host: str
    network: Network | None
    port: int


class Policy(Struct, frozen=True):
    allowed: tuple[Allowed, ...] = ()
    ports: frozenset[int] = frozenset({80, 443})
    is_checked: bool = True  # False: any address and port; for measuring what the checks are worth

    def check_url(self, url: URL) -> None:
        """What can be said before the name is looked up. Raises: `AddressRefusedError`."""
        if url.scheme not in ("http", "https") or not url.raw_host:
            raise AddressRefusedError("Only http and https addresses can be fetched.")
        if url.user is not None or url.password is not None:
            raise AddressRefusedError("An address with a user name or a password in it is not fetched.")
        if len(str(url)) > _MAX_URL_CHARS:
            raise AddressRefusedError("This address is too long to be fetched.")
        if (address := parse_address(url.raw_host)) is not None:
            self.check_address(url.raw_host, address, url.port or 0)
        elif not _HOST.fullmatch(url.raw_host):
            raise AddressRefusedError("This address does not name a host.")
        else:
            self._check_port(url.raw_host, None, url.port or 0)

    def check_address(self, host: str, address: Address, port: int) -> None:
        """`address` is what `host` led to. Raises: `AddressRefusedError`, which does not say what that is."""
        if not self.is_checked:
            return
        self._check_port(host, address, port)
        if not is_public(address) and not any(
            self._is_for(entry, port) and self._lets(entry, host, address) for entry in self.allowed
        ):
            raise AddressRefusedError("This address is not on the public internet, so it is not fetched.")

    def _check_port(self, host: str, address: Address | None, port: int) -> None:
        if not self.is_checked or port in self.ports:
            return
        if not any(
            entry.port == port and ((address is None and entry.network is not None) or self._lets(entry, host, address))
            for entry in self.allowed
        ):
            raise AddressRefusedError("Only the ports 80 and 443 are fetched from.")

    def _is_for(self, entry: Allowed, port: int) -> bool:
        return port == entry.port if entry.port else port in self.ports

    @staticmethod
    def _lets(entry: Allowed, host: str, address: Address | None) -> bool:
        if entry.network is None:
            return entry.host == _plain_name(host)
        if address is None:
            return False
        return any(
            way.version == entry.network.version and way in entry.network for way in (address, meant_address(address))
        )


def read_allow_list(text: str) -> tuple[Allowed, ...]:
    """`10.0.0.0/8, wiki.internal:8080, [fd00::/8]:8443`. Raises: `SetupError` naming the entry that is none."""
    return tuple(_read_entry(entry) for entry in re.split(r"[,\s]+", text) if entry)


def _read_entry(text: str) -> Allowed:
    found = _ENTRY.fullmatch(text)
    place = next(filter(None, found.group("brackets", "plain", "bare")), "") if found else ""
    port = int(found["port"] or 0) if found else 0
    try:
        return Allowed("", ip_network(place, strict=False), port)
    except ValueError:
        name = _plain_name(place)
        if (found and found["brackets"]) or "/" in place or ":" in place or not _HOST.fullmatch(name) or port > 65_535:
            raise SetupError(
                f"The setting QUARTERDECK_EGRESS_ALLOW is not usable: {text!r} is neither a network nor a host."
            ) from None
        return Allowed(name, None, port)


def _plain_name(host: str) -> str:
    return host.lower().rstrip(".")
