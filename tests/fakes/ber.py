"""As much of BER (X.690) as LDAP needs: elements of a tag, a definite length and a value."""

from __future__ import annotations

from typing import NamedTuple


class Element(NamedTuple):
    tag: int
    value: bytes


def element(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    if len(value) < 0x80:
        return bytes([tag, len(value)]) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def integer(number: int, tag: int = 2) -> bytes:
    return element(tag, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def elements(raw: bytes) -> list[Element]:
    """One after the other. Raises: `ValueError` when the last one is not whole."""
    found = []
    while raw:
        size, head = size_of(raw), _head(raw)
        if not 0 < size <= len(raw):
            raise ValueError("an element is not whole")
        found.append(Element(raw[0], raw[head:size]))
        raw = raw[size:]
    return found


def size_of(raw: bytes) -> int:
    """Of the element that `raw` begins with, its head included; 0 when that head is not whole yet."""
    head = _head(raw)
    if head == 0 or len(raw) < head:
        return 0
    return head + (raw[1] if head == 2 else int.from_bytes(raw[2:head], "big"))


def _head(raw: bytes) -> int:
    if len(raw) < 2:
        return 0
    return 2 if raw[1] < 0x80 else 2 + (raw[1] & 0x7F)
