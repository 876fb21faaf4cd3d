"""The splitter of server-sent events: the same events whatever the sizes of the reads."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.providers.faults import UpstreamError
from quarterdeck.providers.sse import MAX_LINE_BYTES, EventSplitter

STREAM = (
    "\ufeffdata: after the mark\r\n"
    "\r\n"
    ": a comment\r\n"
    "event: message\r\n"
    "data: {\r\n"
    'data: "text": "Grüße, 世界 🦜"}\r\n'
    "\r\n"
    "data:without a space\n\n"
    "id: 7\ndata: two\ndata:  lines\n\n"
    "data\n\n"
    "data: old Macs\r\r"
    "retry: 10\n: ping\n\n"
    "data: [DONE]\n\n"
).encode()
EVENTS = [
    b"after the mark",
    '{\n"text": "Grüße, 世界 🦜"}'.encode(),
    b"without a space",
    b"two\n lines",
    b"old Macs",
    b"[DONE]",
]


def split(chunks: list[bytes]) -> list[bytes]:
    splitter = EventSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events + splitter.finish()


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(place, len(stream)) for place in cuts} | {0, len(stream)})
    return [stream[start:end] for start, end in pairwise(places)]


def test_a_stream_in_one_read_gives_its_events() -> None:
    assert split([STREAM]) == EVENTS


@pytest.mark.parametrize("place", range(len(STREAM) + 1))
def test_a_cut_at_any_byte_changes_nothing(place: int) -> None:
    assert split([STREAM[:place], STREAM[place:]]) == EVENTS


def test_single_bytes_change_nothing() -> None:
    assert split([bytes([byte]) for byte in STREAM]) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_cuts_anywhere_change_nothing(cuts: list[int]) -> None:
    assert split(cut(STREAM, cuts)) == EVENTS


lines = st.text(alphabet=st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=30)


@given(
    st.lists(st.lists(lines, min_size=1, max_size=3), max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 400), max_size=20),
)
def test_what_was_written_is_read_back(events: list[list[str]], end: str, cuts: list[int]) -> None:
    stream = "".join("".join(f"data: {line}{end}" for line in event) + end for event in events).encode()
    expected = [joined for event in events if (joined := "\n".join(event).encode())]
    assert split(cut(stream, cuts)) == expected


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=20))
def test_any_bytes_give_the_same_events_in_any_cut(stream: bytes, cuts: list[int]) -> None:
    assert split(cut(stream, cuts)) == split([stream])


event_lines = st.lists(
    st.sampled_from([b"data: one", b"data: ", b"data:two", b"data", b"event: e", b"id: 7", b": c", b""]), max_size=4
)
whole_events = st.lists(event_lines.map(lambda lines: b"\n".join(lines) + b"\n\n"), max_size=3).map(b"".join)


@given(st.lists(whole_events, max_size=4))
@example([b"data:two\ndata: one\n\n"])
@example([b"event: e\ndata:two\ndata: one\n\n"])
def test_reads_of_whole_events_give_what_single_bytes_give(chunks: list[bytes]) -> None:
    chunks = [b"data: begun\n\n", *chunks]
    assert split(chunks) == split([bytes([byte]) for byte in b"".join(chunks)])


def test_an_event_is_given_out_with_its_blank_line_and_not_before() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: one\n") == []
    assert splitter.feed(b"\n") == [b"one"]


def test_the_end_of_the_stream_closes_the_last_event() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: one\n\ndata: two") == [b"one"]
    assert splitter.finish() == [b"two"]
    assert splitter.finish() == []


def test_a_line_as_long_as_allowed_passes() -> None:
    line = b"x" * (MAX_LINE_BYTES - 10)
    assert split([b"data: " + line + b"\n\n"]) == [line]


@pytest.mark.parametrize("size", [1 << 12, 1 << 16, 1 << 22])
@pytest.mark.parametrize("start", [b"data: ", b": ", b""])
def test_an_endless_line_is_refused(size: int, start: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        split([start, *[b"x" * size] * ((MAX_LINE_BYTES * 2) // size + 1)])
    assert caught.value.kind == "protocol"


def test_an_endless_event_of_short_lines_is_refused() -> None:
    with pytest.raises(UpstreamError):
        split([b"data: " + b"x" * 200 + b"\n"] * (MAX_LINE_BYTES // 100))
