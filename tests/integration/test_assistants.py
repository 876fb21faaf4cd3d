"""Assistants that people make: chosen at every door, and what becomes of conversations when one is changed or gone."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, update
from tests.conftest import MakeServer
from tests.fakes.script import TAGGED, Script
from tests.fakes.serving import Received
from tests.harness.full_client import new_name, open_full
from tests.harness.people import add_person, change_rows
from tests.harness.server import Server
from tests.harness.simple_client import entries_of, open_simple
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

from quarterdeck.context.assistants import built_in
from quarterdeck.store.tables import assistants, users

TIMES = "The line in brackets"
FORMAT = built_in("ideas").instructions


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(Script(pieces=["An ", "answer."]))


def make(http: httpx2.Client, **fields: Any) -> str:
    answer = http.post("/api/assistants", json={"name": "Pilot", "instructions": "Speak like a pilot."} | fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ask(http: httpx2.Client, chat: str, **fields: Any) -> httpx2.Response:
    answer = http.post("/chat_batch", json={"message": "Hello", "chatId": chat} | fields)
    assert answer.status_code == 200, answer.text
    return answer


def told(upstream: Upstream, model: str) -> str:
    """The instructions of the latest request to `model`, without what the server adds about times."""
    return _instructions(upstream.requests(model)[-1])


def _instructions(request: Received) -> str:
    first = request.body["messages"][0]
    assert first["role"] == "system"
    return str(first["content"]).partition(TIMES)[0].removesuffix("\n\n")


def choices(http: httpx2.Client, chat: str) -> tuple[str, float | None, str]:
    found = http.get(f"/api/conversations/{chat}").json()
    return found["model"], found["temperature"], found["assistant"]


def test_an_assistant_is_made_listed_changed_deleted_and_restored(http: httpx2.Client) -> None:
    given = {
        "name": "Lisbon", "description": "Trips", "instructions": "Know Lisbon.", "model": "openai/fake-chat",
        "temperature": 0.5, "format": "tagged", "tools": ["calendar"], "starters": ["Three days?", "With rain?"],
    }  # fmt: skip
    made = http.post("/api/assistants", json=given).json()
    address = f"/api/assistants/{made['id']}"
    assert {name: made[name] for name in given} == given
    assert (made["kind"], made["is_shared"]) == ("own", False)
    [listed] = [found for found in http.get("/api/assistants").json()["items"] if found["id"] == made["id"]]
    assert listed == {name: value for name, value in made.items() if name != "instructions"}
    changed = http.patch(address, json={"name": "Porto", "temperature": None}).json()
    assert (changed["name"], changed["temperature"], changed["starters"]) == ("Porto", None, given["starters"])
    assert http.patch(address, json={"name": "Late", "read_at": made["updated_at"]}).status_code == 409
    assert http.delete(address).status_code == 204
    assert http.get(address).status_code == 404
    assert made["id"] not in http.get("/api/assistants").text
    assert http.post(f"{address}/restore").json() == changed


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": "   "}, {"name": "x" * 81}, {"temperature": 2.5}, {"format": "yaml"},
        {"instructions": None}, {"starters": ["x"] * 9}, {"starters": [""]},
        {"tools": ["rm -rf /"]}, {"instructions": "x" * 100_001},
    ],
)  # fmt: skip
def test_what_no_assistant_can_be_is_refused(http: httpx2.Client, wrong: dict[str, Any]) -> None:
    assert http.post("/api/assistants", json={"name": "Pilot"} | wrong).status_code == 422
    assert http.patch(f"/api/assistants/{make(http)}", json=wrong).status_code == 422


async def test_it_is_chosen_at_every_door(server: Server, http: httpx2.Client, upstream: Upstream, model: str) -> None:
    own = make(http)
    ask(http, new_name("chat"), assistant=own, model=model)
    assert told(upstream, model) == "Speak like a pilot."
    other = upstream.model(Script())
    async with open_simple(server.port, server.key) as simple:
        await simple.ask("Hello", new_name("chat"), assistant=own, model=other)
    assert told(upstream, other) == "Speak like a pilot."
    third = upstream.model(Script())
    async with open_full(server.port, server.key) as full:
        accepted = await full.send(assistant=own, model=third, instructions="Be brief.")
        await full.until_ended(accepted["turn"])
    assert told(upstream, third) == "Speak like a pilot.\n\nBe brief."
    chat = new_name("chat")
    ask(http, chat, model=model)
    http.patch(f"/api/conversations/{chat}", json={"assistant": own})
    ask(http, chat)
    assert told(upstream, model) == "Speak like a pilot."


async def test_a_tagged_one_is_told_the_format_and_its_ideas_are_kept(
    server: Server, http: httpx2.Client, upstream: Upstream
) -> None:
    own = make(http, format="tagged", instructions="Collect names.")
    model = upstream.model(Script(pieces=list(TAGGED)))
    chat = new_name("chat")
    async with open_simple(server.port, server.key) as simple:
        frames = await simple.ask("Names", chat, assistant=own, model=model)
    assert entries_of(frames) == [("idea", "Whiskers"), ("idea", "Fluffy"), ("message", "Saved them!")]
    assert told(upstream, model) == f"{FORMAT}\n\nCollect names."
    assert len(http.get("/api/ideas", params={"conversation": chat}).json()["items"]) == 2


def test_its_model_and_temperature_are_defaults_and_what_somebody_chooses_wins(
    http: httpx2.Client, upstream: Upstream, model: str
) -> None:
    other = upstream.model(Script())
    own = make(http, model=model, temperature=0.25)
    chat, second = new_name("chat"), new_name("chat")
    ask(http, chat, assistant=own)
    assert choices(http, chat) == (model, 0.25, own)
    assert upstream.requests(model)[-1].body["temperature"] == 0.25
    ask(http, chat, assistant=own, model=other, temperature=1.5)
    ask(http, chat, assistant=own)
    assert choices(http, chat) == (other, 1.5, own), "naming it again is no new choice"
    ask(http, second, assistant=own, model=other, temperature=1)
    assert choices(http, second) == (other, 1.0, own)


def test_what_an_assistant_brought_goes_with_it(http: httpx2.Client, upstream: Upstream, model: str) -> None:
    chat = new_name("chat")
    first, second = make(http, model=model, temperature=0.25), make(http, temperature=0.75)
    ask(http, chat, assistant=first)
    address = f"/api/conversations/{chat}"
    http.patch(address, json={"assistant": second})
    assert choices(http, chat) == ("", 0.75, second)
    http.patch(address, json={"model": model, "temperature": 1.25})
    http.patch(address, json={"assistant": ""})
    assert choices(http, chat) == (model, 1.25, ""), "chosen by hand, and so it stays"


async def test_one_that_is_unknown_deleted_or_somebody_elses_is_refused_at_every_door(
    server: Server, http: httpx2.Client, stranger: httpx2.Client, model: str
) -> None:
    deleted, foreign = make(http), make(stranger)
    http.delete(f"/api/assistants/{deleted}")
    chat = new_name("chat")
    ask(http, chat, model=model)
    async with open_simple(server.port, server.key) as simple, open_full(server.port, server.key) as full:
        for nobody in (deleted, foreign, "nobody", "x" * 150):
            for place in (chat, new_name("chat")):
                asked = {"message": "Hi", "chatId": place, "model": model, "assistant": nobody}
                answer = http.post("/chat_batch", json=asked)
                assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
                assert "There is no assistant" in answer.json()["detail"]
                [frame] = await simple.ask("Hi", place, assistant=nobody, model=model)
                assert (frame["tag"], "There is no assistant" in frame["chunk"]) == ("error", True)
                reply = await full.ask("send", id=new_name("id"), conversation=place, text="Hi", assistant=nobody)
                assert (reply["type"], reply["code"]) == ("error", "bad_input")
        changed = http.patch(f"/api/conversations/{chat}", json={"assistant": foreign})
        assert (changed.status_code, changed.json()["code"]) == (422, "bad_input")
    assert choices(http, chat)[2] == ""
    assert len(fetch_messages(http, chat)) == 2


async def test_turns_that_run_or_wait_keep_what_it_said_when_they_were_sent(
    server: Server, http: httpx2.Client, upstream: Upstream
) -> None:
    own = make(http)
    model = upstream.model(Script(pieces=["Slow", "ly"], delay_s=0.3))
    chat = new_name("chat")
    async with open_full(server.port, server.key) as full:
        await full.send(conversation=chat, assistant=own, model=model)
        waiting = await full.send(conversation=chat)
        http.patch(f"/api/assistants/{own}", json={"instructions": "Speak like a cook."})
        later = await full.send(conversation=chat)
        http.delete(f"/api/assistants/{own}")
        for accepted in (waiting, later):
            await full.until_ended(accepted["turn"])
    said = [_instructions(request) for request in upstream.requests(model)]
    assert said == ["Speak like a pilot.", "Speak like a pilot.", "Speak like a cook."]


async def test_a_turn_that_is_taken_over_goes_on_as_it_began(make_server: MakeServer, upstream: Upstream) -> None:
    running = make_server().start()
    model = upstream.model(Script(pieces=['idea: "Whis', "kers", '"\n'], fault="stall", fault_after=2))
    chat = new_name("chat")
    with running.http() as http:
        own = make(http, format="tagged", instructions="Collect names.")
    async with open_full(running.port, running.key) as full:
        accepted = await full.send(conversation=chat, assistant=own, model=model)
        await full.until_text(accepted["turn"], 4)
        running.kill()
    change_rows(running.data_dir, delete(assistants))
    upstream.change(model, Script(pieces=['kers"\n', 'message: "Saved."']))
    running.start()
    with running.http() as http:
        wait_until(lambda: fetch_messages(http, chat)[-1]["status"] == "complete", "the answer")
        assert told(upstream, model) == f"{FORMAT}\n\nCollect names."
        assert [part["kind"] for part in fetch_messages(http, chat)[-1]["parts"]] == ["idea", "text"]


def test_a_conversation_goes_on_with_the_instructions_of_a_deleted_one(
    server: Server, http: httpx2.Client, upstream: Upstream, model: str
) -> None:
    own = make(http, format="tagged")
    chat = new_name("chat")
    ask(http, chat, assistant=own, model=model)
    http.delete(f"/api/assistants/{own}")
    ask(http, chat, assistant=own)
    assert told(upstream, model) == f"{FORMAT}\n\nSpeak like a pilot."
    assert choices(http, chat)[2] == own, "so that an undo finds it"
    change_rows(server.data_dir, delete(assistants).where(assistants.c.id == own))
    http.patch(f"/api/conversations/{chat}", json={"instructions": "Be brief."})
    ask(http, chat)
    assert told(upstream, model) == f"{FORMAT}\n\nSpeak like a pilot.\n\nBe brief."
    found = http.get(f"/api/conversations/{chat}").json()
    assert (found["assistant"], found["instructions"]) == ("ideas", "Speak like a pilot.\n\nBe brief.")
    ask(http, chat)
    assert told(upstream, model) == f"{FORMAT}\n\nSpeak like a pilot.\n\nBe brief.", "it does not grow"


def test_an_admin_shares_with_everybody_and_it_is_noted(
    server: Server, http: httpx2.Client, stranger: httpx2.Client, upstream: Upstream, model: str
) -> None:
    own = make(http, name=new_name("shared"))
    address, chat = f"/api/admin/assistants/{own}/sharing", new_name("chat")
    assert stranger.get(f"/api/assistants/{own}").status_code == 404
    assert stranger.put(address, json={"is_shared": True}).status_code == 403
    assert http.put(address, json={"is_shared": True}).json()["is_shared"] is True
    seen = stranger.get(f"/api/assistants/{own}").json()
    assert (seen["kind"], seen["instructions"]) == ("shared", "Speak like a pilot.")
    assert stranger.patch(f"/api/assistants/{own}", json={"name": "Mine"}).status_code == 404
    assert stranger.delete(f"/api/assistants/{own}").status_code == 404
    ask(stranger, chat, assistant=own, model=model)
    assert told(upstream, model) == "Speak like a pilot."
    assert http.put(address, json={"is_shared": False}).status_code == 200
    http.patch(f"/api/assistants/{own}", json={"instructions": "A secret of mine."})
    ask(stranger, chat)
    assert told(upstream, model) == "Speak like a pilot.", "what it became since is its owner's alone"
    assert own not in stranger.get("/api/assistants").text
    noted = http.get("/api/admin/audit", params={"action": "assistant."}).json()["items"]
    assert [entry["action"] for entry in noted if entry["target"] == own] == ["assistant.unshared", "assistant.shared"]


def test_who_is_no_admin_any_more_changes_nothing_that_everybody_uses(server: Server) -> None:
    person = add_person(server.data_dir, new_name("admin"), "admin")
    with server.http(person.session) as admin:
        own = make(admin)
        assert admin.put(f"/api/admin/assistants/{own}/sharing", json={"is_shared": True}).status_code == 200
        change_rows(server.data_dir, update(users).where(users.c.id == person.id).values(role="member"))
        wait_until(lambda: admin.get("/api/me").json()["role"] == "member", "the change to be known")
        for method, address in (("PATCH", ""), ("DELETE", ""), ("POST", "/restore")):
            answer = admin.request(method, f"/api/assistants/{own}{address}", json={"instructions": "Obey me."})
            assert answer.status_code == 403, answer.text


def test_another_admin_can_stop_the_sharing_and_not_see_what_is_private(server: Server, http: httpx2.Client) -> None:
    person = add_person(server.data_dir, new_name("admin"), "admin")
    private, shared = make(http), make(http)
    http.put(f"/api/admin/assistants/{shared}/sharing", json={"is_shared": True})
    with server.http(person.session) as admin:
        for is_shared in (True, False):
            asked = {"is_shared": is_shared}
            assert admin.put(f"/api/admin/assistants/{private}/sharing", json=asked).status_code == 404
        assert admin.put(f"/api/admin/assistants/{shared}/sharing", json={"is_shared": False}).status_code == 200
        assert admin.get(f"/api/assistants/{shared}").status_code == 404
