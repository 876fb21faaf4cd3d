"""Which addresses are the public internet: never one that Python calls private, whatever it is wrapped in."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.egress.addresses import is_public, meant_address, parse_address

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0",
    "169.253.255.255", "192.167.255.255", "223.255.255.255", "198.17.255.255", "198.20.0.0", "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e", "2003::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_the_public_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public(address) or meant_address(address) != address


@given(st.ip_addresses(v=4))
def test_an_address_that_is_wrapped_is_judged_as_what_is_in_it(address: IPv4Address) -> None:
    mapped = IPv6Address(0xFFFF << 32 | int(address))
    through_nat64 = IPv6Address((0x64FF9B << 96) | int(address))
    assert is_public(mapped) == is_public(through_nat64) == is_public(address)
    assert not is_public(IPv6Address((0x2002 << 112) | (int(address) << 80)))


@pytest.mark.parametrize(
    "text", ["", "localhost", "1.2.3", "1.2.3.4.5", "0x7f.0.0.1", "1.2.3.4/32", "[::1]", "2130706433"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_address(text) is None


def test_an_address_with_a_zone_is_never_public() -> None:
    address = parse_address("2606:4700:4700::1111%eth0")
    assert address is not None
    assert not is_public(address)
