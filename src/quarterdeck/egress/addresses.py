"""Which addresses are the public internet. Everything else is somebody's own network, or no network at all.

Sources: the IANA registries of special-purpose addresses (RFC 6890), RFC 6598 (CGNAT), RFC 6052 and 8215 (NAT64),
RFC 3056 (6to4), RFC 4380 (Teredo), and where clouds keep a machine's own secrets (metadata services).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Named one by one: what Python calls global has changed between its versions.
_NOT_PUBLIC: list[Network] = [
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's, for the machine itself
        "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
        "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
]  # fmt: skip
_UNICAST = ip_network("2000::/3")  # all that has been given out
_NAT64 = ip_network("64:ff9b::/96")


def parse_address(text: str) -> Address | None:
    """None for what is no address; a zone (`fe80::1%eth0`) is part of one, and makes it a local one."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def meant_address(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, or through NAT64); else itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether it is an address of the public internet, whatever it is wrapped in."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    meant = meant_address(address)
    if any(meant in network for network in _NOT_PUBLIC if network.version == meant.version):
        return False
    return meant.is_global and (meant.version == 4 or meant in _UNICAST)
