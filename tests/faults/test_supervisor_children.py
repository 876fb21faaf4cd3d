"""`serve --workers N`: its servers die, are replaced and end, and nobody who reads an answer misses a character."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest
from tests.conftest import MakeFleet, MakePostgres
from tests.fakes.script import Script, words
from tests.harness.checks import Transcript, find_differences, find_disorder, texts_of
from tests.harness.fleet import Fleet
from tests.harness.full_client import FullClient, open_full
from tests.harness.server import Server, children_of
from tests.harness.stored import fetch_message
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_socket, watch_by_sse
from tests.harness.waiting import WAIT_S, wait_until

EXIT_S = 10.0
TAKEN_OVER_S = 8.0  # less than a lease: the new server knows that the dead one is dead
PIECES = words(150)
SLOW = Script(pieces=PIECES, delay_s=0.03)


@pytest.fixture(params=["postgres", "redis"])
def fleet(make_fleet: MakeFleet, request: pytest.FixtureRequest) -> Fleet:
    """One supervisor of two servers."""
    made = make_fleet(has_redis=request.param == "redis")
    made.serve("--workers", "2")
    return made


def supervisor_of(fleet: Fleet) -> Server:
    return fleet.servers[0]


def children(fleet: Fleet) -> list[int]:
    return children_of(supervisor_of(fleet).pid)


def check(fleet: Fleet, sent: dict[str, str], *seen: Transcript) -> list[str]:
    with supervisor_of(fleet).http(fleet.key) as http:
        stored = fetch_message(http, sent["conversation"], sent["answer"])
    wrong = [] if stored["status"] == "complete" else [f"ended {stored['status']}"]
    for transcript in seen:
        wrong += find_disorder(transcript) + find_differences(transcript, stored)
        wrong += [] if texts_of(transcript) == ["".join(PIECES)] else [f"shown {texts_of(transcript)}"]
    return wrong


async def begin(client: FullClient, model: str) -> dict[str, str]:
    sent: dict[str, str] = await client.send(model=model)
    await client.until_text(sent["turn"], 30)
    return sent


async def test_a_server_killed_in_mid_answer_is_replaced_and_its_answer_goes_on(
    fleet: Fleet, upstream: Upstream
) -> None:
    port, before = supervisor_of(fleet).port, children(fleet)
    model = upstream.model(SLOW)
    async with open_full(port, fleet.key) as client:
        sent = await begin(client, model)
    by_socket: Transcript = []
    by_sse: Transcript = []
    async with asyncio.timeout(EXIT_S + 5), asyncio.TaskGroup() as group:
        group.create_task(watch_by_socket(port, fleet.key, sent["turn"], by_socket))
        group.create_task(watch_by_sse(port, fleet.key, sent["turn"], by_sse))
        dead = await asyncio.to_thread(fleet.holder_pid, sent["turn"])
        assert dead in before
        os.kill(dead, signal.SIGKILL)
        await asyncio.to_thread(
            wait_until, lambda: fleet.holder_pid(sent["turn"]) not in (dead, None), "somebody to go on", TAKEN_OVER_S
        )
    assert await asyncio.to_thread(check, fleet, sent, by_socket, by_sse) == []
    assert len(upstream.requests(model)) == 2
    wait_until(lambda: len(children(fleet)) == 2 and dead not in children(fleet), "a new server in its place")


async def test_a_rolling_restart_replaces_every_server_while_answers_stream(fleet: Fleet, upstream: Upstream) -> None:
    supervisor, before = supervisor_of(fleet), children(fleet)
    model = upstream.model(SLOW)
    async with open_full(supervisor.port, fleet.key) as client:
        sent = [await begin(client, model) for _ in range(3)]
    seen: list[Transcript] = [[] for _ in sent]
    async with asyncio.timeout(WAIT_S + 5), asyncio.TaskGroup() as group:
        for number, (one, transcript) in enumerate(zip(sent, seen, strict=True)):
            watch = (watch_by_socket, watch_by_sse)[number % 2]
            group.create_task(watch(supervisor.port, fleet.key, one["turn"], transcript))
        os.kill(supervisor.pid, signal.SIGHUP)
        await asyncio.to_thread(wait_until, lambda: is_renewed(fleet, before), "two new servers in place of the old")
    for one, transcript in zip(sent, seen, strict=True):
        assert await asyncio.to_thread(check, fleet, one, transcript) == []
    assert supervisor.is_running()


def is_renewed(fleet: Fleet, before: list[int]) -> bool:
    now = children(fleet)
    return len(now) == 2 and not set(now) & set(before)


async def test_somebody_always_answers_during_a_rolling_restart(fleet: Fleet) -> None:
    supervisor, before = supervisor_of(fleet), children(fleet)
    os.kill(supervisor.pid, signal.SIGHUP)
    wrong, count = [], 0
    async with asyncio.timeout(WAIT_S):  # two processes start one after the other, beside whatever else runs here
        while not is_renewed(fleet, before):
            await asyncio.sleep(0.01)  # as many requests as can be would take the processor from those that start
            with supervisor.http("") as http:  # a connection of its own each time
                status = (await asyncio.to_thread(http.get, "/readyz")).status_code
            count += 1
            wrong += [] if status == 200 else [f"{status} at request {count}"]
    assert count > 10
    assert wrong == []


async def test_sigterm_ends_all_with_status_zero_and_tells_the_viewers(fleet: Fleet, upstream: Upstream) -> None:
    supervisor, before = supervisor_of(fleet), children(fleet)
    async with open_full(supervisor.port, fleet.key) as client:
        sent = await begin(client, upstream.model(Script(pieces=words(3000), delay_s=0.02)))
        status, took_s = await asyncio.to_thread(supervisor.terminate)
        assert [frame["type"] for frame in client.frames].count("reconnect") == 1
    assert status == 0
    assert took_s < EXIT_S
    assert [pid for pid in before if is_alive(pid)] == []
    assert fleet.holder_pid(sent["turn"]) is None


def test_servers_end_when_their_supervisor_was_killed(fleet: Fleet) -> None:
    before = children(fleet)
    supervisor_of(fleet).kill()
    wait_until(lambda: not any(is_alive(pid) for pid in before), "the servers to end", EXIT_S)


def test_what_a_killed_supervisor_has_left_is_removed_by_the_next(fleet: Fleet) -> None:
    supervisor, before = supervisor_of(fleet), children(fleet)
    supervisor.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in before), "the servers to end", EXIT_S)
    left = list(supervisor.data_dir.glob("metrics-*"))
    assert len(left) == 1
    supervisor.restart()
    now = list(supervisor.data_dir.glob("metrics-*"))
    assert len(now) == 1
    assert now != left
    supervisor.terminate()
    assert list(supervisor.data_dir.glob("metrics-*")) == []


def test_the_link_that_is_printed_opens_the_page(fleet: Fleet) -> None:
    supervisor = supervisor_of(fleet)
    with supervisor.http("") as http:
        opened = http.get(supervisor.link.removeprefix(supervisor.url))
    assert opened.status_code in (302, 303, 307), opened.text
    assert "set-cookie" in opened.headers


def test_a_chat_on_the_data_folder_finds_the_supervised_servers(fleet: Fleet, upstream: Upstream) -> None:
    """Also after the one that was ready first is gone: the address is the supervisor's."""
    supervisor = supervisor_of(fleet)
    address = supervisor.data_dir / "serve.json"
    assert json.loads(address.read_bytes()) == {"url": supervisor.url, "pid": supervisor.pid}
    os.kill(children(fleet)[0], signal.SIGKILL)
    model = upstream.model(Script(pieces=["Here ", "we are."]))
    told = supervisor.run("chat", "Hello", "--model", model, "--conversation", "found")
    assert (told.stdout, told.returncode) == ("Here we are.\n", 0), told.stderr
    with fleet.http() as http:  # it was these servers that answered, and not one of its own
        assert http.get("/api/conversations/found").status_code == 200
    supervisor.terminate()
    assert not address.exists()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_server_that_cannot_start_is_tried_again_until_it_can(
    make_fleet: MakeFleet, make_postgres: MakePostgres
) -> None:
    postgres = make_postgres(fsync=False)
    fleet = make_fleet(has_redis=False, database_url=postgres.new_database())
    supervisor = fleet.serve("--workers", "2")
    dead = children(fleet)[0]
    postgres.kill()
    os.kill(dead, signal.SIGKILL)
    wait_until(lambda: count_deaths(supervisor) >= 3, "the new server to fail twice", 30)
    assert supervisor.is_running()
    postgres.start()
    with supervisor.http("") as http:
        wait_until(lambda: len(ready_children(supervisor)) == 2, "two servers again", 40)
        assert http.get("/readyz").status_code == 200
    assert supervisor.terminate()[0] == 0


def said_by(supervisor: Server, event: str) -> list[int]:
    """The servers of which the supervisor's log says this."""
    lines = [json.loads(line) for line in supervisor.log_text().splitlines() if line.endswith("}")]
    return [line["server"] for line in lines if line["event"] == event]


def count_deaths(supervisor: Server) -> int:
    return len(said_by(supervisor, "server_died"))


def ready_children(supervisor: Server) -> set[int]:
    return set(said_by(supervisor, "server_ready")) & set(children_of(supervisor.pid))
