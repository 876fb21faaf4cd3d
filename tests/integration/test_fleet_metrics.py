"""`/metrics` of a server of several processes on PostgreSQL: one answer for all of them, whoever is asked."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.fakes.script import Script, words
from tests.harness.postgres import Databases
from tests.harness.server import START_S, Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until
from tests.integration.test_metrics import Values, parse, value

WORKERS = 2


@pytest.fixture
def fleet(make_server: MakeServer, postgres: Databases) -> Server:
    server = make_server(QUARTERDECK_DATABASE_URL=postgres.new_database(), QUARTERDECK_DATABASE_POOL="3")
    server.launch("--workers", str(WORKERS))
    with httpx2.Client() as client:
        wait_until(lambda: server._is_ready(client), "the server to be ready", START_S)
    return server


def read(server: Server) -> Values:
    return parse(httpx2.get(f"{server.url}/metrics").text)


def all_there(server: Server) -> Values:
    def find() -> Values | None:
        found = read(server)
        is_whole = value(found, "quarterdeck_processes") == WORKERS
        return found if is_whole and value(found, "quarterdeck_database_connections_max") == 3 * WORKERS else None

    return wait_until(find, "all processes to be counted", 20)


def ask(server: Server, model: str) -> None:
    with server.http() as http:  # a connection of its own, which any of the processes may take
        assert http.post("/chat_batch", json={"message": "Hi", "model": model}).status_code == 200


def test_all_processes_answer_as_one(fleet: Server, upstream: Upstream) -> None:
    all_there(fleet)
    model = upstream.model(Script(pieces=words(5), delay_s=0.01))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(fleet, model), range(12)))
    for _ in range(6):  # whoever answers
        found = read(fleet)
        assert value(found, "quarterdeck_turns_accepted_total") == 12
        assert value(found, "quarterdeck_output_tokens_total", provider="openai") == 12 * 5
        assert value(found, "quarterdeck_processes") == WORKERS
        assert value(found, "quarterdeck_turns_waiting") == 0
        assert value(found, "quarterdeck_log_bytes") > 0
        assert value(found, "quarterdeck_log_commit_seconds_count") > 0


def test_a_process_that_dies_leaves_its_counts_and_takes_its_gauges(fleet: Server, upstream: Upstream) -> None:
    all_there(fleet)
    model = upstream.model(Script(pieces=words(2)))
    for _ in range(4):
        ask(fleet, model)
    children = _children(fleet.pid)
    assert len(children) == WORKERS
    os.kill(children[0], signal.SIGKILL)
    wait_until(lambda: set(_children(fleet.pid)) - set(children), "another process in its place", 20)
    found = all_there(fleet)
    assert value(found, "quarterdeck_turns_accepted_total") == 4
    assert value(found, "quarterdeck_turns_ended_total", status="complete") == 4


def _children(pid: int) -> list[int]:
    """Those that serve: whose command line is Quarterdeck's."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with (
                    open(f"/proc/{entry}/stat", encoding="utf-8") as stat,
                    open(f"/proc/{entry}/cmdline", "rb") as line,
                ):
                    parent = int(stat.read().rpartition(")")[2].split()[1])
                    is_server = b"quarterdeck" in line.read()
            except OSError:
                continue
            if parent == pid and is_server:
                found.append(int(entry))
    return found
