"""`WS /chat` with the subprotocol `quarterdeck.v1`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from tests.fakes.script import Script, words
from tests.fakes.serving import as_written
from tests.harness.checks import find_differences, find_disorder, texts_of
from tests.harness.full_client import FullClient, new_name, open_full
from tests.harness.server import Server
from tests.harness.stored import fetch_message, fetch_messages, text_of
from tests.harness.upstream import Upstream

SLOW = Script(pieces=words(400), delay_s=0.02)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[FullClient]:
    async with open_full(server.port, server.key) as opened:
        yield opened


async def test_the_first_frame_says_who_is_there_and_how_often_to_expect_a_sign_of_life(
    client: FullClient, http: httpx2.Client
) -> None:
    me = http.get("/api/me").json()
    assert client.hello["protocol"] == "quarterdeck.v1"
    assert client.hello["user"] == {"id": me["id"], "name": me["name"]}
    assert client.hello["version"] == me["version"]
    assert client.hello["heartbeat_s"] == 15


async def test_an_accepted_message_is_stored_before_its_answer_begins(
    client: FullClient, http: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(first_delay_s=3600))
    accepted = await client.send("Keep this", model=model)
    question, answer = fetch_messages(http, accepted["conversation"])
    assert (question["id"], answer["id"]) == (accepted["message"], accepted["answer"])
    assert (question["role"], question["status"], text_of(question)) == ("user", "complete", "Keep this")
    assert (answer["role"], answer["status"], answer["turn"]) == ("assistant", "running", accepted["turn"])
    assert (await client.ask("stop", turn=accepted["turn"]))["type"] == "stopping"
    await client.until_ended(accepted["turn"])


async def test_an_answer_streams_without_asking_and_folds_to_the_stored_message(
    client: FullClient, http: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(reasoning=["Let me ", "think."], pieces=words(60), delay_s=0.005))
    accepted = await client.send(model=model)
    transcript = await client.until_ended(accepted["turn"])
    assert find_disorder(transcript) == []
    stored = fetch_message(http, accepted["conversation"], accepted["answer"])
    assert find_differences(transcript, stored) == []
    assert texts_of(transcript) == ["Let me think.", "".join(words(60))]
    assert stored["first_token_ms"] is not None
    assert stored["model"] == model
    assert len(transcript) > 10, "the answer came in pieces"


async def test_the_same_id_and_body_gives_the_same_answer_again(client: FullClient, upstream: Upstream) -> None:
    model = upstream.model(Script())
    sent = {"id": new_name("key"), "conversation": new_name("chat"), "text": "Once", "model": model}
    first = await client.ask("send", **sent)
    again = await client.ask("send", **sent)
    assert {**first, "ref": ""} == {**again, "ref": ""}
    transcript = await client.until_ended(first["turn"])
    assert find_disorder(transcript) == []
    assert len(upstream.requests(model)) == 1


async def test_the_same_id_with_another_body_is_a_conflict(client: FullClient) -> None:
    sent = {"id": new_name("key"), "conversation": new_name("chat"), "text": "One"}
    first = await client.ask("send", **sent)
    refused = await client.ask("send", **(sent | {"text": "Two"}))
    assert (refused["type"], refused["code"]) == ("error", "conflict")
    assert "Nothing was sent twice" in refused["message"]
    await client.until_ended(first["turn"])


async def test_retrying_puts_a_new_answer_in_the_place_of_the_old_one(
    client: FullClient, http: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=["first"]))
    accepted = await client.send("Try", model=model)
    await client.until_ended(accepted["turn"])
    upstream.change(model, Script(pieces=["second"]))
    again = await client.ask("retry", id=new_name("key"), message=accepted["answer"])
    assert again["message"] == accepted["message"]
    assert again["answer"] != accepted["answer"]
    assert texts_of(await client.until_ended(again["turn"])) == ["second"]
    path = fetch_messages(http, accepted["conversation"])
    assert [text_of(message) for message in path] == ["Try", "second"]


async def test_what_is_being_answered_cannot_be_retried(client: FullClient, upstream: Upstream) -> None:
    accepted = await client.send(model=upstream.model(SLOW))
    question = await client.ask("retry", id=new_name("key"), message=accepted["message"])
    running = await client.ask("retry", id=new_name("key"), message=accepted["answer"])
    unknown = await client.ask("retry", id=new_name("key"), message="nothing")
    assert [question["code"], running["code"], unknown["code"]] == ["conflict", "conflict", "not_found"]
    await client.ask("stop", turn=accepted["turn"])
    await client.until_ended(accepted["turn"])


async def test_stopping_keeps_what_was_written(client: FullClient, http: httpx2.Client, upstream: Upstream) -> None:
    accepted = await client.send(model=upstream.model(SLOW))
    await client.until_text(accepted["turn"], 50)
    assert (await client.ask("stop", turn=accepted["turn"]))["type"] == "stopping"
    transcript = await client.until_ended(accepted["turn"])
    assert transcript[-1][1]["status"] == "stopped"
    stored = fetch_message(http, accepted["conversation"], accepted["answer"])
    assert stored["status"] == "stopped"
    assert len(text_of(stored)) >= 50
    assert "".join(words(400)).startswith(text_of(stored))
    assert find_differences(transcript, stored) == []


async def test_stopping_an_ended_turn_is_no_error(client: FullClient, upstream: Upstream) -> None:
    accepted = await client.send(model=upstream.model(Script()))
    await client.until_ended(accepted["turn"])
    assert (await client.ask("stop", turn=accepted["turn"]))["type"] == "stopping"


async def test_a_second_message_waits_for_the_first_answer(
    client: FullClient, http: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(30), delay_s=0.02))
    chat = new_name("chat")
    first = await client.send("First", conversation=chat, model=model)
    second = await client.send("Second", conversation=chat)
    third = await client.send("Third", conversation=chat)
    states = {message["id"]: message["status"] for message in fetch_messages(http, first["conversation"])}
    assert [states[sent["answer"]] for sent in (first, second, third)] == ["running", "queued", "queued"]
    for sent in (first, second, third):
        assert find_disorder(await client.until_ended(sent["turn"])) == []
    asked = [as_written(request.body["messages"][-1]["content"]) for request in upstream.requests(model)]
    assert asked == ["First", "Second", "Third"]
    ends = [request.ended_at for request in upstream.requests(model)]
    starts = [request.started_at for request in upstream.requests(model)]
    assert all(end is not None and end <= start for end, start in zip(ends, starts[1:], strict=False))
    roles = [message["role"] for message in upstream.requests(model)[2].body["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


async def test_a_waiting_message_can_be_stopped_and_the_next_one_runs(client: FullClient, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(40), delay_s=0.02))
    chat = new_name("chat")
    first = await client.send("First", conversation=chat, model=model)
    second = await client.send("Second", conversation=chat)
    third = await client.send("Third", conversation=chat)
    await client.ask("stop", turn=second["turn"])
    ended = {sent["turn"]: (await client.until_ended(sent["turn"]))[-1][1] for sent in (first, second, third)}
    assert [event["status"] for event in ended.values()] == ["complete", "stopped", "complete"]
    assert len(upstream.requests(model)) == 2


async def test_many_quick_messages_to_one_conversation_are_answered_one_after_the_other(
    client: FullClient, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=["ok"]))
    chat = new_name("chat")
    sent = await asyncio.gather(*(client.send(f"{n}", conversation=chat, model=model) for n in range(25)))
    for accepted in sent:
        assert find_disorder(await client.until_ended(accepted["turn"])) == []
    assert len(upstream.requests(model)) == 25


async def test_a_turn_can_be_followed_from_any_cursor(server: Server, client: FullClient, upstream: Upstream) -> None:
    accepted = await client.send(model=upstream.model(Script(pieces=words(40), delay_s=0.005)))
    whole = list(await client.until_ended(accepted["turn"]))
    async with open_full(server.port, server.key) as other:
        for after in range(len(whole)):
            other.transcript(accepted["turn"]).clear()
            reply = await other.ask("follow", turn=accepted["turn"], after=after)
            assert (reply["type"], reply["after"]) == ("following", after)
            assert await other.until_ended(accepted["turn"]) == whole[after:]


async def test_following_at_the_very_end_is_quiet(client: FullClient, upstream: Upstream) -> None:
    accepted = await client.send(model=upstream.model(Script()))
    count = len(await client.until_ended(accepted["turn"]))
    assert (await client.ask("follow", turn=accepted["turn"], after=count))["type"] == "following"
    assert (await client.ask("ping"))["type"] == "pong"
    assert len(client.transcript(accepted["turn"])) == count


async def test_a_sender_may_choose_not_to_follow(client: FullClient, upstream: Upstream) -> None:
    accepted = await client.send(model=upstream.model(Script()), follow=False)
    await client.ask("feed", after=0)
    await client.until(lambda: _finished(client, accepted["turn"]), "the end, by the feed")
    assert client.transcript(accepted["turn"]) == []


def _finished(client: FullClient, turn: str) -> bool | None:
    return any(event["type"] == "turn.finished" and event["turn"] == turn for _, event in client.feed) or None


async def test_nothing_comes_after_unfollowing_and_the_turn_goes_on(
    client: FullClient, http: httpx2.Client, upstream: Upstream
) -> None:
    accepted = await client.send(model=upstream.model(Script(pieces=words(60), delay_s=0.02)))
    turn = accepted["turn"]
    await client.until_text(turn, 20)
    assert (await client.ask("unfollow", turn=turn))["type"] == "unfollowed"
    cursor = len(client.transcript(turn))
    await client.ask("feed", after=0)
    await client.until(lambda: _finished(client, turn), "the end, by the feed")
    assert len(client.transcript(turn)) == cursor
    assert (await client.ask("follow", turn=turn, after=cursor))["type"] == "following"
    transcript = await client.until_ended(turn)
    assert find_disorder(transcript) == []
    assert find_differences(transcript, fetch_message(http, accepted["conversation"], accepted["answer"])) == []


async def test_two_tabs_see_the_same(server: Server, client: FullClient, upstream: Upstream) -> None:
    async with open_full(server.port, server.key) as tab:
        await tab.ask("feed")
        accepted = await client.send(model=upstream.model(Script(pieces=words(50), delay_s=0.01)))
        turn = accepted["turn"]
        await tab.until(lambda: _started(tab, turn), "the turn, by the feed")
        await tab.ask("follow", turn=turn, after=0)
        assert await tab.until_ended(turn) == await client.until_ended(turn)
        await tab.until(lambda: _finished(tab, turn), "its end, by the feed")


def _started(client: FullClient, turn: str) -> bool | None:
    return any(event["type"] == "turn.running" and event["turn"] == turn for _, event in client.feed) or None


async def test_the_feed_points_at_what_changed(client: FullClient, http: httpx2.Client, upstream: Upstream) -> None:
    reply = await client.ask("feed")
    assert (reply["type"], reply["feed"]) == ("following", True)
    accepted = await client.send("Point", model=upstream.model(Script()))
    await client.until(lambda: _finished(client, accepted["turn"]), "the end")
    http.patch(f"/api/conversations/{accepted['conversation']}", json={"title": "Renamed"})
    await client.until(lambda: _count_changes(client, accepted["conversation"]) >= 2 or None, "the new title")
    seqs = [seq for seq, _ in client.feed]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert "Point" not in json.dumps(client.feed), "pointers only, never content"


def _count_changes(client: FullClient, conversation: str) -> int:
    changed = [event for _, event in client.feed if event["type"] == "conversation.changed"]
    return sum(event["conversation"] == conversation for event in changed)


async def test_the_feed_goes_on_from_where_the_index_was_made(
    server: Server, client: FullClient, http: httpx2.Client, upstream: Upstream
) -> None:
    accepted = await client.send(model=upstream.model(Script()))
    await client.until_ended(accepted["turn"])
    index = http.get("/").text
    settings = json.loads(index.partition('id="quarterdeck-settings">')[2].partition("</script>")[0])
    later = await client.send(model=upstream.model(Script()))
    await client.until_ended(later["turn"])
    async with open_full(server.port, server.key) as tab:
        assert (await tab.ask("feed", after=settings["feed_after"]))["type"] == "following"
        await tab.until(lambda: _finished(tab, later["turn"]), "what came after the index")


async def test_the_feed_goes_on_from_a_cursor(server: Server, client: FullClient, upstream: Upstream) -> None:
    await client.ask("feed")
    accepted = await client.send(model=upstream.model(Script()))
    await client.until(lambda: _finished(client, accepted["turn"]), "the end")
    first = client.feed[0][0]
    async with open_full(server.port, server.key) as other:
        assert (await other.ask("feed", after=first))["after"] == first
        count = len(client.feed) - 1
        await other.until(lambda: len(other.feed) >= count or None, "the same entries")
        assert other.feed[:count] == client.feed[1 : count + 1]
        ahead = await other.ask("feed", after=10**9)
        assert (ahead["type"], ahead["feed"], ahead["reason"]) == ("resync", True, "ahead")


ODD_FRAMES: list[tuple[str, str | bytes]] = [
    ("no JSON", "hello"),
    ("nothing", ""),
    ("a number", "1"),
    ("a list", "[]"),
    ("null", "null"),
    ("no type", "{}"),
    ("unknown type", '{"type":"dance"}'),
    ("type is a number", '{"type":1}'),
    ("bytes", b"\xff\xfe\x00"),
    ("half a frame", '{"type":"send","id":'),
    ("no id", '{"type":"send","conversation":"c","text":"t"}'),
    ("text is a number", '{"type":"send","id":"i","conversation":"c","text":7}'),
    ("text is null", '{"type":"send","id":"i","conversation":"c","text":null}'),
    ("temperature is a word", '{"type":"send","id":"i","conversation":"c","text":"t","temperature":"hot"}'),
    ("temperature is NaN", '{"type":"send","id":"i","conversation":"c","text":"t","temperature":NaN}'),
    ("a lone surrogate", '{"type":"send","id":"i","conversation":"c","text":"\\ud800"}'),
    ("cursor is a word", '{"type":"follow","turn":"t","after":"x"}'),
    ("cursor is a fraction", '{"type":"follow","turn":"t","after":1.5}'),
    ("deeply nested", "[" * 20_000),
    ("ref is a number", '{"type":"ping","ref":1}'),
]


@pytest.mark.parametrize(("frame"), [frame for _, frame in ODD_FRAMES], ids=[name for name, _ in ODD_FRAMES])
async def test_a_frame_that_does_not_fit_is_told_what_was_expected_and_what_came(
    client: FullClient, frame: str | bytes
) -> None:
    await client.say(frame)
    error = await client.until(lambda: client.frames[0] if client.frames else None, "an error")
    assert (error["type"], error["code"]) == ("error", "bad_frame")
    assert error["expected"]
    assert error["got"]
    assert (await client.ask("ping"))["type"] == "pong"


BAD_SENDS: list[tuple[dict[str, object], str]] = [
    ({"text": ""}, "bad_input"),
    ({"text": "  \n "}, "bad_input"),
    ({"text": "a\x00b"}, "bad_input"),
    ({"text": "x" * 1_000_001}, "too_large"),
    ({"conversation": ""}, "bad_input"),
    ({"conversation": "c" * 201}, "bad_input"),
    ({"id": ""}, "bad_input"),
    ({"id": "k" * 201}, "bad_input"),
    ({"temperature": -0.1}, "bad_input"),
    ({"temperature": 2.1}, "bad_input"),
    ({"assistant": "nobody"}, "bad_input"),
    ({"model": "no-slash"}, "model_not_found"),
    ({"model": "nowhere/model"}, "model_not_found"),
    ({"model": "openai/"}, "model_not_found"),
]


@pytest.mark.parametrize(("wrong", "code"), BAD_SENDS, ids=range(len(BAD_SENDS)))
async def test_a_message_that_cannot_be_sent_stores_nothing(
    client: FullClient, http: httpx2.Client, wrong: dict[str, object], code: str
) -> None:
    chat = new_name("chat")
    reply = await client.ask("send", **({"id": new_name("key"), "conversation": chat, "text": "Hi"} | wrong))
    assert (reply["type"], reply["code"]) == ("error", code)
    assert reply["message"].endswith(".")
    assert http.get(f"/api/conversations/{chat}").status_code == 404


async def test_a_frame_over_the_limit_is_refused_and_the_socket_stays_or_closes_cleanly(server: Server) -> None:
    async with open_full(server.port, server.key) as client:
        await client.say(json.dumps({"type": "ping", "ref": "x" * (4 * 1024 * 1024)}))
        error = await client.until(lambda: _first_error(client), "an error")
        assert error["code"] == "bad_frame"
        assert (await client.ask("ping"))["type"] == "pong"


def _first_error(client: FullClient) -> dict[str, Any] | None:
    """On a busy machine a heartbeat may come before it."""
    return next((frame for frame in client.frames if frame["type"] == "error"), None)


async def test_a_thousand_pings_and_ten_turns_share_one_socket(client: FullClient, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(30), delay_s=0.01))
    sent = [await client.send(model=model) for _ in range(10)]
    replies = await asyncio.gather(*(client.ask("ping") for _ in range(1000)))
    assert all(reply["type"] == "pong" for reply in replies)
    for accepted in sent:
        transcript = await client.until_ended(accepted["turn"])
        assert find_disorder(transcript) == []
        assert texts_of(transcript) == ["".join(words(30))]
