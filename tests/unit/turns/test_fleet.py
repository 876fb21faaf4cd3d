"""Several processes on one database and one log: turns are claimed, stopped and handed over from anywhere."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.unit.turns.rig import Pause, Rig, Script, ScriptedProvider, TownBell, open_rig, quietly, say, until

from quarterdeck import metrics
from quarterdeck.domain.events import TurnEnded
from quarterdeck.domain.ids import id_after, new_id
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import FinishChunk, TextChunk
from quarterdeck.errors import OverloadedError
from quarterdeck.store.tables import turns
from quarterdeck.store.turns import find_place
from quarterdeck.turns import reaper as reaper_module
from quarterdeck.turns import runner as runner_module
from quarterdeck.turns import start as start_module
from quarterdeck.turns import unclaimed as unclaimed_module
from quarterdeck.turns.commands import Command, read_command, say_command
from quarterdeck.turns.record import Send

HALF = "The harbour lay still under a thin mist while the crew"
REST = " wrote the day into the log."


async def _is_idle(rig: Rig) -> bool:
    return rig.runner.running == 0


async def test_a_turn_recorded_by_a_web_process_is_run_by_the_worker_that_hears_the_bell(tmp_path: Path) -> None:
    bell = TownBell()
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), bell=bell, runs_turns=False))
        worker = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(say("Aye.")), "worker", bell=bell))
        accepted = await web.send("Hello")
        assert (accepted.row.status, accepted.row.lease_owner) == ("running", None)
        assert bell.rung == [accepted.row.id]
        folded, _ = await web.check_stored(accepted.row.id)
        assert folded.parts == [TextPart("Aye.")]
        assert (len(web.provider.requests), len(worker.provider.requests)) == (0, 1)


async def test_a_web_process_refuses_while_nobody_gets_through_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unclaimed_module, "MAX_UNCLAIMED", 1)
    monkeypatch.setattr(unclaimed_module, "_LOOK_EVERY_S", 0.0)
    async with open_rig(tmp_path, ScriptedProvider(), runs_turns=False) as web:
        await web.send("Hello", "first")

        async def is_refused() -> bool:
            try:
                await web.send("Hello", new_id())
            except OverloadedError as error:
                return error.retryable and bool(error.retry_after_s)
            return False

        await until(is_refused)


async def test_what_waits_behind_a_running_turn_is_not_rung_for_and_follows_it(tmp_path: Path) -> None:
    bell, goes_on = TownBell(), Pause()
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), bell=bell, runs_turns=False))
        provider = ScriptedProvider([TextChunk("one"), goes_on, FinishChunk("stop")], say("two"))
        await stack.enter_async_context(open_rig(tmp_path, provider, "worker", bell=bell))
        first, second = await web.send("a"), await web.send("b")
        assert second.row.status == "queued"
        assert bell.rung == [first.row.id]
        goes_on.set()
        assert (await web.check_stored(second.row.id))[0].parts == [TextPart("two")]


async def test_a_ring_that_nobody_hears_costs_a_look_and_not_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_over: list[int] = []
    monkeypatch.setattr(metrics.TURNS_TAKEN_OVER, "add", lambda: taken_over.append(1))
    bell = TownBell()
    bell.is_heard = False
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), bell=bell, runs_turns=False))
        worker = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(say("Late.")), "w", bell=bell))
        await worker.reaper.start(others_are_dead=False)
        accepted = await web.send()
        assert (await worker.check_stored(accepted.row.id))[0].parts == [TextPart("Late.")]
        assert taken_over == [], "it was nobody's"


async def test_a_bell_that_hangs_does_not_hold_up_the_acknowledgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_module, "_LOG_S", 0.01)
    async with open_rig(tmp_path, ScriptedProvider(), runs_turns=False) as web:
        goes_on = asyncio.Event()
        monkeypatch.setattr(web.bell, "ready", lambda _turn: goes_on.wait())
        async with asyncio.timeout(5):
            accepted = await web.send()
        assert accepted.is_new
        goes_on.set()
        await quietly()


async def test_of_two_workers_that_want_the_same_turn_one_runs_it(tmp_path: Path) -> None:
    bell = TownBell()
    bell.is_heard = False
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), bell=bell, runs_turns=False))
        workers = [
            await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), name, bell=bell)) for name in "abc"
        ]
        accepted = await web.send()
        won = [await worker.runner.claim(accepted.row.id) for worker in workers]
        assert won.count(True) == 1
        await web.check_stored(accepted.row.id)
        assert sum(len(worker.provider.requests) for worker in workers) == 1


async def test_a_worker_that_has_enough_to_do_leaves_what_it_hears_of_to_the_others(tmp_path: Path) -> None:
    bell = TownBell()
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), bell=bell, runs_turns=False))
        busy = await stack.enter_async_context(
            open_rig(tmp_path, ScriptedProvider([TextChunk("1"), Pause()]), "busy", bell=bell)
        )
        busy.runner.max_running = 1
        first = (await web.send(conversation="a")).row.id
        await web.said(first, "1")
        idle = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(say("2")), "idle", bell=bell))
        await busy.reaper.start(others_are_dead=False)  # looks, and takes nothing either
        second = (await web.send(conversation="b")).row.id
        assert bell.rung == [first, second, second]
        assert (await web.check_stored(second))[0].parts == [TextPart("2")]
        assert len(idle.provider.requests) == 1


@pytest.mark.parametrize("is_heard", [True, False])
async def test_a_stop_reaches_the_process_that_runs_the_turn_also_when_its_ring_is_lost(
    tmp_path: Path, is_heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "_RENEW_S", 0.02)
    bell = TownBell()
    bell.is_heard = is_heard
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), "other", bell=bell))
        runs = await stack.enter_async_context(
            open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), Pause()]), "runs", bell=bell)
        )
        if not is_heard:
            runs.runner.start()
        turn = (await runs.send()).row.id
        await runs.said(turn, HALF)
        await other.turns.stop(turn)
        folded, _ = await runs.check_stored(turn)
        assert (folded.status, folded.parts) == ("stopped", [TextPart(HALF)])
        assert runs.provider.open_streams == 0


async def test_stops_of_turns_that_run_elsewhere_do_not_pile_up(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        for _ in range(3_000):
            rig.runner.obey(Command("stop", new_id()))
        assert len(rig.runner._early_stops) <= 1_000


def test_a_command_is_read_as_it_was_said_and_other_messages_are_left_alone() -> None:
    command = Command("stop", new_id())
    assert read_command(say_command(command)) == command
    assert [read_command(message) for message in ("providers", "stop", "stop ", "", "go 1")] == [None] * 5


async def test_drained_turns_go_on_in_another_process_at_once_and_as_often_as_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restarts of a fleet within one long answer: none of them counts as a crash, and nobody looks by himself."""
    monkeypatch.setattr(reaper_module, "_PERIOD_S", 3_600)
    bell = TownBell()
    words = [f"word{number} " for number in range(6)]
    async with AsyncExitStack() as stack:
        rigs = []
        for number, word in enumerate(words):
            script: Script = [TextChunk(word), Pause()] if number < 5 else say(word)
            rigs.append(
                await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(script), f"w{number}", bell=bell))
            )
        turn = (await rigs[0].send()).row.id
        for number, word in enumerate(words[:5]):
            await rigs[number].said(turn, word)
            await rigs[number + 1].reaper.start(others_are_dead=False)
            await quietly()
            await rigs[number].reaper.stop()
            await rigs[number].runner.drain(5)
        folded, message = await rigs[-1].check_stored(turn)
        assert (folded.status, folded.parts) == ("complete", [TextPart("".join(words))])
        assert len(message.continuations) == 5
        assert (await rigs[-1].row(turn)).handovers == 5
        assert [len(rig.provider.requests) for rig in rigs] == [1] * 6


async def test_a_turn_that_is_handed_over_for_ever_ends_honestly(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), Pause()]), "w0") as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        await rig.runner.drain(5)
    for number in range(1, 9):
        async with open_rig(tmp_path, ScriptedProvider([TextChunk(f" {number}"), Pause()]), f"w{number}") as rig:
            assert await rig.runner.claim(turn)
            await until(lambda rig=rig: _has_asked_or_ended(rig, turn))  # type: ignore[misc]
            if (await rig.row(turn)).status != "running":
                break
            await rig.runner.drain(5)
    async with open_rig(tmp_path, ScriptedProvider(), "last") as rig:
        folded, _ = await rig.check_stored(turn)
        assert folded.status == "failed"
        assert folded.attempts == 7  # five hand-overs, and what a crash may cost


async def _has_asked_or_ended(rig: Rig, turn: str) -> bool:
    return bool(rig.provider.requests) or (await rig.row(turn)).status != "running"


async def test_a_hand_over_before_the_model_was_asked_is_not_counted(tmp_path: Path) -> None:
    bell = TownBell()
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), bell=bell, runs_turns=False))
        worker = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), "worker", bell=bell))
        worker.log.is_away = True  # so it cannot know where to begin
        turn = (await web.send()).row.id
        assert (await web.row(turn)).lease_owner == "worker"
        await worker.runner.drain(5)
        row = await web.row(turn)
        assert (row.status, row.lease_owner, row.handovers) == ("running", None, 0)
        assert worker.provider.requests == []


async def test_a_turn_that_is_nearly_done_may_end_within_the_grace(tmp_path: Path) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        draining = asyncio.create_task(rig.runner.drain(5, 5))
        await quietly()
        goes_on.set()
        await draining
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        assert (await rig.row(turn)).handovers == 0


async def test_a_queue_behind_a_turn_that_ends_within_the_grace_is_left_to_others(tmp_path: Path) -> None:
    goes_on, bell = Pause(), TownBell()
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(
            open_rig(tmp_path, ScriptedProvider([TextChunk("1"), goes_on, FinishChunk("stop")]), "old", bell=bell)
        )
        new = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(say("2")), "new", bell=bell))
        first, second = await old.send("a"), await old.send("b")
        await old.said(first.row.id, "1")
        draining = asyncio.create_task(old.runner.drain(5, 5))
        await quietly()
        bell._ready[:] = [new.claim]
        goes_on.set()
        await draining
        assert (await new.check_stored(second.row.id))[0].parts == [TextPart("2")]
        assert (len(old.provider.requests), len(new.provider.requests)) == (1, 1)


async def test_what_a_worker_had_that_is_known_to_be_dead_is_taken_at_once(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk(HALF), Pause()]), "dead", drains=False) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
    bell = TownBell()
    async with AsyncExitStack() as stack:
        alive = await stack.enter_async_context(
            open_rig(tmp_path, ScriptedProvider([TextChunk("here"), Pause()]), "alive", bell=bell)
        )
        elsewhere = (await alive.send(conversation="another")).row.id
        heir = await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(say(REST)), "heir", bell=bell))
        await heir.reaper.take_from("somebody")
        assert heir.provider.requests == []
        await heir.reaper.take_from("dead")
        assert (await heir.check_stored(turn))[0].parts == [TextPart(HALF + REST)]
        assert (await heir.row(elsewhere)).lease_owner == "alive"


async def test_a_message_whose_commit_was_not_confirmed_is_run_when_it_is_sent_again(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("Once."))) as rig:
        launch, rig.runner.launch = rig.runner.launch, lambda *_, **__: None  # type: ignore[method-assign]
        first = await rig.turns.send(rig.user, _send("k"))
        rig.runner.launch = launch  # type: ignore[method-assign]
        again = await rig.turns.send(rig.user, _send("k"))
        assert (again.row.id, again.is_new) == (first.row.id, False)
        await rig.turns.send(rig.user, _send("k"))
        folded, _ = await rig.check_stored(first.row.id)
        assert folded.parts == [TextPart("Once.")]
        assert len(rig.provider.requests) == 1


def _send(key: str) -> Send:
    return Send(key=key, conversation="chat", text="Hi")


async def test_a_queue_keeps_its_order_when_the_clocks_of_two_machines_differ(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(), runs_turns=False) as rig:
        rig.bell.is_heard = False  # type: ignore[attr-defined]
        ahead = "7" + "z" * 25
        first = (await rig.send("a")).row
        await rig.database.write(lambda c: c.execute(turns.update().values(id=ahead)))
        latest, is_busy = await rig.database.read(lambda c: find_place(c, first.conversation_id))
        assert (latest, is_busy) == (ahead, True)
        second, third = (await rig.send("b")).row, (await rig.send("c")).row
        assert ahead < second.id < third.id
        assert [second.status, third.status] == ["queued", "queued"]


def test_an_id_after_another_is_greater_and_as_long() -> None:
    earlier = new_id()
    assert id_after(None) > earlier
    assert id_after(earlier) > earlier
    far = "7" + "z" * 24 + "y"
    assert id_after(far) == "7" + "z" * 25


async def test_one_end_however_many_processes_want_to_close_the_log(tmp_path: Path) -> None:
    bell = TownBell()
    async with AsyncExitStack() as stack:
        rigs = [
            await stack.enter_async_context(open_rig(tmp_path, ScriptedProvider(), name, bell=bell)) for name in "abc"
        ]
        for rig in rigs:
            await rig.reaper.start(others_are_dead=False)
        sent = [(await rig.send(conversation=rig.runner.worker)).row.id for rig in rigs]
        for turn in sent:
            for rig in rigs:
                await rig.reaper._tidy(leave_ms=0)
            events = await rigs[0].ended(turn)
            assert [type(event) for event in events].count(TurnEnded) == 1
        await until(lambda: _is_idle(rigs[0]))
