"""What is packed and what is handed on as it is."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from quarterdeck.web.compression import Compression, takes_gzip

LONG = b'{"text": "' + b"again and " * 500 + b'"}'


async def ask(
    *bodies: bytes, path: str = "/api/models", method: str = "GET", status: int = 200, kind: str = "application/json",
    accepted: str = "br, gzip",
) -> tuple[dict[str, str], list[bytes]]:  # fmt: skip
    """The answer's headers and pieces as they would go to the wire."""
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-type", kind.encode()), (b"content-length", str(sum(map(len, bodies))).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for place, body in enumerate(bodies, 1):
            await send({"type": "http.response.body", "body": body, "more_body": place < len(bodies)})

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    async def keep(message: Any) -> None:
        sent.append(message)

    headers = [(b"accept-encoding", accepted.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    await Compression(app)(scope, receive, keep)
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}, [part["body"] for part in sent[1:]]


@pytest.mark.parametrize("body", [LONG, LONG * 20])
async def test_a_list_arrives_packed_and_is_the_same_unpacked(body: bytes) -> None:
    headers, [packed] = await ask(body)
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "accept-encoding"
    assert int(headers["content-length"]) == len(packed) < len(body) / 5
    assert gzip.decompress(packed) == body


@pytest.mark.parametrize(
    "wanted",
    [
        {"accepted": "br"},
        {"accepted": "gzip;q=0"},
        {"method": "POST"},
        {"status": 404},
        {"path": "/api/me/keys"},
        {"path": "/api/turns/1/events"},
        {"kind": "text/event-stream"},
    ],
)
async def test_everything_else_is_handed_on_as_it_is(wanted: dict[str, Any]) -> None:
    headers, bodies = await ask(LONG, **wanted)
    assert "content-encoding" not in headers
    assert bodies == [LONG]


async def test_a_short_answer_and_one_of_several_pieces_are_handed_on_as_they_are() -> None:
    assert (await ask(b"{}"))[1] == [b"{}"]
    assert (await ask(LONG, LONG))[1] == [LONG, LONG]


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br;q=1, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip; q=0.0", False),
        ("gzipped", False),
    ],
)
def test_what_a_client_takes_is_read_from_its_header(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes
