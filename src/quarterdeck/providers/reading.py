"""Reads a streamed answer: network reads in, lists of deltas out, one list per read.

The hot path of the house: a few microseconds a token. So there is no task, no time-out object and no
inner generator per read; one timer per stream watches for silence. While text comes fast, whoever ticks polls: then
the connection is not read in between.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quarterdeck.domain.step import Delta, TextChunk
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.late import Late
from quarterdeck.providers.answer import AnswerDecoder
from quarterdeck.providers.faults import MALFORMED, FaultKind, UpstreamError
from quarterdeck.providers.sse import EventSplitter
from quarterdeck.providers.text_shape import TextShape
from quarterdeck.providers.transport import MAX_BODY_BYTES, Timeouts

if TYPE_CHECKING:
    import aiohttp

    from quarterdeck.providers import connection
else:
    aiohttp = Late("aiohttp")
    connection = Late("quarterdeck.providers.connection")

_AFTER_FINISH_S = 5.0  # the model has ended: how long we wait for usage and the end of the stream
_FOR_REUSE_S = 0.05  # how long we wait for the end of the body, so that the connection can be used again


class SilenceWatch:
    """Breaks a read that has waited too long. Time between reads, while the reader is busy, does not count."""

    def __init__(self, content: aiohttp.StreamReader, kind: FaultKind, limit_s: float) -> None:
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._waiting_since = 0.0
        self.kind: FaultKind = kind
        self.limit_s = limit_s
        self._timer = self._loop.call_later(limit_s, self._look)

    def take(self) -> bytes:
        """What has arrived already; b"" when nothing has, or the stream is at its end or broken: `read` tells."""
        return b"" if self._content.exception() is not None else self._content.read_nowait()

    async def read(self) -> bytes:
        """The next bytes, b"" at the end. Raises: `UpstreamError` after `limit_s` seconds of silence."""
        self._waiting_since = self._loop.time()
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, OSError):
            if rest := _take_unread(self._content):
                return rest
            raise
        finally:
            self._waiting_since = 0.0

    def expect(self, kind: FaultKind, limit_s: float) -> None:
        """From now on another limit counts."""
        self.kind, self.limit_s = kind, limit_s
        self._timer.cancel()
        self._timer = self._loop.call_later(limit_s, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        silent_s = self._loop.time() - self._waiting_since if self._waiting_since else 0.0
        if silent_s >= self.limit_s:
            self._content.set_exception(UpstreamError(self.kind, limit_s=self.limit_s))
        else:
            self._timer = self._loop.call_later(self.limit_s - silent_s, self._look)


def _take_unread(content: aiohttp.StreamReader) -> bytes:
    """What had arrived before the connection broke. aiohttp hands it out no more then, but it is the user's."""
    rest = b"".join(content._buffer)[content._buffer_offset :]
    content._buffer.clear()
    content._buffer_offset = 0
    return rest


class AnswerReader:
    """One streamed answer. `read` until it gives None; `close` in any case."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        decoder: AnswerDecoder,
        profile: ModelProfile,
        timeouts: Timeouts,
        may_be_empty: bool,
    ) -> None:
        if "html" in response.headers.get("Content-Type", ""):
            raise UpstreamError("not_an_api", detail="text/html came")
        self._response = response
        self._decoder = decoder
        self._profile = profile
        self._timeouts = timeouts
        self._may_be_empty = may_be_empty
        self._splitter = EventSplitter()
        self._shape = TextShape()
        self._watch = SilenceWatch(response.content, "first_token_timeout", timeouts.first_token_s)
        self._body: bytearray | None = None  # of an answer that is no stream but one JSON
        self._has_started = False
        self.has_begun = False  # words or reasoning have come
        self._fault: UpstreamError | None = None
        self._ended = False
        self._kept: list[Delta] = []  # has come, and is more than text: `take` gives it
        self._connection = _connection_of(response)

    def poll(self) -> str | None:
        """Words that have come; empty if none have. None when it is for `take` and `read` to tell what there is."""
        if self._fault is not None or self._ended or self._kept:
            return None
        content, held = self._response.content, self._connection
        chunk = b""
        if held is not None and not content.is_eof():
            chunk = held.drain()
        if held is None or not held.is_between:
            chunk += self._watch.take()
        if not chunk:
            is_over = self._decoder.finish is not None or content.is_eof() or content.exception() is not None
            return None if is_over else ""
        text = self._shape.read(chunk) if self._splitter.is_between else None
        if text is None and (text := self._decode_text(chunk)) is None:
            return None
        if not content.is_eof() and held is not None:
            held.hold()
        return text

    def _decode_text(self, chunk: bytes) -> str | None:
        """None when it is more than text."""
        out: list[Delta] = []
        is_between = self._splitter.is_between
        try:
            self._understand(chunk, out)
        except UpstreamError as fault:
            self._fault = fault
        texts = [delta.text for delta in out if type(delta) is TextChunk]
        if len(texts) < len(out):
            self._kept = out
            return None
        if texts and is_between and self._splitter.is_between:
            self._shape.learn(chunk, texts[-1], self._decoder)
        return "".join(texts)

    def take(self) -> list[Delta]:
        """What has come already; empty if there is nothing yet, or nothing more: `read` waits, and tells.

        Raises: as `read`.
        """
        self._let_go()
        out, self._kept = self._kept, []
        if not out and self._fault is None and not self._ended and (chunk := self._watch.take()):
            self._understand(chunk, out)
        return out

    async def read(self) -> list[Delta] | None:
        """What came with the next network read that says something; None after the end.

        Raises: `UpstreamError`, after everything that came before it was given out.
        """
        if self._fault is not None:
            raise self._fault
        self._let_go()
        out, self._kept = self._kept, []
        while not out:
            if self._ended:
                return None
            self._understand(self._watch.take() or await self._receive(), out)
        return out

    def _let_go(self) -> None:
        """The event loop reads: who waits is woken by it."""
        if self._connection is not None and not self._response.content.is_eof():
            self._connection.let_go()

    async def release(self) -> None:
        """The answer is complete: let the connection be used again if the body ends at once."""
        self._watch.stop()
        if not self._response.content.at_eof():
            try:
                async with asyncio.timeout(_FOR_REUSE_S):
                    while await self._response.content.readany():
                        pass
            except (TimeoutError, aiohttp.ClientError, OSError, UpstreamError):
                pass  # `close` ends the connection then

    def close(self) -> None:
        """Closes the upstream connection at once, unless the body was read to its end."""
        self._watch.stop()
        self._response.close()

    async def _receive(self) -> bytes:
        try:
            return await self._watch.read()
        except (aiohttp.ClientError, OSError) as error:
            if self._decoder.finish is not None:
                return b""  # the model had said its end; only the connection's end was rude
            raise UpstreamError("cut", detail=f"{type(error).__name__}: {error}") from None
        except UpstreamError:
            if self._decoder.finish is not None:
                return b""
            raise

    def _understand(self, chunk: bytes, out: list[Delta]) -> None:
        try:
            self._take(chunk, out)
        except UpstreamError as fault:
            self._note(fault, out)
        except MALFORMED as error:
            self._note(UpstreamError("protocol", detail=f"malformed chunk: {error}"), out)
        if not self.has_begun and self._decoder.has_begun:
            self.has_begun = True
            self._watch.expect("idle_timeout", self._timeouts.idle_s)
        if self._decoder.finish is not None and not self._ended:
            self._watch.expect("idle_timeout", min(_AFTER_FINISH_S, self._timeouts.idle_s))

    def _take(self, chunk: bytes, out: list[Delta]) -> None:
        if not self._has_started and chunk:
            self._has_started = True
            if chunk.lstrip()[:1] in (b"{", b"["):
                self._body = bytearray()
        if self._body is not None:
            self._take_body(self._body, chunk, out)
        elif not chunk:
            self._take_rest(out)
        else:
            decoder = self._decoder
            for payload in self._splitter.feed(chunk):
                decoder.decode(payload, out)
                if decoder.done:
                    break
        if not chunk or self._decoder.done:
            self._ended = True
            self._decoder.conclude(out, self._profile, self._may_be_empty)

    def _take_body(self, body: bytearray, chunk: bytes, out: list[Delta]) -> None:
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise UpstreamError("protocol", detail=f"a body of more than {MAX_BODY_BYTES} bytes")
        if not chunk:
            self._decoder.decode(bytes(body), out)

    def _take_rest(self, out: list[Delta]) -> None:
        """The end of the stream; half an event before it means that the stream was cut."""
        for payload in self._splitter.finish():
            try:
                self._decoder.decode(payload, out)
            except MALFORMED:
                raise UpstreamError("cut", detail="the stream ended inside a chunk") from None

    def _note(self, fault: UpstreamError, out: list[Delta]) -> None:
        """Raise now if nothing has to be given out first, else at the next read."""
        if not out:
            raise fault
        self._fault = fault


def _connection_of(response: aiohttp.ClientResponse) -> connection.Connection | None:
    """None when all has come already, and the connection is no longer the answer's; or when it is compressed."""
    lent = None if "Content-Encoding" in response.headers else response.connection
    protocol = None if lent is None else lent.protocol
    return protocol if isinstance(protocol, connection.Connection) else None
