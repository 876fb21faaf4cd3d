"""A log that is away, slow or lost: what was acknowledged is kept, answers go on, and nothing is asked twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.unit.turns.rig import Pause, Rig, Script, ScriptedProvider, kill, open_rig, quietly, say, until

from quarterdeck.domain.events import (
    Event,
    FeedConversation,
    FeedModels,
    TurnContinued,
    TurnEnded,
    TurnRestored,
    TurnStarted,
    decode_feed_event,
    encode_event,
)
from quarterdeck.domain.fold import fold
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import FinishChunk, TextChunk
from quarterdeck.log.base import feed_name, is_feed
from quarterdeck.turns import outage
from quarterdeck.turns import outbox as outbox_module
from quarterdeck.turns import start as start_module
from quarterdeck.turns.outage import note_machine_up

HALF = "The harbour lay still under a thin mist while the crew"
REST = " wrote the day into the log."


@pytest.fixture(autouse=True)
def _looks_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "_LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(start_module, "_LOG_S", 0.05)


async def _is_saved(rig: Rig, turn: str) -> bool:
    return (await rig.row(turn)).status != "running"


async def _lose_log(rig: Rig, turn: str) -> int:
    """As FLUSHALL does; its last number."""
    status = await rig.log.status(turn)
    assert status is not None
    await rig.log.drop(turn)
    return status.last


async def test_a_message_is_acknowledged_and_its_answer_saved_while_the_log_is_away(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say(HALF, REST))) as rig:
        rig.log.is_away = True
        turn = (await rig.send()).row.id
        await until(lambda: _is_saved(rig, turn))
        assert (await rig.message(turn)).parts == [TextPart(HALF + REST)]
        rig.log.is_away = False
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        assert isinstance((await rig.events(turn))[0], TurnStarted)
        assert len(rig.provider.requests) == 1


async def test_an_answer_goes_on_while_the_log_is_away_and_is_followed_again_when_it_is_back(tmp_path: Path) -> None:
    first, second = Pause(), Pause()
    script: Script = [TextChunk(HALF), first, TextChunk(REST), TextChunk(" And"), second, *say(" more.")]
    async with open_rig(tmp_path, ScriptedProvider(script)) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        rig.log.is_away = True
        first.set()
        await until(lambda: _is_behind(rig, turn))
        await rig.feed.settle()
        rig.log.is_away = False
        await rig.said(turn, " And")
        second.set()
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST + " And more.")]
        assert (await rig.entries(turn))[0][0] == 1
        assert len(rig.provider.requests) == 1


async def _is_behind(rig: Rig, turn: str) -> bool:
    return rig.runner._jobs[turn].outbox.is_behind


async def test_a_log_that_hangs_does_not_hold_up_the_acknowledgement(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say(HALF))) as rig:
        rig.log.hangs = asyncio.Event()
        async with asyncio.timeout(5):
            turn = (await rig.send()).row.id
        fails, rig.log.hangs = rig.log.hangs, None
        fails.set()
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF)]


async def test_a_stop_closes_the_upstream_at_once_while_the_log_hangs(tmp_path: Path) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, TextChunk(REST), Pause()])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        rig.log.hangs = asyncio.Event()
        goes_on.set()
        await until(lambda: _waits_for_log(rig, turn))
        await rig.turns.stop(turn)
        await until(lambda: _has_left_upstream(rig))
        fails, rig.log.hangs = rig.log.hangs, None
        fails.set()
        folded, _ = await rig.check_stored(turn)
        assert (folded.status, folded.parts) == ("stopped", [TextPart(HALF + REST)])


async def _waits_for_log(rig: Rig, turn: str) -> bool:
    outbox = rig.runner._jobs[turn].outbox
    return REST in "".join(getattr(event, "text", "") for event in outbox._waiting)


async def _has_left_upstream(rig: Rig) -> bool:
    return rig.provider.open_streams == 0


async def test_a_model_is_not_read_faster_than_what_waits_for_the_log_may_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MAX_WAITING_CHARS", 1_000)
    pieces = [f"{number:0100d}" for number in range(50)]
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), *say(*pieces)])) as rig:
        rig.log.is_away = True
        turn = (await rig.send()).row.id
        await until(lambda: _is_full(rig, turn))
        await quietly()
        assert rig.runner._jobs[turn].outbox._waiting_chars < 1_500
        rig.log.is_away = False
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + "".join(pieces))]


async def _is_full(rig: Rig, turn: str) -> bool:
    job = rig.runner._jobs.get(turn)
    return job is not None and job.outbox.is_full


async def test_the_next_message_is_answered_although_the_log_of_the_one_before_cannot_be_closed(
    tmp_path: Path,
) -> None:
    goes_on = Pause()
    async with open_rig(
        tmp_path, ScriptedProvider([TextChunk("one"), goes_on, FinishChunk("stop")], say("two"))
    ) as rig:
        first, second = await rig.send("a"), await rig.send("b")
        await rig.said(first.row.id, "one")
        rig.log.is_away = True
        goes_on.set()
        await until(lambda: _is_saved(rig, first.row.id))
        rig.log.is_away = False
        for accepted, text in ((first, "one"), (second, "two")):
            assert (await rig.check_stored(accepted.row.id))[0].parts == [TextPart(text)]


async def test_a_lost_log_is_written_anew_after_its_old_numbers_with_the_whole_answer(tmp_path: Path) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        last = await _lose_log(rig, turn)
        goes_on.set()
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        first_seq, restored = (await rig.entries(turn))[0]
        assert first_seq == last + 1
        assert isinstance(restored, TurnRestored)
        assert (restored.parts, restored.open) == ([TextPart(HALF)], 0)
        assert len(rig.provider.requests) == 1


async def test_a_log_lost_while_it_was_away_is_written_anew_when_the_answer_is_saved_already(tmp_path: Path) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        await _lose_log(rig, turn)
        rig.log.is_away = True
        goes_on.set()
        await until(lambda: _is_saved(rig, turn))
        rig.log.is_away = False
        folded, message = await rig.check_stored(turn)
        assert folded.parts == message.parts == [TextPart(HALF + REST)]


async def test_a_log_that_lost_only_its_end_is_written_anew_as_well(tmp_path: Path) -> None:
    """A Redis that was killed may have lost its last second."""
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), TextChunk("!"), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, "!")
        kept = await rig.log.read(turn, 0)
        await rig.log.drop(turn)
        await rig.log.append(turn, 1, [entry.body for entry in kept[:-1]])
        goes_on.set()
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + "!" + REST)]
        first_seq, restored = (await rig.entries(turn))[0]
        assert first_seq == kept[-1].seq + 1
        assert isinstance(restored, TurnRestored)


async def test_a_log_lost_before_the_first_word_begins_as_any_other(tmp_path: Path) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider(say(HALF))) as rig:
        append = rig.log.append

        async def lose_the_beginning(turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> None:
            if seq != 1 or goes_on.is_set():
                await append(turn, seq, bodies, begins=begins)
            goes_on.set()

        rig.log.append = lose_the_beginning  # type: ignore[method-assign]
        turn = (await rig.send()).row.id
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF)]
        assert isinstance((await rig.entries(turn))[0][1], TurnStarted)
        assert (await rig.entries(turn))[0][0] == 1


async def test_a_worker_that_finds_the_log_of_a_begun_turn_gone_answers_anew_above_all_old_numbers(
    tmp_path: Path,
) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), Pause()]), drains=False) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        await until(lambda: _is_noted(rig))
        last = await _lose_log(rig, turn)
    async with open_rig(tmp_path, ScriptedProvider(say("From the beginning.")), "second") as rig:
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart("From the beginning.")]
        first_seq, restored = (await rig.entries(turn))[0]
        assert first_seq > last + 5_000
        assert isinstance(restored, TurnRestored)
        assert restored.parts == []


async def test_an_answer_that_was_not_noted_yet_is_above_all_old_numbers_after_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the log is on this machine, the note comes a second later than the first word."""
    provider = ScriptedProvider([TextChunk(HALF), Pause()])
    async with open_rig(tmp_path, provider, drains=False, is_log_here=True) as rig:
        await note_machine_up(rig.database)
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        last = await _lose_log(rig, turn)
        assert not await _is_noted(rig)
    monkeypatch.setattr(outage, "read_boot_id", lambda: "after the power cut")
    async with open_rig(tmp_path, ScriptedProvider(say("From the beginning.")), "second", is_log_here=True) as rig:
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart("From the beginning.")]
        first_seq, restored = (await rig.entries(turn))[0]
        assert first_seq > last + 5_000
        assert isinstance(restored, TurnRestored)


async def _is_noted(rig: Rig) -> bool:
    return bool(await rig.database.read(lambda c: c.exec_driver_sql("SELECT 1 FROM turn_steps").first()))


async def test_a_take_over_waits_for_a_log_that_is_away(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), Pause()]), drains=False) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
    async with open_rig(tmp_path, ScriptedProvider(say(REST)), "second") as rig:
        rig.log.is_away = True
        await rig.reaper.start(others_are_dead=True)
        await quietly()
        assert rig.provider.requests == []
        rig.log.is_away = False
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]


async def test_the_old_workers_last_line_may_come_between_the_heirs_reading_and_writing(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), Pause()]), drains=False) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
    async with open_rig(tmp_path, ScriptedProvider(say(REST)), "second") as rig:
        append = rig.log.append
        late: list[Event] = [TurnContinued(1)]

        async def one_comes_first(turn: str, seq: int, bodies: list[bytes], *, begins: bool = False) -> None:
            if late and not is_feed(turn):
                await append(turn, seq, [encode_event(late.pop())])
            await append(turn, seq, bodies, begins=begins)

        rig.log.append = one_comes_first  # type: ignore[method-assign]
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        assert len(folded.continuations) == 2


async def test_the_log_of_an_answer_that_was_saved_while_it_was_away_is_completed_by_another_process(
    tmp_path: Path,
) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)]), drains=False) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        rig.log.is_away = True
        goes_on.set()
        await until(lambda: _is_saved(rig, turn))
        await kill(rig)
        rig.log.is_away = False
        assert fold(await rig.events(turn)).parts == [TextPart(HALF)]
    async with open_rig(tmp_path, ScriptedProvider(), "second") as rig:
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        assert [type(event) for event in await rig.events(turn)][-2:] == [TurnRestored, TurnEnded]


async def test_a_log_that_stays_away_is_left_to_the_reaper_and_the_turn_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.turns.finish._CLOSE_FOR_S", 0.0)
    monkeypatch.setattr("quarterdeck.turns.finish._PAUSE_S", 0.01)
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        rig.log.is_away = True
        goes_on.set()
        await until(lambda: _is_idle(rig))
        assert await _is_saved(rig, turn)
        rig.log.is_away = False
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]


async def _is_idle(rig: Rig) -> bool:
    return rig.runner.running == 0


@pytest.mark.parametrize("moment", range(0, 240, 12))
async def test_away_or_lost_at_any_moment_nothing_is_lost_and_the_model_is_asked_once(
    tmp_path: Path, moment: int
) -> None:
    texts = [f"{number} " for number in range(30)]
    async with open_rig(tmp_path, ScriptedProvider(say(*texts))) as rig:
        turn = (await rig.send()).row.id
        for _ in range(moment):
            await asyncio.sleep(0)
        rig.log.is_away = True
        if moment % 24:
            await rig.log._log.drop(turn)
        for _ in range(moment):
            await asyncio.sleep(0)
        rig.log.is_away = False
        await until(lambda: _is_saved(rig, turn))
        await until(lambda: _is_idle(rig))
        assert (await rig.message(turn)).parts == [TextPart("".join(texts))]
        assert len(rig.provider.requests) == 1
        if await rig.log.status(turn) is not None:
            await rig.check_stored(turn)


async def test_a_lost_feed_begins_above_what_its_readers_had(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        name = feed_name(rig.user)
        for _ in range(3):
            rig.feed.tell(rig.user, FeedModels())
        await until(lambda: _holds(rig, name, 3))
        await rig.log.drop(name)
        rig.feed.tell(rig.user, FeedConversation("c"))
        await until(lambda: _holds(rig, name, 4))
        status = await rig.log.status(name)
        assert status is not None
        assert status.first > 3
        [entry] = await rig.log.read(name, status.first - 1)
        assert decode_feed_event(entry.body) == FeedConversation("c")


async def _holds(rig: Rig, name: str, seq: int) -> bool:
    status = await rig.log.status(name)
    return status is not None and status.last >= seq
