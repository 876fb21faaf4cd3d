"""A turn outlives its process: handed over, taken over, fenced off, and ended once."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.turns.rig import WAIT_S, Pause, Rig, Script, ScriptedProvider, kill, open_rig, quietly, say, until

from quarterdeck import lasting
from quarterdeck.domain.events import TurnContinued, TurnEnded, TurnRestored, encode_event
from quarterdeck.domain.fold import Fold, fold
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import IdeaPart, TextPart, plain_text
from quarterdeck.domain.step import FinishChunk, TextChunk
from quarterdeck.errors import ProviderCutError, StaleWriterError
from quarterdeck.log.base import LogStatus
from quarterdeck.store.leases import claim_work
from quarterdeck.store.tables import turns
from quarterdeck.store.turns import Claimable, claim_turn
from quarterdeck.turns import outage as outage_module
from quarterdeck.turns import reaper as reaper_module
from quarterdeck.turns import runner as runner_module
from quarterdeck.turns.finish import Finish
from quarterdeck.turns.job import Job
from quarterdeck.turns.repair import end_saved_log
from quarterdeck.turns.save import Ending, save_answer

BEGUN = "The harbour lay still under a thin mist while the crew"
REST = " wrote the day into the log."


async def leave_half_an_answer(folder: Path, text: str = BEGUN, **given: str) -> str:
    """A process is killed in the middle of an answer; the turn."""
    async with open_rig(folder, ScriptedProvider([TextChunk(text), Pause()]), drains=False) as rig:
        accepted = await rig.send("Tell me", **given)
        await rig.said(accepted.row.id, text[-5:])
        return accepted.row.id


async def take_over(rig: Rig) -> None:
    await rig.reaper.start(others_are_dead=True)


@pytest.mark.parametrize("said", [REST, BEGUN + REST, BEGUN[-30:] + REST])
async def test_a_killed_processs_answer_goes_on_from_its_partial_text(tmp_path: Path, said: str) -> None:
    turn = await leave_half_an_answer(tmp_path)
    async with open_rig(tmp_path, ScriptedProvider(say(*said)), "second") as rig:
        await take_over(rig)
        folded, message = await rig.check_stored(turn)
        assert (folded.status, folded.parts) == ("complete", [TextPart(BEGUN + REST)])
        [continued] = message.continuations
        assert (continued.part, continued.offset) == (0, len(BEGUN))
        [request] = rig.provider.requests
        assert plain_text(request.messages[2].parts) == BEGUN
        assert "Continue exactly there" in plain_text(request.messages[3].parts)


async def test_a_server_that_has_just_begun_looks_for_the_model_of_an_answer_that_it_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = await leave_half_an_answer(tmp_path)
    async with open_rig(tmp_path, ScriptedProvider(say(REST)), "second") as rig:
        rig.registry._registered.clear()

        async def look_for(model: str) -> None:
            assert model == "fake/model"
            rig.registry.register(rig.provider)

        monkeypatch.setattr(rig.registry, "look_for", look_for)
        await take_over(rig)
        assert (await rig.folded(turn)).parts == [TextPart(BEGUN + REST)]


async def test_what_a_killed_server_was_making_beside_its_turns_is_begun_again_at_once(tmp_path: Path) -> None:
    work = ["summary c1", "memory u1", "vectors", "import i1"]
    async with open_rig(tmp_path, ScriptedProvider(), drains=False) as rig:
        for name in work:
            await rig.database.write(partial(claim_work, name=name, owner="first", period_ms=0, lease_ms=600_000))
    async with open_rig(tmp_path, ScriptedProvider(), "second") as rig:
        claims = [partial(claim_work, name=name, owner="second", period_ms=0, lease_ms=600_000) for name in work]
        assert [await rig.database.write(claim) for claim in claims] == [False] * 4
        await take_over(rig)
        assert [await rig.database.write(claim) for claim in claims] == [True, True, True, False]


async def test_a_tagged_answer_goes_on_where_it_was_and_its_ideas_are_stored_once(tmp_path: Path) -> None:
    turn = await leave_half_an_answer(tmp_path, 'idea: "Whiskers"\nmessage: "Saved th', assistant="ideas")
    async with open_rig(tmp_path, ScriptedProvider(say('em!"', "\n")), "second") as rig:
        await take_over(rig)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [IdeaPart("Whiskers"), TextPart("Saved them!")]


async def test_draining_hands_the_turn_over_and_the_next_process_ends_it_once(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(BEGUN), Pause()])) as rig:
        accepted = await rig.send()
        turn = accepted.row.id
        await rig.said(turn, BEGUN)
        await rig.runner.drain(5)
        assert rig.provider.open_streams == 0
        row = await rig.row(turn)
        assert (row.status, row.lease_owner) == ("running", None)  # free at once, for anybody
        assert not any(isinstance(event, TurnEnded) for event in await rig.events(turn))
    async with open_rig(tmp_path, ScriptedProvider(say(REST)), "second") as rig:
        await rig.reaper.start(others_are_dead=False)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(BEGUN + REST)]


@pytest.mark.parametrize("moment", range(0, 400, 28))
async def test_killed_at_any_moment_no_text_is_lost_and_the_turn_ends_once(tmp_path: Path, moment: int) -> None:
    texts = [f"{number} " for number in range(40)]
    async with open_rig(tmp_path, ScriptedProvider(say(*texts)), drains=False) as rig:
        turn = (await rig.send()).row.id
        for _ in range(moment):
            await asyncio.sleep(0)
    async with open_rig(tmp_path, ScriptedProvider(), "second") as rig:
        before = await rig.events(turn)  # with what was on its way when the process ended
        seen = "".join(part.text for part in fold(before).parts if isinstance(part, TextPart))
        rest = "".join(texts)[len(seen) :]
        rig.provider.scripts = [say(rest) if rest else say("!")]
        await take_over(rig)
        folded, message = await rig.check_stored(turn)
        assert folded.status == "complete"
        assert plain_text(message.parts).startswith(seen)
        assert plain_text(message.parts) == "".join(texts) or seen == "".join(texts)
        after = await rig.events(turn)
        assert after[: len(before)] == before


async def test_a_turn_killed_before_its_first_word_is_simply_asked_again(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([Pause()]), drains=False) as rig:
        turn = (await rig.send("Tell me")).row.id
        await until(lambda: _is_asked(rig))
    async with open_rig(tmp_path, ScriptedProvider(say("Well.")), "second") as rig:
        await take_over(rig)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart("Well.")]
        assert [message.role for message in rig.provider.requests[0].messages] == ["system", "user"]


async def _is_asked(rig: Rig) -> bool:
    return bool(rig.provider.requests)


async def test_a_step_that_had_ended_is_not_paid_for_again(tmp_path: Path) -> None:
    goes_on = Pause()
    script: Script = [TextChunk(BEGUN), goes_on, FinishChunk("stop")]
    async with open_rig(tmp_path, ScriptedProvider(script), drains=False) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, BEGUN)
        rig.database.failures = 10**6  # the answer is in the log, and cannot be saved
        goes_on.set()
        await until(lambda: _step_has_ended(rig, turn))
        await kill(rig)
        rig.database.failures = 0
        assert (await rig.row(turn)).status == "running"
    async with open_rig(tmp_path, ScriptedProvider(say("never asked")), "second") as rig:
        await take_over(rig)
        folded, _ = await rig.check_stored(turn)
        assert (folded.status, folded.parts) == ("complete", [TextPart(BEGUN)])
        assert rig.provider.requests == []


async def _step_has_ended(rig: Rig, turn: str) -> bool:
    return fold(await rig.events(turn)).step_ended


async def test_the_third_try_at_a_step_fails_honestly_and_keeps_the_text(tmp_path: Path) -> None:
    turn = await leave_half_an_answer(tmp_path)
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(REST[:6]), Pause()]), "second", drains=False) as rig:
        await take_over(rig)
        await rig.said(turn, REST[:6])
    async with open_rig(tmp_path, ScriptedProvider(say("never asked")), "third") as rig:
        await take_over(rig)
        folded, message = await rig.check_stored(turn)
        assert folded.status == "failed"
        assert plain_text(message.parts) == BEGUN + REST[:6]
        assert message.error is not None
        assert message.error.code == ProviderCutError.code
        assert "interrupted twice" in message.error.message
        assert rig.provider.requests == []
        assert len(message.continuations) == 2


async def test_a_worker_that_wakes_up_late_writes_nothing(tmp_path: Path) -> None:
    wakes = Pause()
    late: Script = [TextChunk(BEGUN), wakes, TextChunk(" and then I woke up"), FinishChunk("stop")]
    async with open_rig(tmp_path, ScriptedProvider(late), "late") as old:
        turn = (await old.send()).row.id
        await old.said(turn, BEGUN)
        await old.database.write(lambda connection: connection.execute(turns.update().values(lease_until=1)))
        async with open_rig(tmp_path, ScriptedProvider(say(REST)), "second") as new:
            await new.reaper.start(others_are_dead=False)
            folded, message = await new.check_stored(turn)
            assert folded.parts == [TextPart(BEGUN + REST)]
            wakes.set()
            await until(lambda: _is_idle(old))
            assert await new.message(turn) == message
            assert fold(await new.events(turn)) == folded


async def _is_idle(rig: Rig) -> bool:
    return rig.runner.running == 0


async def test_the_database_refuses_a_stale_workers_answer_by_itself(tmp_path: Path) -> None:
    """Also where the log would not: the log's fence and the database's are two."""
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("a"), Pause()]), "late") as rig:
        row = (await rig.send()).row
        await rig.said(row.id, "a")
        stolen = await rig.database.write(
            lambda c: claim_turn(c, row.id, worker="thief", lease_until=now_ms() + 60_000, others_are_dead=True)
        )
        assert stolen is not None
        ending = Ending(row, Fold().turn(), TurnEnded("complete", 1), 1)
        saved = await rig.database.write(lambda c: save_answer(c, ending, rig.runner.lease))
        assert not saved.is_ours
        assert (await rig.message(row.id)).status == "running"


@pytest.mark.parametrize("said_its_end", [False, True])
async def test_a_log_whose_answer_was_saved_is_ended_once_by_the_next_process(
    tmp_path: Path, said_its_end: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_finish: object, job: Job) -> None:
        if said_its_end:
            await job.outbox.flush()
        raise asyncio.CancelledError

    async with open_rig(tmp_path, ScriptedProvider(say(BEGUN)), drains=False) as rig:
        with monkeypatch.context() as dying:
            dying.setattr(Finish, "_close", die)
            turn = (await rig.send()).row.id
            await until(lambda: _is_idle(rig))
        assert (await rig.row(turn)).status == "complete"
        status = await rig.log.status(turn)
        assert status is not None
        assert status.state == "running"
    async with open_rig(tmp_path, ScriptedProvider(), "second") as rig:
        await take_over(rig)
        folded, _ = await rig.check_stored(turn)
        assert folded.status == "complete"


async def test_a_log_that_its_worker_ends_meanwhile_has_one_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_finish: object, _job: Job) -> None:
        raise asyncio.CancelledError

    async with open_rig(tmp_path, ScriptedProvider(say(BEGUN)), drains=False) as rig:
        monkeypatch.setattr(Finish, "_close", die)
        turn = (await rig.send()).row.id
        await until(lambda: _is_idle(rig))
    async with open_rig(tmp_path, ScriptedProvider(), "second") as rig:
        status = await rig.log.status(turn)
        assert status is not None
        next_seq = status.last + 1

        class Meanwhile:
            """The database, while the worker that saved the answer writes the end after all."""

            async def read(self, work: Any) -> Any:
                await rig.log.append(turn, next_seq, [encode_event(TurnEnded("complete", 1))])
                return await rig.database.read(work)

        with pytest.raises(StaleWriterError):
            await end_saved_log(cast(Any, Meanwhile()), rig.log, turn)
        assert [type(event) for event in await rig.events(turn)].count(TurnEnded) == 1


async def test_a_log_that_was_ended_here_is_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def looked_at(rig: Rig) -> list[str]:
        found: list[str] = []
        status = rig.log.status

        async def note(name: str) -> LogStatus | None:
            found.append(name)
            return await status(name)

        monkeypatch.setattr(rig.log, "status", note)
        await rig.reaper.start(others_are_dead=True)
        return [name for name in found if name == turn]

    async with open_rig(tmp_path, ScriptedProvider(say(BEGUN))) as rig:
        turn = (await rig.send()).row.id
        await until(lambda: _is_idle(rig))
        assert await looked_at(rig) == []
    async with open_rig(tmp_path, ScriptedProvider(), "second") as rig:
        assert await looked_at(rig) == [turn]


async def test_a_failed_answer_that_was_saved_says_why_in_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(self: object, job: Job) -> None:
        raise asyncio.CancelledError

    async with open_rig(tmp_path, ScriptedProvider([ProviderCutError("Cut.")]), drains=False) as rig:
        monkeypatch.setattr(Finish, "_close", die)
        turn = (await rig.send()).row.id
        await until(lambda: _is_idle(rig))
    monkeypatch.undo()
    async with open_rig(tmp_path, ScriptedProvider(), "second") as rig:
        await take_over(rig)
        folded, _ = await rig.check_stored(turn)
        assert folded.error is not None
        assert folded.error.message == "Cut."


async def test_a_queue_left_by_a_dead_process_is_answered_in_its_order(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("on"), Pause()]), drains=False) as rig:
        sent = [(await rig.send(text)).row.id for text in ("a", "b", "c")]
        await rig.said(sent[0], "on")
    async with open_rig(tmp_path, ScriptedProvider(say("e"), say("two"), say("three")), "second") as rig:
        await take_over(rig)
        for turn, text in zip(sent, ("one", "two", "three"), strict=True):
            folded, _ = await rig.check_stored(turn)
            assert folded.parts == [TextPart(text)]


async def test_a_stop_that_was_asked_for_before_the_crash_is_heard_after_it(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(BEGUN), Pause()]), drains=False) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, BEGUN)
        rig.runner._jobs.clear()  # the process dies before it hears of it
        await rig.turns.stop(turn)
    async with open_rig(tmp_path, ScriptedProvider(say("never asked")), "second") as rig:
        await take_over(rig)
        folded, _ = await rig.check_stored(turn)
        assert (folded.status, folded.parts) == ("stopped", [TextPart(BEGUN)])
        assert rig.provider.requests == []


async def test_a_turn_that_was_recorded_and_never_run_is_found_by_the_reaper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper_module, "_PERIOD_S", 0.01)
    async with open_rig(tmp_path, ScriptedProvider(say("Here."))) as rig:
        monkeypatch.setattr(rig.runner, "launch", lambda *_, **__: None)
        accepted = await rig.send()
        monkeypatch.undo()
        monkeypatch.setattr(reaper_module, "_PERIOD_S", 0.01)
        await rig.database.write(lambda connection: connection.execute(turns.update().values(lease_until=1)))
        await rig.reaper.start(others_are_dead=False)
        folded, _ = await rig.check_stored(accepted.row.id)
        assert folded.parts == [TextPart("Here.")]
        assert not any(isinstance(event, TurnContinued) for event in await rig.events(accepted.row.id))


async def test_a_process_is_ready_while_it_still_takes_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among others: a queue that is longer than what all of them do would keep it from its readiness for ever."""
    looked: list[None] = []

    def always_more(*_: object, **__: object) -> list[Claimable]:
        looked.append(None)
        return [Claimable("never", None)] * reaper_module._BATCH

    async def claim_all(wanted: list[str], **_: object) -> list[str]:
        return wanted

    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        monkeypatch.setattr(reaper_module, "list_claimable", always_more)
        monkeypatch.setattr(rig.runner, "claim_all", claim_all)
        async with asyncio.timeout(WAIT_S):
            await rig.reaper.start(others_are_dead=False)

        async def goes_on() -> bool:
            return len(looked) > 2

        await until(goes_on)
        await rig.reaper.stop()


async def test_what_is_being_read_goes_on_before_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is behind has answers handed over to it."""
    monkeypatch.setattr(reaper_module, "_BATCH", 1)
    order: list[str] = []
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(BEGUN), Pause()])) as rig:
        waiting = (await rig.send("First", "another")).row.id
        await rig.said(waiting, BEGUN)
        begun = (await rig.send()).row.id
        await rig.said(begun, BEGUN)
        await rig.runner.drain(5)
        unclaimed = turns.update().where(turns.c.id == waiting).values(status="queued")
        await rig.database.write(lambda connection: connection.execute(unclaimed))
    async with open_rig(tmp_path, ScriptedProvider(), "second") as rig:
        monkeypatch.setattr(rig.runner, "launch", lambda turn, **_: order.append(turn.id))
        await rig.reaper.start(others_are_dead=True)
    assert order == [begun, waiting]


async def test_a_reaper_that_is_slow_takes_what_waits_and_meanwhile_what_is_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper_module, "_LOOK_AGAIN_S", 0.0)  # each claim takes longer than it goes on without a look
    taken: list[str] = []
    found = [Claimable("first", None), Claimable("second", None)]

    def look(*_: object, **__: object) -> list[Claimable]:
        return [turn for turn in found if turn.id not in taken]

    async def claim_all(wanted: list[str], **_: object) -> list[str]:
        taken.extend(wanted)
        if wanted == ["first"]:
            found.insert(0, Claimable("handed over", None, is_begun=True))
        return wanted

    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        monkeypatch.setattr(reaper_module, "list_claimable", look)
        monkeypatch.setattr(rig.runner, "claim_all", claim_all)
        async with asyncio.timeout(WAIT_S):
            await rig.reaper.start(others_are_dead=True)
        await rig.reaper.stop()
    assert taken == ["first", "handed over", "second"]


async def test_the_reaper_leaves_living_workers_alone(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("a"), Pause()]), "alive") as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, "a")
        async with open_rig(tmp_path, ScriptedProvider(), "second") as other:
            await other.reaper.start(others_are_dead=False)
            await quietly()
            assert other.provider.requests == []
            assert (await other.row(turn)).lease_owner == "alive"


async def test_leases_are_renewed_while_a_turn_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "_RENEW_S", 0.01)
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("a"), Pause()])) as rig:
        rig.runner.start()
        row = (await rig.send()).row

        async def is_renewed() -> bool:
            return (await rig.row(row.id)).lease_until > row.lease_until

        await until(is_renewed)


def fail_once(monkeypatch: pytest.MonkeyPatch, of: object, name: str) -> list[str]:
    """The next call raises what nobody thought of; it is then in the list that is returned."""
    meant, failed = getattr(of, name), list[str]()

    async def call(*given: Any, **named: Any) -> Any:
        if not failed:
            failed.append(name)
            raise ValueError("nobody thought of it")
        return await meant(*given, **named)

    monkeypatch.setattr(of, name, call)
    return failed


async def test_leases_are_renewed_whatever_a_renewal_failed_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "_RENEW_S", 0.01)
    monkeypatch.setattr(lasting, "_PAUSE_S", 0.0)
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("a"), Pause()])) as rig:
        failed = fail_once(monkeypatch, rig.runner._claims, "renew")
        rig.runner.start()
        row = (await rig.send()).row

        async def is_renewed() -> bool:
            return bool(failed) and (await rig.row(row.id)).lease_until > row.lease_until

        await until(is_renewed)


async def test_the_reaper_looks_again_whatever_it_failed_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting, "_PAUSE_S", 0.0)
    monkeypatch.setattr(reaper_module, "_TIDY_EVERY_S", 0.01)
    turn = await leave_half_an_answer(tmp_path)
    async with open_rig(tmp_path, ScriptedProvider(say(REST)), "second") as rig:
        await rig.database.write(lambda connection: connection.execute(turns.update().values(lease_until=1)))
        failed = fail_once(monkeypatch, rig.reaper, "_claim")
        fail_once(monkeypatch, rig.reaper, "_repair")
        expired = asyncio.Event()

        async def expire() -> int:
            expired.set()
            return 0

        monkeypatch.setattr(rig.log, "expire", expire)
        await rig.reaper.start(others_are_dead=False)
        assert (await rig.folded(turn)).parts == [TextPart(BEGUN + REST)]
        assert failed == ["_claim"]
        async with asyncio.timeout(WAIT_S):
            await expired.wait()


async def test_an_event_written_by_somebody_else_ends_the_old_workers_turn_without_a_word(tmp_path: Path) -> None:
    wakes = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("a"), wakes, *say("b")])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, "a")
        status = await rig.log.status(turn)
        assert status is not None
        await rig.log.append(turn, status.last + 1, [encode_event(TurnContinued(1))])
        wakes.set()
        await until(lambda: _is_idle(rig))
        assert (await rig.message(turn)).status == "running"
        with pytest.raises(StaleWriterError):
            await rig.log.append(turn, status.last + 1, [b"{}"])


@pytest.mark.parametrize("is_same_boot", [True, False])
async def test_after_a_power_cut_what_is_written_anew_stands_under_numbers_that_nobody_has_seen(
    tmp_path: Path, is_same_boot: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's last lines may be gone although they were read; a mere kill -9 loses none of them."""
    monkeypatch.setattr(outage_module, "read_boot_id", lambda: "before")
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(BEGUN), Pause()]), drains=False) as rig:
        await take_over(rig)  # an ordinary start
        turn = (await rig.send()).row.id
        await rig.said(turn, BEGUN)
        last, _ = (await rig.entries(turn))[-1]
    monkeypatch.setattr(outage_module, "read_boot_id", lambda: "before" if is_same_boot else "after")
    for provider in (ScriptedProvider(say(REST)), ScriptedProvider()):
        async with open_rig(tmp_path, provider, "second") as rig:
            await take_over(rig)
            folded, _ = await rig.check_stored(turn)
            assert folded.parts == [TextPart(BEGUN + REST)]
            first, restored = (await rig.entries(turn))[0]
            assert (first == 1) is is_same_boot
            if not is_same_boot:
                assert first >= last + 10_000
                assert isinstance(restored, TurnRestored)
                assert restored.parts == [TextPart(BEGUN)]
