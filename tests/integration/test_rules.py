"""Which models whom: a forbidden one is in no list, nobody's default, and asked by no way in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from tests.conftest import MakeFleet, MakeServer
from tests.fakes.script import Script
from tests.harness.budgets import set_rule
from tests.harness.full_client import new_name, open_full
from tests.harness.people import Person, add_person
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until


@pytest.fixture
def member(server: Server) -> Person:
    return add_person(server.data_dir, new_name("ruled"))


@pytest.fixture
def theirs(server: Server, member: Person) -> Iterator[httpx2.Client]:
    with server.http(member.key) as client:
        yield client


def ask(http: httpx2.Client, model: str | None, chat: str = "") -> httpx2.Response:
    body = {"message": "Hi", "chatId": chat or new_name("chat")}
    return http.post("/chat_batch", json=body if model is None else body | {"model": model})


async def test_a_forbidden_model_is_refused_by_every_way_in(
    server: Server, http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model, chat = upstream.model(Script()), new_name("chat")
    assert ask(theirs, model, chat).status_code == 200
    rule = set_rule(http, model, is_allowed=False, subject=f"user:{member.id}")
    refused = ask(theirs, model)
    assert (refused.status_code, refused.json()["code"]) == (403, "model_forbidden")
    assert ask(theirs, None, chat).json()["code"] == "model_forbidden", "the conversation's own model"
    assert theirs.patch(f"/api/conversations/{chat}", json={"model": model}).json()["code"] == "model_forbidden"
    answer = fetch_messages(theirs, chat)[1]["id"]
    async with open_full(server.port, member.key) as full:
        for kind, fields in (
            ("send", {"conversation": new_name("chat"), "text": "Hi", "model": model}),
            ("retry", {"message": answer}),
            ("retry", {"message": answer, "model": model}),
        ):
            frame = await full.ask(kind, id=new_name("key"), **fields)
            assert (frame["type"], frame["code"]) == ("error", "model_forbidden")
    async with open_simple(server.port, member.key) as simple:
        [frame] = await simple.ask("Hi", "c", model=model)
        assert (frame["tag"], frame["chunk"]) == ("error", refused.json()["detail"])
    assert len(upstream.requests(model)) == 1
    assert ask(http, model).status_code == 200, "others are not meant"
    assert http.delete(f"/api/admin/rules/{rule}").status_code == 204
    assert http.delete(f"/api/admin/rules/{rule}").status_code == 404
    assert ask(theirs, model, chat).status_code == 200


def test_only_what_one_may_use_is_listed_and_chosen(http: httpx2.Client, member: Person, theirs: httpx2.Client) -> None:
    default = http.get("/api/models").json()["default"]
    set_rule(http, "*", is_allowed=False, subject=f"user:{member.id}")
    assert theirs.get("/api/models").json()["items"] == []
    assert ask(theirs, None).json()["code"] == "model_forbidden"
    set_rule(http, "openai/fake-e*", is_allowed=True, subject=f"user:{member.id}")
    listed = theirs.get("/api/models").json()
    assert [model["id"] for model in listed["items"]] == ["openai/fake-echo"]
    assert listed["default"] == "openai/fake-echo" != default
    assert ask(theirs, None).status_code == 200
    assert http.get("/api/models").json()["default"] == default


def test_a_rule_made_at_one_process_holds_at_the_others(make_fleet: MakeFleet, upstream: Upstream) -> None:
    fleet, model = make_fleet(has_redis=False), upstream.model(Script())
    servers = [fleet.serve(), fleet.serve()]
    with servers[0].http(fleet.key) as here, servers[1].http(fleet.key) as there:
        assert ask(there, model).status_code == 200
        set_rule(here, model, is_allowed=False, subject="role:owner")
        assert ask(here, model).status_code == 403
        wait_until(lambda: ask(there, model).status_code == 403, "the rule to be heard of")


def test_rules_and_budgets_outlive_a_restart(make_server: MakeServer, upstream: Upstream) -> None:
    server, model = make_server().start(), upstream.model(Script())
    with server.http() as http:
        set_rule(http, model, is_allowed=False, subject="all")
    server.terminate()
    server.restart()
    with server.http() as http:
        assert ask(http, model).json()["code"] == "model_forbidden"
