"""Requests that a user or a model sends somewhere: none reaches what is not on the public internet.

The tests have a name service of their own, and a canary on the loopback addresses that counts whoever connects. What
stands for the public internet is another loopback address, which the policy allows, so that no packet leaves.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from tests.conftest import Report
from tests.fakes.canary import CANARY, INTERNET, Canary, Internet, open_canary, open_internet

from quarterdeck.egress import connecting as connecting_module
from quarterdeck.egress.client import Egress, Limits
from quarterdeck.egress.policy import Policy, read_allow_list
from quarterdeck.errors import AddressRefusedError, FetchError

QUICK = Limits(timeout_s=4.0, connect_s=1.0)

LOOPBACK = [
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1",
    "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0177.0.0.0x1", "127.000.000.001", "0", "0.0.0.0", "0x0",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
]  # fmt: skip
INTERNAL = [
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.255", "100.64.0.1",
    "100.127.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2", "192.0.0.192", "100.100.100.200",
    "168.63.129.16", "198.18.0.1", "192.0.2.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "0.1.2.3", "127.255.255.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518",
    "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::]", "[2001:db8::1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.1]", "[100::1]", "[3fff::1]", "[4000::1]",
]  # fmt: skip
NAMES = {
    "loop.test": ["127.0.0.1"], "loop6.test": ["::1"], "mapped.test": ["::ffff:127.0.0.1"], "any.test": ["0.0.0.0"],
    "any6.test": ["::"], "nat64.test": ["64:ff9b::7f00:1"], "six-to-four.test": ["2002:7f00:1::"],
    "metadata.google.internal": ["169.254.169.254"], "metadata6.test": ["fd00:ec2::254"], "wiki.corp": ["10.1.2.3"],
    "router.lan": ["192.168.1.1"], "cgnat.test": ["100.64.3.4"], "azure.test": ["168.63.129.16"],
    "link.test": ["fe80::1%lo"],
    "mixed.test": [INTERNET, CANARY], "mixed6.test": [INTERNET, "::1"], "mixed-last.test": [CANARY, INTERNET],
    "nothing.test": [], "nonsense.test": ["not an address"], "xn--nxasmq6b.test": ["127.0.0.1"],
}  # fmt: skip
REBINDING = ["rebind-a.test", "rebind-b.test", "rebind-c.test"]  # the internet at first, then the canary
NOT_THE_WEB = [
    "", "/", "//127.0.0.1:{port}/", "127.0.0.1:{port}", "file:///etc/passwd", "file://127.0.0.1/etc/passwd",
    "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_GET%20/", "dict://127.0.0.1:{port}/", "ws://127.0.0.1:{port}/",
    "ldap://127.0.0.1:{port}/", "data:text/plain,x", "javascript:alert(1)", "unix:///run/x.sock", "http+unix://x/",
    "http://", "http:///x", "http://:{port}/", "http:127.0.0.1:{port}/", "http:/127.0.0.1:{port}/", "jar:http://127.0.0.1!/",
    "http://127.0.0.1:{port}:80/", "http://[127.0.0.1]:{port}/", "http://[::1:{port}/", "http://::1:{port}/",
    "http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://127.0.0.1:{port}\\@good.test/", "http://good.test\\@127.0.0.1:{port}/",
    "http://good.test@127.0.0.1:{port}/", "http://127.0.0.1:{port}@good.test/", "http://a:b@good.test:{good}/",
    "http://good.test:{good}@127.0.0.1:{port}/", "http://good.test%40127.0.0.1:{port}/", "http://127.0.0.1%00.good.test/",
    "http://127.0.0.1:{port}/ HTTP/1.1\r\nX: y", "http://good.test\r\nHost: 127.0.0.1/", "http://\t127.0.0.1:{port}/",
    " http://127.0.0.1:{port}/", "http://127.0.0.1 .good.test:{port}/", "http://good.test :{port}/", "http://*:{port}/",
    "http://127.0.0.1/{port}" + "x" * 5_000, "http://good.test:22/", "http://good.test:6379/", "http://loop.test:25/",
]  # fmt: skip
STATUSES = (301, 302, 303, 307, 308)


class Names:
    """The tests' own name service; numbers that are spelled oddly are left to the system, as they would be."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        name = host.rstrip(".")
        if name in REBINDING:
            self._asked[name] = self._asked.get(name, 0) + 1
            return [INTERNET if self._asked[name] == 1 else CANARY]
        if name == "good.test":
            return [INTERNET]
        if name in NAMES:
            return NAMES[name]
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST if name != "localhost" else 0
        )
        return [str(place[0]) for *_, place in found]


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    async with open_canary() as opened:
        yield opened


@pytest.fixture
async def internet() -> AsyncIterator[Internet]:
    async with open_internet() as opened:
        yield opened


def policy_for(canary: Canary, internet: Internet) -> Policy:
    """Ports are no protection here: what is tried is the addresses. `good.test` may be fetched."""
    allowed = read_allow_list(f"{INTERNET}:{internet.port} {INTERNET}")
    return Policy(allowed, ports=frozenset({80, 443, canary.port, internet.port}))


def attempts(canary: Canary, internet: Internet, hosts: list[str]) -> list[str]:
    """Each host by itself, and as what a page of the internet redirects to."""
    direct = [f"http://{host}:{canary.port}/x" for host in hosts]
    turns = [STATUSES[number % len(STATUSES)] for number in range(len(direct))]
    redirected = [
        f"http://good.test:{internet.port}/to?s={status}&u={quote(url)}"
        for status, url in zip(turns, direct, strict=True)
    ]
    return direct + redirected


async def fetch_all(egress: Egress, urls: list[str]) -> list[str]:
    """What came of each: `refused`, `failed`, or what was read."""

    async def fetch(url: str) -> str:
        try:
            return (await egress.fetch(url, limits=QUICK)).body.decode()
        except AddressRefusedError:
            return "refused"
        except FetchError:
            return "failed"

    return [await fetch(url) for url in urls]


async def test_no_request_reaches_what_is_not_on_the_internet(
    canary: Canary, internet: Internet, report: Report
) -> None:
    egress = Egress(policy_for(canary, internet), Names())
    hosts = LOOPBACK + INTERNAL + list(NAMES)
    urls = attempts(canary, internet, hosts)
    urls += [url.replace("{port}", str(canary.port)).replace("{good}", str(internet.port)) for url in NOT_THE_WEB]
    said = await fetch_all(egress, urls)
    wrong = [f"{url}: {word}" for url, word in zip(urls, said, strict=True) if word not in ("refused", "failed")]
    wrong += [f"{canary.hits} hits: {canary.received[:100]!r}"] if canary.hits else []
    assert said.count("refused") > 0.85 * len(said), "failing is for names that lead nowhere"
    assert len(urls) >= 150
    report("forged requests that reach the canary", wrong, len(urls))


async def test_a_name_that_changes_its_address_is_followed_nowhere_else(
    canary: Canary, internet: Internet, report: Report
) -> None:
    """The first answer is the internet, every later one the canary: checked and connected to is one and the same."""
    wrong, count = [], 0
    for name in REBINDING:
        names = Names()
        egress = Egress(policy_for(canary, internet), names)
        url = f"http://{name}:{internet.port}/"
        said = await fetch_all(egress, [url, url, f"http://{name}:{canary.port}/"])
        count += len(said)
        wrong += [] if said == ["hello", "refused", "refused"] else [f"{name}: {said}"]
        back = f"http://{name}:{internet.port}/to?u={quote(f'http://{name}:{canary.port}/')}"
        said = await fetch_all(Egress(policy_for(canary, internet), Names()), [back])
        count += 1
        wrong += [] if said == ["refused"] else [f"{name} after a redirect: {said}"]
    wrong += [f"{canary.hits} hits"] if canary.hits else []
    report("rebinding names that reach the canary", wrong, count)


async def test_without_the_check_the_canary_is_reached(canary: Canary, internet: Internet) -> None:
    """The negative control: the same attempts, where they lead to this machine."""
    urls = attempts(canary, internet, [*LOOPBACK, "loop.test", "mapped.test", "any.test", *REBINDING])
    said = await fetch_all(Egress(Policy(is_checked=False), Names()), urls)
    assert said.count("secret") > len(urls) * 0.6, said
    assert canary.hits > len(urls) * 0.6


@pytest.mark.parametrize("layer", ["the socket", "the peer"])
async def test_each_layer_of_the_check_holds_by_itself(
    canary: Canary, internet: Internet, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name service's answer is let through unseen; then the socket's address, too: nothing has been sent."""
    real = connecting_module._judge
    monkeypatch.setattr(connecting_module._Judging, "resolve", _resolve_unjudged)
    if layer == "the peer":
        monkeypatch.setattr(connecting_module, "_open_socket", lambda judge, info: _plain_socket(info))
    egress = Egress(policy_for(canary, internet), Names())
    assert await fetch_all(egress, [f"http://loop.test:{canary.port}/"]) == ["refused"]
    assert canary.received == b""
    assert canary.hits == (1 if layer == "the peer" else 0)
    assert connecting_module._judge is real


async def _resolve_unjudged(self: object, host: str, port: int = 0, family: object = None) -> list[dict[str, object]]:
    [address] = NAMES[host]
    return [{"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]


def _plain_socket(info: tuple[int, int, int, str, object]) -> socket.socket:
    made = socket.socket(info[0], info[1], info[2])
    made.setblocking(False)
    return made


async def test_an_allowed_address_is_fetched_and_its_neighbour_is_not(canary: Canary, internet: Internet) -> None:
    for entry in (f"{INTERNET}:{internet.port}", f"wiki.test:{internet.port}", f"127.0.0.2/31:{internet.port}"):
        egress = Egress(Policy(read_allow_list(entry)), _everything_is_the_internet)
        host = "wiki.test" if "wiki" in entry else INTERNET
        assert await fetch_all(egress, [f"http://{host}:{internet.port}/"]) == ["hello"]
        elsewhere = [
            f"http://{CANARY}:{internet.port}/",
            f"http://{host}:{canary.port}/",
            f"http://other.test:{canary.port}/",
        ]
        assert await fetch_all(egress, elsewhere) == ["refused"] * 3
    assert canary.hits == 0


async def _everything_is_the_internet(host: str, port: int) -> list[str]:
    return [INTERNET]
