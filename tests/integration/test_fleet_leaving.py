"""Processes that are told to go: what they run is handed over, whoever watches goes on elsewhere, the exit is quick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2
import pytest
from tests.conftest import MakeFleet, MakePostgres, MakeValkey
from tests.fakes.script import Script, words
from tests.harness.checks import Transcript, find_differences, find_disorder, texts_of
from tests.harness.full_client import open_full
from tests.harness.simple_client import open_simple
from tests.harness.stored import fetch_message
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_socket, watch_by_sse
from tests.harness.waiting import wait_until
from websockets.exceptions import ConnectionClosed

EXIT_S = 10.0
PIECES = words(200)
SLOW = Script(pieces=PIECES, delay_s=0.03)
ENDLESS = Script(pieces=words(5000), delay_s=0.02)


@pytest.mark.parametrize("kind", ["serve", "worker"])
async def test_a_turn_of_a_process_that_ends_goes_on_in_another(
    make_fleet: MakeFleet, upstream: Upstream, kind: str
) -> None:
    fleet = make_fleet()
    for _ in range(2):
        fleet.serve(*([] if kind == "serve" else ["--workers", "0"]))
        if kind == "worker":
            fleet.worker()
    async with open_full(fleet.port, fleet.key) as client:
        sent = await client.send(model=upstream.model(SLOW))
        await client.until_text(sent["turn"], 30)
    seen: list[Transcript] = [[], []]
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for watch, transcript in zip((watch_by_socket, watch_by_sse), seen, strict=True):
            group.create_task(watch(fleet.port, fleet.key, sent["turn"], transcript))
        leaving = await asyncio.to_thread(fleet.holder, sent["turn"])
        status, took_s = await asyncio.to_thread(leaving.terminate)
    assert (status, took_s < EXIT_S) == (0, True)
    assert leaving in (fleet.servers if kind == "serve" else fleet.workers)
    with fleet.http() as http:
        stored = await asyncio.to_thread(fetch_message, http, sent["conversation"], sent["answer"])
    for transcript in seen:
        assert find_disorder(transcript) + find_differences(transcript, stored) == []
        assert texts_of(transcript) == ["".join(PIECES)]


async def test_simple_sockets_are_closed_as_by_a_server_that_restarts(make_fleet: MakeFleet) -> None:
    server = make_fleet(has_redis=False).serve()
    async with open_simple(server.port, server.key) as client:
        await client.ask("Hello", "one")
        server.ask_to_stop()
        with pytest.raises(ConnectionClosed) as closed:
            await client.next(EXIT_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert await asyncio.to_thread(server.wait) == 0


async def test_a_worker_that_drains_is_not_ready_any_more_but_lives(make_fleet: MakeFleet, upstream: Upstream) -> None:
    fleet = make_fleet()
    web, worker = fleet.serve("--workers", "0"), fleet.worker()
    async with open_full(web.port, fleet.key) as client:
        sent = await client.send(model=upstream.model(ENDLESS))
        await client.until_text(sent["turn"], 30)
        assert [status_of(worker.port, path) for path in ("/healthz", "/readyz", "/metrics", "/chat")] == [
            200,
            200,
            200,
            404,
        ]
        worker.ask_to_stop()
        await asyncio.to_thread(wait_until, lambda: status_of(worker.port, "/readyz") == 503, "the worker to say so")
        assert status_of(worker.port, "/healthz") == 200
        assert await asyncio.to_thread(worker.wait) == 0
        assert fleet.holder_pid(sent["turn"]) is None
        assert status_of(web.port, "/readyz") == 200


def status_of(port: int, path: str) -> int:
    return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code


@pytest.mark.parametrize("hanging", ["database", "log"])
async def test_a_process_ends_in_time_whatever_hangs(
    make_fleet: MakeFleet, make_postgres: MakePostgres, make_valkey: MakeValkey, upstream: Upstream, hanging: str
) -> None:
    postgres, valkey = make_postgres(fsync=False), make_valkey()
    fleet = make_fleet(database_url=postgres.new_database(), redis_url=valkey.url)
    server = fleet.serve()
    pause: Callable[[], None] = postgres.pause if hanging == "database" else valkey.pause
    async with open_full(server.port, fleet.key) as client:
        sent = await client.send(model=upstream.model(ENDLESS))
        await client.until_text(sent["turn"], 30)
        pause()
        _, took_s = await asyncio.to_thread(server.terminate)
    (postgres if hanging == "database" else valkey).resume()
    assert took_s < EXIT_S
