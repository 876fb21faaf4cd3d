"""A turn from the request to the stored answer: whatever happens, its log and its message say the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.fakes.serving import as_written
from tests.unit.turns.rig import WAIT_S, Pause, Rig, Script, ScriptedProvider, open_rig, quietly, say, until

from quarterdeck.context.assistants import built_in
from quarterdeck.domain.events import (
    Event,
    FeedTurnEnded,
    StepEnded,
    StepRetrying,
    TextDelta,
    TurnEnded,
    TurnStarted,
    decode_feed_event,
)
from quarterdeck.domain.parts import IdeaPart, ReasoningPart, TextPart, plain_text
from quarterdeck.domain.step import FinishChunk, ReasoningChunk, RetryChunk, TextChunk, UsageChunk
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import (
    ConflictError,
    InputError,
    ModelNotFoundError,
    NotFoundError,
    OverloadedError,
    ProviderCutError,
    ProviderRefusedError,
    TooLargeError,
)
from quarterdeck.log.base import feed_name
from quarterdeck.store.conversations import find_conversation
from quarterdeck.store.database import StorageError
from quarterdeck.store.ideas import list_ideas
from quarterdeck.store.listing import Listing, list_conversations
from quarterdeck.store.turns import list_steps
from quarterdeck.turns import notes as notes_module
from quarterdeck.turns import patience as patience_module
from quarterdeck.turns.finish import Finish
from quarterdeck.turns.job import Job
from quarterdeck.turns.opening import Opening
from quarterdeck.turns.record import Retry, Send

THINKING: Script = [
    ReasoningChunk("Let me think."),
    TextChunk("I "),
    TextChunk("thought."),
    UsageChunk(Usage(11, 3, 2, 1)),
    FinishChunk("length"),
]


async def test_an_answer_whose_usage_no_database_takes_ends_with_its_text(tmp_path: Path) -> None:
    script: Script = [TextChunk("Hello"), UsageChunk(Usage(10**30, 1)), FinishChunk("stop")]
    async with open_rig(tmp_path, ScriptedProvider(script)) as rig:
        accepted = await rig.send("Hello there!")
        folded, message = await rig.check_stored(accepted.row.id)
        assert (folded.status, folded.parts) == ("failed", [TextPart("Hello")])
        assert message.error is not None
        assert "is kept" in message.error.message


async def test_an_answer_is_logged_and_stored_the_same(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(THINKING)) as rig:
        accepted = await rig.send("Hello there!")
        folded, message = await rig.check_stored(accepted.row.id)
        assert folded.status == "complete"
        assert folded.parts == [ReasoningPart("Let me think."), TextPart("I thought.")]
        assert (message.usage, folded.finish) == (Usage(11, 3, 2, 1), "length")
        assert message.first_token_ms is not None
        events = await rig.events(accepted.row.id)
        assert isinstance(events[0], TurnStarted)
        assert isinstance(events[-2], StepEnded)
        assert rig.provider.open_streams == 0


async def test_a_tagged_answers_ideas_are_stored_in_their_order(tmp_path: Path) -> None:
    script = say(*'idea: "Whiskers"\nidea: ""\nidea: "Fluffy"\nmessage: "Saved!"\n')
    async with open_rig(tmp_path, ScriptedProvider(script)) as rig:
        accepted = await rig.send(assistant="ideas")
        folded, _ = await rig.check_stored(accepted.row.id)
        assert folded.parts == [IdeaPart("Whiskers"), IdeaPart(""), IdeaPart("Fluffy"), TextPart("Saved!")]
        ideas = await rig.database.read(lambda c: list_ideas(c, rig.user, conversation=None, before="", limit=9))
        assert [idea.text for idea in ideas] == ["Fluffy", "Whiskers"]  # newest first
        assert {idea.message_id for idea in ideas} == {accepted.row.message_id}


async def test_a_provider_that_fails_in_the_middle_keeps_what_was_received(tmp_path: Path) -> None:
    script: Script = [
        TextChunk("Half an "),
        TextChunk("ans"),
        ProviderCutError("The connection broke.", detail="secret"),
    ]
    async with open_rig(tmp_path, ScriptedProvider(script)) as rig:
        accepted = await rig.send()
        folded, message = await rig.check_stored(accepted.row.id)
        assert (folded.status, folded.parts) == ("failed", [TextPart("Half an ans")])
        assert message.error is not None
        assert (message.error.code, message.error.message) == ("provider_cut", "The connection broke.")
        assert message.error.retryable


async def test_an_error_of_our_own_is_told_in_a_neutral_sentence(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("A"), ZeroDivisionError("secret")])) as rig:
        folded, message = await rig.check_stored((await rig.send()).row.id)
        assert folded.status == "failed"
        assert folded.parts == [TextPart("A")]
        assert message.error is not None
        assert message.error.code == "internal"
        assert "secret" not in message.error.message


async def test_what_the_tagged_parser_held_back_is_kept_when_the_provider_fails(tmp_path: Path) -> None:
    script: Script = [TextChunk('message: "Saved them \\'), ProviderRefusedError("No.")]
    async with open_rig(tmp_path, ScriptedProvider(script)) as rig:
        folded, _ = await rig.check_stored((await rig.send(assistant="ideas")).row.id)
        assert folded.parts == [TextPart("Saved them \\")]


async def test_a_retry_is_announced_before_the_first_word(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([RetryChunk("Busy.", 0.5), *say("Hi")])) as rig:
        events = await rig.ended((await rig.send()).row.id)
        [retrying] = [event for event in events if isinstance(event, StepRetrying)]
        assert (retrying.reason, retrying.wait_s) == ("Busy.", 0.5)


@pytest.mark.parametrize("moment", range(14))
async def test_stopping_at_any_moment_keeps_the_text_closes_the_upstream_and_ends_the_turn_once(
    tmp_path: Path, moment: int
) -> None:
    texts = [f"word{number} " for number in range(30)]
    forever: Script = [*(TextChunk(text) for text in texts), Pause()]
    async with open_rig(tmp_path, ScriptedProvider(forever)) as rig:
        accepted = await rig.send()
        for _ in range(moment * moment):
            await asyncio.sleep(0)
        await rig.turns.stop(accepted.row.id)
        await rig.turns.stop(accepted.row.id)  # somebody presses it twice
        folded, message = await rig.check_stored(accepted.row.id)
        assert folded.status == "stopped"
        assert message.error is None
        said = "".join(part.text for part in folded.parts if isinstance(part, TextPart))
        assert "".join(texts).startswith(said)
        assert rig.provider.open_streams == 0


async def test_a_stop_while_text_waits_for_the_tick_closes_the_upstream_at_once(tmp_path: Path) -> None:
    never = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("a"), TextChunk("b"), TextChunk("c"), never])) as rig:
        rig.runner._rooms.ticker._period_s = 0.3
        accepted = await rig.send()
        await rig.said(accepted.row.id, "a")
        await quietly()  # "b" waits for the tick now
        await rig.turns.stop(accepted.row.id)
        async with asyncio.timeout(WAIT_S):
            await rig.ended(accepted.row.id)
        assert rig.provider.open_streams == 0  # and not when the collector comes by
        folded, _ = await rig.check_stored(accepted.row.id)
        assert folded.parts == [TextPart("ab")]


async def test_a_stopped_turn_that_had_not_begun_never_asks_the_model(tmp_path: Path) -> None:
    first = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("1"), first, FinishChunk("stop")])) as rig:
        running, waiting = await rig.send("one"), await rig.send("two")
        assert waiting.row.status == "queued"
        await rig.turns.stop(waiting.row.id)
        first.set()
        folded, _ = await rig.check_stored(waiting.row.id)
        assert (folded.status, folded.parts) == ("stopped", [])
        assert (await rig.check_stored(running.row.id))[0].status == "complete"
        assert len(rig.provider.requests) == 1


async def test_a_stop_for_the_next_turn_is_heard_between_its_claim_and_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_closing, may_close, close = Pause(), Pause(), Finish.close

    async def close_later(finish: Finish, job: Job, ended: TurnEnded, duration_s: float) -> None:
        is_closing.set()
        await may_close.wait()
        await close(finish, job, ended, duration_s)

    monkeypatch.setattr(Finish, "close", close_later)
    async with open_rig(tmp_path, ScriptedProvider(say("1"), [TextChunk("2"), Pause()])) as rig:
        first, second = await rig.send("one"), await rig.send("two")
        await is_closing.wait()
        assert (await rig.row(second.row.id)).status == "running"  # claimed, and nobody runs it yet
        await rig.turns.stop(second.row.id)
        may_close.set()
        assert (await rig.check_stored(first.row.id))[0].status == "complete"
        assert (await rig.check_stored(second.row.id))[0].status == "stopped"


async def test_stopping_what_has_ended_changes_nothing(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        accepted = await rig.send()
        before = await rig.ended(accepted.row.id)
        await rig.turns.stop(accepted.row.id)
        await quietly()
        assert await rig.events(accepted.row.id) == before
        assert not rig.runner._early_stops


async def _has_asked(provider: ScriptedProvider) -> bool:
    return bool(provider.requests)


async def test_messages_sent_into_a_running_conversation_are_answered_one_after_the_other(tmp_path: Path) -> None:
    first = Pause()
    provider = ScriptedProvider([first, *say("one")], say("two"), say("three"))
    async with open_rig(tmp_path, provider) as rig:
        sent = [await rig.send(text) for text in ("a", "b", "c")]
        assert [accepted.row.status for accepted in sent] == ["running", "queued", "queued"]
        await until(lambda: _has_asked(provider))
        await quietly()
        assert len(provider.requests) == 1
        first.set()
        for accepted, text in zip(sent, ("one", "two", "three"), strict=True):
            folded, _ = await rig.check_stored(accepted.row.id)
            assert folded.parts == [TextPart(text)]
        asked = [[as_written(plain_text(message.parts)) for message in request.messages[1:]]
                 for request in provider.requests]  # fmt: skip
        assert asked == [["a"], ["a", "one", "b"], ["a", "one", "b", "two", "c"]]


async def test_conversations_do_not_wait_for_each_other(tmp_path: Path) -> None:
    never = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("?"), never], say("two"))) as rig:
        stuck = await rig.send("a", "first")
        await rig.said(stuck.row.id, "?")
        folded, _ = await rig.check_stored((await rig.send("b", "second")).row.id)
        assert folded.parts == [TextPart("two")]


async def test_the_same_send_again_is_the_same_turn_and_another_body_is_a_conflict(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        send = Send(key="k", conversation="chat", text="Hello")
        results = await asyncio.gather(*(rig.turns.send(rig.user, send) for _ in range(5)))
        assert {result.row.id for result in results} == {results[0].row.id}
        assert [result.is_new for result in results].count(True) == 1
        await rig.check_stored(results[0].row.id)
        assert not (await rig.turns.send(rig.user, send)).is_new
        with pytest.raises(ConflictError):
            await rig.turns.send(rig.user, Send(key="k", conversation="chat", text="Hello!"))
        assert len(rig.provider.requests) == 1


async def test_whoever_is_told_of_a_turn_can_follow_it_at_once(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([Pause()])) as rig:

        async def send_and_look() -> bool:
            accepted = await rig.turns.send(rig.user, Send(key="k", conversation="chat", text="Hello"))
            return await rig.log.status(accepted.row.id) is not None

        assert await asyncio.gather(*(send_and_look() for _ in range(4))) == [True] * 4


async def test_what_was_accepted_is_stored_before_it_is_accepted(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([Pause()])) as rig:
        accepted = await rig.send("remember this")
        events = await rig.events(accepted.row.id)
        assert isinstance(events[0], TurnStarted)
        listed = await rig.database.read(lambda c: list_conversations(c, Listing(owner=rig.user), after=None, limit=9))
        assert [(row.title, row.running_turn) for row in listed] == [("remember this", accepted.row.id)]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"text": "  \n"}, InputError),
        ({"text": "a\x00b"}, InputError),
        ({"text": "x" * 1_000_001}, TooLargeError),
        ({"conversation": ""}, InputError),
        ({"conversation": "c" * 201}, InputError),
        ({"key": ""}, InputError),
        ({"key": "k" * 201}, InputError),
        ({"temperature": 2.1}, InputError),
        ({"temperature": float("nan")}, InputError),
        ({"assistant": "nobody"}, InputError),
        ({"model": "nowhere/model"}, ModelNotFoundError),
        ({"model": "no-slash"}, ModelNotFoundError),
    ],
)
async def test_what_cannot_be_used_is_refused_and_nothing_is_stored(
    tmp_path: Path, given: dict[str, object], error: type[Exception]
) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        wanted = {"key": "k", "conversation": "chat", "text": "Hello", **given}
        with pytest.raises(error):
            await rig.turns.send(rig.user, Send(**wanted))  # type: ignore[arg-type]
        assert await rig.database.read(lambda c: find_conversation(c, rig.user, "chat")) is None


async def test_nobody_sends_into_or_retries_in_somebody_elses_conversation(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        accepted = await rig.send()
        await rig.ended(accepted.row.id)
        with pytest.raises(NotFoundError):
            await rig.turns.retry("somebody else", Retry(key="r", message=accepted.row.message_id))


async def test_a_second_try_answers_the_same_question_and_takes_the_answers_place(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("first"), say("second"))) as rig:
        accepted = await rig.send("Question?")
        await rig.ended(accepted.row.id)
        again = await rig.turns.retry(rig.user, Retry(key="r", message=accepted.row.message_id, temperature=0.5))
        await rig.check_stored(again.row.id)
        assert (again.row.request_id, again.row.temperature) == (accepted.row.request_id, 0.5)
        assert [[message.role for message in request.messages] for request in rig.provider.requests] == [
            ["system", "user"]
        ] * 2
        conversation = await rig.database.read(lambda c: find_conversation(c, rig.user, "chat"))
        assert conversation is not None
        assert conversation.tip_id == again.row.message_id
        assert (await rig.message(accepted.row.id)).parts == [TextPart("first")]


async def test_an_answer_that_is_still_written_cannot_be_tried_again(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("a"), Pause()])) as rig:
        accepted = await rig.send()
        with pytest.raises(ConflictError):
            await rig.turns.retry(rig.user, Retry(key="r", message=accepted.row.message_id))


async def test_a_busy_server_refuses_with_nothing_stored(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([Pause()])) as rig:
        rig.runner.max_running = 1
        await rig.send("a", "first")
        with pytest.raises(OverloadedError):
            await rig.send("b", "second")
        assert await rig.database.read(lambda c: find_conversation(c, rig.user, "second")) is None


async def test_a_busy_server_acknowledges_again_what_it_has_taken(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([Pause()])) as rig:
        known = Send(key="known", conversation="chat", text="Hi!")
        first = await rig.turns.send(rig.user, known)
        rig.runner.max_running = 1
        again = await rig.turns.send(rig.user, known)
        assert (again.row.id, again.is_new) == (first.row.id, False)
        with pytest.raises(ConflictError):
            await rig.turns.send(rig.user, Send(key="known", conversation="chat", text="Something else"))
        with pytest.raises(OverloadedError):
            await rig.turns.send(rig.user, Send(key="new", conversation="chat", text="Hi!"))


async def test_a_full_disk_at_the_end_of_an_answer_is_waited_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience_module, "_FIRST_PAUSE_S", 0.001)
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("Saved at last"), goes_on, FinishChunk("stop")])) as rig:
        accepted = await rig.send()
        await rig.said(accepted.row.id, "Saved")
        rig.database.failures = 4
        goes_on.set()
        folded, _ = await rig.check_stored(accepted.row.id)
        assert folded.parts == [TextPart("Saved at last")]
        assert rig.database.refused == 4


async def test_a_full_disk_at_the_beginning_refuses_the_message(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        rig.database.failures = 1
        with pytest.raises(StorageError):
            await rig.send()
        assert rig.provider.requests == []


async def test_each_step_keeps_a_note_of_what_the_model_was_sent(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        accepted = await rig.send("Hello", assistant="ideas", temperature=0.25)
        await rig.ended(accepted.row.id)
        [step] = await rig.database.read(lambda c: list_steps(c, accepted.row.id))
        assert (step.step, step.attempt, step.model) == (1, 1, "fake/model")
        assert accepted.row.request_id in step.manifest
        [request] = rig.provider.requests
        assert (request.temperature, request.model) == (0.25, "model")
        assert request.messages[0].parts[0] == TextPart(built_in("ideas").instructions)


async def test_a_note_is_kept_while_a_long_answer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes_module, "_AFTER_S", 0.05)
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("Once"), Pause()]), is_log_here=True) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, "Once")
        await until(lambda: _is_noted(rig, turn))


async def test_a_note_is_kept_at_once_where_the_log_may_be_lost(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("Once"), Pause()])) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, "Once")
        async with asyncio.timeout(notes_module._AFTER_S / 2):
            await until(lambda: _is_noted(rig, turn))


async def test_a_note_goes_with_a_hand_over(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider([TextChunk("Once"), Pause()]), is_log_here=True) as rig:
        turn = (await rig.send()).row.id
        await rig.said(turn, "Once")
        assert not await _is_noted(rig, turn)
        await rig.runner.drain(5)
        assert await _is_noted(rig, turn)


async def _is_noted(rig: Rig, turn: str) -> bool:
    return bool(await rig.database.read(lambda connection: list_steps(connection, turn)))


async def test_a_note_that_cannot_be_kept_does_not_cost_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("The server's disk is full.")

    monkeypatch.setattr(notes_module, "insert_step", refuse)
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        accepted = await rig.send()
        folded, _ = await rig.check_stored(accepted.row.id)
        assert folded.status == "complete"
        assert await rig.database.read(lambda c: list_steps(c, accepted.row.id)) == []


async def test_the_feed_points_to_every_turn_that_ends(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider()) as rig:
        turns = [(await rig.send("x", f"c{number}")).row for number in range(12)]
        for row in turns:
            await rig.ended(row.id)
        await rig.feed.settle()
        told = [decode_feed_event(entry.body) for entry in await rig.log.read(feed_name(rig.user), 0)]
        ended = [event for event in told if isinstance(event, FeedTurnEnded)]
        assert {(event.turn, event.status) for event in ended} == {(row.id, "complete") for row in turns}
        assert len(ended) == len(turns)


async def test_text_comes_in_joined_deltas_and_none_is_empty(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say(*"abcdefghijklmnopqrstuvwxyz" * 4))) as rig:
        events: list[Event] = await rig.ended((await rig.send()).row.id)
        deltas = [event.text for event in events if isinstance(event, TextDelta)]
        assert "".join(deltas) == "abcdefghijklmnopqrstuvwxyz" * 4
        assert all(deltas)
        assert isinstance(events[-1], TurnEnded)


async def test_a_turn_that_cannot_be_run_at_all_ends_once_instead_of_being_taken_over_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_self: Opening) -> None:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(Opening, "open", crash)
    async with open_rig(tmp_path, ScriptedProvider(THINKING)) as rig:
        accepted = await rig.send("Hello there!")
        folded, message = await rig.check_stored(accepted.row.id)
        assert (folded.status, message.status) == ("failed", "failed")
        assert message.error is not None
        assert "nobody thought" not in message.error.message
