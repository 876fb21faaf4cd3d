"""Messages edited, branched, deleted, forked and compared, over HTTP and the full socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from tests.fakes.script import Script, words
from tests.harness.full_client import FullClient, new_name, open_full
from tests.harness.server import Server
from tests.harness.stored import fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

SLOW = Script(pieces=words(400), delay_s=0.02)


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(Script(pieces=["An ", "answer."]))


@pytest.fixture
async def client(server: Server) -> AsyncIterator[FullClient]:
    async with open_full(server.port, server.key) as opened:
        yield opened


def talk(http: httpx2.Client, model: str, *questions: str) -> tuple[str, list[dict[str, Any]]]:
    """A conversation with these questions, and its path."""
    chat = new_name("chat")
    for question in questions:
        ask(http, chat, question, model=model)
    return chat, fetch_messages(http, chat)


def ask(http: httpx2.Client, chat: str, question: str, **fields: Any) -> None:
    answer = http.post("/chat_batch", json={"message": question, "chatId": chat} | fields)
    assert answer.status_code == 200, answer.text


def texts(http: httpx2.Client, chat: str) -> list[str]:
    return [text_of(message) for message in fetch_messages(http, chat)]


def edit(http: httpx2.Client, message: str, version: int, text: str) -> httpx2.Response:
    return http.patch(f"/api/messages/{message}", json={"text": text, "version": version})


def test_what_was_edited_is_what_the_model_is_told(http: httpx2.Client, upstream: Upstream, model: str) -> None:
    chat, [question, answer] = talk(http, model, "Call me Ann")
    assert edit(http, question["id"], 1, "Call me Bob").json()["version"] == 2
    assert edit(http, answer["id"], 1, "Hello Bob.").json()["edited_at"] is not None
    ask(http, chat, "Who am I?")
    told = upstream.requests(model)[-1].body["messages"]
    assert "Call me Bob" in str(told)
    assert "Hello Bob." in str(told)
    assert "Ann" not in str(told)


def test_an_edit_can_be_undone_and_all_that_was_said_is_listed(http: httpx2.Client, model: str) -> None:
    chat, [question, _] = talk(http, model, "First words")
    edit(http, question["id"], 1, "Second words")
    versions = http.get(f"/api/messages/{question['id']}/versions").json()["items"]
    assert [(row["version"], text_of(row)) for row in versions] == [(2, "Second words"), (1, "First words")]
    restored = http.post(f"/api/messages/{question['id']}/versions/1/restore", json={"version": 2})
    assert restored.json()["version"] == 3
    assert texts(http, chat)[0] == "First words"


def send_edited(http: httpx2.Client, message: str, **fields: Any) -> dict[str, Any]:
    """Edited, sent and answered."""
    accepted = http.post(f"/api/messages/{message}/send", json=fields)
    assert accepted.status_code == 202, accepted.text
    body: dict[str, Any] = accepted.json()
    wait_until(lambda: http.get(f"/api/messages/{body['answer']}").json()["status"] == "complete", "an answer")
    return body


def test_edit_and_send_is_one_request_and_the_same_again_makes_nothing_twice(
    http: httpx2.Client, upstream: Upstream, model: str
) -> None:
    chat, [question, _] = talk(http, model, "First words")
    key = new_name("key")
    sent = send_edited(http, question["id"], text="Second words", id=key)
    assert send_edited(http, question["id"], text="Second words", id=key)["turn"] == sent["turn"]
    assert texts(http, chat) == ["Second words", "An answer."]
    assert fetch_messages(http, chat)[0]["siblings"]["count"] == 2
    assert "Second words" in str(upstream.requests(model)[-1].body["messages"][-1])
    other = http.post(f"/api/messages/{question['id']}/send", json={"text": "Third words", "id": key})
    assert other.status_code == 409


def test_edit_in_place_and_send_changes_nothing_when_it_cannot_be_sent(http: httpx2.Client, model: str) -> None:
    chat, [question, answer] = talk(http, model, "First words")
    address = f"/api/messages/{question['id']}/send"
    assert http.post(address, json={"text": "No", "version": 7}).json()["code"] == "stale_version"
    assert http.post(address, json={"text": "No", "version": 1, "model": "nobody:nothing"}).status_code >= 400
    assert http.post(f"/api/messages/{answer['id']}/send", json={"text": "No"}).status_code == 422
    assert texts(http, chat) == ["First words", "An answer."]
    send_edited(http, question["id"], text="Second words", version=1)
    edited = fetch_messages(http, chat)
    assert (edited[0]["id"], edited[0]["version"], text_of(edited[0])) == (question["id"], 2, "Second words")
    assert edited[1]["id"] != answer["id"]


def test_a_branch_and_a_fork_asked_for_twice_with_one_key_are_made_once(http: httpx2.Client, model: str) -> None:
    chat, [question, answer] = talk(http, model, "Hello")
    key = new_name("key")
    branch = {"text": "Hello again", "id": key}
    made = [http.post(f"/api/messages/{question['id']}/branch", json=branch).json()["id"] for _ in range(2)]
    forks = [http.post(f"/api/messages/{answer['id']}/fork", json={"id": key}).json()["id"] for _ in range(2)]
    assert len(set(made)) == len(set(forks)) == 1
    assert fetch_messages(http, chat)[0]["siblings"]["count"] == 2
    other = http.post(f"/api/messages/{question['id']}/branch", json={"text": "Something else", "id": key})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


def test_of_many_edits_of_one_version_exactly_one_wins_and_the_others_are_told(
    http: httpx2.Client, server: Server, model: str
) -> None:
    _, [question, _] = talk(http, model, "Hello")

    def change(number: int) -> httpx2.Response:
        with server.http() as own:
            return edit(own, question["id"], 1, f"Edit {number}")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(change, range(8)))
    won = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert (len(won), len(refused)) == (1, 7)
    assert {answer.json()["code"] for answer in refused} == {"stale_version"}
    stored = http.get(f"/api/messages/{question['id']}").json()
    assert (stored["version"], text_of(stored)) == (2, text_of(won[0].json()))


def test_a_question_is_asked_otherwise_on_a_branch_and_one_switches_between_them(
    http: httpx2.Client, upstream: Upstream, model: str
) -> None:
    chat, path = talk(http, model, "One", "Two")
    ask(http, chat, "Zwei", instead_of=path[2]["id"])
    assert texts(http, chat) == ["One", "An answer.", "Zwei", "An answer."]
    assert "Two" not in str(upstream.requests(model)[-1].body)
    branched = fetch_messages(http, chat)
    assert branched[2]["siblings"] == {"position": 2, "count": 2, "ids": [path[2]["id"], branched[2]["id"]]}
    assert [message["siblings"] for message in branched if message["id"] != branched[2]["id"]] == [None] * 3
    http.post(f"/api/messages/{path[2]['id']}/choose")
    assert [message["id"] for message in fetch_messages(http, chat)] == [message["id"] for message in path]
    ask(http, chat, "Below the first answer", parent=path[1]["id"])
    assert texts(http, chat) == ["One", "An answer.", "Below the first answer", "An answer."]


def test_the_first_question_asked_otherwise_begins_the_path(http: httpx2.Client, model: str) -> None:
    chat, path = talk(http, model, "One", "Two")
    ask(http, chat, "Uno", instead_of=path[0]["id"])
    assert texts(http, chat) == ["Uno", "An answer."]
    http.post(f"/api/messages/{path[3]['id']}/choose")
    assert texts(http, chat) == ["One", "An answer.", "Two", "An answer."]


def test_an_answer_edited_as_a_branch_is_gone_on_from(http: httpx2.Client, upstream: Upstream, model: str) -> None:
    chat, path = talk(http, model, "One", "Two")
    made = http.post(f"/api/messages/{path[1]['id']}/branch", json={"text": "My own answer."})
    assert made.status_code == 201
    assert texts(http, chat) == ["One", "My own answer."]
    ask(http, chat, "And now?")
    assert "My own answer." in str(upstream.requests(model)[-1].body)
    assert made.json()["siblings"]["count"] == 2


def test_a_message_is_deleted_and_had_back(http: httpx2.Client, upstream: Upstream, model: str) -> None:
    chat, path = talk(http, model, "One", "Two", "Three")
    deletion = http.delete(f"/api/messages/{path[2]['id']}").json()
    assert texts(http, chat) == ["One", "An answer.", "An answer.", "Three", "An answer."]
    assert http.get(f"/api/messages/{path[2]['id']}").status_code == 404
    ask(http, chat, "Four")
    assert "Two" not in str(upstream.requests(model)[-1].body)
    assert http.post(f"/api/deletions/{deletion['id']}/undo").status_code == 200
    assert texts(http, chat)[2] == "Two"
    assert http.post(f"/api/deletions/{deletion['id']}/undo").status_code == 404


@pytest.mark.parametrize(("what", "left"), [("from", 2), ("after", 3)])
def test_everything_after_a_message_is_deleted_and_had_back(
    http: httpx2.Client, model: str, what: str, left: int
) -> None:
    chat, path = talk(http, model, "One", "Two", "Three")
    deletion = http.delete(f"/api/messages/{path[2]['id']}", params={"what": what}).json()
    assert deletion["count"] == len(path) - left
    assert [message["id"] for message in fetch_messages(http, chat)] == [message["id"] for message in path[:left]]
    http.post(f"/api/deletions/{deletion['id']}/undo")
    assert fetch_messages(http, chat) == path


def test_a_fork_is_a_conversation_of_its_own(http: httpx2.Client, upstream: Upstream, model: str) -> None:
    chat, path = talk(http, model, "One", "Two", "Three")
    http.delete(f"/api/messages/{path[1]['id']}")
    edit(http, path[0]["id"], 1, "Uno")
    fork = http.post(f"/api/messages/{path[3]['id']}/fork").json()
    assert (fork["title"], fork["forked_from"]) == ("One", path[3]["id"])
    assert texts(http, fork["id"]) == ["Uno", "Two", "An answer."]
    ask(http, fork["id"], "Four")
    assert "Three" not in str(upstream.requests(model)[-1].body)
    edit(http, fetch_messages(http, fork["id"])[0]["id"], 1, "Eins")
    assert texts(http, chat) == ["Uno", "Two", "An answer.", "Three", "An answer."]


def test_a_page_is_read_around_a_message(http: httpx2.Client, model: str) -> None:
    chat, path = talk(http, model, "One", "Two", "Three", "Four")
    address = f"/api/conversations/{chat}/messages"
    ids = [message["id"] for message in path]
    page = http.get(address, params={"around": ids[4], "limit": 3}).json()
    assert [message["id"] for message in page["items"]] == ids[3:6]
    after = http.get(address, params={"after": page["newer_cursor"], "limit": 1}).json()
    assert [message["id"] for message in after["items"]] == ids[6:7]
    assert http.get(address, params={"after": after["newer_cursor"]}).json()["newer_cursor"] is None
    assert http.get(address, params={"around": "nothing"}).status_code == 404
    assert http.get(address, params={"around": ids[0], "after": ids[0]}).status_code == 422


async def test_while_an_answer_is_written_others_are_edited_and_itself_is_not(
    client: FullClient, http: httpx2.Client, upstream: Upstream
) -> None:
    chat = new_name("chat")
    first = await client.send("One", conversation=chat, model=upstream.model(Script(pieces=["Done."])))
    await client.until_ended(first["turn"])
    running = await client.send("Two", conversation=chat, model=upstream.model(SLOW))
    await client.until_text(running["turn"], 20)
    assert edit(http, first["answer"], 1, "Really done.").status_code == 200
    for answer in (
        edit(http, running["answer"], 1, "Mine"),
        http.delete(f"/api/messages/{running['answer']}"),
        http.delete(f"/api/messages/{first['message']}", params={"what": "from"}),
        http.post(f"/api/messages/{running['answer']}/fork"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "still_running")
    await client.ask("stop", turn=running["turn"])
    await client.until_ended(running["turn"])
    assert texts(http, chat)[:3] == ["One", "Really done.", "Two"]
    assert edit(http, running["answer"], 1, "Mine").status_code == 200


async def test_two_models_answer_one_question_at_once_and_the_chosen_answer_is_gone_on_from(
    client: FullClient, http: httpx2.Client, upstream: Upstream
) -> None:
    one, two = upstream.model(SLOW), upstream.model(Script(pieces=["Other ", *words(300)], delay_s=0.02))
    accepted = await client.send("Compare", model=one)
    beside = await client.ask("retry", id=new_name("key"), message=accepted["message"], model=two, beside=True)
    assert (beside["type"], beside["message"], beside["model"]) == ("accepted", accepted["message"], two)
    await client.until_text(accepted["turn"], 10)
    await client.until_text(beside["turn"], 10)
    path = fetch_messages(http, accepted["conversation"])
    assert [message["id"] for message in path] == [accepted["message"], accepted["answer"]]
    assert path[1]["siblings"] == {"position": 1, "count": 2, "ids": [accepted["answer"], beside["answer"]]}
    http.post(f"/api/messages/{beside['answer']}/choose")
    queued = await client.send("Go on", conversation=accepted["conversation"], model=one)
    await client.ask("stop", turn=accepted["turn"])
    await client.until_ended(accepted["turn"])
    waiting = fetch_messages(http, accepted["conversation"])[-1]
    assert (waiting["id"], waiting["status"]) == (queued["answer"], "queued"), "the other answer is written still"
    await client.ask("stop", turn=beside["turn"])
    await client.until_ended(beside["turn"])
    await client.until_text(queued["turn"], 10)
    assert "Other" in str(upstream.requests(one)[-1].body)
    await client.ask("stop", turn=queued["turn"])
    await client.until_ended(queued["turn"])


async def test_other_tabs_hear_of_edits_at_once(client: FullClient, http: httpx2.Client, model: str) -> None:
    _, [question, answer] = talk(http, model, "Hello")
    await client.ask("feed")
    edit(http, question["id"], 1, "Hi")
    http.delete(f"/api/messages/{answer['id']}")
    heard = [
        {"type": "messages.changed", "conversation": question["conversation"], "message": message, "what": what}
        for message, what in ((question["id"], "edited"), (answer["id"], "path"))
    ]
    await client.until(lambda: all(event in [told for _, told in client.feed] for event in heard) or None, "the feed")


def test_an_answer_is_tried_again_with_another_model_over_http(
    http: httpx2.Client, upstream: Upstream, model: str
) -> None:
    chat, [question, answer] = talk(http, model, "Hello")
    other = upstream.model(Script(pieces=["Another."]))
    accepted = http.post(f"/api/messages/{answer['id']}/retry", json={"model": other})
    assert (accepted.status_code, accepted.json()["model"], accepted.json()["message"]) == (202, other, question["id"])
    wait_until(lambda: texts(http, chat) == ["Hello", "Another."], "the other answer")
    assert http.get(f"/api/conversations/{chat}").json()["model"] == model, "the next ones are answered as before"


@pytest.mark.parametrize(
    ("body", "code"),
    [({"text": " ", "version": 1}, "bad_input"), ({"text": "a\x00b", "version": 1}, "bad_input")],
)
def test_an_edit_that_cannot_be_stored_is_refused(
    http: httpx2.Client, model: str, body: dict[str, Any], code: str
) -> None:
    _, [question, _] = talk(http, model, "Hello")
    refused = http.patch(f"/api/messages/{question['id']}", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
