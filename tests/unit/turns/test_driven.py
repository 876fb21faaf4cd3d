"""Turns whose text the clock takes along, tick by tick: log, stops and outages, without a wake-up of their tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from tests.unit.turns.rig import WAIT_S, ScriptedProvider, open_rig

from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import Delta, FinishChunk, StepRequest, TextChunk
from quarterdeck.errors import ProviderCutError, ProviderError
from quarterdeck.providers.polling import Polled, Source


class DrivenProvider(ScriptedProvider):
    """Says its first words at once; then each poll gives a word while there are any, and the rest is waited for."""

    def __init__(self, words: int, error: ProviderError | None = None, *, falls_silent: bool = False) -> None:
        super().__init__()
        self.falls_silent = falls_silent
        self.words = [f"{number} " for number in range(words)]
        self.error = error
        self.waits = self.polls = 0

    def stream(self, request: StepRequest) -> Polled[list[Delta], str]:
        return Polled(self._stream(request), Source(self._poll))

    async def _stream(self, request: StepRequest) -> AsyncGenerator[list[Delta], None]:
        self.requests.append(request)
        self.open_streams += 1
        try:
            yield [TextChunk("Now")]
            yield [TextChunk(": ")]
            self.waits += 1
            yield [*map(TextChunk, self.words)]
            if self.error is not None:
                raise self.error
            yield [FinishChunk("stop")]
        finally:
            self.open_streams -= 1

    def _poll(self) -> str | None:
        self.polls += 1
        if len(self.words) > 1:
            return self.words.pop(0)
        return "" if self.falls_silent else None


def counted(words: int) -> str:
    return "Now: " + "".join(f"{number} " for number in range(words))


async def test_text_that_the_clock_takes_along_is_logged_and_stored_without_waking_its_turn(tmp_path: Path) -> None:
    provider = DrivenProvider(30)
    async with open_rig(tmp_path, provider) as rig:
        accepted = await rig.send()
        folded, _ = await rig.check_stored(accepted.row.id)
    assert folded.parts == [TextPart(counted(30))]
    assert provider.waits == 1
    assert provider.polls > 29


async def test_a_model_that_says_nothing_for_two_ticks_is_waited_for_and_not_asked_for_ever(tmp_path: Path) -> None:
    """Only who waits notices that it is silent for too long."""
    provider = DrivenProvider(5, falls_silent=True)
    async with open_rig(tmp_path, provider) as rig:
        accepted = await rig.send()
        folded, _ = await rig.check_stored(accepted.row.id)
    assert folded.parts == [TextPart(counted(5))]
    assert provider.waits == 1


async def test_a_turn_is_stopped_while_the_clock_takes_its_text_along(tmp_path: Path) -> None:
    provider = DrivenProvider(1_000_000)
    async with open_rig(tmp_path, provider) as rig:
        accepted = await rig.send()
        await rig.said(accepted.row.id, "5 ")
        await rig.turns.stop(accepted.row.id)
        async with asyncio.timeout(WAIT_S):
            await rig.ended(accepted.row.id)
        polls = provider.polls
        assert provider.open_streams == 0
        folded, _ = await rig.check_stored(accepted.row.id)
        assert folded.status == "stopped"
        assert folded.parts == [TextPart(counted(polls))]
        assert provider.polls == polls


async def test_an_answer_that_breaks_off_after_it_was_driven_keeps_its_text(tmp_path: Path) -> None:
    provider = DrivenProvider(20, ProviderCutError("It broke off."))
    async with open_rig(tmp_path, provider) as rig:
        accepted = await rig.send()
        folded, _ = await rig.check_stored(accepted.row.id)
    assert folded.status == "failed"
    assert folded.parts == [TextPart(counted(20))]


async def test_text_goes_on_while_the_log_is_away_and_is_all_there_afterwards(tmp_path: Path) -> None:
    provider = DrivenProvider(60)
    async with open_rig(tmp_path, provider) as rig:
        accepted = await rig.send()
        await rig.said(accepted.row.id, "5 ")
        rig.log.is_away = True
        async with asyncio.timeout(WAIT_S):
            while len(provider.words) > 1:  # noqa: ASYNC110 - polling is the one wait there is
                await asyncio.sleep(0.002)
        rig.log.is_away = False
        folded, _ = await rig.check_stored(accepted.row.id)
    assert folded.parts == [TextPart(counted(60))]
