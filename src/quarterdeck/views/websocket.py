"""`quarterdeck.v1`: what came in, understood or refused; log entries, framed without decoding them."""

from __future__ import annotations

import msgspec

from quarterdeck.errors import FrameError, QuarterdeckError
from quarterdeck.log.base import Entry
from quarterdeck.views.frames import MAX_FRAME_BYTES, ClientFrame, ErrorFrame, client_decoder

_FINAL_TEXT = 0x81
_EXPECTED = "a JSON object with `type`: send, retry, follow, unfollow, stop, feed or ping"


def decode_client_frame(text: str | bytes) -> ClientFrame:
    """Raises: `FrameError` saying what was expected and what came."""
    if len(text) > MAX_FRAME_BYTES:
        raise FrameError("This frame is too large.", expected=f"at most {MAX_FRAME_BYTES} bytes", got=f"{len(text)}")
    try:
        return client_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise FrameError("This frame does not fit.", expected=_EXPECTED, got=str(error)[:200]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError("This frame is not JSON.", expected=_EXPECTED, got=str(error)[:200]) from error


def ref_of(text: str | bytes) -> str:
    """The `ref` of a frame that did not fit, if it had one."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    ref = found.get("ref", "") if isinstance(found, dict) else ""
    return ref if isinstance(ref, str) and len(ref) <= 200 else ""


def error_frame(error: QuarterdeckError, ref: str = "") -> ErrorFrame:
    expected, got = (error.expected, error.got) if isinstance(error, FrameError) else ("", "")
    return ErrorFrame(
        ref=ref, code=error.code, message=error.message, retryable=error.retryable, retry_after_s=error.retry_after_s,
        expected=expected, got=got,
    )  # fmt: skip


def turn_prefix(turn: str) -> bytes:
    """The unchanging beginning of a turn's event frames."""
    return b'{"type":"event","turn":"%b","seq":' % turn.encode()


FEED_PREFIX = b'{"type":"feed","seq":'


def event_frame(prefix: bytes, entry: Entry) -> bytes:
    return b'%b%d,"event":%b}' % (prefix, entry[0], entry[1])


def frame_head(size: int) -> bytes:
    """Of a text frame with that many bytes, as a server sends it: whole and without a mask."""
    if size < 126:
        return bytes((_FINAL_TEXT, size))
    if size < 1 << 16:
        return bytes((_FINAL_TEXT, 126)) + size.to_bytes(2, "big")
    return bytes((_FINAL_TEXT, 127)) + size.to_bytes(8, "big")
