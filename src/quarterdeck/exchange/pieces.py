"""A stream of JSON cut into its elements: the items of a top-level array, or the objects that follow one another.

Each is decoded by itself then, so that a file of any size needs the memory of its largest conversation. A general
streaming parser would build every value in Python, could not step over a broken element, and holds a string of any
length; here only brackets outside of strings are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

MAX_ELEMENT_BYTES = 256 << 20
_LARGE_BYTES = 1 << 20

# Possessive: nothing is remembered to come back to, so a string may be long.
_STRING = rb'(?:[^"\\]++|\\.)*+'
_IN_STRING = re.compile(_STRING, re.DOTALL)
_BETWEEN = re.compile(rb'(?:[^"{}\[\]]++|"' + _STRING + rb'")*+', re.DOTALL)
_BRACKET = re.compile(
    _BETWEEN.pattern + rb"(?:([{\[])|([}\]])|)", re.DOTALL
)  # the last choice: matches always, at once
_BLANK = b" \t\r\n,\xef\xbb\xbf"


class Element(Struct):
    """`raw` is None for one that is larger than is held; `end`: how many bytes of the stream were read by then.

    Whoever has read `raw` may set it to None: a long conversation need not be there twice.
    """

    raw: bytes | None
    end: int


class CutOffError(Exception):
    """The stream ends in the middle of something."""


class NoJsonError(Exception):
    """What stands where an element should be is none."""


def split_elements(chunks: Iterable[bytes], max_bytes: int = MAX_ELEMENT_BYTES) -> Iterator[Element]:
    """Objects and arrays on the first level; of a top-level array its items.

    Raises: `CutOffError` after the last whole element, `NoJsonError`.
    """
    return _Splitter(max_bytes).run(chunks)


class _Splitter:
    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._at = 0  # what is looked at next
        self._start: int | None = None  # of the element that is being read
        self._is_dropped = False  # it is too large; only its end is looked for
        self._in_string = False
        self._depth = 0
        self._list_depth: int | None = None  # 1 within a top-level array
        self._read = 0

    def run(self, chunks: Iterable[bytes]) -> Iterator[Element]:
        for chunk in chunks:
            self._buffer += chunk
            self._read += len(chunk)
            yield from self._scan()
            self._forget()
        rest = bytes(self._buffer[self._at :]).strip(_BLANK) if self._depth == 0 and not self._in_string else b"x"
        if self._depth or self._in_string:
            raise CutOffError
        if rest:
            raise NoJsonError

    def _scan(self) -> Iterator[Element]:
        buffer = self._buffer
        while True:
            if self._in_string and not self._leave_string():
                return
            if self._depth > (self._list_depth or 0):
                self._skip_brackets()
            begun = self._at
            found = _BETWEEN.match(buffer, self._at)
            self._at = found.end() if found else self._at
            if self._start is None and not self._is_dropped:
                self._check_between(begun)
            if self._at >= len(buffer):
                return
            letter = buffer[self._at]
            self._at += 1
            if letter == 0x22:  # a quote whose string is not all here
                self._in_string = True
            elif letter in b"{[":
                self._open(letter)
            else:
                yield from self._close()

    def _skip_brackets(self) -> None:
        """Up to the one that closes the element, or as far as whole strings go: here all the time is spent."""
        depth, last, end = self._depth, (self._list_depth or 0) + 1, self._at
        for found in _BRACKET.finditer(self._buffer, self._at):
            group = found.lastindex
            if group == 1:
                depth += 1
            elif group is None or depth == last:
                break
            else:
                depth -= 1
            end = found.end()
        self._at, self._depth = end, depth

    def _leave_string(self) -> bool:
        found = _IN_STRING.match(self._buffer, self._at)
        self._at = found.end() if found else self._at
        if self._at >= len(self._buffer) or self._buffer[self._at] != 0x22:
            return False
        self._at += 1
        self._in_string = False
        return True

    def _check_between(self, begun: int) -> None:
        """What stands between elements; numbers and strings that are items of the array are none of ours."""
        if self._list_depth is None and self._buffer[begun : self._at].strip(_BLANK):
            raise NoJsonError

    def _open(self, letter: int) -> None:
        if self._depth == 0 and letter == 0x5B and self._list_depth is None:
            self._list_depth = 1
        elif self._start is None and not self._is_dropped:
            self._start = self._at - 1
        self._depth += 1

    def _close(self) -> Iterator[Element]:
        self._depth -= 1
        if self._depth < 0:
            raise NoJsonError
        if self._depth != (self._list_depth or 0):
            if self._depth == 0:
                self._list_depth = None
            return
        end = self._read - len(self._buffer) + self._at
        if self._is_dropped:
            self._is_dropped = False
            yield Element(None, end)
        elif self._start is not None:
            element = Element(bytes(memoryview(self._buffer)[self._start : self._at]), end)  # nothing else holds it
            is_large, self._start = self._at - self._start > _LARGE_BYTES, None
            if is_large:
                del self._buffer[: self._at]
                self._at = 0
            yield element

    def _forget(self) -> None:
        """What was given out, and what is too large to be."""
        if self._start is not None and len(self._buffer) - self._start > self._max_bytes:
            self._start, self._is_dropped = None, True
        kept = self._at if self._start is None else self._start
        del self._buffer[:kept]
        self._at -= kept
        if self._start is not None:
            self._start = 0
