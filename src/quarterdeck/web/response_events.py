"""Where the events of a response come from: a turn's log, or a model that is asked directly and leaves none."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic

from quarterdeck.domain.events import (
    Event,
    StepEnded,
    TurnEnded,
    TurnFault,
    TurnStarted,
    TurnStatus,
    UsageReported,
    decode_event,
)
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.step import Delta, FinishChunk, LogprobsChunk, RetryChunk, UsageChunk
from quarterdeck.errors import ProviderRefusedError, QuarterdeckError, as_quarterdeck_error
from quarterdeck.turns.parts import PartWriter
from quarterdeck.views.sse import HEARTBEAT_S
from quarterdeck.views.told_deltas import Told
from quarterdeck.views.turn_reader import TurnReader
from quarterdeck.web.house import House

Numbered = tuple[int, Event]
Events = AsyncGenerator[list[Numbered], None]
"""An empty list means that nothing has come for a while, so that whoever listens can be told that we are here."""

_LOOK_S = 1.0


async def events_of_log(house: House, reader: TurnReader) -> Events:
    """Until the turn's end, or until the server is going down. Raises: `CursorError`, `LogError`."""
    await reader.check()
    beat_at = monotonic() + HEARTBEAT_S
    while not reader.is_over and not house.is_draining.is_set():
        if entries := await reader.next(_LOOK_S):
            yield [(entry.seq, decode_event(entry.body)) for entry in entries]
        elif monotonic() >= beat_at:
            beat_at = monotonic() + HEARTBEAT_S
            yield []


async def events_of_model(turn: str, model: str, told: AsyncGenerator[Told, None]) -> Events:
    """The same events as a turn's log would have. Raises: what comes before the first word."""
    writer = PartWriter([], None, "plain")
    seq = 0

    def number(events: list[Event]) -> list[Numbered]:
        nonlocal seq
        first, seq = seq + 1, seq + len(events)
        return list(enumerate(events, first))

    began = number([TurnStarted(turn, "", turn, "", model, now_ms())])
    async with aclosing(told):
        try:
            async for _, deltas in told:
                if isinstance(deltas, ProviderRefusedError):
                    raise deltas
                events = began + number([event for delta in deltas for event in _translate(writer, delta)])
                began = []
                yield events
        except QuarterdeckError as error:
            if began:
                raise
            yield number([*writer.close(), _ended("failed", error)])
            return
        except Exception as caught:
            yield began + number([*writer.close(), _ended("failed", as_quarterdeck_error(caught))])
            return
    yield began + number([*writer.close(), _ended("complete", None)])


def _translate(writer: PartWriter, delta: Delta) -> list[Event]:
    match delta:
        case UsageChunk(usage=usage):
            return [UsageReported(1, usage)]
        case FinishChunk(reason=reason):
            return [*writer.close(), StepEnded(1, reason)]
        case LogprobsChunk() | RetryChunk():
            return []
    return writer.write(delta)


def _ended(status: TurnStatus, error: QuarterdeckError | None) -> TurnEnded:
    fault = None if error is None else TurnFault(error.code, error.message, error.retryable, error.retry_after_s)
    return TurnEnded(status, now_ms(), fault)
