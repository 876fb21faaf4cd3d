"""A socket's messages while the server is busy: in their order, and in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from quarterdeck.errors import OverloadedError
from quarterdeck.turns.admission import MAX_RECORDING, Admission
from quarterdeck.views.frames import RetryFrame, SendFrame
from quarterdeck.web.sends import MAX_WAITING, MAX_WAITING_BYTES, Sends


class Socket:
    """`taken`: the names of what was sent, in that order."""

    def __init__(self) -> None:
        self.admission = Admission()
        self.sends = Sends(self._send_one, self.admission)
        self.taken: list[str] = []
        self.slow: set[str] = set()  # these are recorded when it `goes_on`
        self.goes_on = asyncio.Event()
        self._has_taken = asyncio.Event()

    async def _send_one(self, frame: SendFrame | RetryFrame, since_s: float | None) -> None:
        await self.admission.enter(since_s)
        if frame.id in self.slow:
            await self.goes_on.wait()
        self.taken.append(frame.id)
        self._has_taken.set()
        self.admission.leave()

    async def fill(self) -> None:
        for _ in range(MAX_RECORDING):
            await self.admission.enter()

    def empty(self) -> None:
        for _ in range(MAX_RECORDING):
            self.admission.leave()

    async def has_taken(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.taken) < count:
                self._has_taken.clear()
                await self._has_taken.wait()


def message(number: int) -> SendFrame:
    return SendFrame(id=str(number), conversation="chat", text="Hi!")


@pytest.fixture
async def socket() -> AsyncIterator[Socket]:
    opened = Socket()
    yield opened
    await opened.sends.stop()


async def test_on_a_server_with_room_a_message_is_answered_when_take_returns(socket: Socket) -> None:
    before = len(asyncio.all_tasks())
    await socket.sends.take(message(1), 10)
    assert socket.taken == ["1"]
    assert len(asyncio.all_tasks()) == before, "no task for it"


async def test_messages_that_wait_keep_nobody_and_their_order(socket: Socket) -> None:
    await socket.fill()
    async with asyncio.timeout(1):
        for number in range(20):
            await socket.sends.take(message(number), 10)
    assert socket.taken == []
    socket.empty()
    await socket.sends.take(message(20), 10)  # comes after those that wait already
    await socket.has_taken(21)
    assert socket.taken == [str(number) for number in range(21)]


@pytest.mark.parametrize(("count", "size"), [(MAX_WAITING, 10), (2, MAX_WAITING_BYTES // 2)])
async def test_behind_too_much_that_waits_the_socket_waits(socket: Socket, count: int, size: int) -> None:
    await socket.fill()
    for number in range(count):
        await socket.sends.take(message(number), size)
    blocked = asyncio.create_task(socket.sends.take(message(count), size))
    await asyncio.sleep(0.05)
    assert not blocked.done()
    socket.empty()
    await asyncio.wait_for(blocked, 5)
    await socket.has_taken(count + 1)


async def test_a_conversation_keeps_its_order_and_the_others_do_not_wait_for_it(socket: Socket) -> None:
    socket.slow = {"0"}
    await socket.fill()
    await socket.sends.take(message(0), 10)
    await socket.sends.take(message(1), 10)
    await socket.sends.take(SendFrame(id="other", conversation="other", text="Hi!"), 10)
    socket.empty()
    await socket.has_taken(1)
    assert socket.taken == ["other"]
    socket.goes_on.set()
    await socket.has_taken(3)
    assert socket.taken == ["other", "0", "1"]


async def test_who_could_not_be_taken_in_time_is_refused_at_once(
    socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    await socket.fill()
    monkeypatch.setattr("quarterdeck.turns.admission.MAX_WAIT_S", 0.0)
    with pytest.raises(OverloadedError):
        await socket.sends.take(message(1), 10)


async def test_who_left_is_in_nobodys_way(socket: Socket) -> None:
    await socket.fill()
    for number in range(3):
        await socket.sends.take(message(number), 10)
        await asyncio.sleep(0)
    await socket.sends.stop()
    socket.empty()
    await asyncio.sleep(0.05)
    assert socket.taken == []
    assert not socket.admission.is_busy
