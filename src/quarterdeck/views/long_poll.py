"""Long-poll: what is there after a cursor, as one JSON object. Entries and frames go in as the bytes that they are."""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.log.base import Entry


def encode_entries(entries: Iterable[Entry], cursor: int, *, is_over: bool) -> bytes:
    """`cursor` is what to ask after next; with `is_over` there is nothing to ask for any more."""
    items = b",".join(b'{"seq":%d,"event":%s}' % entry for entry in entries)
    return b'{"items":[%s],"cursor":%d,"is_over":%s}' % (items, cursor, b"true" if is_over else b"false")


def encode_frames(frames: Iterable[str]) -> bytes:
    """Frames of `quarterdeck.v1`, in order."""
    return ('{"items":[' + ",".join(frames) + "]}").encode()
