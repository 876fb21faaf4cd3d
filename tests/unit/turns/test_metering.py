"""What a turn uses is counted once, however it ends and whoever ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.harness.ledger import find_miscounts, find_reserved
from tests.unit.turns.rig import WAIT_S, Pause, Rig, Script, ScriptedProvider, kill, open_rig, say, until

from quarterdeck.domain.ids import new_id
from quarterdeck.domain.step import FinishChunk, TextChunk, UsageChunk
from quarterdeck.domain.usage import Price, Usage
from quarterdeck.errors import ModelForbiddenError, OverBudgetError, ProviderCutError, ProviderLimitError
from quarterdeck.store.budgets import BudgetRow, insert_budget
from quarterdeck.store.prices import save_price
from quarterdeck.store.rules import RuleRow, insert_rule
from quarterdeck.store.tables import usage_entries
from quarterdeck.store.usage import UsageEntry
from quarterdeck.turns.job import Job
from quarterdeck.turns.record import Retry, Send

REPORTED: Script = [TextChunk("Well."), UsageChunk(Usage(20, 5, 10)), FinishChunk("stop")]
BUDGETED = pytest.mark.parametrize("max_tokens", [None, 50_000])


async def bound(rig: Rig, max_tokens: int | None, **values: Any) -> None:
    """A price, and a budget for everybody unless `max_tokens` is None."""
    await rig.database.write(lambda connection: save_price(connection, "fake/model", Price(1.0, 10.0, 0.5)))
    if max_tokens is not None:
        given = {"id": new_id(), "subject": "all", "pattern": "*", "period": "day", "max_cost": None, "created_at": 0}
        row = BudgetRow(max_tokens=max_tokens, **(given | values))
        await rig.database.write(lambda connection: insert_budget(connection, row))
    await rig.limits.load()


async def entries(rig: Rig) -> list[UsageEntry]:
    """Oldest first; the ledger adds up, and nothing is reserved any more."""
    assert await rig.database.read(find_miscounts) == []
    assert await rig.database.read(find_reserved) == []
    ordered = select(usage_entries).order_by(usage_entries.c.attempt, usage_entries.c.id)
    rows = await rig.database.read(lambda connection: connection.execute(ordered).all())
    return [UsageEntry(**row._mapping) for row in rows]


@BUDGETED
async def test_an_answer_is_counted_as_the_provider_says(tmp_path: Path, max_tokens: int | None) -> None:
    async with open_rig(tmp_path, ScriptedProvider(REPORTED)) as rig:
        await bound(rig, max_tokens)
        turn = (await rig.send()).row.id
        _, message = await rig.check_stored(turn)
        [entry] = await entries(rig)
        assert (entry.turn_id, entry.step, entry.attempt, entry.purpose) == (turn, 1, 1, "answer")
        assert (entry.input_tokens, entry.output_tokens, entry.cached_tokens) == (20, 5, 10)
        assert (entry.cost, entry.has_price) == (10 + 5 + 50, 1)
        assert message.usage is not None
        assert message.usage.cost == pytest.approx(65e-6)
        assert entry.first_token_ms == message.first_token_ms
        assert rig.provider.requests[0].max_output_tokens == (None if max_tokens is None else 4_096)


@BUDGETED
async def test_a_provider_that_says_nothing_is_counted_by_what_came(tmp_path: Path, max_tokens: int | None) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("word " * 100))) as rig:
        await bound(rig, max_tokens)
        await rig.check_stored((await rig.send("question " * 40)).row.id)
        [entry] = await entries(rig)
        assert 140 <= entry.input_tokens <= 180
        assert entry.output_tokens == 125


@BUDGETED
@pytest.mark.parametrize(
    ("script", "is_counted"),
    [
        ([ProviderLimitError("Busy.")], False),
        ([TextChunk("Half an"), ProviderCutError("The connection broke.")], True),
        ([ProviderCutError("The connection broke.")], True),
    ],
)
async def test_a_failed_answer_is_counted_unless_it_was_refused_before_anything_was_done(
    tmp_path: Path, max_tokens: int | None, script: Script, is_counted: bool
) -> None:
    async with open_rig(tmp_path, ScriptedProvider(script)) as rig:
        await bound(rig, max_tokens)
        await rig.check_stored((await rig.send()).row.id)
        assert bool([entry for entry in await entries(rig) if entry.tokens]) is is_counted


@BUDGETED
async def test_a_killed_processs_request_and_the_next_ones_are_both_counted(
    tmp_path: Path, max_tokens: int | None
) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("word " * 100), Pause()]), drains=False) as rig:
        await bound(rig, max_tokens)
        turn = (await rig.send()).row.id
        await rig.said(turn, "word")
        await kill(rig)
    async with open_rig(tmp_path, ScriptedProvider(REPORTED), "second") as rig:
        await rig.limits.load()
        await rig.reaper.start(others_are_dead=True)
        await rig.check_stored(turn)
        first, second = await entries(rig)
        assert (first.attempt, first.output_tokens) == (1, 125)
        assert first.input_tokens > 0
        assert (second.attempt, second.input_tokens, second.output_tokens) == (2, 20, 5)


@BUDGETED
async def test_a_handed_over_answer_is_counted_in_both_processes(tmp_path: Path, max_tokens: int | None) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("word " * 100), Pause()])) as rig:
        await bound(rig, max_tokens)
        turn = (await rig.send()).row.id
        await rig.said(turn, "word")
        await rig.runner.drain(5)
        [left] = await entries(rig)
        assert left.output_tokens == 125
    async with open_rig(tmp_path, ScriptedProvider(REPORTED), "second") as rig:
        await rig.limits.load()
        await rig.reaper.start(others_are_dead=False)
        await rig.check_stored(turn)
        assert [entry.output_tokens for entry in await entries(rig)] == [125, 5]


@BUDGETED
async def test_an_answer_whose_step_had_ended_is_counted_once_by_who_saves_it(
    tmp_path: Path, max_tokens: int | None
) -> None:
    goes_on = Pause()
    script: Script = [TextChunk("Well."), goes_on, UsageChunk(Usage(20, 5)), FinishChunk("stop")]
    async with open_rig(tmp_path, ScriptedProvider(script), drains=False) as rig:
        await bound(rig, max_tokens)
        turn = (await rig.send()).row.id
        await rig.said(turn, "Well.")
        rig.database.failures = 10**6
        goes_on.set()

        async def has_ended() -> bool:
            return any(type(event).__name__ == "StepEnded" for event in await rig.events(turn))

        await until(has_ended)
        await kill(rig)
        rig.database.failures = 0
    async with open_rig(tmp_path, ScriptedProvider(say("never asked")), "second") as rig:
        await rig.limits.load()
        await rig.reaper.start(others_are_dead=True)
        await rig.check_stored(turn)
        assert [(entry.input_tokens, entry.output_tokens) for entry in await entries(rig)] == [(20, 5)]


async def test_what_was_reserved_and_never_asked_for_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = Pause()

    async def hang(*_: object) -> None:
        reached.set()
        await Pause().wait()

    async with open_rig(tmp_path, ScriptedProvider(REPORTED), drains=False) as rig:
        await bound(rig, 50_000)
        with monkeypatch.context() as patch:
            patch.setattr(Job, "_pump", hang)
            accepted = await rig.send()
            async with asyncio.timeout(WAIT_S):
                await reached.wait()
        assert await rig.database.read(find_reserved) != []
        await kill(rig)
    async with open_rig(tmp_path, ScriptedProvider(REPORTED), "second") as rig:
        await rig.limits.load()
        await rig.reaper.start(others_are_dead=True)
        await rig.check_stored(accepted.row.id)
        assert sorted(entry.tokens for entry in await entries(rig)) == [0, 25]


async def test_a_second_try_is_counted_and_bounded_like_the_first(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(REPORTED)) as rig:
        await bound(rig, 4_200)
        accepted = await rig.send()
        await rig.check_stored(accepted.row.id)
        again = await rig.turns.retry(rig.user, Retry(key=new_id(), message=accepted.row.message_id))
        await rig.check_stored(again.row.id)
        assert [entry.tokens for entry in await entries(rig)] == [25, 25]
        await bound(rig, 300)
        with pytest.raises(OverBudgetError):
            await rig.turns.retry(rig.user, Retry(key=new_id(), message=accepted.row.message_id))


async def test_the_same_message_sent_again_is_no_new_one_whatever_is_left(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(REPORTED)) as rig:
        send = Send(key="one", conversation="chat", text="Hi!")
        accepted = await rig.turns.send(rig.user, send)
        await rig.check_stored(accepted.row.id)
        await bound(rig, 1)
        repeated = await rig.turns.send(rig.user, send)
        assert (repeated.row.id, repeated.is_new) == (accepted.row.id, False)
        with pytest.raises(OverBudgetError):
            await rig.send()


async def test_a_model_that_a_rule_forbids_is_asked_by_nobody(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(REPORTED)) as rig:
        accepted = await rig.send(model="fake/model")
        await rig.check_stored(accepted.row.id)
        rule = RuleRow(id="1", subject="role:owner", kind="model", pattern="fake/*", is_allowed=False, created_at=0)
        await rig.database.write(lambda connection: insert_rule(connection, rule))
        await rig.limits.load()
        for model in ("fake/model", None):
            with pytest.raises(ModelForbiddenError):
                await rig.send(model=model)
        with pytest.raises(ModelForbiddenError):
            await rig.turns.retry(rig.user, Retry(key=new_id(), message=accepted.row.message_id))
        assert len(rig.provider.requests) == 1
