"""Whom an address stands for, where what comes from it is counted."""

from __future__ import annotations

import ipaddress


def household(address: str) -> str:
    """An IPv6 subscriber has 2^64 addresses: their network. Whatever is no address stands for itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:  # as a socket for both kinds, or a proxy, writes an IPv4 address
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
