"""A cheap model names a conversation after its first answer: nobody waits for it, and nobody's own title is lost."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from tests.conftest import MakeServer
from tests.fakes.script import Script
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until


def ask(http: httpx2.Client, text: str, chat: str, model: str) -> None:
    answer = http.post("/chat_batch", json={"message": text, "chatId": chat, "model": model})
    assert answer.status_code == 200, answer.text


def conversation(http: httpx2.Client, chat: str) -> dict[str, Any]:
    found: dict[str, Any] = http.get(f"/api/conversations/{chat}").json()
    return found


def test_the_background_model_names_a_conversation_once_and_in_its_users_account(
    make_server: MakeServer, upstream: Upstream
) -> None:
    model, cheap = upstream.model(Script()), upstream.model(Script(pieces=['Title: "Cats and ', 'dogs."\n', "Done"]))
    server = make_server(QUARTERDECK_TITLES="true", QUARTERDECK_BACKGROUND_MODEL=cheap).start()
    with server.http() as http:
        ask(http, "Which is better, please?", "pets", model)
        wait_until(lambda: conversation(http, "pets")["title_from"] == "model", "a title from the model")
        assert conversation(http, "pets")["title"] == "Cats and dogs"
        ask(http, "And birds?", "pets", model)
        [request] = upstream.requests(cheap)
        given = json.loads(request.body["messages"][-1]["content"])
        assert given == {"question": "Which is better, please?", "answer": "Hello, world!"}
        assert len(upstream.requests(model)) == 2
        assert cheap in http.get("/api/usage").text


def test_a_title_of_ones_own_stays_whatever_the_model_says_later(make_server: MakeServer, upstream: Upstream) -> None:
    model, slow = upstream.model(Script()), upstream.model(Script(pieces=["The model's"], first_delay_s=1.0))
    server = make_server(QUARTERDECK_TITLES="true", QUARTERDECK_BACKGROUND_MODEL=slow).start()
    with server.http() as http:
        ask(http, "Which is better?", "pets", model)  # answered while nobody has named anything yet
        assert conversation(http, "pets")["title"] == "Which is better?"
        http.patch("/api/conversations/pets", json={"title": "Mine"})
        ask(http, "Something else", "other", model)
        wait_until(lambda: conversation(http, "other")["title"] == "The model's", "a title from the model")
        assert (conversation(http, "pets")["title"], conversation(http, "pets")["title_from"]) == ("Mine", "user")
        assert len(upstream.requests(slow)) == 2


def test_without_a_title_from_the_model_the_first_words_stay(make_server: MakeServer, upstream: Upstream) -> None:
    model, broken = upstream.model(Script()), upstream.model(Script(status=500))
    server = make_server(QUARTERDECK_TITLES="true", QUARTERDECK_BACKGROUND_MODEL=broken).start()
    with server.http() as http:
        ask(http, "Which is better?", "pets", model)
        wait_until(lambda: len(upstream.requests(broken)) > 0, "a request for a title")
        ask(http, "Hello", "reader", "builtin/log-reader")
        assert conversation(http, "pets")["title"] == "Which is better?"
        assert (conversation(http, "reader")["title"], conversation(http, "reader")["title_from"]) == ("Hello", "words")
