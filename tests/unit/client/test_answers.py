"""A stream of events is taken apart wherever it was cut, and added up once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.client.answers import AnswerState, Delta, Patience
from quarterdeck.client.documents import Message
from quarterdeck.client.errors import ClientError, TurnFailedError, UnreachableError, error_of
from quarterdeck.domain.events import (
    Event,
    PartEnded,
    PartStarted,
    TextDelta,
    TurnEnded,
    TurnFault,
    TurnRestored,
    TurnStarted,
    encode_event,
)
from quarterdeck.domain.fold import fold
from quarterdeck.domain.parts import IdeaPart, Part, TextPart

STARTED = TurnStarted("t", "c", "m", "r", "fake/model", 1)
EVENTS: list[Event] = [
    STARTED,
    PartStarted(0, "idea"),
    TextDelta(0, "Whiskers"),
    PartEnded(0),
    PartStarted(1, "text"),
    TextDelta(1, "Saved\u2028 them"),
    TextDelta(1, "! 🧭"),
    PartEnded(1),
    TurnEnded("complete", 9),
]


def written(events: list[Event], first: int = 1) -> bytes:
    return b"".join(b"id: %d\ndata: %b\n\n" % (seq, encode_event(event)) for seq, event in enumerate(events, first))


@given(cuts=st.lists(st.integers(0, len(written(EVENTS))), max_size=20))
def test_a_stream_in_any_pieces_gives_the_same_events(cuts: list[int]) -> None:
    stream, state, found = b": heartbeat\n\n" + written(EVENTS), AnswerState("t"), list[Event]()
    places = sorted({0, *cuts, len(stream)})
    for begin, end in itertools.pairwise(places):
        found += [event for _, event in state.feed(stream[begin:end])]
    assert found == EVENTS
    assert state.folded() == fold(EVENTS)
    assert state.is_over


@given(cut=st.integers(0, len(written(EVENTS))))
def test_a_connection_that_is_cut_anywhere_goes_on_at_the_cursor(cut: int) -> None:
    stream, state = written(EVENTS), AnswerState("t")
    found = [event for _, event in state.feed(stream[:cut])]
    state.begin()
    found += [event for _, event in state.feed(written(EVENTS[state.cursor :], state.cursor + 1))]
    assert found == EVENTS


def test_what_was_had_before_is_not_told_again() -> None:
    state = AnswerState("t")
    assert len(list(state.feed(written(EVENTS[:3])))) == 3
    assert list(state.feed(written(EVENTS[:3]))) == []


def test_an_event_of_a_later_version_is_passed_over() -> None:
    state = AnswerState("t")
    stream = b'id: 1\ndata: {"type":"picture.drawn","at":1}\n\n' + written([STARTED], 2)
    assert [event for _, event in state.feed(stream)] == [STARTED]
    assert state.cursor == 2


def test_a_restored_answer_adds_only_what_is_new() -> None:
    state = AnswerState("t")
    told = [delta for _, event in state.feed(written(EVENTS[:6])) for delta in state.deltas_of(event)]
    parts: list[Part] = [IdeaPart("Whiskers"), TextPart("Saved\u2028 them!")]
    restored = TurnRestored("t", "c", "m", "r", "fake/model", 1, parts=parts)
    ended = TurnEnded("complete", 9)
    news = [delta for _, event in state.feed(written([restored, ended], 40)) for delta in state.deltas_of(event)]
    assert told == [Delta(0, "idea", "Whiskers"), Delta(1, "text", "Saved\u2028 them")]
    assert news == [Delta(1, "text", "!")]


def test_a_saved_message_stands_for_a_log_that_is_gone() -> None:
    state = AnswerState("t")
    list(state.feed(written(EVENTS[:6])))
    message = Message("m", "c", "assistant", "failed", [TextPart("Half")], error=TurnFault("provider_cut", "It broke."))
    assert [type(event).__name__ for _, event in state.take_message(message)] == ["TurnRestored", "TurnEnded"]
    assert state.folded().parts == [TextPart("Half")]
    with pytest.raises(TurnFailedError, match=r"It broke\.") as raised:
        state.check()
    assert raised.value.code == "provider_cut"


def test_who_did_not_follow_from_the_beginning_has_no_whole_answer() -> None:
    state = AnswerState("t", after=5)
    assert len(list(state.feed(written(EVENTS[5:], 6)))) == 4
    with pytest.raises(ClientError, match="from its beginning"):
        state.folded()


def test_patience_grows_its_pauses_and_ends() -> None:
    now = 0.0
    patience, error = Patience(10, lambda: now), UnreachableError("Gone.")
    pauses = [patience.pause_s(error) for _ in range(8)]
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 5
    now = 10.0
    with pytest.raises(UnreachableError):
        patience.pause_s(error)
    patience.reset()
    assert patience.pause_s(error) < 1


def test_what_another_try_would_not_mend_is_told_at_once() -> None:
    with pytest.raises(ClientError):
        Patience(10).pause_s(error_of(404, b"{}"))


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[1]", b"\xff"])
def test_an_answer_that_no_quarterdeck_gave_is_an_error_all_the_same(body: bytes) -> None:
    error = error_of(502, body)
    assert (error.code, error.status, error.retryable) == ("http_502", 502, True)
    assert error.message.endswith(".")


def test_an_error_carries_the_code_of_the_server() -> None:
    error = error_of(429, b'{"detail":"Too often.","code":"limit","retryable":true}', "7")
    assert (error.message, error.code, error.retryable, error.retry_after_s) == ("Too often.", "limit", True, 7)
