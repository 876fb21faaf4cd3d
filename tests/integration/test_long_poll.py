"""Without a socket: say something, follow it and the feed by polling or by one stream, and be told what cannot be."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from tests.fakes.script import Script, words
from tests.harness.checks import Transcript, find_disorder, fold_transcript
from tests.harness.full_client import new_name
from tests.harness.polling import watch_by_frame_stream, watch_by_frames, watch_by_poll
from tests.harness.server import Server
from tests.harness.stored import fetch_message, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

Frames = list[dict[str, Any]]


def say(http: httpx2.Client, model: str, text: str = "Hello", **fields: Any) -> dict[str, Any]:
    sent = {"conversation": new_name("chat"), "text": text, "model": model, **fields}
    answer = http.post("/api/messages", json=sent)
    assert answer.status_code == 202, answer.text
    accepted: dict[str, Any] = answer.json()
    return accepted


def poll(http: httpx2.Client, turn: str, after: int = 0, wait: float = 5) -> dict[str, Any]:
    answer = http.get(f"/api/turns/{turn}/events", params={"after": after, "wait": wait})
    assert answer.status_code == 200, answer.text
    polled: dict[str, Any] = answer.json()
    return polled


def poll_frames(http: httpx2.Client, wait: float = 0, **params: Any) -> Frames:
    answer = http.get("/api/events", params={"wait": wait, **params})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    frames: Frames = answer.json()["items"]
    assert frames[0]["type"] == "hello"
    return frames[1:]


def read_all(http: httpx2.Client, turn: str) -> Transcript:
    transcript: Transcript = []
    while True:
        polled = poll(http, turn, transcript[-1][0] if transcript else 0)
        transcript += [(item["seq"], item["event"]) for item in polled["items"]]
        assert polled["cursor"] == (transcript[-1][0] if transcript else 0)
        if polled["is_over"]:
            return transcript


def test_a_turn_can_be_asked_for_and_read_to_its_end_by_polling(http: httpx2.Client, upstream: Upstream) -> None:
    accepted = say(http, upstream.model(Script(pieces=words(60), delay_s=0.005)))
    transcript = read_all(http, accepted["turn"])
    assert find_disorder(transcript) == []
    stored = fetch_message(http, accepted["conversation"], accepted["answer"])
    assert text_of(stored) == "".join(words(60))
    assert fold_transcript(transcript).status == "complete"
    assert poll(http, accepted["turn"], transcript[-1][0]) == {
        "items": [],
        "cursor": transcript[-1][0],
        "is_over": True,
    }


def test_a_poll_gives_no_more_events_than_it_was_asked_for(http: httpx2.Client, upstream: Upstream) -> None:
    accepted = say(http, upstream.model(Script(pieces=words(5))))
    whole = read_all(http, accepted["turn"])
    polled = http.get(f"/api/turns/{accepted['turn']}/events", params={"wait": 5, "after": 1, "limit": 2}).json()
    assert [(item["seq"], item["event"]) for item in polled["items"]] == whole[1:3]
    assert (polled["cursor"], polled["is_over"]) == (3, False)
    frames = poll_frames(http, wait=5, turn=f"{accepted['turn']}:1", limit=2)
    assert [frame.get("seq") for frame in frames] == [None, 2, 3]


def test_sent_twice_over_http_it_is_kept_once(http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    sent = {"id": new_name("key"), "conversation": new_name("chat"), "text": "Hello", "model": model}
    first, second = (http.post("/api/messages", json=sent) for _ in range(2))
    assert first.json() == second.json()
    assert http.post("/api/messages", json=sent | {"text": "Another"}).status_code == 409
    read_all(http, first.json()["turn"])
    assert len(upstream.requests(model)) == 1


def test_a_poll_waits_no_longer_than_it_was_told(http: httpx2.Client, upstream: Upstream) -> None:
    accepted = say(http, upstream.model(Script(pieces=["one"], fault="stall", fault_after=1)))
    turn = accepted["turn"]
    after = wait_until(lambda: _after_text(http, turn), "the first text")
    assert poll(http, turn, after, wait=0.2) == {"items": [], "cursor": after, "is_over": False}
    stopped = http.post(f"/api/turns/{turn}/stop")
    assert stopped.status_code == 202
    assert fold_transcript(read_all(http, turn)).status == "stopped"


def _after_text(http: httpx2.Client, turn: str) -> int | None:
    polled = poll(http, turn, wait=0)
    has_text = any(item["event"]["type"] == "text.delta" for item in polled["items"])
    return int(polled["cursor"]) if has_text else None


def test_several_turns_and_the_feed_come_in_one_answer(http: httpx2.Client, upstream: Upstream) -> None:
    following = poll_frames(http, feed="now")[0]
    one, two = (say(http, upstream.model(Script(pieces=[word]))) for word in ("one", "two"))
    for accepted in (one, two):
        read_all(http, accepted["turn"])
    frames = poll_frames(http, turn=[f"{one['turn']}:0", f"{two['turn']}:3"], feed=str(following["after"]))
    events = {turn: [f["seq"] for f in frames if f["type"] == "event" and f["turn"] == turn] for turn in _turns(frames)}
    assert events[one["turn"]] == list(range(1, len(events[one["turn"]]) + 1))
    assert events[two["turn"]] == list(range(4, len(events[two["turn"]]) + 4))
    pointers = [(f["event"]["type"], f["event"].get("turn")) for f in frames if f["type"] == "feed"]
    assert ("turn.running", one["turn"]) in pointers
    assert ("turn.finished", two["turn"]) in pointers


def _turns(frames: Frames) -> set[str]:
    return {frame["turn"] for frame in frames if frame["type"] == "event"}


def test_a_feed_in_which_nothing_happens_is_waited_for_and_then_said_to_be_quiet(http: httpx2.Client) -> None:
    wait_until(lambda: len(poll_frames(http, wait=0.3, feed="now")) == 1, "the answers before to be over")
    [following] = poll_frames(http, wait=0.3, feed="now")
    assert following["type"] == "following"


def test_what_cannot_be_followed_is_told_beside_what_can(
    http: httpx2.Client, stranger: httpx2.Client, upstream: Upstream
) -> None:
    theirs = say(stranger, upstream.model(Script(pieces=["secret"])))
    mine = say(http, upstream.model(Script(pieces=["mine"])))
    end = len(read_all(http, mine["turn"]))
    asked = [f"{theirs['turn']}:0", "nothing:0", f"{mine['turn']}:{end + 1}"]
    frames = poll_frames(http, wait=5, turn=asked, feed="999999999")
    told = {frame["ref"]: frame.get("reason", frame.get("code")) for frame in frames}
    assert told == {theirs["turn"]: "not_found", "nothing": "not_found", mine["turn"]: "ahead", "feed": "ahead"}
    assert "secret" not in json.dumps(frames)


@pytest.mark.parametrize(
    "params", [{"turn": "no-cursor"}, {"turn": "t:-1"}, {"feed": "soon"}, {"feed": "²"}, {"wait": -1}, {"wait": 3600}]
)
def test_a_cursor_that_is_none_is_refused(http: httpx2.Client, params: dict[str, Any]) -> None:
    answer = http.get("/api/events", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")


def test_a_poll_refuses_bad_cursors_and_other_peoples_turns(
    http: httpx2.Client, stranger: httpx2.Client, upstream: Upstream
) -> None:
    mine = say(http, upstream.model(Script(pieces=["mine"])))
    end = len(read_all(http, mine["turn"]))
    ahead = http.get(f"/api/turns/{mine['turn']}/events", params={"after": end + 1, "wait": 5})
    assert (ahead.status_code, ahead.json()["code"]) == (410, "resync")
    assert stranger.get(f"/api/turns/{mine['turn']}/events", params={"wait": 5}).status_code == 404


@pytest.mark.parametrize("watch", [watch_by_poll, watch_by_frames, watch_by_frame_stream])
async def test_each_way_shows_every_event_once_and_in_order(
    server: Server, http: httpx2.Client, upstream: Upstream, watch: Any
) -> None:
    accepted = say(http, upstream.model(Script(pieces=words(80), delay_s=0.002)))
    transcript: Transcript = []
    await watch(server.port, server.key, accepted["turn"], transcript)
    assert find_disorder(transcript) == []
    assert transcript == read_all(http, accepted["turn"])


def test_the_stream_begins_with_hello_and_ends_with_what_it_follows(http: httpx2.Client, upstream: Upstream) -> None:
    accepted = say(http, upstream.model(Script(pieces=words(5))))
    with http.stream("GET", "/api/events", params={"turn": f"{accepted['turn']}:0"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        frames = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]
    assert frames[0]["type"] == "hello"
    assert frames[1]["type"] == "following"
    assert frames[-1]["event"]["type"] == "turn.ended"
