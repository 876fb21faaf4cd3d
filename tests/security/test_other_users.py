"""What is somebody else's is not there, by whatever name one asks for it. All routes: test_census.py."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.fakes.script import TAGGED, Script
from tests.harness.full_client import new_name, open_full
from tests.harness.server import Server
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream

CANARY = "the-owners-secret-canary"


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
