"""What the egress client does with an answer: redirects, sizes, times, packed bodies; and what it does not send."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from tests.fakes.canary import INTERNET, Internet, open_internet

from quarterdeck.egress.client import MAX_REDIRECTS, Egress, Limits
from quarterdeck.egress.policy import Policy, read_allow_list
from quarterdeck.errors import AddressRefusedError, FetchError


@pytest.fixture
async def internet() -> AsyncIterator[Internet]:
    async with open_internet() as opened:
        yield opened


@pytest.fixture
def egress(internet: Internet) -> Egress:
    async def lookup(host: str, port: int) -> list[str]:
        return [INTERNET]

    names = " ".join(f"{host}:{internet.port}" for host in ("a.test", "b.test", INTERNET))
    return Egress(Policy(read_allow_list(names)), lookup)


def url_of(internet: Internet, path: str = "/", host: str = "a.test") -> str:
    return f"http://{host}:{internet.port}{path}"


def redirects(internet: Internet, count: int) -> str:
    url = url_of(internet)
    for _ in range(count):
        url = url_of(internet, f"/to?u={quote(url)}")
    return url


async def test_redirects_are_followed_up_to_a_number(egress: Egress, internet: Internet) -> None:
    found = await egress.fetch(redirects(internet, MAX_REDIRECTS))
    assert (found.status, found.body, found.url) == (200, b"hello", url_of(internet))
    internet.requests.clear()
    with pytest.raises(FetchError, match="redirects"):
        await egress.fetch(redirects(internet, MAX_REDIRECTS + 1))
    assert len(internet.requests) == MAX_REDIRECTS + 1


async def test_what_was_sent_to_one_place_is_not_sent_on_to_another(egress: Egress, internet: Internet) -> None:
    headers = {"Authorization": "Bearer canary", "Cookie": "canary=1", "X-Plain": "yes"}
    await egress.fetch(url_of(internet, f"/to?u={quote(url_of(internet, host='b.test'))}"), headers=headers)
    first, second = internet.requests
    assert b"canary" in first
    assert b"canary" not in second
    assert b"X-Plain: yes" in second or b"x-plain: yes" in second
    assert b"a=b" not in second, "cookies are not kept"


async def test_a_post_becomes_a_get_where_a_redirect_says_so(egress: Egress, internet: Internet) -> None:
    for status, method in (("302", b"GET"), ("303", b"GET"), ("307", b"POST")):
        internet.requests.clear()
        await egress.fetch(url_of(internet, f"/to?s={status}&u=/end"), method="POST", body=b"{}")
        assert [request.split(b" ")[0] for request in internet.requests] == [b"POST", method]


async def test_the_proxy_of_the_environment_is_not_used(
    egress: Egress, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    assert (await egress.fetch(url_of(internet))).body == b"hello"


def answer_of(body: bytes, *headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""]).encode() + body


PACKED = gzip.compress(b"\0" * 10_000_000)
BAD = {
    "longer than it may be": answer_of(b"", "Content-Length: 100000"),
    "longer than it may be, without saying so": answer_of(b"x" * 100_000),
    "a bomb": answer_of(PACKED, "Content-Encoding: gzip", f"Content-Length: {len(PACKED)}"),
    "packed in an unknown way": answer_of(b"x", "Content-Encoding: br", "Content-Length: 1"),
    "not whole": answer_of(b"x", "Content-Length: 5"),
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "an endless header": answer_of(b"", f"X-Long: {'x' * 100_000}"),
    "a redirect to no place": b"HTTP/1.1 302 Go\r\nLocation: mailto:a@b.test\r\nContent-Length: 0\r\n\r\n",
    "a redirect to nothing": b"HTTP/1.1 302 Go\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("case", BAD)
async def test_an_answer_that_is_not_as_agreed_is_refused_in_a_sentence(
    egress: Egress, internet: Internet, case: str
) -> None:
    internet.answers["/say"] = BAD[case]
    with pytest.raises((FetchError, AddressRefusedError)) as refused:
        await egress.fetch(url_of(internet, "/say"), limits=Limits(max_bytes=20_000, timeout_s=3))
    assert str(refused.value).endswith(".")


async def test_one_who_says_nothing_is_waited_for_no_longer_than_was_agreed(egress: Egress, internet: Internet) -> None:
    internet.answers["/say"] = b""
    with pytest.raises(FetchError, match="too long"):
        await egress.fetch(url_of(internet, "/say"), limits=Limits(timeout_s=0.5))


async def test_a_packed_answer_is_unpacked(egress: Egress, internet: Internet) -> None:
    packed = gzip.compress(b"hello " * 100)
    internet.answers["/say"] = answer_of(packed, "Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    assert (await egress.fetch(url_of(internet, "/say"))).body == b"hello " * 100
