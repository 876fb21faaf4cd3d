"""The parser is passed by only where it waits for a chunk, and the decoder only between two events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.contract.provider_cases import PATIENT, ask, text_of

from quarterdeck.domain.step import Delta, TextChunk
from quarterdeck.errors import ProviderError
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.http_provider import HttpProvider
from quarterdeck.providers.openai_compatible import OpenAIDialect
from quarterdeck.providers.polling import source_of
from quarterdeck.providers.transport import Transport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PAUSE_S = 0.02


def event(word: str, finish: str = "null") -> bytes:
    said = b'{"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":%b}]}'
    return b"data: " + said % (word.encode(), finish.encode()) + b"\n\n"


def in_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


BEGIN = [HEAD + in_chunk(event("Once")), in_chunk(event(" upon")), in_chunk(event(" a")), in_chunk(event(" time"))]
END = in_chunk(event("", '"stop"') + b"data: [DONE]\n\n") + b"0\r\n\r\n"
LIKE_CHUNKS = in_chunk(event(" there"))  # but they are the data of one


def inside_one_chunk(*pieces: bytes) -> list[bytes]:
    data = b"".join(pieces)
    return [b"%x\r\n" % len(data) + pieces[0], *pieces[1:-1], pieces[-1] + b"\r\n" + END]


def behind_another(pieces: list[bytes]) -> list[bytes]:
    return [in_chunk(event(" was")) + pieces[0], *pieces[1:]]


@asynccontextmanager
async def saying(pieces: list[bytes]) -> AsyncIterator[HttpProvider]:
    """A provider whose server writes each piece by itself."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(PAUSE_S)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    transport = Transport(PATIENT)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    endpoint = Endpoint(name="openai", label="Acme", dialect="openai", base_url=address, key="k")
    async with server:
        yield HttpProvider(endpoint, OpenAIDialect(), transport, backoff_s=0.01)
        await transport.close()


async def read(pieces: list[bytes]) -> tuple[str, ProviderError | None]:
    """What is said when it is polled for as often as anything comes."""
    deltas: list[Delta] = []
    async with saying(pieces) as provider:
        stream = provider.stream(ask())
        source = source_of(stream)
        try:
            async for batch in stream:
                deltas += batch
                while (more := source.poll()) is not None:
                    deltas += [TextChunk(more)] if more else []
                    await asyncio.sleep(PAUSE_S / 10)
        except ProviderError as error:
            return text_of(deltas), error
        finally:
            await stream.aclose()
    return text_of(deltas), None


@pytest.mark.parametrize(
    "pieces",
    [
        inside_one_chunk(event(" was"), LIKE_CHUNKS, event(".")),
        inside_one_chunk(event(" was") + b"\r\n", LIKE_CHUNKS, event(".")),
        inside_one_chunk(b"", LIKE_CHUNKS, event(".")),
        behind_another(inside_one_chunk(b"", LIKE_CHUNKS, event("."))),
    ],
    ids=["between two events", "behind what ends as a chunk does", "behind its size", "behind a chunk and its size"],
)
async def test_what_looks_like_chunks_inside_a_chunk_is_its_data(pieces: list[bytes]) -> None:
    said, error = await read(BEGIN + pieces)
    assert error is None
    assert said.replace(" was", "") == "Once upon a time there."


async def test_what_looks_like_an_event_inside_an_event_is_a_part_of_it() -> None:
    halves = [in_chunk(b'data: {"choices":\n'), in_chunk(event(" never"))]
    said, error = await read([*BEGIN, *halves, END])
    assert said == "Once upon a time"
    assert isinstance(error, ProviderError)


async def test_an_event_is_not_put_together_by_taking_away_what_is_not_the_frame_of_a_chunk() -> None:
    there = event(" there")
    pieces = inside_one_chunk(event(" was") + b"\r\n", in_chunk(there[:40]) + in_chunk(there[40:]), event("."))
    said, error = await read(BEGIN + pieces)
    assert said == "Once upon a time was"
    assert isinstance(error, ProviderError)
