"""What still waits for the search index is recalled as if it were in it, and nothing is written for that; on both
databases the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import delete, select, update
from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.conversations.derived import follow_memory_change
from quarterdeck.conversations.editing import edit_message
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart, decode_parts
from quarterdeck.memory.changing import Statement, make_memory
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall, Recalled
from quarterdeck.store import recall_waiting, search_queue
from quarterdeck.store.conversations import ConversationRow, update_conversation
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.memory_sources import MemorySource
from quarterdeck.store.recall_waiting import Waiting
from quarterdeck.store.search import NewEntry, index_messages
from quarterdeck.store.search_queue import IndexQueue
from quarterdeck.store.tables import messages, search_entries

EARLIER = (
    ["Where should we moor?", "Lisbon is lovely then, and so is Porto.", "My sister Ida lives there."],
    ["The varnish is dry.", "Which harbour was that?", "Stavanger, I believe.", "The harbour of Stavanger is deep."],
)
JUST_NOW = ["Which harbour is nearest to Bergen?", "Let me think.", "Askøy, they say, and its harbours are full."]
QUESTIONS = (
    "harbour", "Which harbours do I know, and how deep is Stavanger's?", "Askøy", "What did we speak of today?",
    "Is Lisbon lovely?", "sister Bergen moor", "Wo liegt der Hafen Askøy?", "Go on.", "",
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_is_written_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_queue, "WITHIN_S", 60.0)


async def add_owner(database: Database, name: str = "ann") -> str:
    return await database.write(lambda connection: add_user(connection, name))


async def hold(database: Database, owner: str, said: Sequence[str], *, ago_ms: int = 0) -> ConversationRow:
    """A conversation whose messages have no entries."""

    def write(connection: WriteConnection) -> ConversationRow:
        talk = add_conversation(connection, owner)
        for number, message in enumerate(add_path(connection, talk, list(said))):
            at = now_ms() - ago_ms + number
            connection.execute(update(messages).where(messages.c.id == message).values(created_at=at))
        return talk

    return await database.write(write)


async def ids_of(database: Database, talk: ConversationRow) -> list[str]:
    wanted = select(messages.c.id).where(messages.c.conversation_id == talk.id).order_by(messages.c.created_at)
    return await database.read(lambda connection: list(connection.execute(wanted).scalars()))


async def index(database: Database, talk: ConversationRow) -> None:
    ids = await ids_of(database, talk)
    await database.write(lambda connection: index_messages(connection, ids))


async def put(database: Database, queue: IndexQueue, talk: ConversationRow) -> None:
    """As turns do when their messages are committed."""
    wanted = select(messages).where(messages.c.conversation_id == talk.id).order_by(messages.c.created_at)
    for row in await database.read(lambda connection: connection.execute(wanted).all()):
        entry = NewEntry(
            row.id, row.owner_id, row.conversation_id, row.role, row.model, row.created_at, decode_parts(row.parts)
        )
        queue.put(entry)


async def count_entries(database: Database) -> int:
    return len(await database.read(lambda connection: connection.execute(select(search_entries.c.id)).all()))


async def recall(
    database: Database, owner: str, text: str, waiting: Sequence[Waiting] = (), **filters: int
) -> list[Recalled]:
    query = Query(owner=owner, text=text, now=now_ms(), waiting=waiting, **filters)  # type: ignore[arg-type]
    return await Recall(database).find(query)


def told(found: list[Recalled]) -> list[tuple[str, float]]:
    return [(one.text, round(one.score, 9)) for one in found]


async def test_what_waits_is_found_as_it_is_once_it_is_written(database: Database) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    for number, said in enumerate(EARLIER, 1):
        await index(database, await hold(database, owner, said, ago_ms=number * 10_000_000))
    await put(database, queue, await hold(database, owner, JUST_NOW))
    waiting = await queue.waiting_elsewhere(owner, "another")
    before = [await recall(database, owner, text, waiting) for text in QUESTIONS]
    assert await count_entries(database) == 7
    await queue.settle(owner)
    after = [await recall(database, owner, text) for text in QUESTIONS]
    for text, then, now in zip(QUESTIONS, before, after, strict=True):
        assert told(then) == told(now), text
    by_question = dict(zip(QUESTIONS, before, strict=True))
    assert by_question["Askøy"][0].text == JUST_NOW[2]
    assert set(JUST_NOW) <= {one.text for one in by_question["What did we speak of today?"]}
    assert JUST_NOW[1] in {one.text for one in by_question["harbour"]}, "it has no such word, and stands beside one"


async def test_what_waits_beside_what_has_an_entry_is_found_with_it(database: Database) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    talk = await hold(database, owner, ["Which harbour was that?"])
    await index(database, talk)
    await put(database, queue, talk)
    answer = await hold(database, owner, ["Stavanger, I believe."])
    moved = update(messages).where(messages.c.conversation_id == answer.id).values(conversation_id=talk.id)
    await database.write(lambda connection: connection.execute(moved) and None)
    await queue.settle(owner)
    await put(database, queue, talk)
    waiting = await queue.waiting_elsewhere(owner, "another")
    found = await recall(database, owner, "harbour", waiting)
    assert sorted(one.text for one in found) == ["Stavanger, I believe.", "Which harbour was that?"]


async def test_what_is_remembered_of_a_message_that_waits_leads_to_it(database: Database) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    talk = await hold(database, owner, ["She is called Heron."])
    [message] = await ids_of(database, talk)
    known = Statement(text="My dinghy is called Heron.", sources=(MemorySource(message, 1),))
    await database.write(lambda connection: make_memory(connection, owner, known) and None)
    await put(database, queue, talk)
    found = await recall(database, owner, "dinghy", await queue.waiting_elsewhere(owner, "another"))
    assert {(one.kind, one.text) for one in found} == {("memory", known.text), ("message", "She is called Heron.")}


async def test_a_time_that_is_asked_for_counts_for_what_waits_too(database: Database) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    await put(database, queue, await hold(database, owner, ["A narwhal."]))
    waiting = await queue.waiting_elsewhere(owner, "another")
    later = now_ms() + 60_000
    assert await recall(database, owner, "narwhal", waiting, after=later) == []
    assert await recall(database, owner, "narwhal", waiting, before=1_000) == []
    assert [one.text for one in await recall(database, owner, "narwhal", waiting, before=later)] == ["A narwhal."]


async def test_what_was_written_meanwhile_is_found_once(database: Database) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    await put(database, queue, await hold(database, owner, JUST_NOW))
    waiting = await queue.waiting_elsewhere(owner, "another")
    await queue.settle(owner)
    found = await recall(database, owner, "harbour", waiting)
    assert told(found) == told(await recall(database, owner, "harbour"))


def _edit(connection: WriteConnection, talk: ConversationRow, message: str) -> None:
    edit_message(connection, talk.owner_id, message, version=1, text="a walrus")


def _delete(connection: WriteConnection, talk: ConversationRow, message: str) -> None:
    delete_messages(connection, talk.owner_id, message, "one")


def _forget(connection: WriteConnection, talk: ConversationRow, message: str) -> None:
    connection.execute(delete(messages).where(messages.c.id == message))


def _hide(connection: WriteConnection, talk: ConversationRow, message: str) -> None:
    update_conversation(connection, talk.id, {"memory": "private"})
    follow_memory_change(connection, talk)


def _leave_out(connection: WriteConnection, talk: ConversationRow, message: str) -> None:
    update_conversation(connection, talk.id, {"memory": "off"})


def _give_away(connection: WriteConnection, talk: ConversationRow, message: str) -> None:
    connection.execute(update(messages).where(messages.c.id == message).values(owner_id="ben"))


@pytest.mark.parametrize("change", [_edit, _delete, _forget, _hide, _leave_out, _give_away])
async def test_what_was_changed_while_it_waits_is_not_found_as_it_was(
    database: Database, change: Callable[[WriteConnection, ConversationRow, str], None]
) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    talk = await hold(database, owner, ["A narwhal."])
    await put(database, queue, talk)
    [message] = await ids_of(database, talk)
    waiting = await queue.waiting_elsewhere(owner, "another")
    assert [one.text for one in await recall(database, owner, "narwhal", waiting)] == ["A narwhal."]
    await database.write(lambda connection: change(connection, talk, message))
    assert await recall(database, owner, "narwhal", waiting) == []
    found = await recall(database, owner, "walrus", waiting)
    assert [one.text for one in found] == (["a walrus"] if change is _edit else [])


async def test_of_others_and_of_the_conversation_itself_nothing_is_handed_over(database: Database) -> None:
    ann, ben = await add_owner(database), await add_owner(database, "ben")
    queue = IndexQueue(database)
    own = await hold(database, ann, ["A narwhal."])
    for talk in (own, await hold(database, ben, ["A narwhal, too."])):
        await put(database, queue, talk)
    assert await queue.waiting_elsewhere(ann, own.id) == []
    assert await queue.waiting_elsewhere("nobody", own.id) == []
    assert [one.conversation for one in await queue.waiting_elsewhere(ann, "another")] == [own.id]


async def test_the_newest_are_handed_over_however_many_wait(database: Database) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    for number in range(100):
        parts = [TextPart(f"narwhal{number} " * 500)]  # long enough for a thread
        queue.put(NewEntry(f"m{number}", owner, "talk", "user", "", number, list(parts)))
    found = [one.candidate for one in await queue.waiting_elsewhere(owner, "another")]
    assert [one.message_id for one in found if one is not None] == [f"m{number}" for number in range(80, 100)]


async def test_what_the_log_reader_quotes_and_what_says_nothing_is_no_candidate(database: Database) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    queue.put(NewEntry("a", owner, "talk", "assistant", "builtin/log-reader", 1, [TextPart("A narwhal.")]))
    queue.put(NewEntry("b", owner, "talk", "assistant", "", 1, [TextPart("…")]))
    assert [one.candidate for one in await queue.waiting_elsewhere(owner, "another")] == [None, None]
    assert await recall(database, owner, "narwhal", await queue.waiting_elsewhere(owner, "another")) == []


async def test_what_cannot_be_cut_into_words_keeps_no_answer_waiting(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    owner, queue = await add_owner(database), IndexQueue(database)
    queue.put(NewEntry("a", owner, "talk", "user", "", 1, [TextPart("narwhal " * 1_000)]))

    def fail(_entries: object) -> list[dict[str, object]]:
        raise ValueError("nobody thought of it")

    monkeypatch.setattr(recall_waiting, "made_entries", fail)
    assert await queue.waiting_elsewhere(owner, "another") == []
    assert "waiting_messages_not_read" in caplog.text
