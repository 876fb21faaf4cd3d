"""What the events of one stream have in common while they say nothing but text: everything but the words.

A model's server writes the same frame around each token, two hundred bytes of JSON around five. Once an event has been
decoded, the next ones that differ from it in their words alone need not be: their frames are cut out, all of a read at
once. What is not exactly so is decoded as before.

Some pad each event with letters by lot, so that its size does not tell the word's: OpenAI in `obfuscation`, Mistral in
`p`. The padding is taken out first. It cannot be words of the model: in those a quotation mark has a backslash before.
"""

from __future__ import annotations

import re

import msgspec

from quarterdeck.domain.step import Delta, TextChunk
from quarterdeck.providers.answer import AnswerDecoder
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.sse import split_whole

_TRIES = 8  # events that are looked at in vain before a stream is left alone: some differ in more than their words
_PROBE = "quarterdeck"
_is_plain = re.compile(rb"[ !#-\[\]-\x7f]*").fullmatch  # ASCII that stands in JSON as it is
_decode_string = msgspec.json.Decoder(str).decode
_PADDINGS = [
    (re.compile(b'"%b":%b"[0-9A-Za-z]*"' % (name, space)), b'"%b":%b""' % (name, space))
    for name in (b"obfuscation", b"p")
    for space in (b"", b" ")
]


class TextShape:
    """Of one stream. Used between two events only: no part of one has been read."""

    __slots__ = ("_before", "_behind", "_between", "_padding", "_tries")

    def __init__(self) -> None:
        self._before = self._behind = self._between = b""
        self._padding: tuple[re.Pattern[bytes], bytes] | None = None
        self._tries = _TRIES

    def read(self, chunk: bytes) -> str | None:
        """The text of `chunk`, when it is whole events of the shape; None when it is to be decoded."""
        before, behind = self._before, self._behind
        bare = len(before) + len(behind)
        if self._padding is not None:
            padding, without = self._padding
            chunk = padding.sub(without, chunk)
        if not before or len(chunk) < bare or not chunk.startswith(before) or not chunk.endswith(behind):
            return None
        words = chunk[len(before) : -len(behind)]
        joined = words.replace(self._between, b"")
        if _is_plain(joined) is not None:
            text = joined.decode()
        else:  # each is a JSON string of its own, or it has not been these events
            try:
                text = "".join([_decode_string(b'"%b"' % word) for word in words.split(self._between)])
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
        self._tries = _TRIES
        return text

    def learn(self, chunk: bytes, text: str, decoder: AnswerDecoder) -> None:
        """From `chunk`, whole events that `decoder` has found to say text alone, at last `text`.

        It is the shape of the last of them only if the decoder says so: given other words in that place, it finds them.
        """
        if not self._tries or not decoder.says_text_alone:
            return
        self._tries -= 1
        event = chunk[:-2].rpartition(b"\n\n")[2]
        payloads = split_whole(event + b"\n\n")
        word = msgspec.json.encode(text)
        if not payloads or len(payloads) != 1:
            return
        head, payload = event[: -len(payloads[0])], payloads[0]
        padding = next((one for one in _PADDINGS if one[0].search(payload)), None)
        if padding is not None:
            payload = padding[0].sub(padding[1], payload)
        if payload.count(word) != 1:
            return
        front, _, back = payload.partition(word)
        told: list[Delta] = []
        try:
            decoder.decode(front + msgspec.json.encode(_PROBE) + back, told)
        except (UpstreamError, msgspec.DecodeError, UnicodeDecodeError):
            return
        if told == [TextChunk(_PROBE)] and decoder.says_text_alone:
            self._before, self._behind = head + front + b'"', b'"' + back + b"\n\n"
            self._between = self._behind + self._before
            self._padding = padding
