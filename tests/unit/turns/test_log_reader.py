"""The built-in log reader: honest, and only ever about the asking person's own words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.store.stored import add_conversation, add_path, add_user, open_store

from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import FinishChunk, PromptMessage, StepRequest, TextChunk
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.turns.log_reader import MODEL, LogReader, keywords


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with open_store(tmp_path) as opened:
        yield opened


async def ask(database: SqliteDatabase, owner: str, question: str, conversation: str = "here") -> str:
    request = StepRequest(
        model="log-reader",
        messages=[PromptMessage("user", [TextPart(question)])],
        owner=owner,
        conversation=conversation,
        question=question,
    )
    deltas = [delta async for deltas in LogReader(database).stream(request) for delta in deltas]
    assert deltas[-1] == FinishChunk("stop")
    assert deltas == await LogReader(database).complete(request)
    return "".join(delta.text for delta in deltas if isinstance(delta, TextChunk))


async def make_logs(database: SqliteDatabase) -> tuple[str, str, str]:
    """Ann, Bob, and the conversation Ann is asking in."""

    def make(connection: WriteConnection) -> tuple[str, str, str]:
        ann, bob = add_user(connection, "ann"), add_user(connection, "bob")
        add_path(connection, add_conversation(connection, ann, title="Boats"), ["The harbour is old", "So it is"])
        add_path(connection, add_conversation(connection, bob), ["My secret harbour"])
        here = add_conversation(connection, ann)
        add_path(connection, here, ["What about the harbour?"])
        return ann, bob, here.id

    return await database.write(make)


async def test_it_quotes_what_the_person_wrote_and_nobody_elses_words(database: SqliteDatabase) -> None:
    ann, bob, here = await make_logs(database)
    answer = await ask(database, ann, "What about the harbour?", here)
    assert "The harbour is old" in answer
    assert "secret" not in answer
    assert "What about" not in answer  # nor the question itself
    assert "The harbour is old" not in await ask(database, bob, "harbour")
    assert "harbour is old" not in await ask(database, "", "harbour")


@pytest.mark.parametrize("question", ["Hello!", "harbour", "zebra", "the and for", "", "%", "text kind", "a'b\"c\\"])
async def test_it_always_says_that_no_model_is_connected_and_how_to_connect_one(
    database: SqliteDatabase, question: str
) -> None:
    ann, _, here = await make_logs(database)
    answer = await ask(database, ann, question, here)
    assert answer.startswith("No language model is connected")
    assert "Settings" in answer


async def test_it_says_so_when_nothing_was_written_about_it(database: SqliteDatabase) -> None:
    ann, _, here = await make_logs(database)
    assert "nothing about “zebra”" in await ask(database, ann, "zebra", here)


async def test_a_quote_is_text_and_cannot_become_markdown_of_its_own(database: SqliteDatabase) -> None:
    hostile = "harbour ![x](http://evil/?q=1) <img src=x> **bold** `code` [a](b)\n# heading"

    def make(connection: WriteConnection) -> str:
        ann = add_user(connection, "ann")
        add_path(connection, add_conversation(connection, ann, title="](http://evil) *x*"), [hostile])
        return ann

    answer = await ask(database, await database.write(make), "harbour")
    for harmful in (r"\[x", "<img", r"\*\*bold", "`code", r"\]\(http", "\n# heading"):
        assert not re.search(rf"(?<!\\){harmful}", answer)


async def test_a_long_message_is_quoted_around_the_word(database: SqliteDatabase) -> None:
    def make(connection: WriteConnection) -> str:
        ann = add_user(connection, "ann")
        add_path(connection, add_conversation(connection, ann), ["x " * 2000 + "harbour" + " y" * 2000])
        return ann

    answer = await ask(database, await database.write(make), "harbour")
    quote = next(line for line in answer.splitlines() if line.strip().startswith(">"))
    assert "harbour" in quote
    assert len(quote) < 350


async def test_it_lists_itself_as_a_model(database: SqliteDatabase) -> None:
    [profile] = await LogReader(database).list_models()
    assert profile.id == MODEL


@given(text=st.text())
def test_keywords_are_few_and_each_once(text: str) -> None:
    words = keywords(text)
    assert len(words) == len(set(words)) <= 12
    assert all(len(word) >= 3 for word in words)
