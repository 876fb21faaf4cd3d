"""Plays a script as a stream of server-sent events, with the misbehaviour it asks for."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from tests.fakes.script import Script

if TYPE_CHECKING:
    from tests.fakes.serving import Received

_ENDLESS_BYTES = 256 << 20


class Playback(ABC):
    """One answer in one dialect. Events are finished bytes, blank line included."""

    def __init__(self, script: Script, model: str, stream: bool, wants_usage: bool = True) -> None:
        self.script = script
        self.model = model
        self.stream = stream
        self.wants_usage = wants_usage
        self.input_tokens = script.usage.input
        self.output_tokens = script.usage.output or len(script.pieces)

    def end_after(self, tokens: int) -> None:
        """Of a longer answer only the beginning is said; a piece is a token."""
        if self.output_tokens > tokens:
            self.script = msgspec.structs.replace(self.script, pieces=self.script.pieces[:tokens], finish="length")
            self.output_tokens = tokens

    @abstractmethod
    def head(self) -> list[bytes]:
        """What comes before the first word."""

    @abstractmethod
    def think(self, text: str) -> bytes: ...

    @abstractmethod
    def say(self, text: str) -> bytes: ...

    @abstractmethod
    def call_tools(self) -> list[bytes]: ...

    @abstractmethod
    def tail(self, *, filtered: bool = False, refused: bool = False) -> list[bytes]:
        """The model's own end and the usage."""

    @abstractmethod
    def fail(self) -> bytes:
        """An error object in the stream."""

    @abstractmethod
    def whole(self) -> bytes:
        """The same answer as one JSON body."""

    async def play(self, request: web.Request, received: Received) -> web.StreamResponse:
        fault = self.script.fault
        if fault == "html":
            return web.Response(text="<!doctype html><title>Welcome</title>", content_type="text/html")
        if fault == "redirect":
            return web.Response(status=307, headers={"Location": "/elsewhere"})
        if fault == "hang_up":
            _cut(request)
            raise ConnectionResetError
        if not self.stream or fault == "json":
            await asyncio.sleep(self.script.delay_s * len(self.script.pieces))
            return web.Response(body=self.whole(), content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        if fault != "empty":
            await self._play_stream(request, response, received)
        await asyncio.sleep(self.script.close_delay_s)
        await response.write_eof()
        return response

    async def _play_stream(self, request: web.Request, response: web.StreamResponse, received: Received) -> None:
        script = self.script
        if script.fault == "no_words":
            await self._write(response, *self.head(), *self.tail())
            return
        await self._write(response, *self.head())
        for text in script.reasoning:
            await asyncio.sleep(script.delay_s)
            await self._write(response, self.think(text))
        if script.fault == "refusal":
            await self._write(response, *self.tail(refused=True))
            return
        loop = asyncio.get_running_loop()
        begun = loop.time()
        breaks_after = script.fault_after if script.fault else len(script.pieces)
        for number, text in enumerate(script.pieces[:breaks_after], 1):
            if script.delay_s and not received.is_hurried:
                await asyncio.sleep(max(begun + number * script.delay_s - loop.time(), 0))
            await self._write(response, self.say(text))
            received.pieces_sent = number
        if script.fault:
            await self._misbehave(request, response)
        else:
            await self._write(response, *self.call_tools(), *self.tail())

    async def _misbehave(self, request: web.Request, response: web.StreamResponse) -> None:
        match self.script.fault:
            case "stall":
                await asyncio.sleep(3600)
            case "cut":
                _cut(request)
                raise ConnectionResetError
            case "malformed":
                await self._write(response, b'data: {"choices": [{"delta": {"content": "tru\n\n', *self.tail())
            case "bad_utf8":
                await self._write(response, self.say("@@").replace(b"@@", b"\xff\xfe\xc3"), *self.tail())
            case "error":
                await self._write(response, self.fail())
            case "filter":
                await self._write(response, *self.tail(filtered=True))
            case "endless_line":
                await response.write(b"data: ")
                for _ in range(_ENDLESS_BYTES >> 16):
                    await response.write(b"x" * (1 << 16))

    async def _write(self, response: web.StreamResponse, *events: bytes) -> None:
        wire = b"".join(events)
        size = self.script.write_bytes
        if not size:
            await response.write(wire)
            return
        for start in range(0, len(wire), size):
            await response.write(wire[start : start + size])
            await asyncio.sleep(0)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
