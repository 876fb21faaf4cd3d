"""What turns have said is found a moment later: as it is by then, once, whatever fails and whoever changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import delete, select, text, update
from tests.unit.store.stored import Place, add_conversation, add_message, add_user, open_place

from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.conversations.derived import follow_memory_change
from quarterdeck.conversations.editing import edit_message
from quarterdeck.conversations.forking import fork_conversation
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import ImagePart, Part, TextPart
from quarterdeck.domain.search_query import parse_query
from quarterdeck.store import search, search_queue
from quarterdeck.store.conversations import ConversationRow, update_conversation
from quarterdeck.store.database import Database, StorageError, WriteConnection
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.search import NewEntry, index_messages
from quarterdeck.store.search_find import SearchFilter, find_entries
from quarterdeck.store.search_queue import IndexQueue
from quarterdeck.store.tables import messages, search_entries, vectors_due
from quarterdeck.store.vectors import marking

T = TypeVar("T")


class Counted:
    """A database that counts its writes, and may refuse them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writes = 0
        self.error: Exception | None = None

    async def write(self, fn: Callable[[WriteConnection], T]) -> T:
        self.writes += 1
        if self.error is not None:
            raise self.error
        return await self._database.write(fn)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


@pytest.fixture(autouse=True)
def nothing_is_written_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a test wants it: machines are slow."""
    monkeypatch.setattr(search_queue, "WITHIN_S", 60.0)


async def until(is_true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await is_true():  # noqa: ASYNC110  # what is waited for is in a database, not in an event
            await asyncio.sleep(0.01)


async def talk_of(database: Database, name: str = "ann") -> ConversationRow:
    return await database.write(lambda connection: add_conversation(connection, add_user(connection, name)))


async def say(database: Database, talk: ConversationRow, words: str, queue: IndexQueue | None, ago_ms: int = 0) -> str:
    """A message as a turn leaves it: committed, then put into the queue. `ago_ms`: for so long it was answered."""
    parts: list[Part] = [TextPart(words)]
    message = await database.write(lambda connection: add_message(connection, talk, None, "user", parts))
    if queue is not None:
        queue.put(NewEntry(message, talk.owner_id, talk.id, "user", "", now_ms() - ago_ms, parts))
    return message


async def found(database: Database, owner: str, query: str) -> list[str]:
    wanted = SearchFilter(owner=owner, query=parse_query(query))
    entries = await database.read(lambda connection: find_entries(connection, wanted, before=None, limit=1000))
    return [entry.message_id for entry in entries]


async def count(database: Database) -> int:
    return len(await database.read(lambda connection: connection.execute(select(search_entries.c.id)).all()))


async def _are(database: Database, entries: int) -> bool:
    return await count(database) == entries


async def _is_one_of(database: Database, message: str) -> bool:
    wanted = select(search_entries.c.id).where(search_entries.c.message_id == message)
    return await database.read(lambda connection: connection.execute(wanted).first() is not None)


async def _has_tried(counted: Counted) -> bool:
    return counted.writes >= 4


async def test_what_waits_of_its_owner_is_found_once_it_is_asked_for(database: Database) -> None:
    talk, other, queue = await talk_of(database), await talk_of(database, "ben"), IndexQueue(database)
    message = await say(database, talk, "a narwhal", queue)
    await say(database, other, "a narwhal, too", queue)
    await queue.settle("nobody")
    assert (await count(database), len(queue)) == (0, 2)
    await queue.settle(talk.owner_id)
    assert await found(database, talk.owner_id, "narwhal") == [message]
    assert len(queue) == 0  # both in one transaction


async def test_it_is_found_by_itself_after_a_moment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_queue, "WITHIN_S", 0.01)
    talk, queue = await talk_of(database), IndexQueue(database)
    for words in ("a narwhal", "a walrus"):
        message = await say(database, talk, words, queue)
        await until(lambda message=message: _is_one_of(database, message))  # type: ignore[misc]
        assert await found(database, talk.owner_id, words) == [message]


async def test_a_long_text_is_found_too(database: Database) -> None:
    talk, queue = await talk_of(database), IndexQueue(database)
    message = await say(database, talk, "narwhal " * 2_000, queue)
    await queue.settle(talk.owner_id)
    assert await found(database, talk.owner_id, "narwhal") == [message]


async def test_many_messages_share_a_transaction_and_nobody_waits_for_more_than_some(database: Database) -> None:
    counted = Counted(database)
    talk, queue = await talk_of(database), IndexQueue(counted)
    said = [await say(database, talk, f"narwhal {number}", queue) for number in range(120)]
    counted.writes = 0
    await queue.settle(talk.owner_id)
    assert sorted(await found(database, talk.owner_id, "narwhal")) == sorted(said)
    assert counted.writes == 3


async def _pieces_of_the_index(database: Database) -> int:
    pieces = text("SELECT count(DISTINCT segid) FROM search_index_idx")
    return int(await database.read(lambda connection: connection.execute(pieces).scalar_one()))


async def test_what_is_written_together_is_one_piece_of_the_index(tmp_path: Path) -> None:
    async with open_place(tmp_path) as database:
        talk, queue = await talk_of(database), IndexQueue(database)
        for number in range(3):
            await say(database, talk, f"narwhal {number}", queue, ago_ms=1_000 * number)  # the longest one ends last
        await queue.settle(talk.owner_id)
        assert await _pieces_of_the_index(database) == 1

        said = [await say(database, talk, f"walrus {number}", None) for number in range(3)]
        await database.write(lambda connection: index_messages(connection, said))
        assert await _pieces_of_the_index(database) == 2


async def test_messages_that_are_too_long_to_be_written_at_once_are_all_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MAX_CHARS_AT_ONCE", 30)
    talk, queue = await talk_of(database), IndexQueue(database)
    said = [await say(database, talk, f"narwhal {'walrus ' * (number % 3)}", queue) for number in range(10)]
    await queue.settle(talk.owner_id)
    assert sorted(await found(database, talk.owner_id, "narwhal")) == sorted(said)


async def test_very_many_do_not_wait_for_the_second_to_be_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_queue, "_MANY", 5)
    talk, queue = await talk_of(database), IndexQueue(database)
    for _ in range(5):
        await say(database, talk, "a narwhal", queue)
    await until(lambda: _are(database, 5))


async def test_what_was_changed_meanwhile_is_found_as_it_is_now(database: Database) -> None:
    talk, hidden, queue = await talk_of(database), await talk_of(database, "ben"), IndexQueue(database)
    edited, emptied, deleted, gone = [await say(database, talk, f"narwhal{name}", queue) for name in "abcd"]
    await say(database, hidden, "narwhale", queue)

    def change(connection: WriteConnection) -> None:
        edit_message(connection, talk.owner_id, edited, version=1, text="a walrus")
        edit_message(connection, talk.owner_id, emptied, version=1, text="…")
        delete_messages(connection, talk.owner_id, deleted, "one")
        connection.execute(delete(messages).where(messages.c.id == gone))
        update_conversation(connection, hidden.id, {"memory": "private"})
        follow_memory_change(connection, hidden)

    await database.write(change)
    await queue.settle(talk.owner_id)
    await queue.settle(hidden.owner_id)
    assert await count(database) == 1
    assert await found(database, talk.owner_id, "walrus") == [edited]


async def test_what_somebody_else_has_written_meanwhile_is_there_once(database: Database) -> None:
    """Such as who looks for what is missing; or the process itself, when it was not told that it was committed."""
    talk, queue = await talk_of(database), IndexQueue(database)
    first, second = await say(database, talk, "a narwhal", queue), await say(database, talk, "a walrus", queue)
    await database.write(lambda connection: index_messages(connection, [first]))
    entry = NewEntry(second, talk.owner_id, talk.id, "user", "", now_ms(), [TextPart("a walrus")])
    queue.put(entry)
    await queue.settle(talk.owner_id)
    queue.put(entry)
    await queue.settle(talk.owner_id)
    assert [await found(database, talk.owner_id, words) for words in ("narwhal", "walrus")] == [[first], [second]]
    assert await count(database) == 2


async def test_two_messages_whose_entries_would_have_one_id_have_two(database: Database) -> None:
    talk, queue = await talk_of(database), IndexQueue(database)
    messages_ = [await say(database, talk, "narwhal", None) for _ in range(2)]

    def share_id(connection: WriteConnection) -> list[str]:
        named = [f"{number}{message[1:-4]}zzzz" for number, message in enumerate(messages_)]
        for message, name in zip(messages_, named, strict=True):
            connection.execute(update(messages).where(messages.c.id == message).values(id=name))
        return named

    named = await database.write(share_id)
    for name in named:
        queue.put(NewEntry(name, talk.owner_id, talk.id, "user", "", 5, [TextPart("narwhal")]))
    await queue.settle(talk.owner_id)
    assert sorted(await found(database, talk.owner_id, "narwhal")) == named


async def test_a_copy_of_what_still_waits_is_found(database: Database) -> None:
    talk, queue = await talk_of(database), IndexQueue(database)
    before, now = await say(database, talk, "a narwhal", None), await say(database, talk, "a walrus", queue)
    await database.write(lambda connection: index_messages(connection, [before]))
    await database.write(
        lambda connection: (
            connection.execute(update(messages).where(messages.c.id == now).values(parent_id=before)) and None
        )
    )
    await fork_conversation(database, talk.owner_id, now)
    assert len(await found(database, talk.owner_id, "walrus")) == 1
    assert len(await found(database, talk.owner_id, "narwhal")) == 2
    await queue.settle(talk.owner_id)
    assert len(await found(database, talk.owner_id, "walrus")) == 2


async def test_messages_are_marked_for_vectors_with_their_entries(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "is_on", True)
    talk, queue = await talk_of(database), IndexQueue(database)
    message = await say(database, talk, "a narwhal", queue)
    hidden = await say(database, talk, "a walrus", queue)
    await database.write(lambda connection: delete_messages(connection, talk.owner_id, hidden, "one") and None)
    await database.write(lambda connection: connection.execute(delete(vectors_due)) and None)
    wanted = select(vectors_due.c.key_id, vectors_due.c.owner_id, vectors_due.c.kind)
    for _ in range(2):
        await queue.settle(talk.owner_id)
        due = await database.read(lambda connection: connection.execute(wanted).all())
        assert (message, talk.owner_id, "message") in [tuple(row) for row in due]
        queue.put(NewEntry(message, talk.owner_id, talk.id, "user", "", now_ms(), [TextPart("a narwhal")]))


async def test_what_has_neither_words_nor_pictures_is_passed_by(database: Database) -> None:
    talk, queue = await talk_of(database), IndexQueue(database)
    await say(database, talk, "…", queue)
    parts: list[Part] = [ImagePart("image/png", "AAAA")]
    shown = await database.write(lambda connection: add_message(connection, talk, None, "user", parts))
    queue.put(NewEntry(shown, talk.owner_id, talk.id, "user", "", now_ms(), parts))
    await queue.settle(talk.owner_id)
    assert (await count(database), len(queue)) == (1, 0)


async def test_a_database_that_is_away_gets_it_later_and_the_log_says_so_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(search_queue, "WITHIN_S", 0.01)
    counted = Counted(database)
    talk, queue = await talk_of(database), IndexQueue(counted)
    counted.error = StorageError("The server's disk is full.")
    message = await say(database, talk, "a narwhal", queue)
    await queue.settle(talk.owner_id)  # whoever searches is not refused for it
    await until(lambda: _has_tried(counted))
    assert caplog.text.count("search_entries_wait") == 1
    counted.error = None
    await until(lambda: _is_one_of(database, message))
    assert await found(database, talk.owner_id, "narwhal") == [message]


async def test_no_more_waits_than_there_is_room_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_queue, "_MOST", 3)
    counted = Counted(database)
    talk, queue = await talk_of(database), IndexQueue(counted)
    counted.error = StorageError("The server's disk is full.")
    for _ in range(5):
        await say(database, talk, "a narwhal", queue)
    assert len(queue) == 3


async def test_what_nobody_thought_of_does_not_keep_out_what_comes_after_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    counted = Counted(database)
    talk, queue = await talk_of(database), IndexQueue(counted)
    await say(database, talk, "a narwhal", queue)
    counted.error = ValueError("nobody thought of it")
    await queue.settle(talk.owner_id)
    assert "search_entries_lost" in caplog.text
    counted.error = None
    message = await say(database, talk, "a walrus", queue)
    await queue.settle(talk.owner_id)
    assert await found(database, talk.owner_id, "walrus") == [message]


async def test_what_waits_at_the_end_is_written_and_later_nothing_is(database: Database) -> None:
    talk, queue = await talk_of(database), IndexQueue(database)
    message = await say(database, talk, "a narwhal", queue)
    await queue.close()
    await say(database, talk, "a walrus", queue)
    assert len(queue) == 0
    assert await found(database, talk.owner_id, "narwhal") == [message]
    assert await count(database) == 1


async def test_a_conversation_that_becomes_private_at_the_same_time_is_not_found(place: Place) -> None:
    async with open_place(place) as database, open_place(place) as elsewhere:
        talk, queue = await talk_of(database), IndexQueue(elsewhere)
        await say(database, talk, "a narwhal", queue)
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hide(connection: WriteConnection) -> None:
            lock_conversation(connection, talk.id)
            update_conversation(connection, talk.id, {"memory": "private"})
            follow_memory_change(connection, talk)
            loop.call_soon_threadsafe(begun.set)
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_sleep(0.3)"))

        hiding = asyncio.create_task(database.write(hide))
        await begun.wait()
        await queue.settle(talk.owner_id)
        await hiding
        assert await count(database) == 0
