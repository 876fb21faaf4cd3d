"""The frames of `quarterdeck.v1` and server-sent events: what comes in is understood or refused, never died of."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.events import TextDelta, encode_event
from quarterdeck.domain.parts import Continuation, IdeaPart, TextPart
from quarterdeck.errors import FrameError, LimitError, NotFoundError
from quarterdeck.log.base import Entry
from quarterdeck.store.messages import MessageRow
from quarterdeck.views.documents import message_document
from quarterdeck.views.frames import (
    MAX_FRAME_BYTES,
    ClientFrame,
    FeedFrame,
    FollowFrame,
    PingFrame,
    RetryFrame,
    SendFrame,
    ServerFrame,
    StopFrame,
    UnfollowFrame,
    encode_frame,
)
from quarterdeck.views.sse import HEARTBEAT, encode_entry
from quarterdeck.views.websocket import FEED_PREFIX, decode_client_frame, error_frame, event_frame, ref_of, turn_prefix

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "frame",
    [
        SendFrame(ref="1", id="k", conversation="c", text="Hi", model="a/b", temperature=0.5, assistant="ideas"),
        SendFrame(id="k", conversation="c", text="Hi"),
        RetryFrame(ref="1", id="k", message="m"),
        FollowFrame(ref="1", turn="t", after=7),
        FollowFrame(turn="t"),
        UnfollowFrame(ref="1", turn="t"),
        StopFrame(ref="1", turn="t"),
        FeedFrame(ref="1", after=0),
        FeedFrame(ref="1"),
        PingFrame(ref="1"),
    ],
)
def test_a_clients_frame_is_read_as_it_was_meant(frame: ClientFrame) -> None:
    assert decode_client_frame(msgspec.json.encode(frame)) == frame
    assert decode_client_frame(msgspec.json.encode(frame).decode()) == frame


def test_fields_a_later_client_may_send_are_passed_over() -> None:
    assert decode_client_frame('{"type":"ping","ref":"1","later":{"a":1}}') == PingFrame(ref="1")


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ('{"type":"dance","ref":"1"}', "dance"),
        ('{"ref":"1"}', "type"),
        ('{"type":"send","id":"k","conversation":"c"}', "text"),
        ('{"type":"follow","turn":7}', "turn"),
        ('{"type":"follow","turn":"t","after":"7"}', "after"),
        ('{"type":"send","id":"k","conversation":"c","text":"x","temperature":"hot"}', "temperature"),
        ("[]", "array"),
        ("null", "null"),
        ("", ""),
        ("{", ""),
        ("hello", ""),
        ('{"type":"ping"} {"type":"ping"}', ""),
    ],
)
def test_a_frame_that_does_not_fit_says_what_was_expected_and_what_came(text: str, got: str) -> None:
    with pytest.raises(FrameError) as caught:
        decode_client_frame(text)
    assert "send, retry, follow" in caught.value.expected
    assert got in caught.value.got
    frame = json.loads(encode_frame(error_frame(caught.value, "7")))
    assert (frame["type"], frame["ref"], frame["code"]) == ("error", "7", "bad_frame")
    assert frame["expected"]


@given(text=st.text() | st.binary() | JSON.map(json.dumps))
def test_nothing_that_is_sent_makes_the_reader_fail(text: str | bytes) -> None:
    with suppress(FrameError):
        assert isinstance(decode_client_frame(text), get_args(ClientFrame))
    assert isinstance(ref_of(text), str)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"type":"ping","a":' * 50_000, b"\xff\xfe", '{"type":"ping","ref":"\\ud800"}']
)
def test_frames_made_to_hurt_are_refused(text: str | bytes) -> None:
    with pytest.raises(FrameError):
        decode_client_frame(text)
    assert ref_of(text) == ""


def test_what_came_is_not_sent_back_at_full_length() -> None:
    with pytest.raises(FrameError) as caught:
        decode_client_frame(json.dumps({"type": "x" * 100_000}))
    assert len(caught.value.got) <= 200


def test_a_frame_that_is_too_large_is_not_even_read() -> None:
    with pytest.raises(FrameError, match="too large"):
        decode_client_frame(b"x" * (MAX_FRAME_BYTES + 1))


@pytest.mark.parametrize(
    ("text", "ref"),
    [('{"ref":"a"}', "a"), ('{"ref":7}', ""), ("[]", ""), ("{", ""), (json.dumps({"ref": "x" * 201}), "")],
)
def test_the_ref_of_a_frame_that_did_not_fit_is_found_if_it_had_one(text: str, ref: str) -> None:
    assert ref_of(text) == ref


@given(seq=st.integers(1, 2**40), text=st.text())
def test_an_event_is_framed_without_changing_it(seq: int, text: str) -> None:
    entry = Entry(seq, encode_event(TextDelta(3, text)))
    event = {"type": "text.delta", "part": 3, "text": text}
    assert json.loads(event_frame(turn_prefix("t1"), entry)) == {
        "type": "event", "turn": "t1", "seq": seq, "event": event,
    }  # fmt: skip
    assert json.loads(event_frame(FEED_PREFIX, entry)) == {"type": "feed", "seq": seq, "event": event}


@given(seq=st.integers(1, 2**40), text=st.text())
def test_a_server_sent_event_is_one_line_of_data_whatever_the_text(seq: int, text: str) -> None:
    wire = encode_entry(Entry(seq, encode_event(TextDelta(0, text)))).decode()
    assert wire.endswith("\n\n")
    head, data = wire[:-2].split("\n")
    assert head == f"id: {seq}"
    assert "\r" not in data
    assert json.loads(data.removeprefix("data: "))["text"] == text


def test_a_heartbeat_is_a_comment() -> None:
    assert HEARTBEAT.startswith(b":")
    assert HEARTBEAT.endswith(b"\n\n")


def test_every_server_frame_has_a_type_of_its_own() -> None:
    tags = [msgspec.inspect.type_info(kind).tag for kind in get_args(ServerFrame)]  # type: ignore[attr-defined]
    assert len(tags) == len(set(tags))
    assert not {"event", "feed"} & set(tags)


def test_an_errors_frame_carries_what_the_client_acts_on() -> None:
    frame = error_frame(LimitError("Too many.", detail="inner", retry_after_s=3), "r")
    assert json.loads(encode_frame(frame)) == {
        "type": "error", "ref": "r", "code": "limit", "message": "Too many.", "retryable": True, "retry_after_s": 3,
    }  # fmt: skip
    assert json.loads(encode_frame(error_frame(NotFoundError("No.")))) == {
        "type": "error", "code": "not_found", "message": "No.",
    }  # fmt: skip


def test_a_messages_document_names_its_parts_by_kind() -> None:
    row = MessageRow(
        id="m", conversation_id="c", parent_id=None, role="assistant", status="complete",
        parts=[IdeaPart("a"), TextPart("b")], model="x/y", turn_id="t", usage=None,
        continuations=[Continuation(1, 3, 9)], error=None, first_token_ms=None, created_at=1, ended_at=2,
    )  # fmt: skip
    document: dict[str, Any] = message_document(row, []).model_dump()
    assert document["parts"] == [{"kind": "idea", "text": "a"}, {"kind": "text", "text": "b"}]
    assert document["continuations"] == [{"part": 1, "offset": 3, "at": 9}]
    assert (document["usage"], document["error"], document["turn"]) == (None, None, "t")
