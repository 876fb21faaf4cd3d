"""Server-sent events: `id:` is the seq, `data:` the event as one line of JSON whose `type` is its name."""

from __future__ import annotations

from quarterdeck.log.base import Entry

HEARTBEAT = b": heartbeat\n\n"
HEARTBEAT_S = 10.0


def encode_entry(entry: Entry) -> bytes:
    return b"id: %d\ndata: %s\n\n" % entry


def encode_data(line: str) -> bytes:
    """One line of JSON that is no entry of a log by itself."""
    return b"data: %s\n\n" % line.encode()
