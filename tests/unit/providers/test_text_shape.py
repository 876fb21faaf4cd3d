"""Text that is cut out of its events is what decoding them says, whatever they are and however they come."""

from __future__ import annotations

import json
import secrets
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.domain.step import Delta, TextChunk
from quarterdeck.providers.answer import AnswerDecoder
from quarterdeck.providers.anthropic_decoder import AnthropicDecoder
from quarterdeck.providers.connection import whole_chunks
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.gemini_decoder import GeminiDecoder
from quarterdeck.providers.openai_compatible import OpenAIDecoder
from quarterdeck.providers.sse import EventSplitter
from quarterdeck.providers.text_shape import TextShape

WORDS = ["Hello", " world", ", it is", "\n\n", 'a "quote"', "back\\slash", "Grüße", "🦜", "", "0", "text", " end."]


def openai_event(word: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
    return _event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice | more]})


def padded_event(word: str, name: str = "obfuscation") -> bytes:
    """As OpenAI sends it: the less it says the longer."""
    said = json.loads(openai_event(word)[6:])
    return _event(said | {name: secrets.token_hex(16)[len(word) :]})


def padded_by_mistral(word: str) -> bytes:
    said = json.loads(padded_event(word, "p")[6:])
    return b"data: " + json.dumps(said, separators=(",", ":")).encode() + b"\n\n"


def anthropic_event(word: str) -> bytes:
    said = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    return b"event: content_block_delta\n" + _event(said)


def gemini_event(word: str) -> bytes:
    return _event({"candidates": [{"content": {"parts": [{"text": word}], "role": "model"}, "index": 0}]})


def _event(said: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(said).encode() + b"\n\n"


DIALECTS = [
    (OpenAIDecoder, openai_event),
    (OpenAIDecoder, padded_event),
    (OpenAIDecoder, padded_by_mistral),
    (AnthropicDecoder, anthropic_event),
    (GeminiDecoder, gemini_event),
]


class Reading:
    """As a stream is read, with its shape and without."""

    def __init__(self, decoder: AnswerDecoder) -> None:
        self.decoder, self.splitter, self.shape = decoder, EventSplitter(), TextShape()
        self.cut_out = 0

    def read(self, chunk: bytes) -> str:
        """Raises: what decoding does."""
        if self.splitter.is_between and (text := self.shape.read(chunk)) is not None:
            self.cut_out += 1
            return text
        was_between = self.splitter.is_between
        out = self.decode(chunk)
        said = [delta.text for delta in out if type(delta) is TextChunk]
        if said and len(said) == len(out) and was_between and self.splitter.is_between:
            self.shape.learn(chunk, said[-1], self.decoder)
        return "".join(said)

    def decode(self, chunk: bytes) -> list[Delta]:
        out: list[Delta] = []
        for payload in self.splitter.feed(chunk):
            self.decoder.decode(payload, out)
        return out


@pytest.mark.parametrize(("decoder", "event"), DIALECTS)
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=40), sizes=st.lists(st.integers(1, 5)))
def test_it_says_what_the_decoder_says(decoder: Any, event: Any, words: list[str], sizes: list[int]) -> None:
    reading, said = Reading(decoder()), ""
    chunks = [event("Once"), event(" upon"), event(" a")]
    left = list(words)
    for size in [*sizes, len(left)]:
        chunks.append(b"".join(map(event, left[:size])))
        left = left[size:]
    for chunk in filter(None, chunks):
        said += reading.read(chunk)
    assert said == "Once upon a" + "".join(words)
    assert reading.cut_out >= 1  # of the first three, two are decoded


@given(cuts=st.lists(st.integers(0, 2_000)))
@example(cuts=[])
def test_it_says_the_same_wherever_the_reads_end(cuts: list[int]) -> None:
    stream = b"".join(openai_event(word) for word in WORDS * 2)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reading = Reading(OpenAIDecoder())
    said = "".join(reading.read(stream[begin:end]) for begin, end in pairwise(places))
    assert said == "".join(WORDS * 2)


PLAIN = openai_event("Once")
FRONT, _, BACK = PLAIN.partition(b"Once")
OTHERS = {
    "ends in a backslash": FRONT + b"abc\\" + BACK,
    "two that only together are a string": FRONT + b"abc\\" + BACK + FRONT + b"n" + BACK,
    "a quote that ends it early": FRONT + b'a","x":"b' + BACK,
    "a line feed": FRONT + b"a\nb" + BACK,
    "bytes that are no UTF-8": FRONT + b"\xe4" + BACK,
    "a letter cut in two": FRONT + b"\xc3" + BACK + FRONT + b"\xbc" + BACK,
    "half a surrogate": FRONT + b"\\ud83e" + BACK,
    "frame and no words between": FRONT + BACK[1:],
    "a comment between": PLAIN + b": ping\n\n" + PLAIN,
    "an end": PLAIN + openai_event("", finish_reason="stop"),
    "a refusal": PLAIN + openai_event("", delta={"refusal": "No."}),
    "a call": openai_event("", delta={"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
    "reasoning": openai_event("", delta={"reasoning_content": "Hm"}),
    "another choice": openai_event("other", index=1),
    "an error": b'data: {"error":{"message":"x"}}\n\n',
    "the end of the stream": PLAIN + b"data: [DONE]\n\n",
}


def test_padding_in_the_words_is_said() -> None:
    reading = Reading(OpenAIDecoder())
    words = ["Once", " upon", '","obfuscation": "a"', '"obfuscation": "abc"', ' a "p": "x", "obfuscation": ""', " time"]
    assert "".join(reading.read(padded_event(word)) for word in words) == "".join(words)
    assert reading.cut_out >= len(words) - 2


@pytest.mark.parametrize("chunk", OTHERS.values(), ids=OTHERS)
def test_what_is_anything_else_is_decoded_where_there_is_padding(chunk: bytes) -> None:
    reading = Reading(OpenAIDecoder())
    for word in ("Once", " upon"):
        reading.read(padded_event(word))
    padded = chunk.replace(b'"finish_reason": null}]', b'"finish_reason": null}], "obfuscation": "aB3"')
    assert reading.shape.read(padded_event("Once") + padded_event(" upon")) == "Once upon"
    assert reading.shape.read(padded) is None


@pytest.mark.parametrize("chunk", OTHERS.values(), ids=OTHERS)
def test_what_is_anything_else_is_decoded(chunk: bytes) -> None:
    reading = Reading(OpenAIDecoder())
    for word in ("Once", " upon"):
        reading.read(openai_event(word))
    assert reading.shape.read(PLAIN) == "Once"
    assert reading.shape.read(chunk) is None


@pytest.mark.parametrize(
    "more",
    [{"logprobs": {"content": [{"token": "x", "logprob": -1.0}]}}, {"delta": {"content": "x", "refusal": "No."}}],
    ids=["logprobs", "refusal"],
)
def test_an_event_that_says_more_than_text_is_no_shape(more: dict[str, Any]) -> None:
    shape, decoder, out = TextShape(), OpenAIDecoder(), list[Delta]()
    decoder.decode(openai_event("x", **more)[6:-2], out)
    shape.learn(openai_event("x", **more), "x", decoder)
    assert shape.read(openai_event("x", **more)) is None


def test_a_word_that_stands_elsewhere_in_the_event_is_not_taken_for_the_text() -> None:
    def event(word: str) -> bytes:
        said = {"id": "Once", "choices": [{"index": 0, "delta": {"content": None, "reasoning": ""}}]}
        return _event(said | {"choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": word}]}}]})

    shape, decoder = TextShape(), OpenAIDecoder()
    decoder.decode(event("Once")[6:-2], [])
    for text in ("Once", "text", "index", "never said"):
        shape.learn(event("Once"), text, decoder)
    assert shape.read(event("Once")) is None
    shape.learn(event("upon"), "upon", decoder)
    assert shape.read(event("a") + event(" time")) == "a time"


def test_a_stream_whose_events_differ_in_more_than_their_words_is_left_alone() -> None:
    reading = Reading(OpenAIDecoder())
    for number in range(20):
        reading.read(openai_event(f"word{number}", logit=number))
    learnt = reading.shape._between
    reading.read(openai_event("late", logit=99))
    assert (reading.cut_out, reading.shape._between) == (0, learnt)


def test_a_frame_that_changes_now_and_then_is_learnt_anew() -> None:
    reading = Reading(OpenAIDecoder())
    said = "".join(reading.read(openai_event("w", created=number // 4)) for number in range(400))
    assert (said, reading.cut_out) == ("w" * 400, 299)


def in_chunks(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


@given(st.lists(st.binary(min_size=1, max_size=300).filter(lambda data: b"\r" not in data), min_size=1))
def test_whole_chunks_give_their_data(chunks: list[bytes]) -> None:
    assert whole_chunks(in_chunks(*chunks)) == b"".join(chunks)


@pytest.mark.parametrize(
    "piece",
    [
        b"",
        in_chunks(b"data: 1\n\n")[:-1],
        in_chunks(b"data: 1\n\n")[1:],
        in_chunks(b"one") + b"5\r\n",
        in_chunks(b"one") + b"0\r\n\r\n",
        b"0\r\n\r\n",
        in_chunks(b"one\r\ntwo"),
        b"0x3\r\none\r\n",
        b"+3\r\none\r\n",
        b"03\r\none\r\n",
        b"3;a=b\r\none\r\n",
        b"4\r\none\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_what_is_not_whole_chunks_is_left_to_the_parser(piece: bytes) -> None:
    assert whole_chunks(piece) == b""


def test_a_decoder_that_fails_on_other_words_teaches_nothing() -> None:
    class Picky(OpenAIDecoder):
        def decode(self, payload: bytes, out: list[Delta]) -> None:
            if b"Once" not in payload:
                raise UpstreamError("server")
            super().decode(payload, out)

    shape, decoder = TextShape(), Picky()
    decoder.decode(openai_event("Once")[6:-2], [])
    shape.learn(openai_event("Once"), "Once", decoder)
    assert shape.read(openai_event("Once")) is None
