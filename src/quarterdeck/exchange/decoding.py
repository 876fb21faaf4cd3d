"""One JSON element, however odd: real exports have bad UTF-8, half surrogates, NaN and deep nesting in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = json.JSONDecoder()
MAX_DEPTH = 100_000
_LARGE_BYTES = 4 << 20
_LONG = {"mapping", "chat_messages"}


def decode_element(raw: bytes) -> Any:
    """The value, with text that every database can hold. Raises: `ValueError`."""
    try:
        return msgspec.json.decode(raw) if len(raw) < _LARGE_BYTES else _decode_large(raw)
    except RecursionError:
        return _clean_all(decode_deep(raw.decode("utf-8", "replace")))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    text = raw.decode("utf-8", "replace")
    try:
        return _clean_all(json.loads(text))
    except RecursionError:
        return _clean_all(decode_deep(text))


class _LaterDict(dict[str, Any]):
    """Values are decoded when they are looked through: all nodes of a long conversation are many times its text.

    Only `items()` decodes, which is how the formats read what is long.
    """

    def items(self) -> Any:
        return ((name, msgspec.json.decode(value)) for name, value in super().items())


class _LaterList(list[Any]):
    """The same for a list, read by going through it."""

    def __iter__(self) -> Iterator[Any]:
        return (msgspec.json.decode(value) for value in super().__iter__())


def _decode_large(raw: bytes) -> Any:
    """Raises: `msgspec.MsgspecError`, also for what is wrong within: each value is looked at once before."""
    outer = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    read: dict[str, Any] = {}
    for name, value in outer.items():
        if name in _LONG and bytes(memoryview(value)[:1]) == b"{":
            read[name] = _LaterDict(_checked(msgspec.json.decode(value, type=dict[str, msgspec.Raw])))
        elif name in _LONG and bytes(memoryview(value)[:1]) == b"[":
            inner = msgspec.json.decode(value, type=list[msgspec.Raw])
            _checked(dict(enumerate(inner)))
            read[name] = _LaterList(inner)
        else:
            read[name] = msgspec.json.decode(value)
    return read


def _checked(values: dict[Any, msgspec.Raw]) -> dict[Any, msgspec.Raw]:
    for value in values.values():
        msgspec.json.decode(value)
    return values


def clean_text(text: str) -> str:
    """Without what a database or a page cannot hold: NUL and half surrogates become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _clean_all(value: Any) -> Any:
    """All texts of it, in place and without recursion."""
    if isinstance(value, str):
        return clean_text(value)
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        pairs: Any = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        for key, found in list(pairs):
            if isinstance(found, str):
                inner[key] = clean_text(found)
            else:
                waiting.append(found)
    return value


def decode_deep(text: str) -> Any:
    """Without recursion: trees of answers below answers are nested thousands of levels deep. Raises: `ValueError`."""
    return _DeepDecoder(text).decode()


class _DeepDecoder:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[list[Any] | dict[str, Any]] = []
        self._keys: list[str] = []  # of the objects that are open, the name whose value comes next

    def decode(self) -> Any:
        while True:
            value = self._begin_value()
            if isinstance(value, (list, dict)) and not self._closes_at_once():
                self._open.append(value)
                if len(self._open) > MAX_DEPTH:
                    raise ValueError("it is nested too deeply")
                self._read_key(value)
                continue
            while True:  # the value is whole: it may end what it is in
                if not self._open:
                    return value
                self._put(value)
                if self._next() == ",":
                    self._read_key(self._open[-1])
                    break
                value = self._close()

    def _begin_value(self) -> Any:
        letter = self._peek()
        if letter in ("{", "["):
            self._at += 1
            return {} if letter == "{" else []
        return self._read_plain()

    def _read_plain(self) -> Any:
        """A text, a number or a word: the library's own decoder reads these without recursion."""
        value, self._at = _PLAIN.raw_decode(self._text, self._at)
        return value

    def _closes_at_once(self) -> bool:
        if self._peek() not in ("}", "]"):
            return False
        self._at += 1
        return True

    def _read_key(self, value: Any) -> None:
        if isinstance(value, dict):
            if self._peek() != '"':
                raise ValueError("it is not JSON")
            self._keys.append(self._read_plain())
            if self._next() != ":":
                raise ValueError("it is not JSON")

    def _put(self, value: Any) -> None:
        inner = self._open[-1]
        if isinstance(inner, dict):
            inner[self._keys.pop()] = value
        else:
            inner.append(value)

    def _close(self) -> Any:
        self._at -= 1
        closed = self._open.pop()
        if self._text[self._at] != ("}" if isinstance(closed, dict) else "]"):
            raise ValueError("it is not JSON")
        self._at += 1
        return closed

    def _peek(self) -> str:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        letter = self._peek()
        self._at += 1
        return letter
