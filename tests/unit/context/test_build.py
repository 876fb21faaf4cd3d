"""What the model sees: the newest that fit, the request always, and a manifest that tells the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event
from tests.fakes.serving import as_written
from tests.harness.waiting import trials
from tests.unit.store.stored import add_conversation, add_message, add_path, add_user, open_store

from quarterdeck.context.assistants import BUILT_IN, Assistant, built_in
from quarterdeck.context.build import Context, ContextRequest, build_context
from quarterdeck.context.manifest import decode_manifest, encode_manifest
from quarterdeck.context.rendering import continued_text, sent_parts, text_of
from quarterdeck.domain.parts import (
    IdeaPart,
    ImagePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    plain_text,
)
from quarterdeck.domain.tokens import estimate_parts, estimate_text
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.errors import InputError
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import ReadConnection, WriteConnection
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import metadata

IDEAS = built_in("ideas")
PLAIN = built_in("")


def profile(window: int | None = None, *, can_prefill: bool = False) -> ModelProfile:
    return ModelProfile(id="fake/m", provider="fake", name="m", context_window=window, can_prefill=can_prefill)


def wanted(conversation: str, request: str, **given: Any) -> ContextRequest:
    values: dict[str, Any] = {
        "instructions": "", "assistant": PLAIN, "profile": profile(), "partial": [], **given,
    }  # fmt: skip
    return ContextRequest(conversation=conversation, request=request, **values)


def check_manifest(context: Context) -> None:
    """Entries and messages are the same things, in the same order."""
    entries = context.manifest.entries
    for at, message in enumerate(context.messages):
        parts = [(entry, text) for entry, text in zip(entries, context.texts_of, strict=True) if entry.at == at]
        assert {entry.role for entry, _ in parts} == {message.role}
        assert "".join(text for _, text in parts) == text_of(message.parts)
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert context.manifest.tokens == sum(entry.tokens for entry in entries)
    assert decode_manifest(encode_manifest(context.manifest)) == context.manifest


async def a_talk(database: SqliteDatabase, texts: list[str]) -> tuple[ConversationRow, list[str]]:
    def make(connection: WriteConnection) -> tuple[ConversationRow, list[str]]:
        row = add_conversation(connection, add_user(connection, "ann"))
        return row, add_path(connection, row, texts)

    return await database.write(make)


async def build(database: SqliteDatabase, request: ContextRequest) -> Context:
    context = await database.read(lambda connection: build_context(connection, request))
    check_manifest(context)
    return context


def texts_of(context: Context) -> list[str]:
    """As they were written: without what is said about times."""
    entries = zip(context.manifest.entries, context.texts_of, strict=True)
    return [as_written(text).removeprefix("\n\n") for entry, text in entries if entry.kind != "time"]


def kept_in(context: Context) -> list[str]:
    return [entry.message for entry in context.manifest.entries if entry.kind == "message"]


async def test_a_short_conversation_is_sent_whole_oldest_first_after_the_instructions(database: SqliteDatabase) -> None:
    row, path = await a_talk(database, ["one", "two", "three"])
    context = await build(database, wanted(row.id, path[-1], instructions="Be kind.", profile=profile(8_000)))
    assert texts_of(context) == ["Be kind.", "one", "two", "three"]
    assert [message.role for message in context.messages] == ["system", "user", "assistant", "user"]
    assert kept_in(context) == path
    assert (context.manifest.window, context.manifest.window_is_known, context.manifest.clipped) == (8_000, True, False)


async def test_an_unknown_window_is_said_to_be_unknown(database: SqliteDatabase) -> None:
    row, path = await a_talk(database, ["one"])
    assert not (await build(database, wanted(row.id, path[-1]))).manifest.window_is_known


async def test_the_assistants_instructions_come_before_the_users_own(database: SqliteDatabase) -> None:
    row, path = await a_talk(database, ["one"])
    context = await build(database, wanted(row.id, path[-1], instructions="Be kind.", assistant=IDEAS))
    assert texts_of(context)[0] == f"{IDEAS.instructions}\n\nBe kind."


@settings(max_examples=trials(20, 60), deadline=None)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12), window=st.integers(200, 2400))
def test_the_newest_that_fit_are_kept_and_they_begin_with_a_question(sizes: list[int], window: int) -> None:
    if len(sizes) % 2 == 0:
        sizes = sizes[1:]  # the last one is the request
    engine = create_engine("sqlite://")
    with engine.begin() as raw:
        metadata.create_all(raw)
        connection = WriteConnection(raw)
        row = add_conversation(connection, add_user(connection, "ann"))
        path = add_path(connection, row, ["x" * size for size in sizes])
        context = build_context(connection, wanted(row.id, path[-1], profile=profile(window)))
    check_manifest(context)
    kept = kept_in(context)
    assert kept == path[len(path) - len(kept) :]
    assert context.messages[1].role == "user"
    assert context.manifest.clipped is (len(kept) < len(path))
    assert context.manifest.tokens <= int(window * 0.75) or kept == path[-1:]


async def test_a_request_that_is_too_long_by_itself_is_still_sent(database: SqliteDatabase) -> None:
    row, path = await a_talk(database, ["old", "answer", "x" * 50_000])
    context = await build(database, wanted(row.id, path[-1], profile=profile(1_000)))
    assert texts_of(context) == ["x" * 50_000]
    assert context.manifest.clipped


async def test_the_number_of_rows_read_does_not_grow_with_the_conversation(tmp_path: Path) -> None:
    async with open_store(tmp_path) as database:
        costs = []
        for length in (101, 1001):
            row, path = await a_talk(database, ["some words of a talk " * 20] * length)

            def count(connection: ReadConnection, row: ConversationRow = row, path: list[str] = path) -> int:
                fetched = 0

                def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
                    nonlocal fetched
                    fetched += statement.count("messages.parts") and 1

                event.listen(connection, "after_cursor_execute", note)
                try:
                    build_context(connection, wanted(row.id, path[-1], profile=profile(8_000)))
                finally:
                    event.remove(connection, "after_cursor_execute", note)
                return fetched

            costs.append(await database.read(count))
        assert costs[0] == costs[1] <= 3


async def test_reasoning_is_not_sent_again_and_a_message_without_words_is_left_out(database: SqliteDatabase) -> None:
    def make(connection: WriteConnection) -> tuple[str, str]:
        row = add_conversation(connection, add_user(connection, "ann"))
        first = add_message(connection, row, None, "user", [TextPart("one")])
        thought = add_message(connection, row, first, "assistant", [ReasoningPart("hmm"), TextPart("two")])
        second = add_message(connection, row, thought, "user", [TextPart("three")])
        stopped = add_message(connection, row, second, "assistant", [ReasoningPart("stopped while thinking")])
        third = add_message(connection, row, stopped, "user", [TextPart("four")])
        empty = add_message(connection, row, third, "assistant", [TextPart("")])
        return row.id, add_message(connection, row, empty, "user", [TextPart("five")])

    conversation, request = await database.write(make)
    context = await build(database, wanted(conversation, request))
    assert texts_of(context) == ["one", "two", "three", "four", "five"]
    assert [message.role for message in context.messages] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize(
    ("parts", "assistant", "sent"),
    [
        ([IdeaPart("a"), TextPart("b")], IDEAS, 'idea: "a"\nmessage: "b"\n'),
        ([TextPart("b")], IDEAS, "b"),
        ([ReasoningPart("r"), IdeaPart('say "x"\n')], IDEAS, 'idea: "say \\"x\\"\\n"\n'),
    ],
)
def test_an_answer_is_sent_in_the_form_it_was_given(parts: list[Part], assistant: Assistant, sent: str) -> None:
    assert plain_text(sent_parts(parts, assistant)) == sent


def test_ideas_are_sent_as_lines_of_their_own_to_a_model_that_does_not_speak_the_format() -> None:
    assert plain_text(sent_parts([IdeaPart("a"), IdeaPart("b"), TextPart("c")], PLAIN)) == "a\nb\nc"


PARTIAL: list[Part] = [ReasoningPart("hmm"), TextPart("Half an ans")]


async def test_a_cut_answer_is_a_prefill_where_the_model_takes_one(database: SqliteDatabase) -> None:
    row, path = await a_talk(database, ["one"])
    context = await build(
        database, wanted(row.id, path[-1], partial=PARTIAL, open_part=1, profile=profile(can_prefill=True))
    )
    assert context.prefill
    assert texts_of(context) == ["one", "Half an ans"]
    assert context.messages[-1].role == "assistant"


async def test_a_cut_answer_is_followed_by_the_wish_to_go_on_where_it_takes_none(database: SqliteDatabase) -> None:
    row, path = await a_talk(database, ["one"])
    context = await build(database, wanted(row.id, path[-1], partial=PARTIAL, open_part=1))
    assert not context.prefill
    assert texts_of(context)[:2] == ["one", "Half an ans"]
    assert "Continue exactly there" in texts_of(context)[2]
    assert [message.role for message in context.messages] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize("partial", [[], [ReasoningPart("hmm")], [TextPart("")]])
async def test_an_answer_cut_before_its_first_word_is_asked_for_afresh(
    database: SqliteDatabase, partial: list[Part]
) -> None:
    row, path = await a_talk(database, ["one"])
    context = await build(database, wanted(row.id, path[-1], partial=partial, open_part=len(partial) - 1))
    assert (texts_of(context), context.prefill) == (["one"], False)


@pytest.mark.parametrize(
    ("parts", "open_part", "text"),
    [
        ([IdeaPart("a"), TextPart("b")], 1, 'idea: "a"\nmessage: "b'),
        ([IdeaPart("a")], 0, 'idea: "a'),
        ([IdeaPart("a")], None, 'idea: "a"\n'),
        ([IdeaPart("a"), ReasoningPart("r")], 1, 'idea: "a"\n'),
    ],
)
def test_a_cut_tagged_answer_is_open_where_it_was_open(parts: list[Part], open_part: int | None, text: str) -> None:
    assert continued_text(parts, open_part, "tagged") == text


@pytest.mark.parametrize("assistant", ["nobody", "Ideas", "x" * 1000])
def test_an_assistant_that_does_not_exist_is_refused_by_naming_those_that_do(assistant: str) -> None:
    with pytest.raises(InputError, match="ideas") as caught:
        built_in(assistant)
    assert len(caught.value.message) < 200
    assert [found.id for found in BUILT_IN] == ["ideas"]


@given(text=st.text())
def test_an_estimate_grows_with_the_text_and_is_about_a_quarter_of_it(text: str) -> None:
    estimate = estimate_text(text)
    assert 0 <= estimate <= len(text.encode()) + 1
    assert estimate >= len(text) // 4
    assert estimate_text(text + "word") >= estimate


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("word", 1), ("words", 2), ("漢字", 2), ("é" * 8, 4)])
def test_estimates_of_known_texts(text: str, tokens: int) -> None:
    assert estimate_text(text) == tokens


def test_every_kind_of_part_that_is_sent_counts_and_reasoning_does_not() -> None:
    assert estimate_parts([]) == estimate_parts([ReasoningPart("x" * 1000)]) == 4
    for part in (
        TextPart("word"), IdeaPart("word"), ImagePart("image/png", ""), ToolCallPart("c", "n", "{}"),
        ToolResultPart("c", "word"),
    ):  # fmt: skip
        assert estimate_parts([part]) > 4
