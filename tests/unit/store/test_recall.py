"""Recall finds what was said, of one's own, by any of its words; on both databases the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial

import pytest
from sqlalchemy import Connection, select, update
from tests.unit.store.stored import add_conversation, add_message, add_user

from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.memory.changing import Statement, make_memory
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall, Recalled
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.memory_sources import MemorySource
from quarterdeck.store.search import index_messages
from quarterdeck.store.tables import conversations, messages

TALK = (
    ("user", "Where should we go in spring?"),
    ("assistant", "Lisbon is lovely then, and so is Porto."),
    ("user", "My sister Ida lives there, she is a carpenter."),
    ("assistant", "What does she make?"),
    ("user", "Mostly stairs, of oak."),
    ("user", "By the way, the parcel has not come."),
)


def hold_talk(connection: WriteConnection, owner: str) -> dict[str, str]:
    """What was said, by the ids of the messages."""
    conversation = add_conversation(connection, owner)
    parent, said, start = None, {}, now_ms() - 1_000_000
    for number, (role, sentence) in enumerate(TALK):
        parent = add_message(connection, conversation, parent, role, [TextPart(sentence)])
        said[parent] = sentence
        at = start + number * 10_000
        connection.execute(update(messages).where(messages.c.id == parent).values(created_at=at))
    index_messages(connection, list(said))
    return said


async def recall(database: Database, owner: str, text: str, **filters: object) -> list[Recalled]:
    return await Recall(database).find(Query(owner=owner, text=text, now=now_ms(), **filters))  # type: ignore[arg-type]


async def test_one_word_in_another_form_is_enough_and_the_answer_beside_the_question_is_lifted(
    database: Database,
) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    await database.write(lambda connection: hold_talk(connection, owner))
    found = await recall(database, owner, "Which carpenters, by trade, do I happen to know?")
    assert found[0].text == "My sister Ida lives there, she is a carpenter."
    assert {"words", "session", "speaker"} <= set(found[0].signals)
    assert found[0].score == pytest.approx(sum(found[0].signals.values()), abs=0.01)
    made = await recall(database, owner, "What does Ida make?")
    assert "Mostly stairs, of oak." in [one.text for one in made[:3]]


async def test_what_the_log_reader_quotes_is_not_found_once_more(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    quoted = [message for message, text in said.items() if text.startswith("Lisbon")]
    assert quoted[0] in [one.id for one in await recall(database, owner, "Is Lisbon lovely?")]

    def let_it_quote(connection: WriteConnection) -> None:
        connection.execute(update(messages).where(messages.c.id.in_(quoted)).values(model="builtin/log-reader"))

    await database.write(let_it_quote)
    assert quoted[0] not in [one.id for one in await recall(database, owner, "Is Lisbon lovely?")]


async def test_what_is_not_ones_own_or_gone_or_private_is_never_found(database: Database) -> None:
    ann = await database.write(lambda connection: add_user(connection, "ann"))
    ben = await database.write(lambda connection: add_user(connection, "ben"))
    said = await database.write(lambda connection: hold_talk(connection, ann))
    assert await recall(database, ben, "carpenter sister Ida") == []
    gone = next(message for message, sentence in said.items() if "carpenter" in sentence)

    def delete(connection: WriteConnection) -> None:
        connection.execute(update(messages).where(messages.c.id == gone).values(deleted_at=now_ms()))
        index_messages(connection, [gone])

    await database.write(delete)
    assert gone not in [one.id for one in await recall(database, ann, "carpenter sister Ida Lisbon")]
    assert await recall(database, ann, "Lisbon")
    for memory in ("private", "off"):
        change = update(conversations).values(memory=memory)
        await database.write(partial(Connection.execute, statement=change))
        assert await recall(database, ann, "Lisbon") == []


async def test_time_speaker_and_what_is_in_the_context_already_are_respected(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    assert {one.role for one in await recall(database, owner, "Lisbon sister stairs", speaker="assistant")} == {
        "assistant"
    }
    lisbon = next(message for message, sentence in said.items() if "Lisbon" in sentence)
    left = await recall(database, owner, "Lisbon", not_messages=frozenset({lisbon}))
    assert lisbon not in [one.id for one in left]
    assert await recall(database, owner, "Lisbon", before=1_000) == []
    assert await recall(database, owner, "Lisbon", after=now_ms() + 60_000) == []
    assert len(await recall(database, owner, "Lisbon sister stairs parcel", k=2)) == 2


@pytest.mark.parametrize("question", ["Did the heron come back?", "The heron back？"])
async def test_a_statement_stands_before_the_question_that_has_its_words(database: Database, question: str) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))

    def say(connection: WriteConnection) -> None:
        for sentence in ("The heron did come back, at last, and stood on the roof.", question):
            said = [add_message(connection, add_conversation(connection, owner), None, "user", [TextPart(sentence)])]
            index_messages(connection, said)

    await database.write(say)
    found = await recall(database, owner, "heron back")
    assert [one.text.startswith("The heron did") for one in found] == [True, False]


async def test_a_question_for_a_time_finds_first_what_tells_one(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))

    def say(connection: WriteConnection) -> None:
        for sentence in ("We took the ferry to Bergen last Tuesday.", "That ferry to Bergen has a lovely deck."):
            said = [add_message(connection, add_conversation(connection, owner), None, "user", [TextPart(sentence)])]
            index_messages(connection, said)

    await database.write(say)
    for question, is_first in (("When did I take the Bergen ferry?", True), ("What of the Bergen ferry?", False)):
        found = await recall(database, owner, question)
        assert found[0].text.startswith("We took") is is_first, question
        assert len(found) == 2, "what tells none is found, too"


async def test_any_text_is_a_query(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    await database.write(lambda connection: hold_talk(connection, owner))
    for text in ("", "?", "'\"*()^:-", "the of and", "\\", "lisbon' | !x", "東京", "≈"):
        await recall(database, owner, text)


def say_all(connection: WriteConnection, owner: str, sentences: list[str], *, start: int, step: int = 10_000) -> None:
    conversation = add_conversation(connection, owner)
    parent, said = None, []
    for number, sentence in enumerate(sentences):
        parent = add_message(connection, conversation, parent, "user", [TextPart(sentence)])
        at = start + number * step
        connection.execute(update(messages).where(messages.c.id == parent).values(created_at=at))
        said.append(parent)
    index_messages(connection, said)


async def test_an_answer_that_comes_two_messages_after_the_words_of_the_question_is_found(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    talk = ["Which harbour was that?", "Let me think.", "Stavanger, I believe.", "It rained.", "Much."]
    await database.write(lambda connection: say_all(connection, owner, talk, start=now_ms() - 1_000_000))
    found = [one.text for one in await recall(database, owner, "harbour")]
    assert {"Let me think.", "Stavanger, I believe."} <= set(found)
    assert "Much." not in found, "not everything that was said later"


async def test_what_was_said_in_the_time_that_is_named_is_found_without_any_other_word(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    for sentence, day in (("The mast is up.", date(2025, 6, 3)), ("The varnish is dry.", date(2025, 7, 9))):
        start = int(datetime.combine(day, datetime.min.time(), UTC).timestamp() * 1000) + 3_600_000
        await database.write(partial(say_all, owner=owner, sentences=[sentence], start=start))
    found = await recall(database, owner, "What did we speak of on 3 June 2025?")
    assert [one.text for one in found] == ["The mast is up."]
    after = int(datetime(2025, 6, 4, tzinfo=UTC).timestamp() * 1000)
    assert await recall(database, owner, "What did we speak of on 3 June 2025?", after=after) == []


async def test_a_memory_stands_where_its_message_does_and_one_without_any_by_itself(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    talk = ["The dinghy has a mast of spruce, and the dinghy is blue.", "Well.", "So it goes.", "Rain.", "A dull day."]

    def remember(connection: WriteConnection) -> None:
        say_all(connection, owner, talk, start=now_ms() - 1_000_000)
        dull, spruce = (
            MemorySource(
                connection.execute(select(messages.c.id).where(messages.c.parts.contains(word))).scalar_one(), 1
            )
            for word in ("dull", "spruce")
        )
        for text, sources in (
            ("My dinghy is called Heron.", (dull,)),
            ("A dinghy sails.", ()),
            ("I row a dinghy.", (dull, spruce)),
        ):
            make_memory(connection, owner, Statement(text=text, sources=sources))

    await database.write(remember)
    found = await recall(database, owner, "dinghy mast spruce blue")
    scores = {one.text: one.score for one in found}
    assert scores["My dinghy is called Heron."] == scores["A dull day."] < scores[talk[0]]
    assert [one.text for one in found].index(talk[0]) < [one.text for one in found].index("My dinghy is called Heron.")
    assert "A dinghy sails." in scores
    [known] = [one for one in found if one.text == "My dinghy is called Heron."]
    assert known.conversation, "the place of its message is known, though it is far down"
    [row] = [one for one in found if one.text == "I row a dinghy."]
    assert (row.score, row.messages[0]) == (scores[talk[0]], next(one.id for one in found if one.text == talk[0]))
