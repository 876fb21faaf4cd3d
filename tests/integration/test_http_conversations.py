"""Conversations, messages and ideas over HTTP."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.fakes.script import TAGGED, Script, words
from tests.harness.full_client import new_name
from tests.harness.stored import fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

CONVERSATION = {
    "id", "chat_id", "title", "created_at", "updated_at", "model", "assistant", "instructions", "temperature",
    "running_turn", "title_from", "pinned_at", "archived_at", "folder",
    "forked_from", "memory", "deleted_at",
}  # fmt: skip
MESSAGE = {
    "id", "conversation", "parent", "role", "status", "parts", "model", "created_at", "ended_at", "turn", "usage",
    "continuations", "error", "first_token_ms", "mark", "version", "edited_at", "siblings",
}  # fmt: skip


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(Script(pieces=["An ", "answer."]))


def ask(http: httpx2.Client, text: str, chat: str, **fields: Any) -> httpx2.Response:
    answer = http.post("/chat_batch", json={"message": text, "chatId": chat} | fields)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_conversation_is_found_by_our_id_and_by_its_clients(http: httpx2.Client, model: str) -> None:
    chat = new_name("chat")
    ask(http, "  What is\na log?  ", chat, model=model, temperature=0.5)
    found = http.get(f"/api/conversations/{chat}").json()
    assert found.keys() == CONVERSATION
    assert (found["chat_id"], found["title"], found["model"]) == (chat, "What is a log?", model)
    assert (found["temperature"], found["running_turn"]) == (0.5, None)
    assert http.get(f"/api/conversations/{found['id']}").json() == found


def test_messages_are_listed_oldest_first_with_what_the_model_used(http: httpx2.Client, model: str) -> None:
    chat = new_name("chat")
    turn = ask(http, "Hello", chat, model=model).headers["x-turn-id"]
    question, answer = http.get(f"/api/conversations/{chat}/messages").json()["items"]
    assert question.keys() == answer.keys() == MESSAGE
    assert (question["role"], question["parts"]) == ("user", [{"kind": "text", "text": "Hello"}])
    assert (answer["role"], answer["status"], answer["parent"]) == ("assistant", "complete", question["id"])
    assert answer["parts"] == [{"kind": "text", "text": "An answer."}]
    assert (answer["turn"], answer["model"], answer["error"]) == (turn, model, None)
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (11, 2)
    assert answer["created_at"] <= answer["ended_at"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 200])
def test_messages_are_paged_without_gaps_or_repeats(http: httpx2.Client, model: str, limit: int) -> None:
    chat = new_name("chat")
    for number in range(4):
        ask(http, f"Question {number}", chat, model=model)
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = http.get(f"/api/conversations/{chat}/messages", params={"before": cursor, "limit": limit}).json()
        pages.insert(0, [text_of(message) for message in page["items"]])
        cursor = page["next_cursor"]
    expected = [text for number in range(4) for text in (f"Question {number}", "An answer.")]
    assert [text for page in pages for text in page] == expected
    assert all(len(page) == limit for page in pages[1:])


def test_conversations_are_paged_newest_first(stranger: httpx2.Client, model: str) -> None:
    chats = [new_name("chat") for _ in range(7)]
    for chat in chats:
        ask(stranger, chat, chat, model=model)
    ask(stranger, "again", chats[2], model=model)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = stranger.get("/api/conversations", params={"cursor": cursor, "limit": 3}).json()
        assert len(page["items"]) <= 3
        seen += [found["chat_id"] for found in page["items"]]
        cursor = page["next_cursor"]
    ours = [chat for chat in seen if chat in chats]
    assert ours == [chats[2], *reversed([chat for chat in chats if chat != chats[2]])]
    assert len(seen) == len(set(seen))


def test_titles_are_searched_without_regard_to_case_and_signs(http: httpx2.Client, model: str) -> None:
    mark = new_name("mark")
    chats = {title: new_name("chat") for title in (f"{mark} Harbour 100%", f"{mark} harbOUR_x", f"{mark} other")}
    for title, chat in chats.items():
        ask(http, title, chat, model=model)

    def search(query: str) -> set[str]:
        items = http.get("/api/conversations", params={"q": query, "limit": 200}).json()["items"]
        return {found["title"] for found in items if mark in found["title"]}

    assert search(f"{mark} HARBOUR") == {f"{mark} Harbour 100%", f"{mark} harbOUR_x"}
    assert search("0%") == {f"{mark} Harbour 100%"}
    assert search("r_x") == {f"{mark} harbOUR_x"}
    assert search(new_name("nowhere")) == set()


def test_renaming_and_choosing_keeps_the_rest(http: httpx2.Client, upstream: Upstream, model: str) -> None:
    chat = new_name("chat")
    ask(http, "Hello", chat, model=model)
    other = upstream.model(Script(pieces=["Other."]))
    changed = http.patch(
        f"/api/conversations/{chat}",
        json={"title": "New", "model": other, "instructions": "Be brief.", "temperature": 1.5},
    ).json()
    assert (changed["title"], changed["model"], changed["instructions"], changed["temperature"]) == (
        "New", other, "Be brief.", 1.5,
    )  # fmt: skip
    assert ask(http, "Again", chat).text == "Other."
    body = upstream.requests(other)[0].body
    assert body["messages"][0]["role"] == "system"
    assert body["messages"][0]["content"].startswith("Be brief.\n\n")
    assert body["temperature"] == 1.5
    assert http.patch(f"/api/conversations/{chat}", json={"temperature": None}).json()["temperature"] is None
    assert http.patch(f"/api/conversations/{chat}", json={}).json()["title"] == "New"


def test_deleting_can_be_undone(http: httpx2.Client, model: str) -> None:
    chat = new_name("chat")
    ask(http, "Precious", chat, model=model)
    identifier = http.get(f"/api/conversations/{chat}").json()["id"]
    assert http.delete(f"/api/conversations/{chat}").status_code == 204
    gone = [http.get(f"/api/conversations/{name}{path}") for name in (chat, identifier) for path in ("", "/messages")]
    assert [response.status_code for response in gone] == [404] * 4
    assert http.delete(f"/api/conversations/{chat}").status_code == 404
    assert http.get(f"/api/conversations/{identifier}").json()["code"] == "deleted"
    assert http.get("/api/conversations/never-was-one").json()["code"] == "not_found"
    restored = http.post(f"/api/conversations/{identifier}/restore")
    assert (restored.status_code, restored.json()["title"]) == (200, "Precious")
    assert [text_of(message) for message in fetch_messages(http, chat)] == ["Precious", "An answer."]
    assert http.post(f"/api/conversations/{identifier}/restore").status_code == 200


def test_a_chat_id_can_be_used_again_after_its_conversation_was_deleted(http: httpx2.Client, model: str) -> None:
    chat = new_name("chat")
    ask(http, "Old", chat, model=model)
    old = http.get(f"/api/conversations/{chat}").json()["id"]
    http.delete(f"/api/conversations/{chat}")
    ask(http, "New", chat, model=model)
    assert [text_of(message) for message in fetch_messages(http, chat)] == ["New", "An answer."]
    assert http.post(f"/api/conversations/{old}/restore").status_code == 200
    assert [text_of(message) for message in fetch_messages(http, old)] == ["Old", "An answer."]
    assert [text_of(message) for message in fetch_messages(http, chat)] == ["New", "An answer."]


def test_deleting_stops_what_is_being_written(http: httpx2.Client, upstream: Upstream) -> None:
    slow = upstream.model(Script(pieces=words(500), delay_s=0.02))
    chat = new_name("chat")
    with http.stream("POST", "/chat_batch", json={"message": "Go", "chatId": chat, "model": slow}) as answer:
        turn = answer.headers["x-turn-id"]
        assert http.get(f"/api/conversations/{chat}").json()["running_turn"] == turn
        assert http.delete(f"/api/conversations/{chat}").status_code == 204
        wait_until(lambda: upstream.requests(slow)[0].outcome == "disconnected", "the upstream to be left")


def test_ideas_are_paged_and_deleted(http: httpx2.Client, upstream: Upstream) -> None:
    tagged = upstream.model(Script(pieces=list(TAGGED)))
    chat = new_name("chat")
    for text in ("More", "And more"):
        ask(http, text, chat, model=tagged, assistant="ideas")
    first = http.get("/api/ideas", params={"conversation": chat, "limit": 3}).json()
    rest = http.get("/api/ideas", params={"conversation": chat, "limit": 3, "cursor": first["next_cursor"]}).json()
    ideas = first["items"] + rest["items"]
    assert [idea["text"] for idea in ideas] == ["Fluffy", "Whiskers"] * 2
    assert rest["next_cursor"] is None
    assert ideas[0].keys() == {"id", "text", "conversation", "title", "message", "created_at"}
    assert http.delete(f"/api/ideas/{ideas[0]['id']}").status_code == 204
    assert http.delete(f"/api/ideas/{ideas[0]['id']}").status_code == 404
    left = http.get("/api/ideas", params={"conversation": chat}).json()["items"]
    assert [idea["id"] for idea in left] == [idea["id"] for idea in ideas[1:]]


def test_the_manifest_says_what_the_model_was_sent(http: httpx2.Client, model: str) -> None:
    chat = new_name("chat")
    ask(http, "First", chat, model=model)
    http.patch(f"/api/conversations/{chat}", json={"instructions": "Be kind."})
    turn = ask(http, "Second", chat).headers["x-turn-id"]
    context = http.get(f"/api/turns/{turn}/context").json()
    [step] = context["steps"]
    path = fetch_messages(http, chat)
    assert (context["turn"], step["step"], step["attempt"], step["model"]) == (turn, 1, 1, model)
    assert [entry["kind"] for entry in step["entries"]] == ["instructions", "time", "message", "message", "message"]
    assert [entry.get("message") for entry in step["entries"]][2:] == [message["id"] for message in path[:3]]
    assert step["tokens"] == sum(entry["tokens"] for entry in step["entries"])


def test_a_question_that_has_no_model_is_answered_from_the_log(http: httpx2.Client) -> None:
    word = new_name("zanzibar").replace("-", "")
    ask(http, f"Remember the {word} trip", new_name("chat"), model="builtin/log-reader")
    answer = ask(http, f"What about {word}?", new_name("chat"), model="builtin/log-reader").text
    assert "No language model is connected" in answer
    assert f"Remember the {word} trip" in answer
