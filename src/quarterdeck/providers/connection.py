"""Connections to models: aiohttp's, read by the event loop or, while much comes, by whoever ticks."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial

from aiohttp import StreamReader, TCPConnector
from aiohttp.client_proto import ResponseHandler

_PIECE_BYTES = 32 * 1024
_PIECES_AT_ONCE = 4  # what is more waits in the kernel, and holds up its sender
_END_OF_EVENT_AND_CHUNK = b"\n\n\r\n"


class Connection(ResponseHandler):
    """aiohttp asks for more after each piece it hands out, also when nothing has been held back.

    That runs its parser over nothing and asks the transport to go on, which it does: as much as a token costs.

    A held connection is read by `drain` alone: what comes between two ticks wakes nobody and waits in the kernel, to be
    read with one system call. Whole chunks of a body need no parser: given nothing but whole ones, it would be where it
    was before.
    """

    _fd = -1  # of the socket, while the connection is held
    _watched: StreamReader | None = None  # the body whose end is heard of
    _is_between = False  # the parser waits for the beginning of a chunk, and what it has read of the body is taken
    _parsed_end = b""  # of what `drain` gave to the parser last

    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def hold(self) -> None:
        """Nothing is read but by `drain` from now on. Nothing changes where that cannot be: TLS, or no bare socket."""
        transport = self.transport
        if self._fd >= 0 or transport is None or transport.is_closing() or sys.platform == "win32":
            return
        bare = transport.get_extra_info("socket")
        if bare is None or transport.get_extra_info("sslcontext") is not None:
            return
        self._fd = bare.fileno()
        self._pause_transport_reading()
        if self._payload is not None and self._payload is not self._watched:
            self._watched = self._payload
            self._watched.on_eof(self.let_go)  # another request may have the connection from then on

    def let_go(self) -> None:
        """The event loop reads again, what has come meanwhile first, and notices the connection's end."""
        if self._fd >= 0:
            self._fd, self._is_between, self._parsed_end = -1, False, b""
            if not (self._reading_paused or self._buffer_paused):
                self._resume_transport_reading()

    def drain(self) -> bytes:
        """Of a held connection: what has come. Whole chunks of the body are given back, as their data.

        Anything else is given to the parser, as the event loop would, and follows them.
        """
        body = b""
        self._is_between = self._is_between or self._finds_between()
        for _ in range(_PIECES_AT_ONCE):
            transport = self.transport
            if self._fd < 0 or self._reading_paused or transport is None or transport.is_closing():
                break
            try:
                piece = os.read(self._fd, _PIECE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                piece = b""
            if not piece:  # it has ended or is broken: the event loop finds the same, and tells everybody
                self.let_go()
                break
            if self._is_between and (chunks := whole_chunks(piece)):
                body += chunks
            else:
                self._is_between, self._parsed_end = False, piece[-4:]
                self.data_received(piece)
            if len(piece) < _PIECE_BYTES:
                break
        return body

    @property
    def is_between(self) -> bool:
        """Whether nothing of what `drain` has read was given to the parser."""
        return self._is_between

    def _finds_between(self) -> bool:
        """The last it was given ended a line of the body, and with that a chunk: no other line ends so."""
        payload = self._watched
        if self._parsed_end != _END_OF_EVENT_AND_CHUNK or payload is None or payload is not self._payload:
            return False
        ends = payload._http_chunk_splits
        if not ends or payload._buffer or payload.is_eof():
            return False
        return ends[-1] == payload.total_bytes

    def connection_lost(self, exc: BaseException | None) -> None:
        self._fd, self._watched = -1, None
        self._is_between, self._parsed_end = False, b""
        super().connection_lost(exc)

    def _resume_transport_reading(self) -> None:
        if self._fd < 0:
            super()._resume_transport_reading()


class Connector(TCPConnector):
    """Made in the event loop that uses it; its connections are `Connection`s."""

    def __init__(self, *, limit: int, ttl_dns_cache: int) -> None:
        super().__init__(limit=limit, ttl_dns_cache=ttl_dns_cache)
        kind: type[ResponseHandler] = Connection
        self._factory = partial(kind, loop=asyncio.get_running_loop())


def whole_chunks(piece: bytes) -> bytes:
    """The data of `piece` when it is whole chunks (RFC 9112, 7.1) without CRLF in them; empty if it is not."""
    *lines, rest = piece.split(b"\r\n")
    chunks = lines[1::2]
    is_whole = not rest and lines[::2] == [b"%x" % len(chunk) for chunk in chunks]
    return b"".join(chunks) if is_whole and b"" not in chunks else b""
