"""The allow-list: networks, hosts and ports, and nothing that only looks like one."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from yarl import URL

from quarterdeck.egress.policy import Policy, read_allow_list
from quarterdeck.errors import AddressRefusedError, SetupError

LETS = [
    ("10.0.0.0/8", "x.test", "10.2.3.4", 80, True),
    ("10.0.0.0/8", "x.test", "11.2.3.4", 80, True),  # the public internet needs no entry
    ("10.0.0.0/8", "x.test", "192.168.0.1", 80, False),
    ("10.0.0.0/8", "x.test", "10.2.3.4", 8080, False),
    ("10.0.0.0/8:8080", "x.test", "10.2.3.4", 8080, True),
    ("10.0.0.0/8", "x.test", "::ffff:10.2.3.4", 443, True),
    ("wiki.internal", "wiki.internal", "192.168.0.9", 443, True),
    ("Wiki.Internal", "WIKI.internal.", "192.168.0.9", 443, True),
    ("wiki.internal", "evil.wiki.internal", "192.168.0.9", 443, False),
    ("wiki.internal:8443", "wiki.internal", "192.168.0.9", 8443, True),
    ("wiki.internal:8443", "wiki.internal", "192.168.0.9", 8444, False),
    ("wiki.internal:8443", "other.test", "8.8.8.8", 8443, False),
    ("wiki.internal:8443", "wiki.internal", "192.168.0.9", 443, False),
    ("wiki.internal:8443, wiki.internal", "wiki.internal", "192.168.0.9", 443, True),
    ("wiki.internal:8443", "wiki.internal", "8.8.8.8", 443, True),
    ("10.0.0.0/8:8443", "x.test", "10.0.0.1", 80, False),
    ("10.0.0.0/8:80", "x.test", "10.0.0.1", 80, True),
    ("[fd00::]/8", "x.test", "fd00::1", 80, None),
    ("fd00::/8", "x.test", "fd00::1", 80, True),
    ("[fd00::/8]:8443", "x.test", "fd00::1", 8443, True),
    ("127.0.0.1", "x.test", "127.0.0.1", 80, True),
    ("127.0.0.1", "x.test", "127.0.0.2", 80, False),
    ("", "x.test", "8.8.8.8", 22, False),
]


@pytest.mark.parametrize(("entry", "host", "address", "port", "passes"), LETS)
def test_the_allow_list_lets_through_what_it_names(
    entry: str, host: str, address: str, port: int, passes: bool | None
) -> None:
    if passes is None:
        with pytest.raises(SetupError):
            read_allow_list(entry)
        return
    policy = Policy(read_allow_list(entry))
    if passes:
        policy.check_address(host, ip_address(address), port)
    else:
        with pytest.raises(AddressRefusedError):
            policy.check_address(host, ip_address(address), port)


def test_entries_are_separated_by_commas_or_blanks() -> None:
    assert len(read_allow_list(" 10.0.0.0/8,wiki.internal:8443  [fd00::/8]:8080,\n")) == 3


@pytest.mark.parametrize(
    "text", ["http://x/", "10.0.0.0/33", "a b*c", "x:99999", "x:y", "-x.test", "10.0.0.0/8/8", "ü.test", "[x]"]
)
def test_an_entry_that_is_none_is_named(text: str) -> None:
    with pytest.raises(SetupError, match="QUARTERDECK_EGRESS_ALLOW"):
        read_allow_list(text)


def test_a_refusal_does_not_say_where_the_name_leads() -> None:
    with pytest.raises(AddressRefusedError) as refused:
        Policy().check_address("wiki.internal", ip_address("10.1.2.3"), 80)
    assert "10.1" not in refused.value.message
    with pytest.raises(AddressRefusedError):
        Policy().check_url(URL("http://user:password@example.org/"))
