"""Requests to models for API clients: one, or several choices at once, each by a request of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from time import monotonic

from quarterdeck.accounts.relaying import Relay, Relayed
from quarterdeck.domain.step import Delta, RetryChunk
from quarterdeck.errors import OverloadedError, ProviderRefusedError
from quarterdeck.providers.polling import Polled
from quarterdeck.views.told_deltas import Told
from quarterdeck.web.house import House

_GRACE_S = 2.0
_WAITING = 16  # of all choices, until the reader has taken some


def ask_all(relay: Relay, calls: list[Relayed]) -> AsyncGenerator[Told, None]:
    """What comes, as it comes; of a single choice the words can be polled.

    Raises: as `Relay.stream`; a refusal is told, and ends its choice only.
    """
    return _ask(relay, 0, calls[0]) if len(calls) == 1 else _ask_together(relay, calls)


async def first_of(told: AsyncGenerator[Told, None]) -> Told | None:
    """Before a stream begins: errors up to here have a status of their own. None: there is nothing."""
    try:
        return await anext(told, None)
    except BaseException:
        await told.aclose()
        raise


class Pace:
    """Of one stream: what comes within a moment is read and sent together, that of all streams at once.

    An answer that has not ended a while after the server was told to stop is broken off.
    """

    def __init__(self, house: House) -> None:
        self._ticker = house.ticker
        self._is_draining = house.is_draining
        self._leaving_at_s = 0.0

    def wait(self) -> asyncio.Future[None]:
        """Until the next is to be read. Raises: `OverloadedError`."""
        self._raise_if_over()
        return self._ticker.wait()

    def drive(self, go_on: Callable[[], bool]) -> asyncio.Future[None]:
        """From then on `go_on` is called whenever the next is to be read, until it says no.

        Raises: `OverloadedError`, what `go_on` raised.
        """

        def go_on_unless_over() -> bool:
            self._raise_if_over()
            return go_on()

        return self._ticker.drive(go_on_unless_over)

    def _raise_if_over(self) -> None:
        if self._is_draining.is_set():
            self._leaving_at_s = self._leaving_at_s or monotonic() + _GRACE_S
            if monotonic() > self._leaving_at_s:
                raise OverloadedError("The server is restarting. Ask again.")


def _ask(relay: Relay, index: int, call: Relayed) -> Polled[Told, str]:
    stream = relay.stream(call)
    return Polled(_tell(stream, index), stream.source)


async def _tell(stream: Polled[list[Delta], str], index: int) -> AsyncGenerator[Told, None]:
    try:
        async with aclosing(stream):
            async for deltas in stream:
                if type(deltas[0]) is not RetryChunk:
                    yield index, deltas
    except ProviderRefusedError as refusal:
        yield index, refusal


async def _ask_together(relay: Relay, calls: list[Relayed]) -> AsyncGenerator[Told, None]:
    queue: asyncio.Queue[Told | Exception | None] = asyncio.Queue(_WAITING)

    async def pump(index: int, call: Relayed) -> None:
        try:
            async with aclosing(_ask(relay, index, call)) as stream:
                async for item in stream:
                    await queue.put(item)
        except Exception as error:
            await queue.put(error)
        else:
            await queue.put(None)

    tasks = [asyncio.create_task(pump(index, call)) for index, call in enumerate(calls)]
    try:
        running = len(tasks)
        while running:
            item = await queue.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                running -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
