"""A provider that speaks OpenAI's chat completions at an exact pace and costs next to nothing.

    python -m bench.upstream PORT

The model's name says what it does: `tokens-300-at-50` streams 300 tokens, 50 a second, the first at
once; `at-0` sends all in one write. Each token is the five characters of `WORD`; with `stamped-300-at-50` it
is the moment at which it is written instead, in microseconds of `time.monotonic`, after a space.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

WORD = " word"
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


def model_name(tokens: int, per_s: int) -> str:
    return f"tokens-{tokens}-at-{per_s}"


def stamped_model_name(tokens: int, per_s: int) -> str:
    """`per_s` is not 0."""
    return f"stamped-{tokens}-at-{per_s}"


def _framed(payload: bytes) -> bytes:
    """One SSE event in one HTTP chunk."""
    event = b"data: " + payload + b"\n\n"
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _framed(_body([choice]))


def _body(choices: list[dict[str, object]], usage: dict[str, int] | None = None) -> bytes:
    fields = {
        "id": "chatcmpl-C0ffee0123456789abcdefghijk",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": "gpt-5-mini-2025-08-07",
        "service_tier": "default",
        "system_fingerprint": None,
        "choices": choices,
    }
    return json.dumps(fields if usage is None else {**fields, "usage": usage}, separators=(",", ":")).encode()


_FIRST = _chunk({"role": "assistant", "content": ""})
_TOKEN = _chunk({"content": WORD})
_STAMP = "0" * 16
_STAMPED = _chunk({"content": f" {_STAMP}"})
_STOP = _chunk({}, "stop")
_END = _framed(b"[DONE]") + b"0\r\n\r\n"


def _ending(tokens: int, wants_usage: bool) -> bytes:
    usage = {"prompt_tokens": 20, "completion_tokens": tokens, "total_tokens": 20 + tokens}
    return _STOP + (_framed(_body([], usage)) if wants_usage else b"") + _END


def _stamped() -> bytes:
    return _STAMPED.replace(_STAMP.encode(), f"{time.monotonic_ns() // 1000:016}".encode())


def _whole(tokens: int) -> dict[str, object]:
    """The same answer in one piece."""
    message = {"role": "assistant", "content": WORD * tokens}
    usage = {"prompt_tokens": 20, "completion_tokens": tokens, "total_tokens": 20 + tokens}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "choices": [choice], "usage": usage}


class Upstream(asyncio.Protocol):
    """One connection, kept alive from request to request."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None
        self._is_stamped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _content_length(head)
        if len(rest) < length:
            return
        self._received = rest[length:]
        self._answer(head, rest[:length])

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._write_json({"object": "list", "data": [{"id": model_name(300, 50), "object": "model"}]})
            return
        request = json.loads(body)
        kind, tokens, _, per_s = str(request["model"]).split("-")
        self._is_stamped = kind == "stamped"
        if not request.get("stream"):
            self._write_json(_whole(int(tokens)))
            return
        ending = _ending(int(tokens), bool((request.get("stream_options") or {}).get("include_usage")))
        if int(per_s) == 0:
            self._write(_HEAD + _FIRST + _TOKEN * int(tokens) + ending)
            return
        self._write(_HEAD + _FIRST + self._token())
        self._go_on(self._loop.time(), 1, int(tokens), 1 / int(per_s), ending)

    def _go_on(self, started_s: float, sent: int, tokens: int, every_s: float, ending: bytes) -> None:
        """The next token at its time; the times do not drift."""
        if sent >= tokens:
            self._write(ending)
            return
        self._timer = self._loop.call_at(
            started_s + sent * every_s, self._send_token, started_s, sent, tokens, every_s, ending
        )

    def _send_token(self, started_s: float, sent: int, tokens: int, every_s: float, ending: bytes) -> None:
        self._write(self._token())
        self._go_on(started_s, sent + 1, tokens, every_s, ending)

    def _token(self) -> bytes:
        return _stamped() if self._is_stamped else _TOKEN

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _write_json(self, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self._write(head.encode() + body)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
