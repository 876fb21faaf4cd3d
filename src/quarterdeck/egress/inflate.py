"""Compressed bodies, unpacked no further than was agreed: a kilobyte can stand for a gigabyte."""

from __future__ import annotations

import zlib

from quarterdeck.errors import FetchError

_GZIP_OR_ZLIB = 47
_RAW = -15


class Inflate:
    """Of one body. `encoding` is what its `Content-Encoding` says; empty and `identity` pass as they are."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        """Raises: `FetchError` for an encoding that was not asked for."""
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise FetchError("The other side sent its answer in a form that was not asked for.")
        self._is_plain = name in ("", "identity")
        self._may_be_raw = name == "deflate"
        self._unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._left = max_bytes

    def add(self, chunk: bytes) -> bytes:
        """Raises: `FetchError` when it is too much or damaged."""
        given = chunk if self._is_plain else self._unpack(chunk)
        self._left -= len(given)
        if self._left < 0:
            raise FetchError("The other side sent more than is taken.")
        return given

    def end(self) -> None:
        """All has come. Raises: `FetchError` when the packed body is not whole."""
        if not self._is_plain and not self._unpacker.eof:
            raise FetchError("The other side broke its answer off.")

    def _unpack(self, chunk: bytes) -> bytes:
        try:
            given = self._unpacker.decompress(chunk, self._left + 1)
        except zlib.error as error:
            if not self._may_be_raw:
                raise FetchError("The other side sent a damaged answer.") from error
            self._may_be_raw = False  # some servers leave zlib's head away
            self._unpacker = zlib.decompressobj(_RAW)
            return self._unpack(chunk)
        self._may_be_raw = False
        return given
