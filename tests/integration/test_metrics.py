"""`/metrics` of real servers: what is counted, who may read it, and that nobody can make its labels grow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.conftest import MakeServer
from tests.fakes.script import Script, words
from tests.harness.full_client import open_full
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

from quarterdeck import metrics

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(server: Server, **headers: str) -> Values:
    answer = httpx2.get(f"{server.url}/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return parse(answer.text)


def parse(text: str) -> Values:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(values: Values, name: str, **labels: str) -> float:
    """The sum of what has these labels, among others."""
    return sum(
        number for (found, has), number in values.items() if found == name and labels.items() <= dict(has).items()
    )


def ask(server: Server, model: str) -> None:
    with server.http() as http:
        http.post("/chat_batch", json={"message": "Hi", "model": model})


def test_turns_tokens_and_calls_are_counted_by_provider_and_outcome(
    make_server: MakeServer, upstream: Upstream
) -> None:
    server = make_server().start()
    for _ in range(3):
        ask(server, upstream.model(Script(pieces=words(7))))
    ask(server, upstream.model(Script(status=401)))
    found = read(server)
    assert value(found, "quarterdeck_turns_accepted_total") == 4
    assert value(found, "quarterdeck_turns_ended_total", provider="openai", status="complete") == 3
    assert value(found, "quarterdeck_turns_ended_total", provider="openai", status="failed") == 1
    assert value(found, "quarterdeck_turn_failures_total", provider="openai") == 1
    assert value(found, "quarterdeck_output_tokens_total", provider="openai") == 21
    assert value(found, "quarterdeck_input_tokens_total", provider="openai") == 33
    assert value(found, "quarterdeck_first_token_seconds_count", provider="openai") == 3
    assert value(found, "quarterdeck_turn_seconds_count", provider="openai") == 4
    assert value(found, "quarterdeck_provider_calls_total", provider="openai", outcome="complete") == 3
    assert value(found, "quarterdeck_provider_calls_total", provider="openai") == 4
    assert value(found, "quarterdeck_turns_running") == 0
    assert value(found, "quarterdeck_log_writes_total") >= 4
    assert value(found, "quarterdeck_log_commit_seconds_count") >= 4
    assert value(found, "quarterdeck_log_bytes") > 0
    assert value(found, "quarterdeck_resident_memory_bytes") > 10_000_000
    assert value(found, "quarterdeck_cpu_seconds_total") > 0.1
    assert value(found, "quarterdeck_http_requests_total", route="/chat_batch", method="POST", status="200") == 3
    assert value(found, "quarterdeck_processes") == 1


async def test_what_is_open_and_running_is_shown_while_it_lasts(make_server: MakeServer, upstream: Upstream) -> None:
    server = make_server().start()
    model = upstream.model(Script(pieces=["one"], fault="stall"))
    async with open_full(server.port, server.key) as client:
        turn = (await client.send("Hi", id="m1", conversation="c1", model=model))["turn"]
        with server.http() as http, http.stream("GET", f"/api/turns/{turn}/events") as stream:
            assert stream.status_code == 200
            found = read(server)
            assert value(found, "quarterdeck_turns_running") == 1
            assert value(found, "quarterdeck_sockets", protocol="full") == 1
            assert value(found, "quarterdeck_event_streams") == 1
        with server.http() as http:
            http.post(f"/api/turns/{turn}/stop")
    wait_until(lambda: value(read(server), "quarterdeck_event_streams") == 0, "the stream to be gone")
    wait_until(lambda: value(read(server), "quarterdeck_sockets") == 0, "the socket to be gone")
    wait_until(lambda: value(read(server), "quarterdeck_turns_running") == 0, "the turn to be gone")
    assert value(read(server), "quarterdeck_turns_ended_total", status="stopped") == 1


def test_a_turn_that_a_dead_process_left_is_counted_by_who_takes_it_over(
    make_server: MakeServer, upstream: Upstream
) -> None:
    server = make_server().start()
    model = upstream.model(Script(pieces=words(3), fault="stall"))
    with server.http() as http:
        with http.stream("POST", "/chat_batch", json={"message": "Hi", "model": model}) as stream:
            next(stream.iter_bytes())
            server.kill()
        upstream.change(model, Script(pieces=words(3)))
    server.restart()
    wait_until(lambda: value(read(server), "quarterdeck_turns_ended_total") == 1, "the answer to be finished")
    assert value(read(server), "quarterdeck_turns_taken_over_total") == 1


def test_hostile_names_make_no_labels(make_server: MakeServer, upstream: Upstream) -> None:
    server = make_server().start()
    known = upstream.model(Script(status=404))
    ask(server, known)
    with server.http() as http:
        http.get("/nowhere/0")
        http.request("BREW0", "/api/models")
        http.get("/api/conversations/id-0")
        before = set(read(server))
        for n in range(40):
            ask(server, f'evil{n}"}}\n/model')
            ask(server, f"openai/unknown-model-{n}")
            http.get(f"/nowhere/{n}")
            http.get(f"/api/conversations/id-{n}")
            http.request(f"BREW{n}", "/api/models")
    grown = {key for key in set(read(server)) - before if "evil" in str(key) or "nowhere" in str(key)}
    assert not grown
    labels = str(set(read(server)))
    assert not any(word in labels for word in ("evil", "unknown-model", "nowhere", "id-3", "BREW"))
    assert len(read(server)) - len(before) < 80  # new outcomes of the same few routes, with their buckets


def test_providers_beyond_the_first_forty_share_a_label() -> None:
    code = (
        "from quarterdeck import metrics as m\n"
        "print(len({m.provider_of(f'p{n}/x') for n in range(500)}), m.provider_of('p499/x'), m.provider_of('p3/y'))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(metrics.MAX_PROVIDERS + 1), "other", "p3"]


@pytest.mark.parametrize(
    "headers",
    [{"x-forwarded-for": "203.0.113.5"}, {"forwarded": "for=203.0.113.5"}, {"host": "chat.example.org"}],
    ids=["forwarded-for", "forwarded", "public-host"],
)
def test_without_a_token_what_a_proxy_brings_is_refused(make_server: MakeServer, headers: dict[str, str]) -> None:
    server = make_server(QUARTERDECK_PUBLIC_URL="https://chat.example.org").start()
    assert httpx2.get(f"{server.url}/metrics", headers=headers).status_code == 401
    assert httpx2.get(f"{server.url}/metrics").status_code == 200


def test_with_a_token_nothing_else_opens_the_metrics(make_server: MakeServer) -> None:
    server = make_server(QUARTERDECK_METRICS_TOKEN="only-prometheus-knows").start()
    refused = ["", "Bearer wrong", f"Bearer {server.key}", "only-prometheus-knows", "Bearer only-prometheus-know"]
    for authorization in refused:
        answer = httpx2.get(f"{server.url}/metrics", headers={"authorization": authorization})
        assert answer.status_code == 401, authorization
        assert "only-prometheus" not in answer.text
    given = {"authorization": "Bearer only-prometheus-knows", "x-forwarded-for": "203.0.113.5"}
    assert value(read(server, **given), "quarterdeck_processes") == 1


COUNT = """
import os, sys
from quarterdeck import metrics
metrics.TURNS_ACCEPTED.add()  # before the library is there
metrics.begin()
metrics.TURNS_ACCEPTED.add(2)
metrics.TURNS_RUNNING.add(5)
metrics.TURN_SECONDS.observe(1.5, "openai")
print(os.getpid(), flush=True)
sys.stdin.readline()
os._exit(9)
"""
RENDER = "from quarterdeck import metrics; print(metrics.render()[0].decode())"


def test_several_processes_are_one_and_the_dead_keep_only_what_they_counted(tmp_path: Path) -> None:
    (tmp_path / "counter_1.db").write_bytes(b"of an earlier server")
    environment = dict(os.environ) | metrics.prepare_multiprocess(tmp_path)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    pids = [int(child.stdout.readline()) for child in children if child.stdout]

    def seen() -> Values:
        command = [sys.executable, "-c", RENDER]
        return parse(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)

    found = seen()
    assert value(found, "quarterdeck_turns_accepted_total") == 9
    assert value(found, "quarterdeck_turns_running") == 15
    assert value(found, "quarterdeck_turn_seconds_count", provider="openai") == 3
    for child in children:
        child.communicate("\n", timeout=10)
    metrics.mark_dead(tmp_path, pids[0])
    metrics.mark_dead(tmp_path, pids[1])
    found = seen()
    assert value(found, "quarterdeck_turns_accepted_total") == 9
    assert value(found, "quarterdeck_turns_running") == 5
