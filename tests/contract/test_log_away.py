"""The server of a shared log killed, paused, cut off: every entry is there once, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from tests.contract.log_servers import follow_stubbornly, open_on, write_stubbornly
from tests.contract.log_stores import bodies
from tests.harness.chaos_proxy import ChaosProxy
from tests.harness.postgres import PostgresServer
from tests.harness.valkey import ValkeyServer
from tests.harness.waiting import trials, wait_until_async

from quarterdeck.errors import LogError, StaleWriterError
from quarterdeck.log import postgres_link, redis_link

Server = ValkeyServer | PostgresServer


@pytest.fixture(params=["redis", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Both keep what they have acknowledged, so that what is missing was lost here."""
    if request.param == "redis":
        yield request.getfixturevalue("make_valkey")(appendfsync="always")
    else:
        yield request.getfixturevalue("make_postgres")(fsync=False)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_link, "ANSWER_S", 0.3)
    monkeypatch.setattr(redis_link, "CONNECT_S", 0.3)
    monkeypatch.setattr(postgres_link, "ANSWER_S", 0.3)
    monkeypatch.setattr(postgres_link, "CONNECT_MAX_S", 0.3)


@pytest.mark.parametrize("seed", range(trials(2, 12)))
async def test_whatever_answer_is_lost_every_entry_is_there_once(
    server: Server, stack: AsyncExitStack, seed: int
) -> None:
    count = trials(150, 600)
    whole = await open_on(stack, server)
    cut_after = (20, 200) if isinstance(server, ValkeyServer) else (1_500, 6_000)
    async with ChaosProxy(server.port, seed, cut_after, pause_s=0) as proxy:
        proxy.is_calm = True
        cut = await open_on(stack, server, proxy.port)
        proxy.is_calm = False
        written = await write_stubbornly(cut, "t", count, lambda: proxy.cuts > 5)
        proxy.is_calm = True
        assert [entry.body for entry in await whole.read("t", 0, limit=10**6)] == bodies(written)
        assert proxy.cuts > 5


async def test_a_killed_server_loses_nothing_acknowledged_and_is_used_again_at_once(
    server: Server, stack: AsyncExitStack
) -> None:
    writer, reader = await open_on(stack, server), await open_on(stack, server)
    killed = 0
    writing = asyncio.create_task(write_stubbornly(writer, "t", 50, lambda: killed == 3))
    following = asyncio.create_task(follow_stubbornly(reader, "t"))
    for _ in range(3):
        await asyncio.sleep(0.1)
        await asyncio.to_thread(server.kill)
        with pytest.raises(LogError):
            await reader.status("t")
        await asyncio.to_thread(server.start)
        killed += 1
    async with asyncio.timeout(30):
        written = await writing
        await writer.finish("t", 60)
        found = await following
    assert [entry.seq for entry in found] == list(range(1, written + 1))
    assert [entry.body for entry in found] == bodies(written)


@pytest.mark.usefixtures("_impatient")
async def test_a_server_that_hangs_is_an_error_and_what_arrives_late_is_not_doubled(
    server: Server, stack: AsyncExitStack
) -> None:
    log, other = await open_on(stack, server), await open_on(stack, server)
    await log.append("t", 1, bodies(3))
    await log.append("theirs", 1, bodies(3))
    server.pause()
    try:
        async with asyncio.timeout(4):
            for refused in (log.append("t", 4, bodies(2, 4)), log.append("theirs", 4, bodies(2, 4)), log.status("t")):
                with pytest.raises(LogError) as caught:
                    await refused
                assert not isinstance(caught.value, StaleWriterError)
    finally:
        server.resume()

    async def written() -> bool:
        try:
            await log.append("t", 4, bodies(5, 4))
        except StaleWriterError:
            raise
        except LogError:
            return False
        return True

    await wait_until_async(written, "the log to be written again")
    assert [entry.body for entry in await other.read("t", 0)] == bodies(8)
    assert (await other.read("theirs", 0))[:3] == (await log.read("theirs", 0))[:3]


async def test_a_taken_over_turn_stays_the_other_writers_when_an_answer_was_lost(
    server: Server, stack: AsyncExitStack
) -> None:
    other = await open_on(stack, server)
    async with ChaosProxy(server.port, 1, (0, 0), pause_s=0) as proxy:
        proxy.is_calm = True
        log = await open_on(stack, server, proxy.port)
        await log.append("t", 1, bodies(3))
        await other.append("t", 4, [b"taken over"])
        with pytest.raises(StaleWriterError):
            await log.append("t", 4, bodies(2, 4))
    with pytest.raises(LogError):
        await log.append("t", 4, bodies(2, 4))
    assert [entry.body for entry in await other.read("t", 0)] == [*bodies(3), b"taken over"]


async def test_a_follower_whose_bell_was_cut_off_misses_nothing(server: Server, stack: AsyncExitStack) -> None:
    writer, reader = await open_on(stack, server), await open_on(stack, server)
    await writer.append("t", 1, bodies(1))
    following = asyncio.create_task(follow_stubbornly(reader, "t"))
    for seq in range(2, 41):
        if seq % 10 == 0:
            cut_bells(server)
        await writer.append("t", seq, bodies(1, seq))
        await asyncio.sleep(0.01)
    await writer.finish("t", 60)
    async with asyncio.timeout(5):
        assert [entry.body for entry in await following] == bodies(40)


def cut_bells(server: Server) -> None:
    if isinstance(server, ValkeyServer):
        server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    else:
        server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
