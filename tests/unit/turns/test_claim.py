"""A lease seen from the worker: certain, doubtful, confirmed or lost; and a database that is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.turns.rig import Pause, Rig, Script, ScriptedProvider, TownBell, open_rig, quietly, say, until

from quarterdeck.domain.fold import fold
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import FinishChunk, TextChunk
from quarterdeck.errors import StaleWriterError
from quarterdeck.store.database import StorageError
from quarterdeck.store.turns import claim_turn
from quarterdeck.turns import claim as claim_module
from quarterdeck.turns import patience as patience_module
from quarterdeck.turns import runner as runner_module
from quarterdeck.turns.claim import LEASE_MS, Claim, Lease, elapsed_s
from quarterdeck.turns.finish import Finish
from quarterdeck.turns.save import Saved

HALF = "The harbour lay still under a thin mist while the crew"
REST = " wrote the day into the log."
LATER = 2**52


@pytest.fixture(autouse=True)
def _tries_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_module, "_PAUSE_S", 0.005)
    monkeypatch.setattr(patience_module, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(patience_module, "_LONGEST_PAUSE_S", 0.005)


async def steal(rig: Rig, turn: str) -> None:
    taken = await rig.database.write(
        lambda c: claim_turn(c, turn, worker="thief", lease_until=LATER, others_are_dead=True)
    )
    assert taken is not None


def sleep_through_the_lease(rig: Rig, turn: str) -> None:
    """As a process that was stopped (SIGSTOP) for longer than its lease, and has just been woken."""
    rig.runner._jobs[turn].claim.note_renewal(elapsed_s() - LEASE_MS / 1000)


async def _is_idle(rig: Rig) -> bool:
    return rig.runner.running == 0


async def test_a_worker_that_slept_and_still_has_its_turn_goes_on(tmp_path: Path) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        sleep_through_the_lease(rig, turn)
        goes_on.set()
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        assert len(rig.provider.requests) == 1


async def test_a_worker_that_slept_and_lost_its_turn_writes_nothing_although_the_log_would_have_it(
    tmp_path: Path,
) -> None:
    """The heir has claimed the turn and not written yet: only the lease can tell."""
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        await steal(rig, turn)
        before = await rig.entries(turn)
        sleep_through_the_lease(rig, turn)
        goes_on.set()
        await until(lambda: _is_idle(rig))
        assert await rig.entries(turn) == before
        assert (await rig.row(turn)).lease_owner == "thief"
        assert (await rig.message(turn)).status == "running"


async def test_without_the_lease_being_confirmed_the_late_line_would_have_been_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(Claim, "is_certain", True)
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        await steal(rig, turn)
        goes_on.set()
        await until(lambda: _is_idle(rig))
        assert fold(await rig.events(turn)).parts == [TextPart(HALF + REST)]


async def test_a_renewal_that_finds_the_turn_lost_leaves_the_upstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "_RENEW_S", 0.01)
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), Pause()])) as rig:
        rig.runner.start()
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        await steal(rig, turn)
        await until(lambda: _is_idle(rig))
        assert rig.provider.open_streams == 0
        assert (await rig.row(turn)).lease_owner == "thief"


async def test_a_doubtful_lease_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        sleep_through_the_lease(rig, turn)
        rig.database.failures = 5
        goes_on.set()
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        assert rig.database.refused >= 5


async def test_no_model_is_asked_for_a_turn_that_may_be_somebody_elses(tmp_path: Path) -> None:
    bell = TownBell()
    bell.is_heard = False
    async with open_rig(tmp_path, ScriptedProvider(), bell=bell) as rig:
        first = (await rig.send()).row
        await rig.check_stored(first.id)
        rig.provider.requests.clear()
        rig.runner.launch(first)  # it has ended; nobody confirms this claim
        await until(lambda: _is_idle(rig))
        assert rig.provider.requests == []


async def test_a_claim_is_certain_for_less_than_its_lease_and_then_only_when_confirmed(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([Pause()])) as rig:
        turn = (await rig.send()).row.id
        now = elapsed_s()
        assert Claim(rig.database, turn, Lease("first"), now).is_certain
        assert not Claim(rig.database, turn, Lease("first"), now - LEASE_MS / 1000 + 0.5).is_certain
        doubtful = Claim(rig.database, turn, Lease("first"), None)
        assert not doubtful.is_certain
        await doubtful.confirm()
        assert doubtful.is_certain
        foreign = Claim(rig.database, turn, Lease("somebody"), None)
        with pytest.raises(StaleWriterError):
            await foreign.confirm()
        foreign.end()
        await foreign.confirm_anew()


async def test_an_answer_whose_commit_was_not_confirmed_is_ended_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database went away after it had committed and before it said so: it is asked again, and knows."""
    save, times = Finish._save, 0

    async def lose_the_answer(finish: Finish, ending: object, *, claims_next: bool) -> Saved:
        nonlocal times
        times += 1
        saved = await save(finish, ending, claims_next=claims_next)  # type: ignore[arg-type]
        if times == 1:
            raise StorageError("The connection is gone.")
        return saved

    monkeypatch.setattr(Finish, "_save", lose_the_answer)
    async with open_rig(tmp_path, ScriptedProvider(say(HALF))) as rig:
        turn = (await rig.send()).row.id
        folded, _ = await rig.check_stored(turn)
        assert (folded.status, times) == ("complete", 2)


async def test_a_database_that_is_away_when_a_turn_begins_and_when_it_ends_is_waited_for(tmp_path: Path) -> None:
    goes_on = Pause()
    script: Script = [TextChunk(HALF), goes_on, FinishChunk("stop")]
    async with open_rig(tmp_path, ScriptedProvider(script)) as rig:
        rig.database.read_failures = 3
        turn = (await rig.send()).row.id
        await until(lambda: _is_asked(rig))
        rig.database.failures = 40
        goes_on.set()
        await quietly()
        assert (await rig.row(turn)).status == "running"
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF)]
        assert len(rig.provider.requests) == 1


async def _is_asked(rig: Rig) -> bool:
    return bool(rig.provider.requests)


async def test_a_stop_outweighs_a_hand_over_and_a_loss_outweighs_both(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), Pause()])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        job = rig.runner._jobs[turn]
        job.interrupt(is_stop=False)
        job.interrupt(is_stop=True)
        job.interrupt(is_stop=False)
        assert str(job._interruption) == "stop"
        job.lose()
        job.interrupt(is_stop=True)
        assert isinstance(job._interruption, StaleWriterError)
