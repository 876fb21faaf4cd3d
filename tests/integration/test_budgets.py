"""Budgets through the public doors: what is refused, what is bounded, and what is counted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import count

import httpx2
import pytest
from tests.fakes.script import Script, ScriptedUsage, words
from tests.harness.budgets import budgets_of, set_budget, set_price, usage_of
from tests.harness.full_client import new_name, open_full
from tests.harness.people import Person, add_person
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.stored import fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

_numbers = count(1)


@pytest.fixture
def member(server: Server) -> Person:
    """Somebody new, who has used nothing yet."""
    return add_person(server.data_dir, f"spender-{next(_numbers)}-{new_name('p')}")


@pytest.fixture
def theirs(server: Server, member: Person) -> Iterator[httpx2.Client]:
    with server.http(member.key) as client:
        yield client


def ask(http: httpx2.Client, model: str, text: str = "Hi", chat: str = "") -> httpx2.Response:
    return http.post("/chat_batch", json={"message": text, "model": model, "chatId": chat or new_name("chat")})


async def test_a_budget_that_is_used_up_refuses_the_message_on_every_surface(
    server: Server, http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=900, output=99)))
    set_budget(http, subject=f"user:{member.id}", max_tokens=1_000)
    assert ask(theirs, model).status_code == 200
    refused = ask(theirs, model, chat="refused")
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["retryable"]) == (402, "over_budget", False)
    assert "Your budget for today" in problem["detail"], problem
    assert "999 of 1,000 tokens" in problem["detail"], problem
    assert int(refused.headers["retry-after"]) <= 24 * 3600
    assert theirs.get("/api/conversations/refused").status_code == 404, "nothing was stored"
    async with open_full(server.port, member.key) as full:
        frame = await full.ask("send", id=new_name("key"), conversation="refused", text="Hi", model=model)
        assert (frame["type"], frame["code"], frame["message"]) == ("error", "over_budget", problem["detail"])
    async with open_simple(server.port, member.key) as simple:
        frames = await simple.ask("Hi", "refused", model=model)
        assert [(frame["tag"], frame["chunk"], frame["done"]) for frame in frames] == [
            ("error", problem["detail"], True)
        ]
    assert len(upstream.requests(model)) == 1
    assert ask(theirs, "builtin/log-reader").status_code == 200, "what asks no model costs nothing"
    assert "builtin/log-reader" not in {item["model"] for item in usage_of(theirs)}


def test_a_message_that_does_not_fit_any_more_is_kept_and_its_turn_says_why(
    http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model, chat = upstream.model(Script()), new_name("chat")
    set_budget(http, subject=f"user:{member.id}", pattern="openai/*", max_tokens=1_000)
    refused = ask(theirs, model, "long " * 400, chat)
    assert (refused.status_code, refused.json()["code"]) == (402, "over_budget")
    assert "(openai/*) has too little left" in refused.json()["detail"]
    question, answer = fetch_messages(theirs, chat)
    assert text_of(question) == "long " * 400
    assert (answer["status"], answer["error"]["code"]) == ("failed", "over_budget")
    last = theirs.get(f"/api/turns/{answer['turn']}/events").text.strip().split("\n\n")[-1]
    ended = json.loads(last.partition("data: ")[2])
    assert (ended["type"], ended["error"]["code"]) == ("turn.ended", "over_budget")
    assert upstream.requests(model) == []
    assert budgets_of(theirs)[0]["used_tokens"] == 0


def test_a_provider_is_asked_for_no_more_than_is_left(
    http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(2_000), usage=ScriptedUsage(input=10)))
    free = ask(theirs, model)
    assert "max_completion_tokens" not in upstream.requests(model)[0].body, "nothing bounds it without a budget"
    assert len(free.text.split()) == 2_000
    set_budget(http, subject=f"user:{member.id}", max_tokens=3_000)
    chat = new_name("chat")
    bounded = ask(theirs, model, chat=chat)
    most = upstream.requests(model)[1].body["max_completion_tokens"]
    assert 256 <= most < 3_000 - 2_010
    assert len(bounded.text.split()) == most
    assert budgets_of(theirs)[0]["used_tokens"] == 2_010 + most + 10, "settled to what the provider said"


def test_usage_is_reported_by_day_model_and_user_and_as_a_table(
    http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    priced = upstream.model(Script(usage=ScriptedUsage(input=1_000, output=500, cached=400)))
    unpriced = upstream.model(Script(usage=ScriptedUsage(input=7, output=5)))
    set_price(http, priced, input=2.0, output=10.0, cached_input=0.5)
    for model in (priced, priced, unpriced):
        assert ask(theirs, model).status_code == 200
    cost = 2 * (600 * 2 + 400 * 0.5 + 500 * 10)
    by_model = {item["model"]: item for item in usage_of(theirs, group="model")}
    assert {name: by_model[priced][name] for name in ("cost", "turns", "has_price", "cached_tokens")} == {
        "cost": cost, "turns": 2, "has_price": True, "cached_tokens": 800,
    }  # fmt: skip
    assert by_model[priced]["first_token_ms"] >= 0
    assert (by_model[unpriced]["cost"], by_model[unpriced]["has_price"]) == (0, False)
    assert by_model[unpriced]["input_tokens"] == 7
    by_day = usage_of(theirs)
    assert {item["model"] for item in by_day} == {priced, unpriced}
    assert len({item["day"] for item in by_day}) == 1
    by_user = {item["name"]: item for item in usage_of(http, group="user")}
    assert (by_user[member.name]["user"], by_user[member.name]["cost"]) == (member.id, cost)
    assert theirs.get("/api/usage", params={"group": "user"}).status_code == 403
    assert theirs.get("/api/usage", params={"from": "2026-13-01"}).status_code == 422
    assert usage_of(theirs, **{"from": "2020-01-01", "to": "2020-12-31"}) == []
    table = theirs.get("/api/usage", params={"group": "model"}, headers={"accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(table.text))}
    assert int(rows[priced]["cost"]) == cost


def test_a_price_holds_for_what_is_asked_after_it_and_can_be_forgotten(
    http: httpx2.Client, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=1_000_000, output=1)))
    set_price(http, model, input=1.0, output=0.0)
    ask(theirs, model)
    set_price(http, model, input=3.0, output=0.0)
    ask(theirs, model)
    assert [item["cost"] for item in usage_of(theirs, group="model")] == [4_000_000]
    assert model in {row["model"] for row in http.get("/api/admin/prices").json()["items"]}
    assert http.delete(f"/api/admin/prices/{model}").status_code == 204
    assert http.delete(f"/api/admin/prices/{model}").status_code == 404
    ask(theirs, model)
    assert [(item["cost"], item["has_price"]) for item in usage_of(theirs, group="model")] == [(4_000_000, False)]


def test_a_budget_in_money_bounds_what_an_answer_may_cost(
    http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(4_000), usage=ScriptedUsage(input=2)))
    set_price(http, model, input=0.0, output=100.0)
    set_budget(http, subject=f"user:{member.id}", period="month", max_cost=100_000)
    assert ask(theirs, model).status_code == 200
    assert upstream.requests(model)[0].body["max_completion_tokens"] == 1_000
    assert budgets_of(theirs)[0]["used_cost"] == 100_000
    refused = ask(theirs, model)
    assert refused.status_code == 402
    assert "Your budget for this month is used up ($0.10 of $0.10)" in refused.json()["detail"]


def test_a_persons_own_budget_takes_the_place_of_their_roles(
    http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(usage=ScriptedUsage(input=10, output=10)))
    general = set_budget(http, subject="role:member", pattern=model, max_tokens=100)
    assert ask(theirs, model).status_code == 402, "not even a short answer fits"
    own = set_budget(http, subject=f"user:{member.id}", pattern=model, max_tokens=10_000)
    assert ask(theirs, model).status_code == 200
    assert [budget["id"] for budget in budgets_of(theirs)] == [own]
    assert http.delete(f"/api/admin/budgets/{own}").status_code == 204
    assert ask(theirs, model).status_code == 402
    assert http.delete(f"/api/admin/budgets/{general}").status_code == 204
    assert ask(theirs, model).status_code == 200


def test_what_admins_set_is_checked_and_audited(http: httpx2.Client, theirs: httpx2.Client, member: Person) -> None:
    wrong = [
        ("budgets", {"period": "day"}), ("budgets", {"period": "week", "max_tokens": 1}),
        ("budgets", {"period": "day", "max_tokens": -1}), ("budgets", {"period": "day", "max_tokens": 10**16}),
        ("budgets", {"period": "day", "max_tokens": 1, "subject": "everybody"}),
        ("budgets", {"period": "day", "max_tokens": 1, "subject": "role:king"}),
        ("budgets", {"period": "day", "max_tokens": 1, "pattern": ""}),
        ("budgets", {"period": "day", "max_tokens": 1, "pattern": "a\nb"}),
        ("rules", {"pattern": "*"}), ("rules", {"pattern": "*", "is_allowed": True, "kind": "thing"}),
    ]  # fmt: skip
    for kind, body in wrong:
        answer = http.post(f"/api/admin/{kind}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_input"), (body, answer.text)
    unknown = {"period": "day", "max_tokens": 1, "subject": "user:nobody"}
    assert http.post("/api/admin/budgets", json=unknown).status_code == 404
    for dollars in ({"input": -1, "output": 1}, {"input": 1}, {"input": "x", "output": 1}):
        assert http.put("/api/admin/prices/openai/x", json=dollars).status_code == 422
    assert http.put("/api/admin/prices/nothing", json={"input": 1, "output": 1}).status_code == 422
    for address in ("budgets", "rules", "prices"):
        assert theirs.get(f"/api/admin/{address}").status_code == 403
    budget = set_budget(http, subject=f"user:{member.id}", max_tokens=5)
    http.delete(f"/api/admin/budgets/{budget}")
    audited = http.get("/api/admin/audit", params={"action": "budget."}).json()["items"]
    assert [entry["action"] for entry in audited[:2]] == ["budget.deleted", "budget.created"]
    assert audited[0]["target"] == f"user:{member.id}"


async def test_a_stopped_answer_is_counted_by_what_was_received(
    server: Server, http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(2_000), delay_s=0.01))
    set_budget(http, subject=f"user:{member.id}", max_tokens=100_000)
    async with open_full(server.port, member.key) as full:
        sent = await full.send(model=model)
        await full.until_text(sent["turn"], 200)
        held = budgets_of(theirs)[0]["used_tokens"]
        assert held > 4_000, "the most that it can be is held while it is written"
        await full.ask("stop", turn=sent["turn"])
        await full.until_ended(sent["turn"])
    used = wait_until(lambda: next((u for b in budgets_of(theirs) if (u := b["used_tokens"]) < 4_000), None), "the end")
    (item,) = usage_of(theirs, group="model")
    assert used == item["input_tokens"] + item["output_tokens"]
    assert 40 <= item["output_tokens"] < 1_000


def test_a_request_that_the_provider_refuses_costs_nothing(
    http: httpx2.Client, member: Person, theirs: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(status=401))
    set_budget(http, subject=f"user:{member.id}", max_tokens=100_000)
    assert ask(theirs, model).status_code == 502
    assert budgets_of(theirs)[0]["used_tokens"] == 0
