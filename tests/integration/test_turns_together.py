"""Turns of several processes on real servers: PostgreSQL, with and without a Redis-compatible log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic

import pytest
from tests.conftest import MakePostgres, MakeValkey
from tests.unit.turns.rig import FailingWrites, Pause, Rig, Script, ScriptedProvider, kill, run_rig, say, until

from quarterdeck.config import Settings
from quarterdeck.domain.events import TurnRestored
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import TextChunk
from quarterdeck.errors import ConflictError
from quarterdeck.log.open import open_log
from quarterdeck.store.listing import Listing, list_conversations
from quarterdeck.store.postgres import PostgresDatabase
from quarterdeck.turns import reaper as reaper_module
from quarterdeck.turns.record import Send

HALF = "The harbour lay still under a thin mist while the crew"
REST = " wrote the day into the log."


@asynccontextmanager
async def open_member(
    settings: Settings, provider: ScriptedProvider, worker: str, *, runs_turns: bool = True, drains: bool = True
) -> AsyncIterator[Rig]:
    """One process of a fleet: its own connections, log and bell."""
    async with AsyncExitStack() as stack:
        database = PostgresDatabase(settings.database_url, 4)
        stack.push_async_callback(database.close)
        log, bell = await open_log(settings)
        stack.push_async_callback(log.close)
        stack.push_async_callback(bell.close)
        rig = Rig(FailingWrites(database), log, provider, worker, bell, runs_turns)
        await stack.enter_async_context(run_rig(rig, drains=drains, runs_turns=runs_turns))
        if runs_turns:
            rig.runner.start()
        yield rig


@pytest.fixture(params=["redis", "postgres"])
def fleet(request: pytest.FixtureRequest) -> Settings:
    """Servers that several members share; with the log on Redis, or on PostgreSQL as well."""
    url = request.getfixturevalue("postgres").new_database()
    redis = request.getfixturevalue("valkey").url if request.param == "redis" else ""
    return Settings(database_url=url, redis_url=redis)


async def test_a_web_process_follows_what_a_worker_runs_and_stops_it_within_a_second(fleet: Settings) -> None:
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_member(fleet, ScriptedProvider(), "web", runs_turns=False))
        worker = await stack.enter_async_context(
            open_member(fleet, ScriptedProvider([TextChunk(HALF), Pause()]), "worker")
        )
        turn = (await web.send()).row.id
        await web.said(turn, HALF)
        asked_s = monotonic()
        await web.turns.stop(turn)
        await until(lambda: _has_left_upstream(worker))
        assert monotonic() - asked_s < 1
        folded, _ = await web.check_stored(turn)
        assert (folded.status, folded.parts) == ("stopped", [TextPart(HALF)])


async def _has_left_upstream(rig: Rig) -> bool:
    return rig.provider.open_streams == 0


async def test_messages_sent_at_once_into_one_new_conversation_are_answered_one_after_the_other(
    fleet: Settings,
) -> None:
    async with AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(open_member(fleet, ScriptedProvider(say("Aye.")), name)) for name in "ab"
        ]
        accepted = await asyncio.gather(*(members[number % 2].send(f"{number}", "talk") for number in range(12)))
        assert [row.row.status for row in accepted].count("running") == 1
        for each in accepted:
            folded, _ = await members[0].check_stored(each.row.id)
            assert folded.parts == [TextPart("Aye.")]
        [talk] = await members[0].database.read(
            lambda c: list_conversations(c, Listing(owner=members[0].user), after=None, limit=9)
        )
        assert {each.row.conversation_id for each in accepted} == {talk.id}
        assert sum(len(member.provider.requests) for member in members) == 12
        lengths = sorted(len(request.messages) for member in members for request in member.provider.requests)
        assert lengths == [2 + 2 * number for number in range(12)]  # each saw all answers before it


async def test_one_key_sent_to_two_processes_at_once_is_one_message(fleet: Settings) -> None:
    async with AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(open_member(fleet, ScriptedProvider(say("Once.")), name)) for name in "ab"
        ]
        for _ in range(5):
            key, chat = new_id(), new_id()
            same = Send(key=key, conversation=chat, text="Hi")
            answers = await asyncio.gather(*(members[n % 2].turns.send(members[0].user, same) for n in range(6)))
            assert len({each.row.id for each in answers}) == 1
            assert [each.is_new for each in answers].count(True) == 1
            await members[0].check_stored(answers[0].row.id)
            other = Send(key=key, conversation=new_id(), text="Something else")
            with pytest.raises(ConflictError):
                await members[1].turns.send(members[1].user, other)
        assert sum(len(member.provider.requests) for member in members) == 5


async def test_a_drained_workers_turn_goes_on_in_another_one_at_once(
    fleet: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper_module, "_PERIOD_S", 3_600)
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(open_member(fleet, ScriptedProvider([TextChunk(HALF), Pause()]), "old"))
        turn = (await old.send()).row.id
        await old.said(turn, HALF)
        new = await stack.enter_async_context(open_member(fleet, ScriptedProvider(say(REST)), "new"))
        await new.reaper.start(others_are_dead=False)
        await old.runner.drain(5)
        folded, _ = await new.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        assert (await new.row(turn)).handovers == 1


async def test_a_killed_workers_turn_is_taken_from_it_by_name(fleet: Settings) -> None:
    async with open_member(fleet, ScriptedProvider([TextChunk(HALF), Pause()]), "dead", drains=False) as dead:
        turn = (await dead.send()).row.id
        await dead.said(turn, HALF)
        await kill(dead)
        async with open_member(fleet, ScriptedProvider(say(REST)), "heir") as heir:
            await heir.reaper.take_from("dead")
            folded, _ = await heir.check_stored(turn)
            assert folded.parts == [TextPart(HALF + REST)]


async def test_a_redis_that_is_emptied_in_mid_answer_costs_nothing(make_valkey: MakeValkey, postgres: object) -> None:
    valkey = make_valkey()
    fleet = Settings(database_url=postgres.new_database(), redis_url=valkey.url)  # type: ignore[attr-defined]
    goes_on = Pause()
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(open_member(fleet, ScriptedProvider(), "web", runs_turns=False))
        worker = await stack.enter_async_context(
            open_member(fleet, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)]), "worker")
        )
        turn = (await web.send()).row.id
        await web.said(turn, HALF)
        last = (await web.entries(turn))[-1][0]
        valkey.ask("FLUSHALL")
        goes_on.set()
        folded, _ = await worker.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        first_seq, restored = (await worker.entries(turn))[0]
        assert (first_seq, type(restored)) == (last + 1, TurnRestored)
        assert len(worker.provider.requests) == 1


@pytest.mark.parametrize("how", ["pause", "kill"])
async def test_a_redis_that_is_away_keeps_no_message_from_being_taken_and_no_answer_from_being_saved(
    make_valkey: MakeValkey, postgres: object, how: str
) -> None:
    valkey = make_valkey()
    fleet = Settings(database_url=postgres.new_database(), redis_url=valkey.url)  # type: ignore[attr-defined]
    goes_on = Pause()
    async with open_member(fleet, ScriptedProvider([TextChunk(HALF), goes_on, *say(REST)], say("Two.")), "a") as rig:
        first = (await rig.send(conversation="one")).row.id
        await rig.said(first, HALF)
        await asyncio.to_thread(valkey.pause if how == "pause" else valkey.kill)
        goes_on.set()
        sent_s = monotonic()
        second = (await rig.send(conversation="two")).row.id
        assert monotonic() - sent_s < 3
        await until(lambda: _are_saved(rig, first, second), 30)
        await asyncio.to_thread(valkey.resume if how == "pause" else valkey.restart)
        await until(lambda: _is_idle(rig), 15)
        for turn, text in ((first, HALF + REST), (second, "Two.")):
            folded, _ = await rig.check_stored(turn)
            assert folded.parts == [TextPart(text)]
        assert len(rig.provider.requests) == 2


async def _are_saved(rig: Rig, *turns: str) -> bool:
    return {(await rig.row(turn)).status for turn in turns} == {"complete"}


async def _is_idle(rig: Rig) -> bool:
    return rig.runner.running == 0


async def test_a_postgres_that_is_restarted_in_mid_answer_costs_nothing(make_postgres: MakePostgres) -> None:
    server = make_postgres()
    fleet = Settings(database_url=server.new_database())
    goes_on = Pause()
    script: Script = [TextChunk(HALF), goes_on, *say(REST)]
    async with open_member(fleet, ScriptedProvider(script), "a") as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, HALF)
        await asyncio.to_thread(server.kill)
        goes_on.set()
        await asyncio.sleep(0)
        await asyncio.to_thread(server.restart)
        await until(lambda: _is_idle(rig), 20)
        folded, _ = await rig.check_stored(turn)
        assert folded.parts == [TextPart(HALF + REST)]
        assert len(rig.provider.requests) == 1
