"""Splits a stream of server-sent events into the `data` of each event, whatever the sizes of the reads.

After https://html.spec.whatwg.org/multipage/server-sent-events.html: lines end in LF, CRLF or CR, a
byte order mark may lead, lines that begin with a colon are comments, several `data` lines are one
event. Left out on purpose: `event`, `id` and `retry` (the JSON says what it is) and empty events.
"""

from __future__ import annotations

from quarterdeck.providers.faults import UpstreamError

MAX_LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


class EventSplitter:
    """Bytes go in by `feed`, the data of finished events comes out. One per stream."""

    __slots__ = ("_after_cr", "_lines", "_open_bytes", "_started", "_tail")

    def __init__(self) -> None:
        self._tail = bytearray()  # of a line whose end has not come yet
        self._lines: list[bytes] = []  # `data` lines of the open event
        self._open_bytes = 0
        self._after_cr = False
        self._started = False

    @property
    def is_between(self) -> bool:
        """Whether all that came was whole events, so that the next one begins with what comes next."""
        return self._started and not (self._tail or self._lines or self._after_cr)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Raises: `UpstreamError` ("protocol") when a line or an event is longer than `MAX_LINE_BYTES`."""
        if self._after_cr or b"\r" in chunk:
            chunk = self._unify_line_ends(chunk)
        if self.is_between and (events := split_whole(chunk)) is not None:
            return events
        if b"\n" not in chunk:
            self._tail += chunk
            if len(self._tail) > MAX_LINE_BYTES:
                raise _too_long()
            return []
        lines = chunk.split(b"\n")
        if self._tail:
            lines[0] = bytes(self._tail) + lines[0]
        self._tail = bytearray(lines.pop())
        return self._take(lines)

    def finish(self) -> list[bytes]:
        """The stream has ended: the data of an event that nothing closed, if there is one.

        The standard drops it; some servers forget the last blank line.
        """
        rest, self._tail = bytes(self._tail), bytearray()
        return self._take([rest, b""])

    def _unify_line_ends(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take(self, lines: list[bytes]) -> list[bytes]:
        if not self._started and lines:
            self._started = True
            lines[0] = lines[0].removeprefix(_BOM)
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._add(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if self._lines:
                    self._close(events)
            elif line == b"data":
                self._add(b"")
            elif len(line) > MAX_LINE_BYTES:
                raise _too_long()
        return events

    def _add(self, value: bytes) -> None:
        self._open_bytes += len(value) + 1
        if self._open_bytes > MAX_LINE_BYTES:
            raise _too_long()
        self._lines.append(value)

    def _close(self, events: list[bytes]) -> None:
        event = self._lines[0] if len(self._lines) == 1 else b"\n".join(self._lines)
        self._lines = []
        self._open_bytes = 0
        if event:
            events.append(event)


def split_whole(chunk: bytes) -> list[bytes] | None:
    """Nearly every read is whole events of one line of data; None when this one is anything else."""
    if not chunk.endswith(b"\n\n") or len(chunk) > MAX_LINE_BYTES:
        return None
    if chunk.startswith(b"data: "):
        events = chunk[6:-2].split(b"\n\ndata: ")
        if chunk.count(b"\n") == 2 * len(events) and b"" not in events:  # no other line is among them
            return events
    events = chunk[:-2].split(b"\n\n")
    for position, event in enumerate(events):
        if event.startswith(b"data: "):
            data = event[6:]
        else:
            name, _, data = event.partition(b"\ndata: ")
            if b"\n" in name or name.startswith(b"data"):
                return None
        if not data or b"\n" in data:
            return None
        events[position] = data
    return events


def _too_long() -> UpstreamError:
    return UpstreamError("protocol", detail=f"a line or an event of more than {MAX_LINE_BYTES} bytes")
