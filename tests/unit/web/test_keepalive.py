"""Rounds: each member is looked after once in each, and nobody keeps a timer alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Frame

from quarterdeck.web import keepalive
from quarterdeck.web.keepalive import Rounds, rounds_of
from quarterdeck.web.wire import Http, Socket

ROUND_S = 0.4


class Member:
    def __init__(self) -> None:
        self.seen: list[float] = []
        self.twice = asyncio.Event()

    def look_after(self) -> None:
        self.seen.append(asyncio.get_running_loop().time())
        if len(self.seen) == 2:
            self.twice.set()


async def test_each_is_looked_after_once_a_round_and_not_before_one_has_passed() -> None:
    loop = asyncio.get_running_loop()
    rounds = Rounds(loop, every_s=ROUND_S)
    first, later = Member(), Member()
    begun_s = loop.time()
    rounds.join(first)
    rounds.join(first)
    await asyncio.sleep(ROUND_S / 2)
    rounds.join(later)
    await later.twice.wait()
    assert len(first.seen) in (2, 3)
    assert first.seen[0] - begun_s >= ROUND_S * 0.95
    assert later.seen[0] - begun_s >= ROUND_S * 1.4
    assert first.seen[1] - first.seen[0] >= ROUND_S * 0.95


async def test_who_has_left_is_not_looked_after_also_when_another_one_ends_it_in_the_same_moment() -> None:
    rounds = Rounds(asyncio.get_running_loop(), every_s=ROUND_S)

    class Rude(Member):
        def look_after(self) -> None:
            super().look_after()
            rounds.leave(other)
            rounds.leave(other)

    other, rude = Member(), Rude()
    rounds.join(rude)
    rounds.join(other)
    await rude.twice.wait()
    assert other.seen == []


async def test_one_that_fails_does_not_take_those_behind_it_along() -> None:
    rounds = Rounds(asyncio.get_running_loop(), every_s=ROUND_S)

    class Broken(Member):
        def look_after(self) -> None:
            super().look_after()
            raise ValueError("odd")

    broken, behind = Broken(), Member()
    rounds.join(broken)
    rounds.join(behind)
    await behind.twice.wait()
    assert len(broken.seen) >= 2


async def test_there_is_no_timer_while_nobody_takes_part_and_a_new_one_for_who_comes_then() -> None:
    rounds = Rounds(asyncio.get_running_loop(), every_s=ROUND_S)
    one, two = Member(), Member()
    rounds.join(one)
    rounds.leave(one)
    await asyncio.sleep(ROUND_S / 10)
    assert not rounds._is_going
    rounds.join(two)
    await two.twice.wait()
    assert one.seen == []


async def test_all_sockets_of_a_loop_share_their_rounds() -> None:
    loop = asyncio.get_running_loop()
    assert rounds_of(loop) is rounds_of(loop)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """A server that takes sockets and says nothing; rounds take `ROUND_S`."""

    async def listen(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    loop = asyncio.get_running_loop()
    keepalive._by_loop[loop] = Rounds(loop, every_s=ROUND_S)
    config = uvicorn.Config(listen, port=0, http=Http, ws=Socket, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  # it tells nobody else
        await asyncio.sleep(0.01)
    try:
        yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = server.force_exit = True
        await task


async def test_who_answers_pings_stays_and_who_does_not_is_told_so_and_cut() -> None:
    async with serving() as address, connect(address, ping_interval=None) as well:
        async with connect(address, ping_interval=None) as silent:
            parse = silent.protocol.recv_frame

            def ignore_pings(frame: Frame) -> None:
                if frame.opcode is not frame.opcode.PING:
                    parse(frame)

            silent.protocol.recv_frame = ignore_pings  # type: ignore[method-assign]
            with pytest.raises(ConnectionClosedError) as closed:
                async with asyncio.timeout(20 * ROUND_S):
                    await silent.recv()
            said = closed.value.rcvd
            assert said is not None
            assert (said.code, said.reason) == (1011, "keepalive ping timeout")
        await asyncio.sleep(2 * ROUND_S)
        await (await well.ping())
