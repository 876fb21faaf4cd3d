"""What is somebody else's is not there: every route, for another user, answers 404 and changes nothing."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.conftest import Report
from tests.fakes.script import TAGGED, Script
from tests.harness.full_client import new_name, open_full
from tests.harness.server import Server
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream

CANARY = "the-owners-secret-canary"
# Routes without anything of a user in their address, and what a member gets there.
SHARED = {
    ("get", "/api/conversations"), ("get", "/api/ideas"), ("get", "/api/me"), ("get", "/api/models"),
    ("get", "/api/assistants"), ("get", "/api/settings"), ("patch", "/api/settings"), ("post", "/chat_batch"),
    ("get", "/api/providers"), ("post", "/api/providers/test"), ("put", "/api/providers/{name}"),
    ("delete", "/api/providers/{name}"), ("get", "/api/me/keys"), ("post", "/api/me/keys"), ("get", "/api/admin/audit"),
    ("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics"),
}  # fmt: skip


@pytest.fixture
def owned(http: httpx2.Client, upstream: Upstream) -> dict[str, Any]:
    """A conversation of the owner with an answer, ideas and a turn."""
    chat = new_name("chat")
    model = upstream.model(Script(pieces=list(TAGGED)))
    asked = {"message": CANARY, "chatId": chat, "model": model, "assistant": "ideas"}
    turn = http.post("/chat_batch", json=asked).headers["x-turn-id"]
    http.patch(f"/api/conversations/{chat}", json={"title": CANARY})
    found = http.get(f"/api/conversations/{chat}").json()
    ideas = http.get("/api/ideas", params={"conversation": chat}).json()["items"]
    messages = fetch_messages(http, chat)
    return {"chat": chat, "conversation": found["id"], "turn": turn, "idea": ideas[0]["id"], "messages": messages}


def test_every_route_hides_what_is_somebody_elses(
    http: httpx2.Client, stranger: httpx2.Client, owned: dict[str, Any], report: Report
) -> None:
    wrong, count = [], 0
    for path, methods in http.get("/openapi.json").json()["paths"].items():
        for method in methods:
            if (method, path) in SHARED:
                continue
            assert "{" in path, f"{method} {path} is new: say here what a member gets"
            for name in (
                owned["chat"],
                owned["conversation"],
                owned["turn"],
                owned["idea"],
                owned["messages"][1]["id"],
            ):
                address = path.format(conversation=name, turn=name, idea=name, key=name)
                answer = stranger.request(method, address, json={"title": "stolen"})
                count += 1
                if answer.status_code != 404 or CANARY in answer.text:
                    wrong.append(f"{method} {address}: {answer.status_code} {answer.text[:100]}")
    listed = [
        stranger.get("/api/conversations", params={"limit": 200}),
        stranger.get("/api/conversations", params={"q": CANARY}),
        stranger.get("/api/ideas", params={"limit": 500}),
        stranger.get("/api/ideas", params={"conversation": owned["conversation"]}),
        stranger.get("/metrics"),
    ]
    wrong += [
        f"listed: {answer.text[:200]}" for answer in listed if CANARY in answer.text or owned["idea"] in answer.text
    ]
    assert fetch_messages(http, owned["chat"]) == owned["messages"], "nothing was changed"
    assert http.get(f"/api/conversations/{owned['chat']}").json()["title"] == CANARY
    report("nobody reaches another's things", wrong, count + len(listed))


def test_the_same_chat_id_is_another_conversation_for_another_user(
    http: httpx2.Client, stranger: httpx2.Client, owned: dict[str, Any], upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=["Mine."]))
    for name in (owned["chat"], owned["conversation"]):
        answer = stranger.post("/chat_batch", json={"message": "Hi", "chatId": name, "model": model})
        assert answer.status_code == 200
        assert len(fetch_messages(stranger, name)) == 2
    assert all(CANARY not in str(request.body) for request in upstream.requests(model))
    assert fetch_messages(http, owned["chat"]) == owned["messages"]


def test_a_foreign_message_is_no_cursor(stranger: httpx2.Client, owned: dict[str, Any], upstream: Upstream) -> None:
    chat = new_name("chat")
    stranger.post("/chat_batch", json={"message": "Hi", "chatId": chat, "model": upstream.model(Script())})
    for message in owned["messages"]:
        answer = stranger.get(f"/api/conversations/{chat}/messages", params={"before": message["id"]})
        assert CANARY not in answer.text
        assert answer.status_code == 404 or answer.json()["items"] == []


def test_the_log_reader_quotes_nobody_else(stranger: httpx2.Client, owned: dict[str, Any]) -> None:
    assert owned["messages"]
    asked = {"message": f"What about {CANARY}?", "model": "builtin/log-reader"}
    answer = stranger.post("/chat_batch", json=asked)
    assert "You have written nothing" in answer.text


async def test_a_socket_reaches_nobody_elses_things(server: Server, stranger_key: str, owned: dict[str, Any]) -> None:
    async with open_full(server.port, stranger_key) as client:
        asked = [
            await client.ask("follow", turn=owned["turn"], after=0),
            await client.ask("stop", turn=owned["turn"]),
            await client.ask("retry", id=new_name("key"), message=owned["messages"][1]["id"]),
        ]
        assert [(reply["type"], reply["code"]) for reply in asked] == [("error", "not_found")] * 3
        await client.ask("feed", after=0)
        await client.ask("ping")
        assert CANARY not in str(client.transcripts) + str(client.feed)
        assert owned["turn"] not in str(client.feed)
