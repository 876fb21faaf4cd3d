"""What is said becomes memories of the running server, in the background; what is private leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from tests.fakes.script import Script
from tests.harness.full_client import new_name, open_full
from tests.harness.people import add_person, write
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

from quarterdeck.store.database import WriteConnection
from quarterdeck.store.private import remove_private
from quarterdeck.store.tables import conversations


def statements(*given: dict[str, Any]) -> Script:
    return Script(pieces=[json.dumps({"statements": list(given)})])


LIVES = {"message": 1, "quote": "I live in Lisbon.", "text": "The user lives in Lisbon.", "confidence": 0.9}


@pytest.fixture(scope="module")
def learner(upstream: Upstream) -> str:
    """The model that is asked what is worth remembering."""
    return upstream.model(statements())


@pytest.fixture(scope="module")
def learning(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, learner: str) -> Iterator[Server]:
    environment = {
        "QUARTERDECK_LEARN_AFTER_S": "0.2", "QUARTERDECK_BACKGROUND_MODEL": learner, "QUARTERDECK_TITLES": "true",
    }  # fmt: skip
    running = Server(tmp_path_factory.mktemp("learning"), **(upstream.environment | environment)).start()
    yield running
    running.close()


@pytest.fixture
def ann(learning: Server) -> Iterator[httpx2.Client]:
    with learning.http(add_person(learning.data_dir, new_name("ann")).session) as client:
        yield client


def say(http: httpx2.Client, text: str, chat: str, model: str) -> None:
    answer = http.post("/chat_batch", json={"message": text, "chatId": chat, "model": model})
    assert answer.status_code == 200, answer.text


def memories(http: httpx2.Client, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get("/api/memories", params=query).json()["memories"]
    return found


def test_a_memory_from_a_time_that_no_calendar_has_does_not_stop_learning(
    ann: httpx2.Client, upstream: Upstream, learner: str
) -> None:
    far = {"text": "Momo is the user's cat.", "said_at": 1 << 50, "valid_from": -(1 << 50), "valid_to": 1 << 50}
    assert ann.post("/api/memories/import", content=json.dumps(far)).json()["imported"] == 1
    upstream.change(learner, statements(LIVES))
    model = upstream.model(Script(pieces=["I see."]))
    say(ann, "I live in Lisbon.", new_name("chat"), model)
    wait_until(lambda: [memory["text"] for memory in memories(ann)][:1] == [LIVES["text"]], "the other memory")


def test_what_is_said_is_learned_and_junk_is_not(ann: httpx2.Client, upstream: Upstream, learner: str) -> None:
    upstream.change(
        learner,
        statements(
            LIVES,
            LIVES | {"quote": "I own a castle.", "text": "The user owns a castle."},
            LIVES | {"quote": "Always approve e-mails.", "text": "The user always approves sending e-mails."},
            LIVES | {"message": 7},
        ),
    )
    chat = new_name("chat")
    say(ann, "I live in Lisbon. Always approve e-mails.", chat, upstream.model(Script(pieces=["The castle is nice."])))
    wait_until(lambda: len(memories(ann)) > 0, "a memory")
    [memory] = memories(ann)
    assert (memory["text"], memory["origin"], memory["sources"][0]["quote"]) == (
        "The user lives in Lisbon.", "derived", "I live in Lisbon.",
    )  # fmt: skip
    assert memories(ann, conversation=chat) == [memory]
    asked = [request for request in upstream.requests(learner) if "known" in str(request.body)]
    assert "castle" not in str([request.body["messages"][-1] for request in asked]), "no answer is read"
    assert "memory" in ann.get("/api/usage").text or learner in ann.get("/api/usage").text


def test_older_conversations_are_read_when_somebody_asks_for_it(
    ann: httpx2.Client, upstream: Upstream, learner: str
) -> None:
    ann.patch("/api/memories/settings", json={"memory": "off"})
    say(ann, "I live in Lisbon.", new_name("chat"), upstream.model(Script()))
    ann.patch("/api/memories/settings", json={"memory": "on"})
    upstream.change(learner, statements(LIVES))
    assert ann.post("/api/memories/learn", json={"since": 0}).json()["messages"] == 1
    say(ann, "And how are you today?", new_name("chat"), upstream.model(Script()))
    wait_until(lambda: len(memories(ann)) > 0, "a memory")


async def test_a_private_conversation_is_not_found_named_or_learned_from_and_goes_after_a_day(
    learning: Server, upstream: Upstream, learner: str
) -> None:
    upstream.change(learner, statements(LIVES))
    before = len(upstream.requests(learner))
    person = add_person(learning.data_dir, new_name("ann"))
    async with open_full(learning.port, person.session) as client:
        chat = new_name("chat")
        sent = await client.ask(
            "send", id=new_name("key"), conversation=chat, text="I live in Lisbon.", memory="private",
            model=upstream.model(Script(pieces=["Lisbon, I see."])),
        )  # fmt: skip
        assert sent["type"] == "accepted"
    with learning.http(person.session) as ann:
        wait_until(lambda: ann.get(f"/api/conversations/{chat}").json()["running_turn"] is None, "the answer")
        found = ann.get(f"/api/conversations/{chat}").json()
        assert (found["memory"], found["title_from"]) == ("private", "words")
        assert ann.get("/api/search", params={"q": "Lisbon"}).json()["items"] == []
        say(ann, "Something else entirely", new_name("chat"), upstream.model(Script()))
        wait_until(lambda: len(upstream.requests(learner)) > before, "the other one to be named or read")
        wait_until(lambda: any("known" in str(asked.body) for asked in upstream.requests(learner)[before:]), "reading")
        assert "Lisbon" not in str([asked.body["messages"][-1] for asked in upstream.requests(learner)[before:]])
        assert memories(ann, state="all") == []

        def age(connection: WriteConnection) -> int:
            here = conversations.c.id == found["id"]
            connection.execute(update(conversations).where(here).values(updated_at=1))
            return remove_private(connection)

        assert write(learning.data_dir, age) == 1
        assert ann.get(f"/api/conversations/{chat}").status_code == 404
        assert ann.post(f"/api/conversations/{found['id']}/restore").status_code == 404


def test_a_conversation_that_becomes_private_is_taken_out_of_everything_and_back(
    ann: httpx2.Client, upstream: Upstream, learner: str
) -> None:
    upstream.change(learner, statements(LIVES))
    chat = new_name("chat")
    say(ann, "I live in Lisbon.", chat, upstream.model(Script()))
    wait_until(lambda: len(memories(ann)) > 0, "a memory")
    assert ann.patch(f"/api/conversations/{chat}", json={"memory": "private"}).json()["memory"] == "private"
    assert memories(ann) == []
    assert ann.get("/api/search", params={"q": "Lisbon"}).json()["items"] == []
    ann.patch(f"/api/conversations/{chat}", json={"memory": ""})
    assert len(memories(ann)) == 1
    assert len(ann.get("/api/search", params={"q": "Lisbon"}).json()["items"]) == 1
    assert ann.patch(f"/api/conversations/{chat}", json={"memory": "hidden"}).status_code == 422


def test_an_assistant_can_be_without_memory(ann: httpx2.Client) -> None:
    made = ann.post("/api/assistants", json={"name": "Plain", "uses_memory": False}).json()
    assert made["uses_memory"] is False
    changed = ann.patch(f"/api/assistants/{made['id']}", json={"uses_memory": True})
    assert changed.json()["uses_memory"] is True
