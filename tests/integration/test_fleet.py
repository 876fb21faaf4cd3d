"""Several processes on one database: whatever is done at one of them is seen at all."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from tests.conftest import MakeFleet
from tests.fakes.script import Script, words
from tests.harness.checks import find_differences, find_disorder, texts_of
from tests.harness.fleet import Fleet
from tests.harness.full_client import FullClient, new_name, open_full
from tests.harness.postgres import Databases
from tests.harness.stored import fetch_message
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_socket, watch_by_sse
from tests.harness.waiting import wait_until_async

TEXT = "".join(words(60))
SLOW = Script(pieces=words(60), delay_s=0.02)
LAYOUTS = ["postgres", "redis", "web and worker"]


@pytest.fixture(params=LAYOUTS)
def fleet(make_fleet: MakeFleet, request: pytest.FixtureRequest) -> Fleet:
    """Two servers: with PostgreSQL alone, with Valkey, and for the web alone beside a worker."""
    made = make_fleet(has_redis=request.param != "postgres")
    options = ["--workers", "0"] if request.param == "web and worker" else []
    for _ in range(2):
        made.serve(*options)
    if options:
        made.worker()
    return made


async def test_an_answer_is_followed_and_stopped_at_another_server(fleet: Fleet, upstream: Upstream) -> None:
    here, there = fleet.servers
    model = upstream.model(SLOW)
    endless = upstream.model(Script(pieces=words(2000), delay_s=0.02))
    async with open_full(here.port, fleet.key) as sender, open_full(there.port, fleet.key) as reader:
        sent = await sender.send(model=model)
        seen = [sender.transcript(sent["turn"]), [], []]
        async with asyncio.TaskGroup() as group:
            group.create_task(watch_by_socket(there.port, fleet.key, sent["turn"], seen[1]))
            group.create_task(watch_by_sse(there.port, fleet.key, sent["turn"], seen[2]))
            group.create_task(sender.until_ended(sent["turn"], 20))
        with fleet.http() as http:
            stored = await asyncio.to_thread(fetch_message, http, sent["conversation"], sent["answer"])
        for transcript in seen:
            assert find_disorder(transcript) + find_differences(transcript, stored) == []
            assert texts_of(transcript) == [TEXT]
        await stop_there(sender, reader, endless)
    assert len(upstream.requests(model)) == len(upstream.requests(endless)) == 1


async def stop_there(sender: FullClient, reader: FullClient, endless: str) -> None:
    sent = await sender.send(model=endless)
    await sender.until_text(sent["turn"], 20)
    assert (await reader.ask("stop", turn=sent["turn"]))["type"] != "error"
    ended = (await sender.until_ended(sent["turn"]))[-1][1]
    assert ended["status"] == "stopped"


async def test_the_feed_reaches_tabs_at_other_servers(fleet: Fleet, upstream: Upstream) -> None:
    here, there = fleet.servers
    async with open_full(here.port, fleet.key) as sender, open_full(there.port, fleet.key) as tab:
        assert (await tab.ask("feed"))["type"] == "following"
        sent = await sender.send(model=upstream.model(Script(pieces=["Yes."])))
        await sender.until_ended(sent["turn"])
        for kind in ("turn.running", "turn.finished"):
            await tab.until(partial(find_told, tab, kind, sent["turn"]), kind)


async def test_what_was_said_at_one_server_is_searched_and_recalled_at_the_other(
    fleet: Fleet, upstream: Upstream
) -> None:
    """Each process writes its own turns into the index, a moment later (`store.search_queue`)."""
    here, there = fleet.servers
    async with open_full(here.port, fleet.key) as sender:
        sent = await sender.send(
            "Whose narwhal lives in the harbour?", model=upstream.model(Script(pieces=["Ottilie's narwhal."]))
        )
        await sender.until_ended(sent["turn"])
    said = {(sent["conversation"], "user"), (sent["conversation"], "assistant")}
    with there.http(fleet.key) as http:

        async def are_found() -> bool:
            items = http.get("/api/search", params={"q": "narwhal"}).json()["items"]
            return {(item["conversation"], item["role"]) for item in items} == said

        await wait_until_async(are_found, "what was said at the other server")
        hits = http.get("/api/memories/search", params={"q": "What of the narwhal?"}).json()["hits"]
    assert {(hit["conversation"], hit["role"]) for hit in hits} == said


def find_told(tab: FullClient, kind: str, turn: str) -> bool | None:
    return any(event["type"] == kind and event.get("turn") == turn for _, event in tab.feed) or None


async def test_a_provider_saved_at_one_server_is_known_at_the_other(fleet: Fleet, upstream: Upstream) -> None:
    here, there = fleet.servers
    model = upstream.model(Script(pieces=["From afar."])).partition("/")[2]
    name = new_name("afar")[:20]
    with here.http(fleet.key) as http:
        change = {"base_url": upstream.base_url, "key": upstream.environment["OPENAI_API_KEY"]}
        assert http.put(f"/api/providers/{name}", json=change).status_code < 300
        assert http.patch("/api/settings", json={"default_model": f"{name}/{model}"}).status_code < 300
    with there.http(fleet.key) as http:

        async def is_known() -> bool:
            items = http.get("/api/providers").json()["items"]
            default = http.get("/api/settings").json()["default_model"]
            return any(item["name"] == name for item in items) and default == f"{name}/{model}"

        await wait_until_async(is_known, "the other server to know the provider")
        answer = http.post("/chat_batch", json={"message": "Hello"})
    assert (answer.status_code, answer.text) == (200, "From afar.")


async def test_a_message_recorded_twice_at_two_servers_is_one(fleet: Fleet, upstream: Upstream) -> None:
    model = upstream.model(SLOW)
    same = {"id": new_name("key"), "conversation": new_name("chat"), "model": model}
    here, there = fleet.servers
    async with open_full(here.port, fleet.key) as one, open_full(there.port, fleet.key) as other:
        accepted = await asyncio.gather(one.send(**same), other.send(**same))
        assert accepted[0]["turn"] == accepted[1]["turn"]
        for client in (one, other):
            await client.until_ended(accepted[0]["turn"], 20)
    assert len(upstream.requests(model)) == 1


def test_servers_that_start_together_on_an_empty_database_agree_on_it(
    make_fleet: MakeFleet, postgres: Databases
) -> None:
    fleet = make_fleet(has_redis=False, database_url=postgres.new_database(is_empty=True))
    for server in [fleet.add_server() for _ in range(3)]:
        server.launch()
    for server in fleet.servers:
        server.wait_until_ready()
    assert fleet.ask("SELECT count(*) FROM users") == "1"
    for server in fleet.servers:
        with server.http(fleet.key) as http:
            assert http.get("/api/me").status_code == 200


def test_a_link_made_by_the_command_opens_the_page_on_postgres(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(has_redis=False)
    server = fleet.serve()
    made = server.run("open", "--port", str(server.port))
    assert made.stdout.startswith(f"{server.url}/open?link="), made.stderr
    with server.http("") as http:
        assert "set-cookie" in http.get(made.stdout.strip().removeprefix(server.url)).headers
