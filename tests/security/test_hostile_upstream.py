"""A hostile upstream: its output is data. The server stays up, bounded, and says what was wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.conftest import MakeServer, Report
from tests.harness.checks import find_differences, find_disorder
from tests.harness.full_client import new_name, open_full
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.stored import fetch_message
from tests.harness.waiting import trials

_SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
MIB = 1 << 20


def chunk(delta: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


ANSWERS: dict[str, list[bytes]] = {
    "an endless line": [_SSE, b"data: ", *[b"x" * MIB] * 64],
    "an endless header": [b"HTTP/1.1 200 OK\r\nX-Big: ", *[b"x" * MIB] * 16],
    "a huge frame": [_SSE, chunk({"content": "y" * (6 * MIB)}), _END],
    "huge frames without end": [_SSE, *[chunk({"content": "z" * (MIB // 2)})] * 200, _END],
    "bad UTF-8": [_SSE, b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe\xc3"}}]}\n\n', _END],
    "NUL and control characters": [_SSE, chunk({"content": "a\x00b\x1b[31m\u202e\x07"}), _END],
    "half a surrogate pair": [_SSE, b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n', _END],
    "deep nesting": [_SSE, b"data: " + b"[" * 100_000 + b"\n\n", _END],
    "wrong types": [_SSE, chunk({"content": {"text": 5}}), chunk([1, 2]), chunk("text"), chunk(None), _END],
    "no choices": [_SSE, b"data: {}\n\n", b'data: {"choices": {}}\n\n', b'data: {"choices": [null]}\n\n', _END],
    "a huge number": [_SSE, b'data: {"choices":[{"index":' + b"9" * 5000 + b',"delta":{"content":"n"}}]}\n\n', _END],
    "numbers for usage that are none": [_SSE, b'data: {"choices":[],"usage":{"prompt_tokens":-1e99}}\n\n', _END],
    "unknown tool calls": [
        _SSE,
        chunk({"tool_calls": [{"index": 99, "id": "a", "function": {"name": "rm -rf", "arguments": "{"}}]}),
        chunk({"tool_calls": [{"index": -1}, {"function": None}, 7]}),
        _END,
    ],
    "nothing but comments": [_SSE, b": hi\n\n" * 1000],
    "only empty lines": [_SSE, b"\n" * 1_000_000],
    "a lie about the length": [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}"],
    "no HTTP": [b"SSH-2.0-OpenSSH\r\n"],
    "a bad chunk size": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n"],
    "bad compression": [_SSE.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"), b"not gzip at all"],
    "a redirect to the metadata": [
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    ],
    "an error of megabytes": [b"HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\n", *[b"e" * MIB] * 32],
    "an error with markup": [
        b"HTTP/1.1 400 No\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        b'{"error":{"message":"<script>alert(1)</script>\\n\\n\\u0000 Bearer sk-0123456789abcdefghij"}}'
    ],
}


@asynccontextmanager
async def open_hostile(pieces: list[bytes]) -> AsyncIterator[int]:
    """A TCP server that reads a request and writes `pieces`, whatever they are; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    hostile = await asyncio.start_server(answer, "127.0.0.1", 0, limit=MIB)
    async with hostile:
        yield hostile.sockets[0].getsockname()[1]


def peak_bytes(running: Server) -> int:
    return 1024 * int(Path(f"/proc/{running.pid}/status").read_text().split("VmHWM:")[1].split()[0])


@pytest.mark.parametrize("name", ANSWERS)
async def test_hostile_answers_end_the_turn_and_nothing_else(server: Server, report: Report, name: str) -> None:
    wrong: list[str] = []
    provider = new_name("hostile")[:30]
    for _ in range(trials(1, 5)):
        async with open_hostile(ANSWERS[name]) as port, open_full(server.port, server.key) as client:
            with server.http() as http:
                given = {"base_url": f"http://127.0.0.1:{port}/v1"}
                assert (await asyncio.to_thread(http.put, f"/api/providers/{provider}", json=given)).status_code == 200
                accepted = await client.send(model=f"{provider}/m")
                transcript = await client.until_ended(accepted["turn"], 30)
                stored = fetch_message(http, accepted["conversation"], accepted["answer"])
                wrong += find_disorder(transcript) + find_differences(transcript, stored)
                wrong += _find_wrong_sentence(stored["error"])
                http.delete(f"/api/providers/{provider}")
    async with open_simple(server.port, server.key) as simple:
        frames = await simple.ask("Are you there?", new_name("chat"), model="builtin/log-reader")
        assert frames[-1]["tag"] == "message"
    report(f"hostile upstream: {name}", wrong, trials(1, 5))


def _find_wrong_sentence(error: dict[str, str] | None) -> list[str]:
    if error is None:
        return []
    wrong = [] if error["code"].startswith(("provider_", "model_", "context_")) else [f"code {error['code']}"]
    if len(error["message"]) > 1_000 or "Traceback" in error["message"] or "sk-0123" in error["message"]:
        wrong.append(f"told {error['message'][:200]}")
    return wrong


async def test_an_endless_answer_takes_no_endless_memory(make_server: MakeServer) -> None:
    running = make_server().start()
    for name in ("an endless line", "an endless header", "an error of megabytes"):
        async with open_hostile(ANSWERS[name]) as port, open_full(running.port, running.key) as client:
            with running.http() as http:
                given = {"base_url": f"http://127.0.0.1:{port}/v1"}
                await asyncio.to_thread(http.put, "/api/providers/hostile", json=given)
            accepted = await client.send(model="hostile/m")
            await client.until_ended(accepted["turn"], 30)
    assert peak_bytes(running) < 250 * MIB
